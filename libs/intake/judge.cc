// SPDX-License-Identifier: Apache-2.0
#include "libs/intake/judge.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>

#include "libs/clinical/csv_source.h"
#include "libs/clinical/json_source.h"
#include "libs/clinical/omop_source.h"
#include "libs/genomics/check_vcf.h"
#include "libs/intake/detect.h"

namespace genofed::intake {
namespace {

struct OmopFile {
  std::uint32_t number;  // of the collector
  const clinical::OmopTable* table;
};

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
    for (const auto& [set, tables] : omop_sets_) RequirePersons(tables);
    out_.people = clinical::Harmonise(collector_, {options_.together, samples_, options_.consents});
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
        Collect(i);
        return clinical::ReadJsonSource(files_[i], fhir_, collector_);
      case FileKind::kCsv: {
        Collect(i);
        std::ifstream in(files_[i], std::ios::binary);
        return clinical::ReadCsvSource(in, options_.mapping, collector_);
      }
      case FileKind::kOmop: {
        const std::string set = files_[i].parent_path().string();
        std::vector<OmopFile>& tables = omop_sets_[set];
        tables.push_back({Collect(i), detection.omop_table});
        collector_.files()[tables.back().number].set = tables.front().number;
        std::ifstream in(files_[i], std::ios::binary);
        return clinical::ReadOmopSource(in, *detection.omop_table, set, options_.mapping, collector_);
      }
    }
  }

  std::uint32_t Collect(std::size_t i) {
    const std::uint32_t number = collector_.BeginFile(out_.files[i].file);
    collected_.emplace_back(number, i);
    return number;
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

  // Without the table of persons nobody knows whom the others are about.
  void RequirePersons(const std::vector<OmopFile>& tables) {
    const bool any = std::any_of(tables.begin(), tables.end(), [](const OmopFile& file) { return file.table->name == "person"; });
    for (const OmopFile& file : tables) {
      clinical::FileFacts& facts = collector_.files()[file.number];
      if (any || file.table->fields.empty() || facts.rejected) continue;
      facts.rejected = true;
      facts.findings.Add({Severity::kError, "PERSON_TABLE_MISSING", facts.name, 0, "person_id",
                          "hand over the table person of the same export together with this one"});
    }
  }

  static void Take(clinical::FileFacts& facts, FileJudgement& file) {
    file.accepted = facts.accepted;
    file.quarantined = facts.quarantined;
    file.reasons = facts.findings.Take();
  }

  // Genotypes without a person are left out, when there are people at all.
  void NoteSamples() {
    if (out_.people.empty()) return;
    std::unordered_set<std::string> linked;
    for (const auto& person : out_.people) linked.insert(person.samples.begin(), person.samples.end());
    for (const auto& [i, samples] : vcfs_) {
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
  clinical::FhirReader fhir_;
  std::unique_ptr<genomics::Reference> reference_;
  Judgement out_;
  std::vector<std::pair<std::uint32_t, std::size_t>> collected_;  // file of the collector, file given
  std::map<std::string, std::vector<OmopFile>> omop_sets_;        // by directory
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
