// SPDX-License-Identifier: Apache-2.0
//
// Frequencies of a cohort's sites by a table that came later than its segments, and by which
// "rarer than" is meant instead. A column beside the tiles: nothing is written anew, four bytes a
// site in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::cohort {

class Cohort;

struct KnownFrequency {
  std::uint32_t position = 0;  // 0-based
  std::string ref, alt;
  double frequency = 0;
};

// Immutable and safe for any number of threads. Lives as long as its cohort.
class SiteFrequencies {
 public:
  struct OfTile {
    std::vector<float> frequency;                 // by site
    std::vector<std::pair<float, float>> groups;  // least and most of each group
    std::vector<std::uint8_t> gene_sets;          // by stored set: whether it still is what it says
  };
  using OfSegment = std::vector<OfTile>;  // by Tile::number

  // What the table knows of one megabase, sorted by position, REF and ALT; each once.
  using Lookup = std::function<Result<std::vector<KnownFrequency>>(const std::string& contig,
                                                                   std::uint32_t megabase)>;

  // A site that the table knows has its frequency. One that it does not know is rarer than
  // `resolution`: where the segments say otherwise they are not believed, and below that they are.
  static Result<std::shared_ptr<const SiteFrequencies>> Make(const Context& ctx,
                                                             const Cohort& cohort,
                                                             const Lookup& lookup,
                                                             double resolution);

  const Cohort& cohort() const { return *cohort_; }
  const OfSegment& segment(std::size_t i) const { return segments_[i]; }

 private:
  SiteFrequencies() = default;

  const Cohort* cohort_ = nullptr;
  std::vector<OfSegment> segments_;
};

}  // namespace genofed::cohort
