// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/finding.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

// The site's reference genome, or null when none is configured (`fasta` empty) or it is of the other assembly.
Result<std::unique_ptr<genomics::Reference>> OpenReference(const std::filesystem::path& fasta,
                                                           genomics::Assembly assembly);

// What a file of variants has, for linking it.
struct CheckedVariants {
  std::vector<std::string> samples;
  std::vector<std::string> contigs;  // with records
};

// Reads the whole VCF or BCF, which findings call `name`, and adds to the counts. What makes it unfit is an error; what makes a record unfit is a warning, and the
// record is left out (quarantined). Codes are those of genomics::VcfCode (NOT_VCF is NOT_A_VCF here, NO_SAMPLES an
// error), and the notes ASSEMBLY_UNKNOWN and REFERENCE_NOT_CHECKED.
CheckedVariants CheckVariants(const std::filesystem::path& vcf, const std::string& name, genomics::Assembly assembly,
                              genomics::Reference* reference, Findings& findings, Counts& counts);

}  // namespace genofed::onboarding
