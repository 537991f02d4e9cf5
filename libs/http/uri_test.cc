// SPDX-License-Identifier: Apache-2.0
#include "libs/http/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace genofed::http {
namespace {

using testing::ElementsAre;

TEST(PercentDecode, DecodesUtf8AndLeavesPlusInPaths) {
  EXPECT_EQ(*PercentDecode("a%20b+c"), "a b+c");
  EXPECT_EQ(*PercentDecode("a+b", true), "a b");
  EXPECT_EQ(*PercentDecode("%E2%82%ac"), "\xE2\x82\xAC");
  EXPECT_EQ(*PercentDecode("x%41"), "xA");
}

TEST(PercentDecode, RefusesWhatIsAmbiguous) {
  for (const char* bad : {"%", "%4", "%zz", "%00", "a%0ab", "%7f", "%ff", "%c0%af", "%ed%a0%80"}) {
    EXPECT_FALSE(PercentDecode(bad).ok()) << bad;
  }
  EXPECT_FALSE(PercentDecode(std::string_view("a\0b", 3)).ok());
  EXPECT_FALSE(PercentDecode("%00", true).ok());
  EXPECT_TRUE(PercentDecode("line%0D%0Abreak", true).ok());
}

TEST(PercentEncode, KeepsUnreservedOnly) { EXPECT_EQ(PercentEncode("a-Z_0.~ /%\xC3"), "a-Z_0.~%20%2F%25%C3"); }

TEST(ParseTarget, SplitsPathAndQuery) {
  const auto target = ParseTarget("/ga4gh/wes/v1/runs/r%201?page_size=5&tag=a&tag=b%26c&empty=&bare");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, "/ga4gh/wes/v1/runs/r 1");
  EXPECT_THAT(target->segments, ElementsAre("ga4gh", "wes", "v1", "runs", "r 1"));
  EXPECT_EQ(target->query.Get("page_size"), "5");
  EXPECT_THAT(target->query.GetAll("tag"), ElementsAre("a", "b&c"));
  EXPECT_EQ(target->query.Get("empty"), "");
  EXPECT_TRUE(target->query.Has("bare"));
  EXPECT_EQ(target->query.Get("absent"), std::nullopt);
}

TEST(ParseTarget, RootTrailingSlashAndAbsoluteForm) {
  EXPECT_TRUE(ParseTarget("/")->segments.empty());
  EXPECT_THAT(ParseTarget("/docs/")->segments, ElementsAre("docs"));
  EXPECT_EQ(ParseTarget("/docs/")->path, "/docs/");
  EXPECT_THAT(ParseTarget("https://hub.example:8443/a/b?x=1")->segments, ElementsAre("a", "b"));
  EXPECT_TRUE(ParseTarget("http://hub.example")->segments.empty());
}

TEST(ParseTarget, RefusesTraversalAndDisguises) {
  for (const char* bad : {"", "a", "/a/../b", "/a/%2e%2e/b", "/a/%2E./b", "/./a", "/..", "/a//b", "//a", "/a%2fb", "/a%5cb",
                          "/a\\b", "/a#b", "/a%00", "/a?x=%00", "/a?x=%", "*", "ftp://x/y", "http://h?q"}) {
    EXPECT_FALSE(ParseTarget(bad).ok()) << bad;
  }
}

TEST(Query, CountsParameters) {
  std::string many;
  for (std::size_t i = 0; i < Query::kMaxParameters; ++i) many += "a=1&";
  EXPECT_TRUE(Query::Parse(many).ok());
  EXPECT_FALSE(Query::Parse(many + "a=1").ok());
}

}  // namespace
}  // namespace genofed::http
