// SPDX-License-Identifier: Apache-2.0
#include "libs/core/finding.h"

#include <algorithm>

namespace genofed {

void Findings::Add(Finding finding) {
  has_error_ = has_error_ || finding.severity == Severity::kError;
  Tally& tally = by_code_[{finding.file, finding.code}];
  tally.severity = std::max(tally.severity, finding.severity);
  if (tally.kept == kMaxPerCode) {
    tally.more += finding.count;
    return;
  }
  ++tally.kept;
  findings_.push_back(std::move(finding));
}

std::vector<Finding> Findings::Take() {
  for (const auto& [key, tally] : by_code_) {
    if (tally.more > 0) {
      findings_.push_back(
          {tally.severity, key.second, key.first, 0, "", "more of the same", tally.more});
    }
  }
  std::stable_sort(findings_.begin(), findings_.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  by_code_.clear();
  has_error_ = false;
  return std::move(findings_);
}

}  // namespace genofed
