// SPDX-License-Identifier: Apache-2.0
//
// A clinician's file: the raw VCF of one person becomes a list of the variants that the person
// carries, each under the names by which laboratories and databases exchange it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/finding.h"
#include "libs/core/status.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

// By how many of the called copies the variant is carried: one of two, two of two, the only one.
enum class Zygosity { kHeterozygous, kHomozygous, kHemizygous };
std::string_view ZygosityName(Zygosity zygosity);  // "heterozygous"

struct DescribedVariant {
  std::uint64_t line = 0;  // of the file
  Variant variant;         // trimmed, and left-aligned where there is a reference
  std::string genotype;    // as the file writes it: "1|2"; its numbers are those of the file's ALT
  Zygosity zygosity = Zygosity::kHeterozygous;
  std::string filter;  // "PASS", or what the caller doubts
  // Empty where they cannot be given; `not_given` then says why.
  std::string hgvs;
  std::string vrs_1_3;
  std::string vrs_2_0;
  // Reason words: REFERENCE_NEEDED (an insertion or deletion without reference), ASSEMBLY_UNKNOWN,
  // SEQUENCE_UNKNOWN (no accession or digest for the contig), REPEAT_TOO_LONG, VARIANT_INVALID.
  std::string not_given;
};

struct DescribeOptions {
  // What the file was called against; default: what its header says.
  std::optional<Assembly> assembly;
  Reference* reference = nullptr;  // borrowed
  // Counts the records as they are read, for whoever waits; borrowed.
  std::atomic<std::int64_t>* records_read = nullptr;
};

struct DescribeReport {
  std::optional<Assembly> assembly;
  bool has_reference = false;
  std::uint64_t records = 0;   // read, the rejected ones included
  std::uint64_t variants = 0;  // described
  // NOT_LEFT_ALIGNED (no reference), REFERENCE_NOT_OF_ASSEMBLY, CONTIG_NOT_OF_ASSEMBLY,
  // ASSEMBLY_UNKNOWN, ALLELE_NOT_DESCRIBED, HALF_CALLED, and the codes of VcfCode for records that
  // were left out.
  std::vector<Finding> findings;
};

// Reads VCF or BCF, plain or bgzipped, with exactly one sample, from `fd`, which it closes, and
// hands over each variant that the sample carries, in the order of the file. A record with two
// carried ALT alleles gives two. Streaming, bounded memory. Findings are about `file`.
//
// Errors: SAMPLES_NOT_ONE, ASSEMBLY_CONFLICT (header and options disagree), those of VcfReader and
// of the sink, and that nobody waits any more.
Result<DescribeReport> DescribeVariants(const Context& ctx, int fd, const std::string& file,
                                        const DescribeOptions& options,
                                        const std::function<Status(const DescribedVariant&)>& sink);

// As lines of JSON, without line feed. Names that cannot be given are null.
//   {"line":4,"contig":"19","position":28946400,"ref":"T","alt":"C","genotype":"1/1",
//    "zygosity":"homozygous","filter":"PASS","hgvs":"NC_000019.10:g.28946400T>C",
//    "vrs_1_3":"ga4gh:VA...","vrs_2_0":"ga4gh:VA...","not_given":null}
std::string VariantJson(const DescribedVariant& variant);
//   {"summary":{"file":...,"assembly":"GRCh38","reference":true,"records":9,"variants":5,
//    "findings":[{"severity":"warning","code":...,"line":7,"field":"REF","message":...,"count":1}]}}
std::string SummaryJson(const std::string& file, const DescribeReport& report);
// The array of findings in it.
std::string FindingsJson(const std::vector<Finding>& findings);

}  // namespace genofed::genomics
