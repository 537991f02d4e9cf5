// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::genomics {

// The genotype of a sample of the output whose files have no record of a variant at a 0-based
// position: "./.", "0/0", "0".
using AbsentGenotype = std::function<std::string_view(std::size_t sample, std::string_view contig,
                                                      std::int64_t pos)>;

// Puts the samples of several files side by side, in the order in which the inputs name them. A
// sample may be in several inputs when these are of different contigs. Inputs are what SubsetVcf
// writes as .vcf.gz; they are indexed beside themselves (.tbi). Records with the same place, REF and
// ALT become one; people whose files have no such record get what `absent` says, else "./.". FORMAT
// is that of the inputs where they agree, else GT alone. AC, AF and AN are those of all people.
// Contigs come in the order in which the inputs declare them, whatever order the inputs use.
//
// `output` ends in .vcf.gz and appears whole and synced, or not at all. All inputs are open at once.
// Errors: InvalidArgument MERGE_INVALID (no input, a sample with records of one contig in two
// inputs, an input that SubsetVcf did not write), those of VcfWriter, FILE_FAILED.
Status MergeVcf(std::span<const std::filesystem::path> inputs, const std::filesystem::path& output,
                const AbsentGenotype& absent = nullptr);

}  // namespace genofed::genomics
