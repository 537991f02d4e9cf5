// SPDX-License-Identifier: Apache-2.0
//
// Which of several processes has a tile, when they divide a genome among them
// (docs/adr/0026-shards-by-region.md). All of them, of every version, must say the same: the rule
// never changes.
#pragma once

#include <cstdint>
#include <string_view>

namespace genofed::cohort {

// A block of so many tiles is never divided: most genes and ranges lie in one.
inline constexpr std::uint32_t kBlockTiles = 8;
inline constexpr std::uint32_t kMaxShards = 64;

// From 0. Blocks are numbered through the chromosomes 1 to 22, X, Y and MT, as many as the longer
// of both assemblies needs, and dealt out in turn; those of any other contig are numbered from the
// FNV-1a hash of its name. `shards` is not 0.
std::uint32_t ShardOf(std::string_view contig, std::uint32_t tile, std::uint32_t shards);

// One of the processes; by default the only one, which has everything.
struct Shard {
  std::uint32_t number = 0;  // from 0
  std::uint32_t of = 1;

  bool divided() const { return of > 1; }
  bool Has(std::string_view contig, std::uint32_t tile) const {
    return of == 1 || ShardOf(contig, tile, of) == number;
  }
};

}  // namespace genofed::cohort
