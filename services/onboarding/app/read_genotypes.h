// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/finding.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"
#include "libs/qc/accumulator.h"
#include "services/onboarding/app/cohort_rows.h"

namespace genofed::onboarding {

struct GenotypesRequest {
  std::string dataset;
  std::int32_t version = 0;
  genomics::Assembly assembly = genomics::Assembly::kGrch38;
  genomics::Reference* reference =
      nullptr;  // borrowed; null: REF is not compared, alleles are not left-aligned
  const CohortRows& rows;
};

// Where the results are to lie; nothing is there yet.
struct GenotypesOutput {
  std::filesystem::path index;  // directory of the cohort index; appears whole or not at all
  std::filesystem::path vcf;    // .vcf.gz, sorted, samples named by pseudonym in the order of rows
};

struct GenotypesResult {
  std::string manifest_sha256;  // of the index
  std::int64_t sites = 0;
  qc::Accumulator counts;         // by row
  std::vector<Finding> findings;  // notes on what was assumed
};

// Reads each file of variants once, for everything that is made of it. Everybody's files are joined
// by position: one file, one for each chromosome, or many of single people
// (genomics::BuildSegment); of many the merged file is read once more, for depths. Clear text of genotypes lies in the outputs and beside them, so they
// belong into a scratch directory. Bounded memory.
Result<GenotypesResult> ReadGenotypes(const Context& ctx, const GenotypesRequest& request,
                                      const GenotypesOutput& out);

// The counts alone, when the rest is there already. What else is made on the way lies in `scratch`.
Result<qc::Accumulator> CountGenotypes(const Context& ctx, const GenotypesRequest& request,
                                       const GenotypesOutput& scratch);

}  // namespace genofed::onboarding
