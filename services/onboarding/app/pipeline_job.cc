// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/pipeline_job.h"

#include <algorithm>

#include "libs/genomics/vcf_reader.h"
#include "libs/obs/log.h"
#include "services/onboarding/app/build_index.h"
#include "services/onboarding/app/check_variants.h"
#include "services/onboarding/app/read_people.h"
#include "services/onboarding/app/seal_objects.h"

namespace genofed::onboarding {

Pipeline::Job::Job(Pipeline& pipeline, const Context& ctx, RunStore& store, Submission submission)
    : pipeline_(pipeline), ctx_(ctx), store_(store), submission_(std::move(submission)),
      resumed_at_(submission_.stage) {}

Status Pipeline::Job::RunStages() {
  auto assembly = genomics::ParseAssembly(submission_.dataset.assembly);
  if (!assembly) return Error(StatusCode::kDataLoss, "ASSEMBLY_INVALID", "the stored description is damaged");
  assembly_ = *assembly;
  GF_ASSIGN(reference_, OpenReference(pipeline_.options_.reference_fasta, assembly_));
  using Step = Status (Job::*)();
  constexpr std::pair<Stage, Step> kSteps[] = {
      {Stage::kCheck, &Job::Check},           {Stage::kLink, &Job::Link},       {Stage::kConsent, &Job::Register},
      {Stage::kGenotypes, &Job::Genotypes},   {Stage::kPhenotypes, &Job::Phenotypes},
      {Stage::kEncrypt, &Job::Encrypt},       {Stage::kIndex, &Job::Index},     {Stage::kPublish, &Job::Publish}};
  for (const auto& [stage, step] : kSteps) {
    GF_TRY(ctx_.Alive());
    GF_TRY(Enter(stage));
    auto begun = std::chrono::steady_clock::now();
    GF_TRY((this->*step)());
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    pipeline_.metrics_.Observe("genofed_onboarding_stage_seconds", {{"stage", std::string(StageName(stage))}},
                               took.count());
    if (IsFinal(submission_.state)) return absl::OkStatus();
  }
  return absl::OkStatus();
}

Status Pipeline::Job::Enter(Stage stage) {
  if (stage < resumed_at_) return absl::OkStatus();
  submission_.state = State::kRunning;
  submission_.stage = stage;
  submission_.message.clear();
  GF_TRY(store_.Save(ctx_, submission_));
  GF_LOG(ctx_, info, "submission.stage", {"submission", submission_.id}, {"stage", StageName(stage)});
  return absl::OkStatus();
}

Status Pipeline::Job::MergeFindings(std::vector<Finding> findings) {
  auto& all = submission_.findings;
  all.insert(all.end(), std::make_move_iterator(findings.begin()), std::make_move_iterator(findings.end()));
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.severity > b.severity; });
  if (all.empty() || all.front().severity != Severity::kError) return absl::OkStatus();
  return Finish(State::kRejected, "see the findings");
}

Status Pipeline::Job::Check() {
  if (resumed_at_ > Stage::kCheck) return absl::OkStatus();
  submission_.findings.clear();
  submission_.counts = {};
  Findings findings;
  CheckVariants(pipeline_.layout_.Upload(submission_.id, FileKind::kVariants), assembly_, reference_.get(), findings,
                submission_.counts);
  submission_.findings = findings.Take();
  return absl::OkStatus();
}

// Also after errors in the VCF, so that the holder learns of everything at once.
Status Pipeline::Job::Link() {
  const auto& layout = pipeline_.layout_;
  Findings findings;
  auto reader = genomics::VcfReader::Open(layout.Upload(submission_.id, FileKind::kVariants));
  if (!reader.ok()) {
    GF_TRY(MergeFindings({}));
    return IsFinal(submission_.state) ? absl::OkStatus() : reader.status();
  }
  GF_ASSIGN(people_, ReadPeople(ctx_, layout.Upload(submission_.id, FileKind::kPhenopackets),
                                layout.Upload(submission_.id, FileKind::kConsents), (*reader)->header().samples,
                                submission_.started.value_or(submission_.created), findings));
  if (resumed_at_ > Stage::kLink) return absl::OkStatus();
  submission_.counts.subjects = static_cast<std::int32_t>(people_.subjects.size());
  submission_.counts.samples_without_subject = people_.samples_without_subject;
  bool none_permits = std::all_of(people_.permissions.begin(), people_.permissions.end(),
                                  [](std::uint8_t bits) { return bits == 0; });
  if (!findings.has_error() && none_permits) {
    findings.Add({Severity::kError, "NO_CONSENTING_SUBJECT", std::string(FileName(FileKind::kConsents)), 0, "",
                  "nobody with genotypes and phenotypes permits any use"});
  }
  return MergeFindings(findings.Take());
}

