// SPDX-License-Identifier: Apache-2.0
#include "libs/intake/judge.h"

#include <algorithm>
#include <memory>
#include <unordered_set>

#include "libs/genomics/check_vcf.h"
#include "libs/intake/clinical_files.h"
#include "libs/intake/detect.h"

namespace genofed::intake {
namespace {

class FileJudge {
 public:
  FileJudge(std::span<const std::filesystem::path> files, const Options& options)
      : files_(files),
        options_(options),
        collector_(options.terminology == nullptr ? clinical::Terminology::Embedded() : *options.terminology, options.now) {}

  Result<Judgement> Run() {
    if (!options_.reference.empty()) {
      GF_ASSIGN(reference_, genomics::Reference::Open(options_.reference));
    }
    out_.files.resize(files_.size());
    for (std::size_t i = 0; i < files_.size(); ++i) {
      out_.files[i].file = files_[i].string();
      JudgeFile(i);
    }
    clinical_.Finish();
    out_.people = clinical::Harmonise(collector_, {options_.together, samples_, options_.consents, options_.adult_age});
    for (const auto& [number, i] : collected_) Take(collector_.files()[number], out_.files[i]);
    NoteSamples();
    for (FileJudgement& file : out_.files) file.verdict = VerdictOf(file);
    return std::move(out_);
  }

 private:
  void JudgeFile(std::size_t i) {
    const Detection detection = Detect(files_[i], options_.mapping);
    switch (detection.kind) {
      case FileKind::kVcf:
        return JudgeVcf(i);
      case FileKind::kUnusable:
        out_.files[i].reasons.push_back({Severity::kError, std::string(detection.code), out_.files[i].file, 0, "",
                                         std::string(detection.message)});
        return;
      case FileKind::kJson:
      case FileKind::kCsv:
      case FileKind::kOmop:
        collected_.emplace_back(
            clinical_.Read(files_[i], out_.files[i].file, detection, files_[i].parent_path().string()), i);
        return;
    }
  }

  void JudgeVcf(std::size_t i) {
    FileJudgement& file = out_.files[i];
    const genomics::VcfReport report =
        genomics::CheckVcf(files_[i], {.reference = reference_.get(), .file = file.file});
    const bool rejected = report.HasError();
    file.accepted = rejected ? 0 : static_cast<std::int64_t>(report.accepted + report.left_out);
    file.quarantined = static_cast<std::int64_t>(report.set_aside);
    file.reasons = report.findings;
    if (!rejected && reference_ == nullptr) {
      file.reasons.push_back({Severity::kNote, "REFERENCE_NOT_CHECKED", file.file, 0, "REF",
                              "no reference genome was given to compare with"});
    }
    if (rejected) return;
    samples_.insert(samples_.end(), report.samples.begin(), report.samples.end());
    vcfs_.emplace_back(i, report.samples);
  }

  static void Take(clinical::FileFacts& facts, FileJudgement& file) {
    file.accepted = facts.accepted;
    file.quarantined = facts.quarantined;
    file.reasons = facts.findings.Take();
  }

  // Genotypes without a person are left out, when there are people at all.
  void NoteSamples() {
    if (out_.people.empty()) return;
    std::unordered_set<std::string> linked, named_files;
    for (const auto& person : out_.people) {
      linked.insert(person.samples.begin(), person.samples.end());
      for (const auto& variants : person.variants) named_files.insert(variants.file);
    }
    for (const auto& [i, samples] : vcfs_) {
      if (samples.size() == 1 && named_files.contains(files_[i].filename().string())) continue;
      const auto without = std::count_if(samples.begin(), samples.end(), [&](const std::string& sample) { return !linked.contains(sample); });
      if (without == 0) continue;
      out_.files[i].reasons.push_back({Severity::kNote, "SAMPLE_WITHOUT_SUBJECT", out_.files[i].file, 0, "#CHROM",
                                       "left out: samples that nobody in these files has", without});
    }
  }

  static Verdict VerdictOf(const FileJudgement& file) {
    Verdict verdict = file.quarantined > 0 ? Verdict::kQuarantine : Verdict::kAccept;
    for (const Finding& reason : file.reasons) {
      if (reason.severity == Severity::kError) return Verdict::kReject;
      if (reason.severity == Severity::kWarning) verdict = Verdict::kQuarantine;
    }
    return verdict;
  }

  std::span<const std::filesystem::path> files_;
  const Options& options_;
  clinical::Collector collector_;
  ClinicalFiles clinical_{options_.mapping, collector_};
  std::unique_ptr<genomics::Reference> reference_;
  Judgement out_;
  std::vector<std::pair<std::uint32_t, std::size_t>> collected_;  // file of the collector, file given
  std::vector<std::pair<std::size_t, std::vector<std::string>>> vcfs_;
  std::vector<std::string> samples_;
};

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccept:
      return "accept";
    case Verdict::kQuarantine:
      return "quarantine";
    case Verdict::kReject:
      break;
  }
  return "reject";
}

Result<Judgement> Judge(std::span<const std::filesystem::path> files, const Options& options) {
  return FileJudge(files, options).Run();
}

}  // namespace genofed::intake
