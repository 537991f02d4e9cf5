// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/onboard_check.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "libs/clinical/consent.h"
#include "libs/clinical/csv_mapping.h"
#include "libs/clinical/harmonise.h"
#include "libs/consent/policy.h"
#include "libs/core/clock.h"
#include "libs/core/file.h"
#include "libs/intake/judge.h"

namespace genofed::cli {
namespace {

constexpr char kExamples[] = R"(Judges VCF, BCF, FHIR R4/R5 (JSON, NDJSON), Phenopackets v2, OMOP CDM 5.4 tables and CSV exports by what is in them.
A directory stands for its files. Nothing is stored or sent. Each file is judged by itself; OMOP tables of one directory, and
FHIR files without patients of their own, together with those beside them. With --harmonised all files are one submission:
people are put together across them, and files that contradict each other are quarantined.

Verdicts:
  accept      nothing is wrong; what was left out by rule is among the reasons
  quarantine  a record or value is set aside because it is wrong or ambiguous
  reject      nothing of the file can be used

With --json one line a file: {"file","verdict","records":{"accepted","quarantined"},"reasons":[{"code","line","field","message"}]}

Examples:
  genofed onboard check --json cohort.vcf.gz
  genofed onboard check --reference GRCh38.fa cohort.vcf.gz phenopackets/
  genofed onboard check omop/ --consents consents.json --harmonised people.tsv
  genofed onboard check export.csv --mapping mapping.json

Exit codes: 0 all accepted; 1 could not be done; 2 wrong usage; 3 a file is quarantined or rejected.)";

struct CheckOptions {
  std::vector<std::string> paths;
  std::string reference, consents, harmonised, mapping;
  std::vector<std::string> codes;
  int adult_age = clinical::kAdultAge;
};

// Directories as their files, sorted by name; hidden ones are nobody's data.
Status Expand(const std::string& path, std::vector<std::filesystem::path>& files) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    files.emplace_back(path);
    return absl::OkStatus();
  }
  const std::size_t first = files.size();
  for (std::filesystem::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with('.')) {
      if (it->is_directory(error)) it.disable_recursion_pending();
    } else if (it->is_regular_file(error) && it->path().filename() != "dataset.json") {  // it is not data
      files.push_back(it->path());
    }
  }
  if (error) return Error(StatusCode::kInvalidArgument, "FILE_FAILED", "cannot read the directory {}", path);
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(first), files.end());
  return absl::OkStatus();
}

