// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/read_people.h"

#include <algorithm>
#include <map>

#include "libs/clinical/consent.h"
#include "libs/clinical/csv_mapping.h"
#include "libs/clinical/harmonise.h"
#include "libs/core/file.h"
#include "libs/intake/clinical_files.h"
#include "libs/intake/detect.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kMaxMappingBytes = 1U << 20;

// One finding for each wrong field, or one for the whole.
void AddErrors(const Status& status, const std::string& file, Findings& findings) {
  auto fields = Fields(status);
  if (fields.empty()) fields.push_back({"", Message(status)});
  for (FieldViolation& violation : fields) {
    findings.Add({Severity::kError, Reason(status), file, 0, std::move(violation.field), std::move(violation.description)});
  }
}

Status Unreadable() { return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read an uploaded file"); }

class PeopleReader {
 public:
  PeopleReader(const Context& ctx, std::span<const PeopleFile> files, const clinical::Terminology& terminology, Time now,
               int adult_age, Findings& findings)
      : ctx_(ctx), files_(files), adult_age_(adult_age), findings_(findings), sources_(terminology, now) {}

  Result<People> Read(const std::optional<std::vector<VariantsFile>>& variants) {
    GF_TRY(ReadMapping());
    GF_TRY(ReadClinical());
    GF_TRY(ReadConsents());
    std::vector<std::string> samples;
    for (const VariantsFile& file : variants.value_or(std::vector<VariantsFile>())) {
      samples.insert(samples.end(), file.samples.begin(), file.samples.end());
    }
    std::int64_t consents_of_others = 0;
    const auto rows = clinical::Harmonise(sources_, {.together = true,
                                                     .vcf_samples = samples,
                                                     .consents = consents_,
                                                     .adult_age = adult_age_,
                                                     .consents_of_others = &consents_of_others});
    People people = ToPeople(rows, variants);
    TakeFindings(variants.has_value());
    for (const clinical::FileFacts& file : sources_.files()) {
      people.records += file.accepted + file.quarantined;
      people.records_quarantined += file.quarantined;
    }
    people.mappings = CountMappings();
    if (rows.empty() && !findings_.has_error()) {
      findings_.Add({Severity::kError, "NO_SUBJECTS", NameOf(FileKind::kClinical), 0, "", "the clinical data have nobody"});
    }
    if (consents_of_others > 0) {
      findings_.Add({Severity::kNote, "CONSENT_WITHOUT_SUBJECT", NameOf(FileKind::kConsents), 0, "",
                     "consents of people without clinical data were not used", consents_of_others});
    }
    return people;
  }

  const clinical::Collector& sources() const { return sources_; }

 private:
  // The name of the only file of a kind, else the kind.
  std::string NameOf(FileKind kind) const {
    const PeopleFile* only = nullptr;
    for (const PeopleFile& file : files_) {
      if (file.kind != kind) continue;
      if (only != nullptr) return std::string(KindName(kind));
      only = &file;
    }
    return only == nullptr ? std::string(KindName(kind)) : only->name;
  }

  Status ReadMapping() {
    int mappings = 0;
    for (const PeopleFile& file : files_) {
      if (file.kind != FileKind::kMapping) continue;
      if (++mappings > 1) {
        findings_.Add({Severity::kError, "SEVERAL_MAPPINGS", file.name, 0, "", "a submission has one mapping at most"});
        continue;
      }
      auto text = ReadFile(file.path, kMaxMappingBytes);
      if (!text.ok() && Reason(text.status()) != "FILE_TOO_LARGE") return Unreadable();
      auto mapping = text.ok() ? clinical::CsvMapping::Parse(*text)
                               : Error(StatusCode::kInvalidArgument, "MAPPING_INVALID", "a mapping has at most 1 MiB");
      if (mapping.ok()) mapping_ = *std::move(mapping);
      else AddErrors(mapping.status(), file.name, findings_);
    }
    return absl::OkStatus();
  }

  Status ReadClinical() {
    intake::ClinicalFiles reader(mapping_, sources_);
    for (const PeopleFile& file : files_) {
      if (file.kind != FileKind::kClinical) continue;
      GF_TRY(ctx_.Alive());
      const intake::Detection detection = intake::Detect(file.path, mapping_);
      if (detection.code == "FILE_FAILED" || detection.code == "NOT_A_FILE") return Unreadable();
      if (detection.kind == intake::FileKind::kUnusable) {
        findings_.Add({Severity::kError, std::string(detection.code), file.name, 0, "", std::string(detection.message)});
      } else if (detection.kind == intake::FileKind::kVcf) {
        findings_.Add({Severity::kError, "NOT_CLINICAL", file.name, 0, "", "variants; send the file as such"});
      } else {
        reader.Read(file.path, file.name, detection, "");
      }
    }
    reader.Finish();
    return absl::OkStatus();
  }

  Status ReadConsents() {
    for (const PeopleFile& file : files_) {
      if (file.kind != FileKind::kConsents) continue;
      GF_TRY(ctx_.Alive());
      auto text = ReadFile(file.path, clinical::kMaxConsentBytes);
      if (Reason(text.status()) == "FILE_TOO_LARGE") {
        findings_.Add({Severity::kError, "CONSENTS_TOO_LARGE", file.name, 0, "", "a file of consents has at most 256 MiB"});
        continue;
      }
      if (!text.ok()) return Unreadable();
      auto records = clinical::ParseFhirConsents(*text);
      if (records.ok()) consents_.insert(consents_.end(), records->begin(), records->end());
      else AddErrors(records.status(), file.name, findings_);
    }
    return absl::OkStatus();
  }

  People ToPeople(std::span<const clinical::HarmonisedRow> rows, const std::optional<std::vector<VariantsFile>>& variants) {
    LinkedPeople linked = LinkPeople(rows, variants, sources_, findings_);
    People people;
    people.subjects = std::move(linked.subjects);
    people.subjects_without_sample = linked.subjects_without_sample;
    people.samples_without_subject = linked.samples_without_subject;
    // Both are in the order of rows.
    auto row = rows.begin();
    for (const LinkedSubject& subject : people.subjects) {
      while (row->subject != subject.person_identifier) ++row;
      people.consents.push_back({subject.person_identifier, row->permissions, row->has_consent,
                                 row->permitted_until, row->consent_origin, row->born,
                                 row->died_at, row->consent_limits, row->wishes});
    }
    return people;
  }

  std::vector<MappedCodes> CountMappings() const {
    std::map<std::string, MappedCodes> by_system;
    for (const clinical::Disease& disease : sources_.diseases()) {
      MappedCodes& counts = by_system[disease.source.system];
      const auto has = [&](clinical::Predicate predicate) {
        return std::any_of(disease.mappings.begin(), disease.mappings.end(),
                           [&](const clinical::Mapping& mapping) { return mapping.predicate == predicate; });
      };
      if (has(clinical::Predicate::kExact)) ++counts.exact;
      else if (!disease.mappings.empty()) ++counts.broad;
      else ++counts.unmapped;
    }
    std::vector<MappedCodes> mappings;
    for (auto& [system, counts] : by_system) {
      counts.system = system;
      mappings.push_back(std::move(counts));
    }
    return mappings;
  }

  void TakeFindings(bool needs_samples) {
    for (clinical::FileFacts& file : sources_.files()) {
      for (Finding& finding : file.findings.Take()) {
        if (!needs_samples && finding.code == "SUBJECT_WITHOUT_SAMPLE") continue;
        if (finding.code == "SAMPLE_CLAIMED_TWICE") finding.severity = Severity::kError;
        findings_.Add(std::move(finding));
      }
    }
  }

  const Context& ctx_;
  const std::span<const PeopleFile> files_;
  const int adult_age_;
  Findings& findings_;
  clinical::Collector sources_;
  clinical::CsvMapping mapping_ = clinical::CsvMapping::BuiltIn();
  std::vector<clinical::ConsentRecord> consents_;
};

}  // namespace

Result<People> ReadPeople(const Context& ctx, std::span<const PeopleFile> files,
                          const std::optional<std::vector<VariantsFile>>& variants,
                          const clinical::Terminology& terminology, Time now, int adult_age,
                          Quarantine* quarantine, Findings& findings) {
  PeopleReader reader(ctx, files, terminology, now, adult_age, findings);
  GF_ASSIGN(People people, reader.Read(variants));
  if (quarantine != nullptr) GF_TRY(quarantine->AddClinical(files, reader.sources()));
  return people;
}

}  // namespace genofed::onboarding
