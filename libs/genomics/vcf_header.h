// SPDX-License-Identifier: Apache-2.0
//
// The header of a VCF file: what its lines declare, and which of the specification's rules they
// break (VCF 4.3, sections 1.4 and 1.5; 4.1 and 4.2 where they differ).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/variant.h"
#include "libs/genomics/vcf_conformance_codes.h"

namespace genofed::genomics {

class LineSource;
class VcfAttributes;

struct VcfContig {
  std::string raw;   // as the file writes it
  std::string name;  // normalised; empty when genofed does not index such names
  std::optional<std::int64_t> length;
};

// An INFO or FORMAT line whose four required attributes were understood. `number` is a count, ".",
// A, R, G or P; `type` is one of the five of section 1.4.2.
struct VcfDefinition {
  std::string id;
  std::string number;
  std::string type;
  std::string description;
  std::uint64_t line = 0;
};

struct VcfHeader {
  std::string version;  // "VCFv4.2"
  int minor = 2;        // the rules that apply: 1 to 4
  std::vector<std::string> samples;
  std::vector<VcfContig> contigs;
  std::vector<VcfDefinition> infos;
  std::vector<VcfDefinition> formats;
  std::vector<std::string> filters;  // ids
  std::uint64_t lines = 0;           // the #CHROM line's number
  // From contig lengths, else from ##contig assembly=, accessions, ##assembly or ##reference; none
  // when they disagree.
  std::optional<Assembly> assembly;
  std::string assembly_evidence;  // "contig lengths"; empty when there is none
};

// Collects header lines one by one. What breaks a rule goes to the sink; an error (BAD_HEADER,
// DUPLICATE_SAMPLE) was reported there too and ends the file.
class VcfHeaderParser {
 public:
  explicit VcfHeaderParser(VcfIssueSink sink) : sink_(std::move(sink)) {}
  // Takes one line. Sets `*done` when it was the #CHROM line.
  Status Add(std::string_view line, bool* done);
  VcfHeader Finish();
  // The error for a file that ends before its #CHROM line.
  Status Unfinished();

 private:
  Status AddFileFormat(std::string_view line);
  void AddMeta(std::string_view line);
  void AddStructured(std::string_view key, std::string_view value);
  void AddKeyed(const VcfAttributes& attributes, bool info);
  void AddFilter(const VcfAttributes& attributes);
  void AddAlt(const VcfAttributes& attributes);
  void AddContig(const VcfAttributes& attributes);
  void AddSample(const VcfAttributes& attributes);
  void AddPedigree(const VcfAttributes& attributes);
  void AddUrl(std::string_view key, std::string_view value);
  Status AddColumns(std::string_view line);
  Status AddSamples(std::string_view names);
  bool CheckId(const VcfAttributes& attributes, std::string_view column);
  bool CheckQuoted(const VcfAttributes& attributes, std::string_view column);
  // Counts one more declaration; reports and refuses it behind the limit.
  bool HasRoom(std::size_t have, std::size_t limit, std::string_view column);
  void NameAssembly(std::optional<Assembly> assembly, std::string_view evidence);
  void Report(VcfCode code, std::string_view column, std::string_view message,
              std::string_view key = {});
  Status Fatal(VcfCode code, std::string_view column, std::string_view message);

  VcfIssueSink sink_;
  VcfHeader header_;
  std::size_t bytes_ = 0;
  std::optional<Assembly> named_;
  std::string_view named_by_;
  bool named_conflict_ = false;
  std::map<std::string, std::size_t, std::less<>> info_ids_;
  std::map<std::string, std::size_t, std::less<>> format_ids_;
  std::map<std::string, std::size_t, std::less<>> contig_ids_;
  std::map<std::string, std::size_t, std::less<>> filter_ids_;
};

// Reads lines up to the #CHROM line. What is wrong goes to the sink, errors of the source included.
Result<VcfHeader> ReadVcfHeader(LineSource& source, const VcfIssueSink& sink);

}  // namespace genofed::genomics
