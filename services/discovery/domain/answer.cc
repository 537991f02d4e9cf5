// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/answer.h"

#include <fmt/core.h>

#include <limits>

#include "libs/core/strings.h"

namespace genofed::discovery {

const char* MemberStateName(MemberState state) {
  switch (state) {
    case MemberState::kAnswered:
      return "answered";
    case MemberState::kTimedOut:
      return "timed_out";
    case MemberState::kUnreachable:
      return "unreachable";
    case MemberState::kRefused:
      return "refused";
    case MemberState::kBudgetSpent:
      return "budget_spent";
    case MemberState::kNotAsked:
      return "not_asked";
  }
  return "refused";
}

std::string IndividualId(const std::string& dataset, std::uint32_t row) {
  return fmt::format("{}.i{}", dataset, row);
}

std::optional<std::uint32_t> RowOfIndividual(const std::string& dataset, const std::string& id) {
  const std::string prefix = dataset + ".i";
  if (!id.starts_with(prefix)) return std::nullopt;
  const auto row = ParseInt(std::string_view(id).substr(prefix.size()));
  if (!row.ok() || *row < 0 || *row > std::numeric_limits<std::uint32_t>::max())
    return std::nullopt;
  const auto number = static_cast<std::uint32_t>(*row);
  // One spelling of each.
  return IndividualId(dataset, number) == id ? std::optional(number) : std::nullopt;
}

}  // namespace genofed::discovery
