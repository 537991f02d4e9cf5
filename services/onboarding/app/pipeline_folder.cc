// SPDX-License-Identifier: Apache-2.0
//
// The pipeline of a Beacon data folder: its records are checked one by one, its people registered with consent, and the
// whole kept as one snapshot that discovery answers from.
#include <algorithm>
#include <set>

#include "libs/beacon/snapshot.h"
#include "libs/clinical/consent.h"
#include "services/onboarding/app/files.h"
#include "services/onboarding/app/pipeline_job.h"

namespace genofed::onboarding {

using beacon::EntryType;

Status Pipeline::Job::CheckFolder() {
  GF_ASSIGN(inputs_, store_.Inputs(ctx_));
  std::vector<beacon::FolderFile> files;
  for (const UploadedFile& file : inputs_) {
    if (file.kind != FileKind::kBeacon) continue;
    const auto path = pipeline_.layout_.Input(submission_.id, file);
    std::error_code error;
    if (file.crypt4gh && !std::filesystem::exists(path, error))
      GF_TRY(pipeline_.uploads_.Open(ctx_, submission_.id, file.name));
    files.push_back({file.name, path});
  }
  Findings findings;
  for (const beacon::FolderFile& file : files) {
    if (!beacon::IsFolderFile(file.name))
      findings.Add({Severity::kNote, "FILE_NOT_USED", file.name, 0, "", "is no file of a Beacon data folder"});
  }
  GF_ASSIGN(folder_, beacon::ReadFolder(ctx_, files, findings));
  if (resumed_at_ > Stage::kCheck) return absl::OkStatus();
  Counts& counts = submission_.counts;
  counts = {};
  counts.subjects = static_cast<std::int32_t>(folder_.of(EntryType::kIndividual).size());
  counts.records = static_cast<std::int64_t>(folder_.read);
  counts.records_quarantined = static_cast<std::int64_t>(folder_.set_aside);
  counts.sites = static_cast<std::int64_t>(folder_.of(EntryType::kVariant).size());
  submission_.findings.clear();
  return MergeFindings(findings.Take());
}

// The holder states that its people permit to be counted, found, and used for approved purposes; whoever has decided
// otherwise is left out by consent, now or later.
Status Pipeline::Job::RegisterFolder() {
  GF_TRY(ListedVersion());
  GF_ASSIGN(submission_.version, store_.ReserveVersion(ctx_));
  const std::vector<std::string> people = beacon::PeopleOf(folder_);
  std::vector<std::int32_t> rows;
  std::int32_t forgotten = 0;
  if (!people.empty()) {
    std::vector<SubjectConsent> subjects;
    for (const std::string& person : people)
      subjects.push_back(
          {person, clinical::kPermitAlleleFrequency | clinical::kPermitSubjectLevel | clinical::kPermitSecondaryUse});
    peer_ = "consent";
    GF_ASSIGN(const auto answers,
              pipeline_.consent_.Register(ctx_, {submission_.dataset.id, submission_.version, 0, false}, subjects));
    peer_.clear();
    if (answers.size() != people.size())
      return Error(StatusCode::kDataLoss, "CONSENT_ANSWER_INVALID", "the consent service answered for other people");
    for (const RegisteredSubject& answer : answers) {
      rows.push_back(answer.included ? answer.row : -1);
      forgotten += answer.forgotten ? 1 : 0;
    }
  }
  beacon::SetRows(folder_, rows);
  if (resumed_at_ > Stage::kConsent) return absl::OkStatus();
  Counts& counts = submission_.counts;
  counts.subjects_included =
      static_cast<std::int32_t>(std::count_if(rows.begin(), rows.end(), [](auto row) { return row >= 0; }));
  counts.subjects_forgotten = forgotten;
  counts.subjects_without_consent =
      static_cast<std::int32_t>(rows.size()) - counts.subjects_included - counts.subjects_forgotten;
  Findings findings;
  NoteForgotten(findings);
  if (counts.subjects_without_consent > 0) {
    findings.Add({Severity::kNote, "NO_CONSENT", "", 0, "", "people who withdrew here before were left out",
                  counts.subjects_without_consent});
  }
  return MergeFindings(findings.Take());
}

Status Pipeline::Job::IndexFolder() {
  if (!submission_.individuals_sha256.empty()) return absl::OkStatus();
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(pipeline_.layout_.Scratch()));
  const auto made = scratch / beacon::kSnapshotFile;
  GF_ASSIGN(const std::string sha256, beacon::WriteSnapshot(made, folder_, submission_.test_data));
  const std::filesystem::path dir = pipeline_.layout_.Index(submission_.dataset.id, submission_.version);
  GF_TRY(MakeDirectory(dir));
  GF_TRY(ctx_.Alive());  // whoever lost the lease must not touch what another worker publishes
  GF_TRY(MoveIntoPlace(made, dir / beacon::kSnapshotFile));
  submission_.individuals_sha256 = sha256;
  submission_.difference.people_added = submission_.counts.subjects_included;
  return store_.Save(ctx_, submission_);
}

Status Pipeline::Job::PublishFolder() {
  const std::string& dataset = submission_.dataset.id;
  const Snapshot snapshot{dataset,
                          submission_.version,
                          0,
                          submission_.dataset.assembly,
                          {},
                          Layout::IndexPath(dataset, submission_.version) + "/" + beacon::kSnapshotFile,
                          submission_.individuals_sha256};
  GF_TRY(PublishIndex(snapshot));
  InclusionFacts facts;
  facts.people = submission_.counts.subjects_included;
  facts.frequencies_only = submission_.counts.subjects == 0;
  facts.records = submission_.counts.records;
  facts.records_set_aside = submission_.counts.records_quarantined;
  peer_ = "catalogue";
  GF_TRY(pipeline_.publisher_.SubmitRecord(
      ctx_, submission_, CheckInclusion(pipeline_.options_.inclusion, facts, submission_.dataset.evidence)));
  peer_.clear();
  return Finish(State::kPublished, "");
}

}  // namespace genofed::onboarding
