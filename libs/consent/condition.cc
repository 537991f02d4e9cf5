// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "libs/consent/purpose.h"
#include "libs/core/clock.h"

namespace genofed::consent {
namespace {

constexpr std::size_t kMaxValue = 64;

enum class Value {
  kNone,
  kName,    // of a kind of research, person, project, institution
  kRegion,  // "FI", "EU", "EEA"
  kDay,     // "2027-06-30"
  kMonths,  // "24"
};

struct Row {
  std::string_view code, label, words;  // {} is the value
  Value value = Value::kNone;
};

constexpr std::array<Row, 17> kRows = {{
    {"DUO:0000012", "research specific restrictions", "does research of the kind {} alone", Value::kName},
    {"DUO:0000015", "no general methods research", "does not use data to develop methods"},
    {"DUO:0000016", "genetic studies only", "is a genetic study"},
    {"DUO:0000018", "not for profit, non commercial use only",
     "is done by a not-for-profit organisation without a commercial purpose"},
    {"DUO:0000019", "publication required", "makes its results available to other researchers"},
    {"DUO:0000020", "collaboration required",
     "works together with the researchers who collected the data"},
    {"DUO:0000021", "ethics approval required", "has the approval of an ethics committee"},
    {"DUO:0000022", "geographical restriction", "takes place in {} alone", Value::kRegion},
    {"DUO:0000024", "publication moratorium", "publishes nothing before {}", Value::kDay},
    {"DUO:0000025", "time limit on use", "ends within {} months", Value::kMonths},
    {"DUO:0000026", "user specific restriction", "is done by {} alone", Value::kName},
    {"DUO:0000027", "project specific restriction", "is the project {}", Value::kName},
    {"DUO:0000028", "institution specific restriction", "is done at {} alone", Value::kName},
    {"DUO:0000029", "return to database or resource",
     "gives back to the holder what it derives from the data"},
    {"DUO:0000044", "population origins or ancestry research prohibited",
     "does not study the origins or ancestry of populations"},
    {"DUO:0000045", "not for profit organisation use only",
     "is done by a not-for-profit organisation"},
    {"DUO:0000046", "non-commercial use only", "has no commercial purpose"},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsCapital(char c) { return c >= 'A' && c <= 'Z'; }

// Conditions stand in identifiers and in the ledger: no blank, '+', '/' or '='.
bool IsValue(std::string_view text, Value kind) {
  switch (kind) {
    case Value::kNone:
      return false;
    case Value::kName:
      return !text.empty() && text.size() <= kMaxValue && std::ranges::all_of(text, [](char c) {
        return IsDigit(c) || IsCapital(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == ':' || c == '-';
      });
    case Value::kRegion:
      return text.size() >= 2 && text.size() <= 3 && std::ranges::all_of(text, IsCapital);
    case Value::kDay:
      return text.size() == 10 && ParseRfc3339(std::string(text) + "T00:00:00Z").ok();
    case Value::kMonths:
      return !text.empty() && text.size() <= 3 && text.front() != '0' && std::ranges::all_of(text, IsDigit);
  }
  return false;
}

}  // namespace

std::optional<Condition> FindCondition(std::string_view condition) {
  const std::size_t equals = condition.find('=');
  const std::string_view code = condition.substr(0, equals);
  const auto row = std::ranges::find(kRows, code, &Row::code);
  if (row == kRows.end()) return std::nullopt;
  if (equals == std::string_view::npos) {
    if (row->value != Value::kNone) return std::nullopt;
    return Condition{row->code, row->label, std::string(row->words)};
  }
  const std::string_view value = condition.substr(equals + 1);
  if (!IsValue(value, row->value)) return std::nullopt;
  return Condition{row->code, row->label, fmt::format(fmt::runtime(row->words), value)};
}

bool IsCondition(std::string_view condition) {
  return IsPurpose(condition) || FindCondition(condition).has_value();
}

std::string InWords(const std::vector<std::string>& conditions) {
  std::string text;
  for (const std::string& code : conditions) {
    const auto known = FindCondition(code);
    text += text.empty() ? "" : "; ";
    text += known ? known->words : "meets " + code;
  }
  return text;
}

bool AreFew(const std::vector<std::string>& conditions) {
  std::size_t bytes = 0;
  for (const std::string& condition : conditions) bytes += condition.size() + 1;
  return conditions.size() <= 20 && bytes <= 800;
}

std::vector<std::string> ConditionSet(std::vector<std::string> codes) {
  std::ranges::sort(codes);
  const auto repeated = std::ranges::unique(codes);
  codes.erase(repeated.begin(), repeated.end());
  return codes;
}

bool AreAllIn(const std::vector<std::string>& codes, const std::vector<std::string>& accepted) {
  return std::ranges::all_of(codes, [&](const std::string& code) {
    return std::ranges::find(accepted, code) != accepted.end();
  });
}

}  // namespace genofed::consent
