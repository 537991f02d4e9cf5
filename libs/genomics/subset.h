// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/bgzf_writer.h"
#include "libs/genomics/ingest.h"

namespace genofed::genomics {

struct SampleRename {
  std::string old_name;
  std::string new_name;  // a pseudonym: letters, digits, '_', '.', '-'
};

struct Region {
  std::string contig;      // normalised
  std::int64_t start = 0;  // 0-based, half open; a record belongs when its REF overlaps
  std::int64_t end = kMaxPosition;
};

struct SubsetOptions {
  std::optional<Region> region;
  // Alternative alleles that none of the kept samples carries are left out as those of `forgotten`
  // people are: the allele alone tells that somebody in the source file carries it, perhaps somebody
  // without consent. Off by default, for parts that are merged first: somebody in another one may
  // carry it, and then AN needs these people.
  bool drop_unobserved = false;
  // Samples that go for good, besides those that are kept: an allele that only they carry must not
  // stay behind as a trace of them. Records without another carrier are left out, and such an
  // allele beside others becomes <*>, then <NON_REF>; a record that needs a third is left out.
  std::vector<std::string> forgotten = {};
};

struct SubsetReport {
  std::uint64_t records = 0;  // written
  std::uint64_t outside = 0;  // of the region, or unobserved, or a reference block
  std::map<std::string, std::uint64_t> rejected;  // by VcfCodeName, as CheckVcf counts them
};

class VcfWriter;

// Writes the rows of a pass as a VCF under new names. The output has only what is known not to name
// people: a new header (contigs, FILTER, kept FORMAT), the eight fixed columns, INFO AC, AF and AN
// counted anew over the rows, GT and numeric FORMAT fields that the header declares. Text FORMAT
// fields, other INFO, other header lines (which hold command lines and sample names) and reference
// blocks of gVCFs are left out. Same input and library version, same bytes.
// Errors: SAMPLE_UNKNOWN (a row has no column in the file), SAMPLE_INVALID, OUTPUT_INVALID, and
// those of the sink.
class SubsetStage final : public SiteConsumer {
 public:
  // `names[i]` is the new name of row i; a row without a name, whose sample the file lacks, has no
  // column. The rows of `options.forgotten` come after them.
  // Bgzipped VCF in pieces, for a sink that encrypts: clear text need not reach a disk.
  static std::unique_ptr<SubsetStage> ToSink(std::vector<std::string> names, ByteSink sink,
                                             SubsetOptions options = {});
  // `output` ends in .vcf.gz or .bcf and appears whole and synced, or not at all.
  static std::unique_ptr<SubsetStage> ToFile(std::vector<std::string> names,
                                             std::filesystem::path output,
                                             SubsetOptions options = {});
  ~SubsetStage() override;

  bool NeedsText() const override { return true; }
  Status Begin(const VcfHeader& header, std::span<const std::int32_t> column_of_row) override;
  Status Take(const SiteCall& site) override;
  // Ends the output. Call once, after the pass.
  Status Finish();
  std::uint64_t records() const { return records_; }  // written
  std::uint64_t outside() const {
    return outside_;
  }  // of the region, or unobserved, or a reference block

 private:
  class Rewriter;
  using OpenWriter = std::function<Result<std::unique_ptr<VcfWriter>>(const VcfHeader& header,
                                                                      const std::string& text)>;
  SubsetStage(std::vector<std::string> names, OpenWriter open, SubsetOptions options);

  std::vector<std::string> names_;
  OpenWriter open_;
  SubsetOptions options_;
  std::unique_ptr<VcfWriter> writer_;
  std::unique_ptr<Rewriter> rewriter_;
  std::string line_;
  std::uint64_t records_ = 0;
  std::uint64_t outside_ = 0;
};

// A pass with that stage alone: the samples of `keep`, in its order, under their new names.
// Errors: those of RunPass and SubsetStage; NO_SAMPLES when `keep` is empty.
Result<SubsetReport> SubsetVcf(const VcfInput& input, std::span<const SampleRename> keep,
                               const std::filesystem::path& output,
                               const SubsetOptions& options = {});

}  // namespace genofed::genomics
