// SPDX-License-Identifier: Apache-2.0
//
// Judges a whole VCF or BCF without using it: what a hospital hands in is looked at here first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/finding.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"
#include "libs/genomics/vcf_conformance.h"

namespace genofed::genomics {

struct CheckVcfOptions {
  Reference* reference = nullptr;  // REF alleles are compared with it; borrowed
  std::string file = "variants";   // what findings call the file
  // Called for every record that is set aside, with its line as it is in the file (of a BCF, the
  // text form), without the line end.
  std::function<void(const Finding& finding, std::string_view raw_line)> on_set_aside = nullptr;
};

struct VcfReport {
  std::string version;  // "VCFv4.2"; empty when the file has no readable header
  std::vector<std::string> samples;
  std::optional<Assembly> assembly;
  // "contig lengths", "##contig assembly", "contig accessions", "##assembly", "##reference"; empty
  // when the header does not tell.
  std::string assembly_evidence;
  bool is_gvcf = false;                 // some record has <NON_REF> or <*>, or is a block with END
  std::vector<VcfContigFacts> contigs;  // those with records, in file order
  // accepted + left_out + set_aside = data lines read.
  std::uint64_t accepted = 0;
  std::uint64_t left_out = 0;  // valid, but not indexed; see the notes
  std::uint64_t set_aside = 0;
  // Errors first; at most Findings::kMaxPerCode of a code, and one that counts the rest.
  std::vector<Finding> findings;

  bool HasError() const {
    return !findings.empty() && findings.front().severity == Severity::kError;
  }
};

// Never fails: an unreadable file is a report too. Memory does not depend on the file's size.
// Without an error or a warning among the findings, nothing was set aside. When most REF alleles
// differ from the reference, one ASSEMBLY_MISMATCH stands for them.
VcfReport CheckVcf(const std::filesystem::path& path, const CheckVcfOptions& options = {});

}  // namespace genofed::genomics