Status Pipeline::Job::Register() {
  GF_ASSIGN(submission_.version, store_.ReserveVersion(ctx_));
  std::vector<SubjectConsent> subjects;
  for (std::size_t i = 0; i < people_.subjects.size(); ++i) {
    subjects.push_back({people_.subjects[i].person_identifier, people_.permissions[i]});
  }
  peer_ = "consent";
  GF_ASSIGN(auto answers,
            pipeline_.consent_.Register(ctx_, submission_.dataset.id, submission_.version, subjects));
  peer_.clear();
  GF_ASSIGN(rows_, ArrangeRows(people_, answers));
  people_ = {};  // who they are is not needed any more
  if (resumed_at_ > Stage::kConsent) return absl::OkStatus();
  Counts& counts = submission_.counts;
  counts.subjects_included = static_cast<std::int32_t>(rows_.size());
  counts.subjects_without_consent = counts.subjects - counts.subjects_included;
  Findings findings;
  std::string file(FileName(FileKind::kConsents));
  if (rows_.size() == 0) {
    findings.Add({Severity::kError, "NO_CONSENTING_SUBJECT", file, 0, "", "everybody has withdrawn"});
  } else if (counts.subjects_without_consent > 0) {
    findings.Add({Severity::kNote, "NO_CONSENT", file, 0, "", "people who permit no use were left out",
                  counts.subjects_without_consent});
  }
  return MergeFindings(findings.Take());
}

Status Pipeline::Job::Seal(const char* role) {
  GF_ASSIGN(auto objects, store_.Objects(ctx_));
  const auto has = [&objects](const std::string& wanted) {
    return std::any_of(objects.begin(), objects.end(), [&](const auto& object) { return object.role == wanted; });
  };
  if (has(role)) return absl::OkStatus();
  ObjectRequest request;
  request.submission = submission_.id;
  peer_ = "consent";
  GF_ASSIGN(request.recipient, pipeline_.consent_.EncryptionKey(ctx_));
  peer_.clear();
  auto seal = std::string_view(role) == "genotypes" ? &SealGenotypes : &SealPhenotypes;
  GF_ASSIGN(auto sealed, seal(pipeline_.layout_, rows_, request, pipeline_.clock_, pipeline_.random_));
  // The one that is looked for comes last. What goes with it has the same clear bytes each time.
  for (auto object = sealed.rbegin(); object != sealed.rend(); ++object) {
    if (!has(object->role)) GF_TRY(store_.AddObject(ctx_, *object));
  }
  return absl::OkStatus();
}

Status Pipeline::Job::Genotypes() { return Seal("genotypes"); }
Status Pipeline::Job::Phenotypes() { return Seal("phenotypes"); }

Status Pipeline::Job::Encrypt() {
  GF_ASSIGN(auto objects, store_.Objects(ctx_));
  for (const ObjectRecord& object : objects) {
    if (object.header_stored) continue;
    peer_ = "consent";
    GF_TRY(pipeline_.consent_.StoreHeader(ctx_, submission_.dataset.id, submission_.version, object));
    peer_.clear();
    GF_TRY(store_.MarkHeaderStored(ctx_, object.id));
  }
  return absl::OkStatus();
}

Status Pipeline::Job::Index() {
  if (!submission_.index_sha256.empty()) return absl::OkStatus();
  GF_ASSIGN(BuiltIndex built,
            BuildIndex(ctx_, pipeline_.layout_, submission_, assembly_, rows_, reference_.get()));
  submission_.index_sha256 = built.manifest_sha256;
  submission_.individuals_sha256 = built.individuals_sha256;
  submission_.counts.sites = built.sites;
  return store_.Save(ctx_, submission_);
}

Status Pipeline::Job::Publish() {
  peer_ = "discovery";
  GF_TRY(pipeline_.publisher_.PublishIndex(ctx_, submission_,
                                           Layout::IndexPath(submission_.dataset.id, submission_.version)));
  index_published_ = true;
  peer_ = "catalogue";
  GF_TRY(pipeline_.publisher_.SubmitRecord(ctx_, submission_));
  peer_.clear();
  return Finish(State::kPublished, "");
}

Status Pipeline::Job::Finish(State state, std::string message) {
  submission_.state = state;
  submission_.message = std::move(message);
  submission_.finished = pipeline_.clock_.Now();
  GF_TRY(store_.Save(ctx_, submission_));
  pipeline_.metrics_.Add("genofed_onboarding_submissions_total", {{"state", std::string(StateName(state))}});
  GF_LOG(ctx_, info, "submission.finished", {"submission", submission_.id}, {"state", StateName(state)},
         {"findings", submission_.findings.size()});
  return absl::OkStatus();
}

std::string Pipeline::Job::WaitsFor() const {
  return peer_.empty() ? fmt::format("stage {}", StageName(submission_.stage)) : peer_;
}

bool Pipeline::Job::Permanent(const Status& status) const {
  if (index_published_) return false;
  std::string reason = Reason(status);
  if (reason == "LEASE_LOST") return false;
  if (reason == "DATASET_OF_ANOTHER_HOLDER") return true;
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kAlreadyExists:
    case StatusCode::kOutOfRange:
    case StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

Status Pipeline::Job::NoteDelay(const Status& status) {
  submission_.state = State::kRunning;
  submission_.finished.reset();
  submission_.message = fmt::format("waiting for {} ({})", WaitsFor(), Reason(status));
  return store_.Save(ctx_, submission_);
}

}  // namespace genofed::onboarding
