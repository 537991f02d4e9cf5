// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "libs/testing/matchers.h"
#include "services/discovery/domain/shard_list.h"

namespace genofed::discovery {
namespace {

TEST(ShardList, SaysWhichOneThisIs) {
  const std::vector<std::string> three = {"10.0.0.1:7", "ipv4:10.0.0.2:7,10.0.0.3:7", "10.0.0.4:7"};
  const auto second = ReadShard(three, 2);
  ASSERT_THAT(second, testing::IsOk());
  EXPECT_EQ(second->number, 1U);
  EXPECT_EQ(second->of, 3U);
  EXPECT_FALSE(ReadShard({}, 0)->divided());
  EXPECT_FALSE(ReadShard(std::vector<std::string>{"10.0.0.1:7"}, 1)->divided());
}

TEST(ShardList, MistakesNameTheField) {
  const std::vector<std::string> two = {"10.0.0.1:7", "10.0.0.2:7"};
  std::vector<std::string> many;
  for (int i = 0; i < 65; ++i) many.push_back("10.0.0.1:" + std::to_string(7000 + i));
  using Case = std::tuple<std::vector<std::string>, std::int32_t, std::string>;
  for (const auto& [shards, number, field] :
       {Case{two, 0, "discovery.shard"}, Case{two, 3, "discovery.shard"},
        Case{two, -1, "discovery.shard"}, Case{{}, 1, "discovery.shard"},
        Case{many, 1, "discovery.shards"}, Case{{two[0], ""}, 1, "discovery.shards"},
        Case{{two[0], two[0]}, 1, "discovery.shards"}}) {
    const auto shard = ReadShard(shards, number);
    EXPECT_THAT(shard, testing::HasReason("CONFIG_INVALID"));
    ASSERT_EQ(Fields(shard.status()).size(), 1U);
    EXPECT_EQ(Fields(shard.status())[0].field, field);
  }
  many.pop_back();
  EXPECT_THAT(ReadShard(many, 64), testing::IsOk());
}

}  // namespace
}  // namespace genofed::discovery
