// SPDX-License-Identifier: Apache-2.0
#include "libs/core/strings.h"

#include <gtest/gtest.h>

#include "libs/core/random.h"

namespace genofed {
namespace {

TEST(Base64, MatchesRfc4648AndIsStrict) {
  // RFC 4648 section 10.
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (auto [plain, text] : cases) {
    EXPECT_EQ(Base64Encode(plain), text);
    EXPECT_EQ(Base64Decode(text).value(), plain);
  }
  EXPECT_EQ(Base64UrlEncode("\xfb\xff"), "-_8");
  EXPECT_EQ(Base64UrlDecode("-_8").value(), "\xfb\xff");
  for (const char* bad : {"-_9", "Zg==", "Z", "Zm9v ", "+/8"})
    EXPECT_FALSE(Base64UrlDecode(bad).ok()) << bad;
}

TEST(Strings, Utf8RefusesSurrogatesOverlongAndTruncated) {
  EXPECT_TRUE(IsUtf8("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa7\xac"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"})
    EXPECT_FALSE(IsUtf8(bad));
}

TEST(Strings, IdentifiersSortByTimeAndDiffer) {
  SystemRandom random;
  SystemClock clock;
  std::string a = NewId("app", clock, random), b = NewId("app", clock, random);
  EXPECT_EQ(a.size(), 4u + 26u);
  EXPECT_NE(a, b);
  EXPECT_EQ(a.substr(0, 12), b.substr(0, 12));
}

TEST(Strings, IntegersAreWhole) {
  EXPECT_EQ(ParseInt("-42").value(), -42);
  for (const char* bad : {"", "4x", " 4", "99999999999999999999"})
    EXPECT_FALSE(ParseInt(bad).ok()) << bad;
}

}  // namespace
}  // namespace genofed
