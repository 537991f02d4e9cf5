// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/condition.h"

#include <algorithm>
#include <array>

namespace genofed::consent {
namespace {

constexpr std::array<Condition, 10> kConditions = {{
    {"DUO:0000015", "no general methods research", "does not use data to develop methods"},
    {"DUO:0000016", "genetic studies only", "is a genetic study"},
    {"DUO:0000018", "not for profit, non commercial use only",
     "is done by a not-for-profit organisation without a commercial purpose"},
    {"DUO:0000019", "publication required", "makes its results available to other researchers"},
    {"DUO:0000020", "collaboration required",
     "works together with the researchers who collected the data"},
    {"DUO:0000021", "ethics approval required", "has the approval of an ethics committee"},
    {"DUO:0000029", "return to database or resource",
     "gives back to the holder what it derives from the data"},
    {"DUO:0000044", "population origins or ancestry research prohibited",
     "does not study the origins or ancestry of populations"},
    {"DUO:0000045", "not for profit organisation use only",
     "is done by a not-for-profit organisation"},
    {"DUO:0000046", "non-commercial use only", "has no commercial purpose"},
}};

}  // namespace

std::span<const Condition> AttestableConditions() { return kConditions; }

const Condition* FindCondition(std::string_view code) {
  const auto found = std::ranges::find(kConditions, code, &Condition::code);
  return found == kConditions.end() ? nullptr : &*found;
}

std::string InWords(const std::vector<std::string>& conditions) {
  std::string text;
  for (const std::string& code : conditions) {
    const Condition* known = FindCondition(code);
    text += text.empty() ? "" : "; ";
    text += known == nullptr ? "meets " + code : std::string(known->words);
  }
  return text;
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
