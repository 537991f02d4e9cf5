// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/conformity.h"

#include <fmt/core.h>

#include "libs/core/strings.h"

namespace genofed::onboarding {
namespace {

constexpr char kTool[] = "genofed 0.1.0";

std::uint64_t Unsigned(std::int64_t count) { return count > 0 ? static_cast<std::uint64_t>(count) : 0; }

// Losses of a step by their codes, as far as findings of one file explain them.
std::vector<qc::Funnel::Loss> LossesOf(const Submission& submission, Severity severity, FileKind kind) {
  std::vector<qc::Funnel::Loss> losses;
  for (const Finding& finding : submission.findings) {
    if (finding.severity != severity || finding.file != FileName(kind)) continue;
    auto known = std::ranges::find(losses, finding.code, &qc::Funnel::Loss::code);
    if (known == losses.end()) losses.push_back({finding.code, Unsigned(finding.count)});
    else known->count += Unsigned(finding.count);
  }
  return losses;
}

std::vector<qc::Funnel> FunnelsOf(const Submission& submission) {
  const Counts& counts = submission.counts;
  std::vector<qc::Funnel> funnels;
  qc::Funnel people{"people", {{"described", Unsigned(counts.subjects), {}}}};
  if (submission.version > 0) {
    const char* code = submission.mode == Mode::kFollowUp ? "NOT_IN_DATASET" : "NO_CONSENT";
    qc::Funnel::Step included{"included", Unsigned(counts.subjects_included), {}};
    if (counts.subjects_without_consent > 0) included.losses.push_back({code, Unsigned(counts.subjects_without_consent)});
    people.steps.push_back(std::move(included));
  }
  funnels.push_back(std::move(people));
  if (submission.mode == Mode::kFollowUp) return funnels;
  funnels.push_back({"records",
                     {{"read", Unsigned(counts.records), {}},
                      {"accepted", Unsigned(counts.records - counts.records_quarantined),
                       LossesOf(submission, Severity::kWarning, FileKind::kVariants)}}});
  return funnels;
}

}  // namespace

qc::ConformityReport MakeConformityReport(const Submission& submission, const std::vector<InputFile>& inputs,
                                          std::optional<qc::QualityResult> quality) {
  qc::ConformityReport report;
  report.dataset_id = submission.dataset.id;
  report.dataset_title = submission.dataset.title;
  report.dataset_version = submission.version > 0 ? std::to_string(submission.version) : "";
  // Not the time of the run: a repeated stage must say the same.
  report.created_at =
      FormatRfc3339(std::chrono::floor<std::chrono::seconds>(submission.started.value_or(submission.created)));
  report.tool = kTool;
  report.assembly = submission.dataset.assembly;
  report.verdict = qc::VerdictOf(submission.findings);
  for (const InputFile& input : inputs) {
    const std::string role(FileName(input.kind));
    report.inputs.push_back({role, role, Unsigned(input.file.size), input.file.sha256});
  }
  report.funnels = FunnelsOf(submission);
  report.reasons = qc::ReasonsOf(submission.findings);
  report.quality = std::move(quality);
  return report;
}

Report SignReport(const qc::ConformityReport& report, const crypto::SigningKey& key) {
  Report out;
  out.json = qc::CanonicalJson(report);
  out.html = qc::RenderHtml(report);
  const std::string header = Base64UrlEncode(fmt::format(R"({{"alg":"ES256","jwk":{},"kid":"{}","typ":"genofed-conformity-report"}})",
                                                         key.public_key().Jwk(), key.kid()));
  out.jws = header + ".." + Base64UrlEncode(key.Sign(header + "." + Base64UrlEncode(out.json)));
  return out;
}

}  // namespace genofed::onboarding
