// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/cohort/shards.h"

namespace genofed::cohort {
namespace {

// Processes of different versions answer together, so these numbers must never change.
TEST(Shards, BlocksOfEightMegabasesAreDealtOutInTurn) {
  EXPECT_EQ(ShardOf("1", 0, 3), 0U);
  EXPECT_EQ(ShardOf("1", 7, 3), 0U);
  EXPECT_EQ(ShardOf("1", 8, 3), 1U);
  EXPECT_EQ(ShardOf("1", 23, 3), 2U);
  EXPECT_EQ(ShardOf("1", 24, 3), 0U);
  EXPECT_EQ(ShardOf("1", 248, 3), 1U);  // block 31
  EXPECT_EQ(ShardOf("2", 0, 3), 2U);    // block 32
  EXPECT_EQ(ShardOf("20", 0, 3), 1U);   // block 349
  EXPECT_EQ(ShardOf("20", 64, 3), 0U);  // block 357
  EXPECT_EQ(ShardOf("X", 0, 10), 2U);   // block 372
  EXPECT_EQ(ShardOf("MT", 0, 7), 1U);   // block 400
}

// The published test vectors of FNV-1a, 32 bits: "a" is e40c292c, "foobar" bf9cf968.
TEST(Shards, OtherContigsBeginWhereTheirNameSays) {
  EXPECT_EQ(ShardOf("a", 0, 64), 0x2cU);
  EXPECT_EQ(ShardOf("a", 8, 64), 0x2dU);
  EXPECT_EQ(ShardOf("foobar", 3, 64), 0x28U);
}

TEST(Shards, EachTileHasOneOwnerAndAllHaveAsMuch) {
  const std::pair<const char*, std::uint32_t> contigs[] = {
      {"1", 250},  {"2", 244}, {"3", 199},  {"4", 192},  {"5", 182},  {"6", 172},  {"7", 160},
      {"8", 147},  {"9", 142}, {"10", 136}, {"11", 136}, {"12", 134}, {"13", 116}, {"14", 108},
      {"15", 103}, {"16", 91}, {"17", 84},  {"18", 81},  {"19", 60},  {"20", 65},  {"21", 49},
      {"22", 52},  {"X", 157}, {"Y", 60},   {"MT", 1}};
  for (std::uint32_t shards = 1; shards <= kMaxShards; ++shards) {
    std::vector<std::uint32_t> blocks(shards);
    for (const auto& [contig, tiles] : contigs) {
      for (std::uint32_t tile = 0; tile < tiles; ++tile) {
        std::uint32_t owners = 0;
        for (std::uint32_t number = 0; number < shards; ++number)
          owners += Shard{number, shards}.Has(contig, tile) ? 1U : 0U;
        ASSERT_EQ(owners, 1U) << contig << " " << tile << " of " << shards;
        if (tile % kBlockTiles == 0) ++blocks[ShardOf(contig, tile, shards)];
      }
    }
    const auto [least, most] = std::minmax_element(blocks.begin(), blocks.end());
    EXPECT_GE(*least, 401 / shards);
    EXPECT_LE(*most, 401 / shards + 1);
  }
}

}  // namespace
}  // namespace genofed::cohort
