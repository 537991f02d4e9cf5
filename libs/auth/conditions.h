// SPDX-License-Identifier: Apache-2.0
//
// Conditions of a visa (GA4GH Passport 1.2, "conditions"): the visa counts only if other visas of the
// same person match. OR of ANDs of clauses.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::auth {

// What a field of a visa is compared with. Matching takes at most the product of both lengths.
struct FieldMatch {
  enum class Type { kConst, kPattern, kSplitPattern, kUnknown };  // an unknown prefix matches nothing
  Type type = Type::kUnknown;
  std::string text;
  bool Matches(std::string_view value) const;
};

// One visa without conditions must match all of it.
struct ConditionClause {
  std::string type;
  std::optional<FieldMatch> value, source, by;
};

using ConditionBranch = std::vector<ConditionClause>;  // all must be met
using Conditions = std::vector<ConditionBranch>;       // one must be met

// CONDITIONS_INVALID: not two nested, non-empty lists of objects; a clause without type or without another
// field, or with one that must not be there (conditions, asserted, unknown); more than 16 branches or clauses.
Result<Conditions> ParseConditions(const nlohmann::json& json);

// `?` is any one character, `*` any number; all else is itself. Characters are those of UTF-8.
bool MatchesPattern(std::string_view pattern, std::string_view text);

}  // namespace genofed::auth
