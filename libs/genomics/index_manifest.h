// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: manifest.json of a cohort index.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/cohort_index.h"

namespace genofed::genomics {

std::string FormatManifest(const IndexInfo& info, const std::vector<TileEntry>& tiles);
// Also checks every rule that the index relies on: names, ranges, complete batches.
Status ParseManifest(std::string_view text, IndexInfo* info, std::vector<TileEntry>* tiles);
// INVALID_ARGUMENT when an index cannot have these properties.
Status CheckIndexInfo(const IndexInfo& info);
std::uint32_t BatchCount(const IndexInfo& info);

}  // namespace genofed::genomics
