// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/domain/node_part.h"

#include <algorithm>
#include <array>

namespace genofed::dispatcher {
namespace {

// Fewer people than this are not counted aloud.
constexpr std::int32_t kMinimumCount = 5;
constexpr std::array<std::string_view, 5> kRefusals = {
    "CONDITIONS_NOT_ACCEPTED", "DATASET_REVOKED", "NO_PERMITTED_INDIVIDUALS",
    "PURPOSE_NOT_APPROVED", "WORKFLOW_NOT_ALLOWED"};

}  // namespace

std::string NodePart::TryId() const { return tries == 1 ? id : fmt::format("{}.{}", id, tries); }

std::string NodePart::News() const {
  return fmt::format("{}|{}|{}|{}", StateName(state), reason, message, ledger_index);
}

PartReport NodePart::Report() const {
  return {id, state, reason, message, ledger_index, individuals < kMinimumCount ? 0 : individuals};
}

bool IsRefusal(const NodePart& part) {
  return part.state == State::kSystemError &&
         (part.reason.starts_with("APPROVAL_") ||
          std::ranges::find(kRefusals, part.reason) != kRefusals.end());
}

}  // namespace genofed::dispatcher
