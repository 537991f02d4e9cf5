// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/report.h"

#include <algorithm>
#include <map>

namespace genofed::qc {

std::string_view VerdictName(Verdict verdict) {
  return verdict == Verdict::kAccept       ? "accept"
         : verdict == Verdict::kQuarantine ? "quarantine"
                                           : "reject";
}

Verdict VerdictOf(std::span<const Finding> findings) {
  Verdict verdict = Verdict::kAccept;
  for (const Finding& finding : findings) {
    if (finding.severity == Severity::kError) return Verdict::kReject;
    if (finding.severity == Severity::kWarning) verdict = Verdict::kQuarantine;
  }
  return verdict;
}

std::int64_t Funnel::Unexplained(std::size_t step) const {
  if (step == 0 || step >= steps.size()) return 0;
  std::uint64_t explained = steps[step].count;
  for (const Loss& loss : steps[step].losses) explained += loss.count;
  return static_cast<std::int64_t>(steps[step - 1].count - explained);
}

std::vector<ReportReason> ReasonsOf(std::span<const Finding> findings) {
  std::map<std::string, ReportReason> by_code;
  for (const Finding& finding : findings) {
    ReportReason& reason = by_code[finding.code];
    reason.code = finding.code;
    reason.severity = std::max(reason.severity, finding.severity);
    reason.count += static_cast<std::uint64_t>(std::max<std::int64_t>(finding.count, 0));
    if (reason.places.size() < Findings::kMaxPerCode) {
      reason.places.push_back({finding.file, finding.line, finding.field, finding.message});
    }
  }
  std::vector<ReportReason> reasons;
  for (auto& [code, reason] : by_code) reasons.push_back(std::move(reason));
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const ReportReason& a, const ReportReason& b) {
                     return a.severity != b.severity ? a.severity > b.severity : a.count > b.count;
                   });
  return reasons;
}

}  // namespace genofed::qc
