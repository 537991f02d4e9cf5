// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/conditions.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <regex>

namespace genofed::auth {
namespace {

TEST(Pattern, MatchesAsThePassportSpecificationSays) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const Case cases[] = {{"", "", true},          {"", "a", false},         {"*", "", true},        {"*", "anything", true},
                        {"?", "", false},        {"?", "a", true},         {"?", "ab", false},     {"?", "\xC3\xA9", true},
                        {"a*c", "abbbc", true},  {"a*c", "abbbd", false},  {"a*b*c", "a1b2b3c", true},
                        {"*@uni.example", "faculty@uni.example", true},    {"*@uni.example", "faculty@uni.example.org", false},
                        {"fac*@uni.exampl?", "faculty@uni.example", true}, {"A", "a", false},      {"**", "", true},
                        {"a?c", "a\xE2\x82\xAC" "c", true},                   {"*a", "ba", true},     {"*aab", "aaaab", true}};
  for (const auto& c : cases) EXPECT_EQ(MatchesPattern(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
}

// The oracle is a regular expression made from the pattern.
RC_GTEST_PROP(Pattern, AgreesWithARegularExpression, ()) {
  const auto any = [](std::size_t most, auto element) {
    return rc::gen::container<std::string>(*rc::gen::inRange<std::size_t>(0, most), element);
  };
  const std::string pattern = *any(12, rc::gen::element('a', 'b', '*', '?'));
  const std::string text = *any(20, rc::gen::element('a', 'b', 'c'));
  std::string expression;
  for (const char c : pattern) expression += c == '*' ? ".*" : c == '?' ? "." : std::string(1, c);
  RC_ASSERT(MatchesPattern(pattern, text) == std::regex_match(text, std::regex(expression)));
}

}  // namespace
}  // namespace genofed::auth
