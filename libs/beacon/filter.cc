// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "libs/beacon/duration.h"
#include "libs/beacon/json_values.h"
#include "libs/core/parts.h"
#include "libs/core/strings.h"

namespace genofed::beacon {
namespace {

using nlohmann::json;

// The name of a time of life in filters: Beacon's documentation uses PATO's "age".
constexpr std::array<std::string_view, 3> kAgeTerms = {"age", "pato:0000011", "ncit:c25150"};
constexpr std::array<const char*, 4> kSimilarities = {"exact", "high", "medium", "low"};
constexpr std::array<std::string_view, 7> kOperators = {"", "=", "<", ">", "!", ">=", "<="};

std::optional<Operator> OperatorOf(std::string_view text) {
  if (text == "!=") return Operator::kNot;
  const auto found = std::find(kOperators.begin() + 1, kOperators.end(), text);
  if (found == kOperators.end()) return std::nullopt;
  return static_cast<Operator>(found - kOperators.begin());
}

// A CURIE whose colon arrived as an underscore (Beacon FAQ): letters, "_", and a local part with a digit in it.
std::string WithColon(std::string id) {
  const auto underscore = id.find('_');
  if (underscore == std::string::npos || underscore == 0 || id.find_first_of(":.") != std::string::npos) return id;
  const auto begin = id.begin();
  const auto local = begin + static_cast<std::ptrdiff_t>(underscore) + 1;
  const bool curie = std::all_of(begin, local - 1, [](unsigned char c) { return std::isalpha(c) != 0; }) &&
                     std::any_of(local, id.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (curie) id[underscore] = ':';
  return id;
}

Status CheckId(const std::string& id) {
  if (!id.empty() && id.size() <= kMaxFilterBytes) return absl::OkStatus();
  return WrongField("filters.id", "must have 1 to 512 bytes");
}

// A number or a truth value is compared as its text.
Result<std::string> ScalarText(const json& value, std::string_view field) {
  if (value.is_string() && value.get_ref<const std::string&>().size() <= kMaxFilterBytes)
    return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return WrongField(field, "must be a string of at most 512 bytes or a number");
}

Status TakeMember(const std::string& name, const json& value, Filter* filter) {
  if (name == "id") {
    GF_ASSIGN(filter->id, ScalarText(value, "filters.id"));
  } else if (name == "operator") {
    const auto op = value.is_string() ? OperatorOf(value.get_ref<const std::string&>()) : std::nullopt;
    if (!op) return WrongField("filters.operator", "must be =, <, >, !, >= or <=");
    filter->op = *op;
  } else if (name == "value") {
    GF_ASSIGN(filter->value, ScalarText(value, "filters.value"));
  } else if (name == "includeDescendantTerms") {
    if (!value.is_boolean()) return WrongField("filters.includeDescendantTerms", "must be true or false");
    filter->descendants = value.get<bool>();
  } else if (name == "similarity") {
    const auto similarity = value.is_string() ? ParseSimilarity(value.get_ref<const std::string&>()) : std::nullopt;
    if (!similarity) return WrongField("filters.similarity", "must be exact, high, medium or low");
    filter->similarity = *similarity;
  } else if (name == "scope") {
    if (value.is_string()) filter->scope = EntryOfScope(value.get_ref<const std::string&>());
    if (!filter->scope) return WrongField("filters.scope", "is not an entry type");
  } else if (name != "label" && name != "type") {
    return InvalidField("filters." + name, "QUERY_UNSUPPORTED", "is not a member of a filter");
  }
  return absl::OkStatus();
}

Result<Filter> ParseObject(const json& object) {
  Filter filter;
  for (const auto& [name, value] : object.items()) {
    if (!IsBlank(value)) GF_TRY(TakeMember(name, value, &filter));
  }
  GF_TRY(CheckId(filter.id));
  const bool valued = object.contains("value") && !object["value"].is_null();
  if (filter.op == Operator::kNone && valued) filter.op = Operator::kEqual;  // the schema's default
  if (filter.op != Operator::kNone && !valued) return WrongField("filters.value", "must be given with an operator");
  filter.id = WithColon(std::move(filter.id));
  return filter;
}

Result<Filter> ParseOne(const json& filter) {
  if (filter.is_string()) return ParseFilterText(filter.get_ref<const std::string&>());
  if (filter.is_object()) return ParseObject(filter);
  return WrongField("filters", "must be strings, objects, or lists of them");
}

}  // namespace

const char* SimilarityName(Similarity similarity) {
  return kSimilarities[static_cast<std::size_t>(similarity)];
}

std::optional<Similarity> ParseSimilarity(std::string_view name) {
  const auto found = std::find(kSimilarities.begin(), kSimilarities.end(), name);
  if (found == kSimilarities.end()) return std::nullopt;
  return static_cast<Similarity>(found - kSimilarities.begin());
}

std::string Filter::Text() const {
  if (op == Operator::kNone) return id;
  return id + ":" + std::string(kOperators[static_cast<std::size_t>(op)]) + value;
}

std::string Filter::Meaning() const {
  std::string what, how = std::to_string(static_cast<int>(op));
  if (op != Operator::kNone) {
    what = IsAge(id) ? std::string(kAgeTerms.front()) : id;
    const Operand operand(*this);
    std::string text = operand.text;
    // Any characters and any more are any.
    if (op == Operator::kEqual || op == Operator::kNot)
      text.erase(std::unique(text.begin(), text.end(),
                             [](char a, char b) { return a == '%' && b == '%'; }),
                 text.end());
    how += operand.days     ? fmt::format(" days {}", *operand.days)
           : operand.number ? fmt::format(" number {}", *operand.number)
                            : " text " + text;
  } else if (id.find(':') == std::string::npos) {
    what = ToLower(id);  // a label
  } else {
    what = id;
    how += fmt::format(" {} {}", descendants, static_cast<int>(similarity));
  }
  return JoinParts({what, how, scope ? Facts(*scope).path : ""});
}

bool IsAge(std::string_view field) {
  return std::find(kAgeTerms.begin(), kAgeTerms.end(), ToLower(field)) != kAgeTerms.end();
}

std::optional<double> NumberOf(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Operand::Operand(const Filter& filter)
    : text(ToLower(filter.value)),
      number(NumberOf(filter.value)),
      days(DurationDays(filter.value)) {
  // Ages compare as durations; a bare number is in years.
  if (!days && number && IsAge(filter.id)) days = DurationDays("P" + filter.value + "Y");
}

Result<Filter> ParseFilterText(std::string_view text) {
  Filter filter;
  const auto at = text.find_first_of("<>=!");
  if (at == std::string_view::npos) {
    filter.id = WithColon(std::string(Trim(text)));
    GF_TRY(CheckId(filter.id));
    return filter;
  }
  const std::size_t length = at + 1 < text.size() && text[at + 1] == '=' ? 2 : 1;
  const auto op = OperatorOf(text.substr(at, length));
  if (!op) return WrongField("filters", "has an operator that is not known");
  filter.op = *op;
  std::string_view id = Trim(text.substr(0, at));
  if (id.ends_with(':')) id.remove_suffix(1);
  filter.id = WithColon(std::string(id));
  filter.value = Trim(text.substr(at + length));
  GF_TRY(CheckId(filter.id));
  if (filter.value.empty() || filter.value.size() > kMaxFilterBytes)
    return WrongField("filters.value", "must have 1 to 512 bytes");
  return filter;
}

Result<std::vector<FilterGroup>> ParseFilters(const json& filters) {
  std::vector<FilterGroup> groups;
  if (IsBlank(filters)) return groups;
  if (!filters.is_array()) return WrongField("filters", "must be a list");
  std::size_t total = 0;
  for (const json& entry : filters) {
    FilterGroup group;
    const json members = entry.is_array() ? entry : json::array({entry});
    if (members.empty()) return WrongField("filters", "has an empty group");
    if ((total += members.size()) > kMaxFilters) return WrongField("filters", "has more than 64 entries");
    for (const json& member : members) {
      GF_ASSIGN(Filter filter, ParseOne(member));
      group.push_back(std::move(filter));
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace genofed::beacon
