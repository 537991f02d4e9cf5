// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <utility>

#include "libs/cohort/shards.h"

namespace genofed::cohort {
namespace {

// Blocks of 8,000,000 bases in the longer of GRCh37 and GRCh38.
constexpr std::array<std::pair<std::string_view, std::uint32_t>, 25> kBlocks = {{
    {"1", 32},  {"2", 31},  {"3", 25},  {"4", 24},  {"5", 23},  {"6", 22},  {"7", 20},
    {"8", 19},  {"9", 18},  {"10", 17}, {"11", 17}, {"12", 17}, {"13", 15}, {"14", 14},
    {"15", 13}, {"16", 12}, {"17", 11}, {"18", 11}, {"19", 8},  {"20", 9},  {"21", 7},
    {"22", 7},  {"X", 20},  {"Y", 8},   {"MT", 1},
}};

std::uint32_t FirstBlock(std::string_view contig) {
  std::uint32_t first = 0;
  for (const auto& [name, blocks] : kBlocks) {
    if (name == contig) return first;
    first += blocks;
  }
  std::uint32_t hash = 2166136261U;
  for (const char c : contig) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

std::uint32_t ShardOf(std::string_view contig, std::uint32_t tile, std::uint32_t shards) {
  return static_cast<std::uint32_t>((std::uint64_t{FirstBlock(contig)} + tile / kBlockTiles) %
                                    shards);
}

}  // namespace genofed::cohort
