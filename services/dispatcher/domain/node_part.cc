// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/domain/node_part.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::dispatcher {
namespace {

constexpr std::size_t kMaxLedgerText = 1024;  // libs/ledger/entry.h
// Fewer people than this are not counted aloud.
constexpr std::int32_t kMinimumCount = 5;

}  // namespace

std::string NodePart::TryId() const { return tries == 1 ? id : fmt::format("{}.{}", id, tries); }

std::string NodePart::News() const {
  return fmt::format("{}|{}|{}|{}", StateName(state), reason, message, ledger_index);
}

PartReport NodePart::Report() const {
  return {id, state, reason, message, ledger_index, individuals < kMinimumCount ? 0 : individuals};
}

std::string LedgerText(const std::string& text) {
  if (!IsUtf8(text)) return "-";
  std::string line = text.substr(0, kMaxLedgerText);
  while (!IsUtf8(line)) line.pop_back();  // cut within a character
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  line = std::string(Trim(line));
  return line.empty() ? "-" : line;
}

}  // namespace genofed::dispatcher
