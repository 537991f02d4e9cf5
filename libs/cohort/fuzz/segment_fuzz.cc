// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "libs/cohort/segment.h"

// A manifest may come from a store: what is accepted is written as the same one, has its numbers as
// they were written, and names files of one directory.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::cohort;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = ParseSegment(text);
  if (!manifest.ok()) return 0;
  const std::string written = FormatSegment(*manifest);
  const auto again = ParseSegment(written);
  GF_CHECK(again.ok() && again->info == manifest->info && FormatSegment(*again) == written);
  const auto json = nlohmann::json::parse(text);
  GF_CHECK(json["n_people"] == manifest->info.n_people);
  GF_CHECK(json["tiles"].size() == manifest->tiles.size());
  std::set<std::string> names = {kSegmentFile};
  for (std::size_t i = 0; i < manifest->tiles.size(); ++i) {
    const SegmentTile& tile = manifest->tiles[i];
    const auto& item = json["tiles"][i];
    GF_CHECK(item["tile"] == tile.tile && item["n_sites"] == tile.n_sites);
    GF_CHECK(item["size"] == tile.digests.size);
    GF_CHECK(item["metadata_size"] == tile.digests.metadata_size);
    if (tile.reach) GF_CHECK(item["max_ref_length"] == tile.reach->max_ref_length);
    GF_CHECK(tile.FileName().find('/') == std::string::npos);
    GF_CHECK(names.insert(tile.FileName()).second);
  }
  return 0;
}