void PrintJson(const intake::FileJudgement& file) {
  nlohmann::ordered_json line = {{"file", file.file},
                                 {"verdict", intake::VerdictName(file.verdict)},
                                 {"records", {{"accepted", file.accepted}, {"quarantined", file.quarantined}}},
                                 {"reasons", nlohmann::ordered_json::array()}};
  for (const Finding& reason : file.reasons) {
    std::string message = reason.message;
    if (reason.count > 1) message += fmt::format(" ({} times)", reason.count);
    line["reasons"].push_back({{"code", reason.code}, {"line", reason.line}, {"field", reason.field}, {"message", message}});
  }
  std::printf("%s\n", line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

std::string_view Mark(Severity severity) {
  return severity == Severity::kError ? "error" : severity == Severity::kWarning ? "set aside" : "note";
}

void PrintHuman(const std::vector<intake::FileJudgement>& files) {
  std::vector<std::vector<std::string>> rows = {{"FILE", "VERDICT", "ACCEPTED", "QUARANTINED"}};
  for (const auto& file : files) {
    rows.push_back({file.file, std::string(intake::VerdictName(file.verdict)), std::to_string(file.accepted),
                    std::to_string(file.quarantined)});
  }
  PrintTable(rows);
  for (const auto& file : files) {
    for (const Finding& reason : file.reasons) {
      std::string where = file.file;
      if (reason.line > 0) where += fmt::format(":{}", reason.line);
      if (!reason.field.empty()) where += " " + reason.field;
      const std::string times = reason.count > 1 ? fmt::format(" ({} times)", reason.count) : "";
      std::printf("%s: %s %s: %s%s\n", Printable(where).c_str(),
                  std::string(Mark(reason.severity)).c_str(), reason.code.c_str(),
                  Printable(reason.message).c_str(), times.c_str());
    }
  }
}

// The product's tables, with those of the site.
Result<std::unique_ptr<clinical::Terminology>> LoadTerminology(const std::vector<std::string>& tables) {
  if (tables.empty()) return std::unique_ptr<clinical::Terminology>();
  auto terminology = std::make_unique<clinical::Terminology>(clinical::Terminology::Embedded());
  for (const std::string& path : tables) {
    GF_ASSIGN(const std::string text, ReadFile(path, std::size_t{1} << 30));
    GF_TRY(terminology->AddTable(text));
  }
  return terminology;
}

Result<int> Check(const Target& target, const CheckOptions& o) {
  std::vector<std::filesystem::path> files;
  for (const std::string& path : o.paths) GF_TRY(Expand(path, files));
  intake::Options options;
  options.reference = o.reference;
  options.now = SystemClock().Now();
  options.together = !o.harmonised.empty();
  options.adult_age = o.adult_age;
  if (!o.mapping.empty()) {
    GF_ASSIGN(const std::string text, ReadFile(o.mapping));
    GF_ASSIGN(options.mapping, clinical::CsvMapping::Parse(text));
  }
  std::vector<clinical::ConsentRecord> consents;
  if (!o.consents.empty()) {
    GF_ASSIGN(const std::string text, ReadFile(o.consents, clinical::kMaxConsentBytes));
    GF_ASSIGN(consents, clinical::ParseFhirConsents(text));
  }
  options.consents = consents;
  GF_ASSIGN(const auto terminology, LoadTerminology(o.codes));
  options.terminology = terminology.get();
  GF_ASSIGN(const intake::Judgement judgement, intake::Judge(files, options));
  if (!o.harmonised.empty()) GF_TRY(WriteFileAtomically(o.harmonised, clinical::WriteTable(judgement.people), 0600));
  if (target.json) {
    for (const auto& file : judgement.files) PrintJson(file);
  } else {
    PrintHuman(judgement.files);
  }
  const bool all = std::all_of(judgement.files.begin(), judgement.files.end(), [](const intake::FileJudgement& file) {
    return file.verdict == intake::Verdict::kAccept;
  });
  return all ? kOk : kRejected;
}

}  // namespace

void AddOnboardCheck(CLI::App& onboard, Commands commands) {
  auto o = std::make_shared<CheckOptions>();
  auto* check = onboard.add_subcommand("check", "Judge files of any kind, without storing or sending anything");
  check->add_option("files", o->paths, "Files and directories")->required()->check(CLI::ExistingPath);
  check->add_option("--reference", o->reference, "Indexed FASTA to compare the REF of VCFs with")->check(CLI::ExistingFile);
  check->add_option("--consents", o->consents, "FHIR R4 or R5 Bundle of Consent resources")->check(CLI::ExistingFile);
  check->add_option("--harmonised", o->harmonised, "Write one row for each person here (tab-separated)");
  check->add_option("--mapping", o->mapping, "What the columns of a CSV mean (JSON; docs/guides/data-holder.md)")->check(CLI::ExistingFile);
  check->add_option("--codes", o->codes, "Further code mappings, such as SNOMED CT or OMOP concepts: tab-separated "
                                         "source system, code, exact|broad|narrow|related, target. Repeatable")
      ->check(CLI::ExistingFile)
      ->allow_extra_args(false);
  check->add_option("--adult-age", o->adult_age, "Years at which people of your country speak for themselves, as its consent policy says")
      ->check(CLI::Range(consent::kLowestAdultAge, consent::kHighestAdultAge))
      ->capture_default_str();
  check->footer(kExamples);
  check->callback([o, &target = commands.target, &action = commands.action] {
    action = [o, &target] {
      auto code = Check(target, *o);
      return code.ok() ? *code : Fail(code.status());
    };
  });
}

}  // namespace genofed::cli
