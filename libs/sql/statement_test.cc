// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/statement.h"

#include <gtest/gtest.h>

namespace genofed::sql {
namespace {

TEST(ToParam, MapsEachKindOfValue) {
  EXPECT_EQ(std::get<std::int64_t>(ToParam(7)), 7);
  EXPECT_EQ(std::get<bool>(ToParam(true)), true);
  EXPECT_EQ(std::get<double>(ToParam(1.5F)), 1.5);
  EXPECT_EQ(std::get<std::string>(ToParam(std::string_view("a"))), "a");
  EXPECT_EQ(std::get<Bytes>(ToParam(Bytes{"b"})).data, "b");
  EXPECT_EQ(std::get<std::string>(ToParam(FromUnixMicros(1'500'000))), "1970-01-01T00:00:01.500000Z");
  EXPECT_TRUE(std::holds_alternative<std::nullptr_t>(ToParam(std::optional<int>())));
  EXPECT_EQ(std::get<std::int64_t>(ToParam(std::optional<int>(3))), 3);
}

TEST(ToParam, NeverTurnsALargeUnsignedIntoANegative) {
  EXPECT_EQ(std::get<std::string>(ToParam(std::uint64_t{18446744073709551615U})), "18446744073709551615");
}

TEST(ArrayLiteral, QuotesWhatHasAMeaning) {
  EXPECT_EQ(ArrayLiteral(std::vector<std::string>{"a", "b\"c", "d\\", "NULL", "{,}"}),
            R"({"a","b\"c","d\\","NULL","{,}"})");
  EXPECT_EQ(ArrayLiteral(std::vector<std::int64_t>{1, -2}), "{1,-2}");
  EXPECT_EQ(ArrayLiteral(std::vector<std::string>{}), "{}");
}

TEST(Identifier, IsPlainLowerCase) {
  EXPECT_TRUE(IsIdentifier("consent_2"));
  for (const char* bad : {"", "2x", "A", "a-b", "a b", "a\"", "a;drop"}) EXPECT_FALSE(IsIdentifier(bad)) << bad;
  EXPECT_TRUE(IsIdentifier(std::string(63, 'x')));
  EXPECT_FALSE(IsIdentifier(std::string(64, 'x')));
}

}  // namespace
}  // namespace genofed::sql
