// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/site_frequencies.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

#include "libs/cohort/cohort.h"

namespace genofed::cohort {
namespace {

std::vector<float> FrequenciesOf(const Tile& tile, const std::vector<KnownFrequency>& known,
                                 float below_resolution) {
  std::vector<float> out(tile.n_sites());
  auto next = known.begin();
  for (std::uint32_t site = 0; site < tile.n_sites(); ++site) {
    const auto key = std::tuple(tile.positions()[site], tile.ref(site), tile.alt(site));
    auto of = [](const KnownFrequency& one) {
      return std::tuple(one.position, std::string_view(one.ref), std::string_view(one.alt));
    };
    while (next != known.end() && of(*next) < key) ++next;
    out[site] = next != known.end() && of(*next) == key
                    ? static_cast<float>(next->frequency)
                    : std::min(tile.frequencies()[site], below_resolution);
  }
  return out;
}

// Whether the sites of a unit are on the same side of the limit as when the set was stored.
bool Holds(const Tile& tile, std::uint32_t unit, double limit, const std::vector<float>& now) {
  const auto units = tile.Column<Unit>(Section::kUnits);
  const auto groups = tile.Column<Group>(Section::kGroups);
  const auto order = tile.Column<std::uint32_t>(Section::kOrder);
  const auto secondary = tile.Column<Secondary>(Section::kSecondary);
  auto same = [&](std::uint32_t site) {
    return IsBelow(tile.frequencies()[site], limit) == IsBelow(now[site], limit);
  };
  for (std::uint32_t i = groups[units[unit].first_group].first;
       i < groups[units[unit + 1].first_group].first; ++i) {
    if (!same(order[i])) return false;
  }
  for (std::uint32_t i = units[unit].first_secondary; i < units[unit + 1].first_secondary; ++i) {
    if (!same(secondary[i].site)) return false;
  }
  return true;
}

SiteFrequencies::OfTile Summarise(const Tile& tile, std::vector<float> frequency) {
  SiteFrequencies::OfTile out;
  const auto groups = tile.Column<Group>(Section::kGroups);
  const auto order = tile.Column<std::uint32_t>(Section::kOrder);
  for (std::size_t i = 0; i + 1 < groups.size(); ++i) {
    std::pair<float, float> range(std::numeric_limits<float>::infinity(), 0);
    for (std::uint32_t j = groups[i].first; j < groups[i + 1].first; ++j) {
      range.first = std::min(range.first, frequency[order[j]]);
      range.second = std::max(range.second, frequency[order[j]]);
    }
    out.groups.push_back(range);
  }
  const auto units = tile.Column<Unit>(Section::kUnits);
  const auto sets = tile.Column<GeneSet>(Section::kGeneSets);
  out.gene_sets.resize(sets.size());
  for (std::uint32_t unit = 0; unit + 1 < units.size(); ++unit) {
    for (std::uint32_t i = units[unit].first_set; i < units[unit + 1].first_set; ++i)
      out.gene_sets[i] = Holds(tile, unit, sets[i].limit, frequency) ? 1 : 0;
  }
  out.frequency = std::move(frequency);
  return out;
}

}  // namespace

Result<std::shared_ptr<const SiteFrequencies>> SiteFrequencies::Make(const Context& ctx,
                                                                     const Cohort& cohort,
                                                                     const Lookup& lookup,
                                                                     double resolution) {
  // Shared: queries go on with the table they began with while a newer one is put in its place.
  std::shared_ptr<SiteFrequencies> made(new SiteFrequencies());
  made->cohort_ = &cohort;
  const float below_resolution = std::nextafter(static_cast<float>(resolution), 0.0F);
  for (std::size_t i = 0; i < cohort.n_segments(); ++i)
    made->segments_.emplace_back(cohort.segment(i).manifest().tiles.size());
  for (const auto& [contig, megabases] : cohort.Megabases()) {
    for (const std::uint32_t megabase : megabases) {
      GF_TRY(ctx.Alive());
      std::optional<std::vector<KnownFrequency>> known;  // of tiles that are here
      for (std::size_t i = 0; i < cohort.n_segments(); ++i) {
        const Segment::Contig* of = cohort.segment(i).FindContig(contig);
        const Tile* tile = of == nullptr ? nullptr : of->Find(megabase);
        if (tile == nullptr) continue;
        if (!known) {
          GF_ASSIGN(known, lookup(contig, megabase));
        }
        made->segments_[i][tile->number()] =
            Summarise(*tile, FrequenciesOf(*tile, *known, below_resolution));
      }
    }
  }
  return made;
}

}  // namespace genofed::cohort
