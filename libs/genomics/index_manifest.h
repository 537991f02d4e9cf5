// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: manifest.json of a cohort index.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/cohort_index.h"

namespace genofed::genomics {

struct IndexManifest {
  IndexInfo info;
  std::string source_key;  // empty when unknown
  std::vector<TileEntry> tiles;
};
std::string FormatManifest(const IndexManifest& manifest);
// Also checks every rule that the index relies on: names, ranges, complete batches.
Result<IndexManifest> ParseManifest(std::string_view text);
// INVALID_ARGUMENT when an index cannot have these properties.
Status CheckIndexInfo(const IndexInfo& info);
std::uint32_t BatchCount(const IndexInfo& info);

}  // namespace genofed::genomics
