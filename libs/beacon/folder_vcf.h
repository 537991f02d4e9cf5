// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "libs/core/context.h"
#include "libs/core/finding.h"
#include "libs/core/status.h"

namespace genofed::beacon {

// "SYN-A.GRCh38.vcf.gz" names the dataset SYN-A.
std::string DatasetOfVcf(std::string_view name);

// The records of a VCF or BCF in the shape of genomicVariations, one for each alternative allele.
// Samples are biosamples. Allele counts in the naming of the Genome of Europe (INFO AC_{POP},
// AN_{POP}, AC_{POP}_{Het|Hom|Hemi}, POP a country, a sex or both; AC and AN are the "Total")
// become frequencies. What cannot be used is a finding, and so is an error of `take`: behind it
// nothing is read. Status: that of `ctx` alone.
struct VcfRecords {
  std::size_t read = 0, set_aside = 0;
};
Result<VcfRecords> ReadFolderVcf(
    const Context& ctx, const std::string& name, const std::filesystem::path& path,
    Findings& findings,
    const std::function<Status(std::uint64_t line, nlohmann::json record)>& take);

}  // namespace genofed::beacon
