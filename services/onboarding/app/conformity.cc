// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/conformity.h"

#include <fmt/core.h>

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::onboarding {
namespace {

constexpr char kTool[] = "genofed 0.1.0";

std::uint64_t Unsigned(std::int64_t count) { return count > 0 ? static_cast<std::uint64_t>(count) : 0; }

// Losses of a step by their codes, as far as findings of the files of a kind explain them.
std::vector<qc::Funnel::Loss> LossesOf(const Submission& submission, const std::vector<UploadedFile>& inputs, FileKind kind) {
  std::vector<qc::Funnel::Loss> losses;
  for (const Finding& finding : submission.findings) {
    const bool of_kind = std::ranges::any_of(
        inputs, [&](const UploadedFile& input) { return input.kind == kind && input.name == finding.file; });
    if (finding.severity != Severity::kWarning || !of_kind) continue;
    auto known = std::ranges::find(losses, finding.code, &qc::Funnel::Loss::code);
    if (known == losses.end()) losses.push_back({finding.code, Unsigned(finding.count)});
    else known->count += Unsigned(finding.count);
  }
  return losses;
}

std::vector<qc::Funnel> FunnelsOf(const Submission& submission, const std::vector<UploadedFile>& inputs) {
  const Counts& counts = submission.counts;
  std::vector<qc::Funnel> funnels;
  qc::Funnel people{"people", {{"described", Unsigned(counts.subjects), {}}}};
  if (counts.subjects_without_sample > 0) {
    people.steps.push_back({"with genotypes",
                            Unsigned(counts.subjects - counts.subjects_without_sample),
                            {{"SUBJECT_WITHOUT_SAMPLE", Unsigned(counts.subjects_without_sample)}}});
  }
  if (submission.version > 0) {
    const char* code = submission.mode == Mode::kFollowUp ? "NOT_IN_DATASET" : "NO_CONSENT";
    qc::Funnel::Step included{"included", Unsigned(counts.subjects_included), {}};
    if (counts.subjects_without_consent > 0) included.losses.push_back({code, Unsigned(counts.subjects_without_consent)});
    if (counts.subjects_forgotten > 0)
      included.losses.push_back({"FORGOTTEN", Unsigned(counts.subjects_forgotten)});
    people.steps.push_back(std::move(included));
  }
  funnels.push_back(std::move(people));
  funnels.push_back({"clinical records",
                     {{"read", Unsigned(counts.clinical_records), {}},
                      {"accepted", Unsigned(counts.clinical_records - counts.clinical_records_quarantined),
                       LossesOf(submission, inputs, FileKind::kClinical)}}});
  if (submission.mode == Mode::kFollowUp) return funnels;
  funnels.push_back({"records",
                     {{"read", Unsigned(counts.records), {}},
                      {"accepted", Unsigned(counts.records - counts.records_quarantined),
                       LossesOf(submission, inputs, FileKind::kVariants)}}});
  return funnels;
}

}  // namespace

qc::ConformityReport MakeConformityReport(const Submission& submission, const std::vector<UploadedFile>& inputs,
                                          const std::vector<MappedCodes>& mappings,
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
  for (const UploadedFile& input : inputs) {
    report.inputs.push_back({std::string(KindName(input.kind)), input.name, Unsigned(input.size), input.sha256});
  }
  report.funnels = FunnelsOf(submission, inputs);
  report.reasons = qc::ReasonsOf(submission.findings);
  for (const MappedCodes& codes : mappings) {
    report.code_mappings.push_back(
        {codes.system, Unsigned(codes.exact), Unsigned(codes.broad), Unsigned(codes.unmapped)});
  }
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
