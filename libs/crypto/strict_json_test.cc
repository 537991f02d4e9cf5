// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/strict_json.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <nlohmann/json.hpp>

namespace genofed::crypto {
namespace {

struct Case {
  std::string text;
  std::string reason;  // empty: accepted
};

std::string Nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(StrictJson, AcceptsAndRefuses) {
  const Case cases[] = {
      {R"({"a":1,"b":[true,false,null,-2,1.5e3,"é\u00e9\ud83d\ude00"]})", ""},
      {" \n\t[1]\r ", ""},
      {R"("text")", ""},
      {"18446744073709551615", ""},
      {R"({"a":{"a":1},"b":{"a":2}})", ""},
      {Nested(16), ""},
      {Nested(17), "JSON_TOO_DEEP"},
      {R"({"a":1,"a":1})", "JSON_DUPLICATE_NAME"},
      {R"({"a":1,"\u0061":2})", "JSON_DUPLICATE_NAME"},
      {R"({"b":[{"a":1,"c":2,"a":3}]})", "JSON_DUPLICATE_NAME"},
      {"", "JSON_INVALID"},
      {"{", "JSON_INVALID"},
      {"{} {}", "JSON_INVALID"},
      {"{}x", "JSON_INVALID"},
      {std::string("{}\0", 3), "JSON_INVALID"},
      {std::string("{}\0{}", 5), "JSON_INVALID"},
      {R"("\u0000")", ""},
      {"\xEF\xBB\xBF{}", "JSON_INVALID"},
      {R"({"a":1,})", "JSON_INVALID"},
      {"{'a':1}", "JSON_INVALID"},
      {"[1] // note", "JSON_INVALID"},
      {"/* note */ [1]", "JSON_INVALID"},
      {"NaN", "JSON_INVALID"},
      {"[Infinity]", "JSON_INVALID"},
      {"1e999", "JSON_INVALID"},
      {"18446744073709551616", "JSON_INVALID"},
      {"-9223372036854775809", "JSON_INVALID"},
      {"01", "JSON_INVALID"},
      {"\"\xff\"", "JSON_INVALID"},
      {"\"\xc0\x80\"", "JSON_INVALID"},
      {"\"\xed\xa0\x80\"", "JSON_INVALID"},
      {R"("\ud800")", "JSON_INVALID"},
      {"\"a\nb\"", "JSON_INVALID"},
      {"\"" + std::string(64U << 10, 'x') + "\"", "JSON_TOO_LARGE"},
  };
  for (const auto& c : cases) {
    const auto parsed = ParseStrictJson(c.text);
    EXPECT_EQ(Reason(parsed.status()), c.reason) << c.text.substr(0, 60);
  }
}

TEST(StrictJson, KeepsTheValue) {
  const auto parsed = ParseStrictJson(R"({"a":[1,{"b":"x"},[]],"c":{},"d":-1})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->dump(), R"({"a":[1,{"b":"x"},[]],"c":{},"d":-1})");
}

TEST(StrictJson, NeverCrashesAndReadsBackWhatItPrints) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const auto parsed = ParseStrictJson(text);
    if (parsed.ok()) {
      RC_ASSERT(*ParseStrictJson(parsed->dump()) == *parsed);
    }
  }));
}

}  // namespace
}  // namespace genofed::crypto
