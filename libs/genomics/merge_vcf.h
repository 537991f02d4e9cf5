// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "libs/core/status.h"

namespace genofed::genomics {

// Puts the samples of several files side by side, in the order of the inputs. Inputs are what
// SubsetVcf writes as .vcf.gz; they are indexed beside themselves (.tbi). Records with the same
// place, REF and ALT become one; where a file has no such record its people are "./.". FORMAT is
// that of the inputs where they agree, else GT alone. AC, AF and AN are those of all people.
// Contigs come in the order in which the inputs declare them, whatever order the inputs use.
//
// `output` ends in .vcf.gz and appears whole and synced, or not at all. Errors: InvalidArgument
// MERGE_INVALID (no input, a sample twice, an input that SubsetVcf did not write), those of
// VcfWriter, FILE_FAILED.
Status MergeVcf(std::span<const std::filesystem::path> inputs, const std::filesystem::path& output);

}  // namespace genofed::genomics
