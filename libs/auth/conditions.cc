// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/conditions.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/refuse.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;
using crypto::Refuse;

constexpr std::size_t kMaxListed = 16;
constexpr std::size_t kMaxMatchBytes = 1024;

Status Malformed(std::string_view what) { return Refuse("CONDITIONS_INVALID", what); }

FieldMatch ParseMatch(const std::string& text) {
  const auto colon = text.find(':');
  const std::string_view prefix = std::string_view(text).substr(0, colon == std::string::npos ? 0 : colon);
  FieldMatch match;
  if (prefix == "const") match.type = FieldMatch::Type::kConst;
  if (prefix == "pattern") match.type = FieldMatch::Type::kPattern;
  if (prefix == "split_pattern") match.type = FieldMatch::Type::kSplitPattern;
  if (colon != std::string::npos) match.text = text.substr(colon + 1);
  return match;
}

Result<ConditionClause> ParseClause(const Json& json) {
  if (!json.is_object() || json.size() < 2) return Malformed("a clause has a type and at least one other field");
  ConditionClause clause;
  for (const auto& [name, member] : json.items()) {
    const auto* text = member.get_ptr<const std::string*>();
    if (text == nullptr || text->empty() || text->size() > kMaxMatchBytes) return Malformed("a field is not a text");
    if (name == "type") {
      clause.type = *text;
    } else if (name == "value") {
      clause.value = ParseMatch(*text);
    } else if (name == "source") {
      clause.source = ParseMatch(*text);
    } else if (name == "by") {
      clause.by = ParseMatch(*text);
    } else {
      return Malformed("a clause names a field that conditions must not have");
    }
  }
  if (clause.type.empty()) return Malformed("a clause has no type");
  return clause;
}

std::size_t CharacterBytes(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

Result<Conditions> ParseConditions(const Json& json) {
  if (!json.is_array() || json.empty() || json.size() > kMaxListed) return Malformed("not a list of 1 to 16 branches");
  Conditions conditions;
  for (const Json& branch : json) {
    if (!branch.is_array() || branch.empty() || branch.size() > kMaxListed) {
      return Malformed("a branch is not a list of 1 to 16 clauses");
    }
    conditions.emplace_back();
    for (const Json& clause : branch) {
      GF_ASSIGN(auto parsed, ParseClause(clause));
      conditions.back().push_back(std::move(parsed));
    }
  }
  return conditions;
}

bool FieldMatch::Matches(std::string_view value) const {
  switch (type) {
    case Type::kConst:
      return value == text;
    case Type::kPattern:
      return MatchesPattern(text, value);
    case Type::kSplitPattern: {
      const auto parts = Split(value, ';');
      return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return MatchesPattern(text, part); });
    }
    case Type::kUnknown:
      break;
  }
  return false;
}

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  // Only the last star needs to be tried again: an earlier one can always stay where it first matched.
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      t = std::min(text.size(), t + CharacterBytes(text[t]));
      ++p;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      resume = std::min(text.size(), resume + CharacterBytes(text[resume]));
      t = resume;
      p = star + 1;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace genofed::auth
