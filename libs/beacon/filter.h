// SPDX-License-Identifier: Apache-2.0
//
// Filters of Beacon v2.2 (framework: requests/filteringTerms.json), with the OR groups of upstream PR 266: the entries
// of `filters` all hold; an entry that is itself a list holds when one of its members does.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/beacon/entry_type.h"
#include "libs/core/status.h"

namespace genofed::beacon {

enum class Similarity : std::uint8_t { kExact, kHigh, kMedium, kLow };
const char* SimilarityName(Similarity similarity);  // "exact", "high"...
std::optional<Similarity> ParseSimilarity(std::string_view name);
enum class Operator : std::uint8_t { kNone, kEqual, kLess, kGreater, kNot, kGreaterEqual, kLessEqual };

struct Filter {
  std::string id;  // a term (CURIE), "field:value", a label; with an operator the name of a field
  Operator op = Operator::kNone;
  std::string value;  // of an alphanumeric filter; % stands for any characters
  bool descendants = true;
  Similarity similarity = Similarity::kExact;
  std::optional<EntryType> scope;

  // As Beacon echoes it, and as GET takes it: "HP:0001250", "age:>P70Y".
  std::string Text() const;
  // One text for filters that mean the same, however they are spelled, and for no others.
  std::string Meaning() const;
  bool operator==(const Filter&) const = default;
};

using FilterGroup = std::vector<Filter>;  // one of them holds

// Whether a field is a time of life: "age", or its terms in PATO and NCIT.
bool IsAge(std::string_view field);

// What a filter with an operator compares values with: by days, where it has them; else by number,
// where both are numbers; else by text.
struct Operand {
  explicit Operand(const Filter& filter);

  std::string text;  // lower case
  std::optional<double> number, days;
};
std::optional<double> NumberOf(std::string_view text);

inline constexpr std::size_t kMaxFilters = 64;  // in all groups together
inline constexpr std::size_t kMaxFilterBytes = 512;

// "HP:0001250", "HP_0001250", "sex.label:female", "age:>P70Y", "libraryStrategy=WGS".
// InvalidArgument FIELD_INVALID or QUERY_UNSUPPORTED, naming the field.
Result<Filter> ParseFilterText(std::string_view text);
Result<std::vector<FilterGroup>> ParseFilters(const nlohmann::json& filters);

}  // namespace genofed::beacon
