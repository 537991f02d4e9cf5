// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/pipeline_job.h"

#include <algorithm>

#include "libs/genomics/cohort_index.h"
#include "libs/genomics/person_records.h"
#include "libs/genomics/vcf_reader.h"
#include "libs/obs/log.h"
#include "libs/qc/fingerprints.h"
#include "services/onboarding/app/check_variants.h"
#include "services/onboarding/app/conformity.h"
#include "services/onboarding/app/files.h"
#include "services/onboarding/app/read_people.h"
#include "services/onboarding/app/snapshot_files.h"

namespace genofed::onboarding {

Pipeline::Job::Job(Pipeline& pipeline, const Context& ctx, RunStore& store, Submission submission)
    : pipeline_(pipeline), ctx_(ctx), store_(store), submission_(std::move(submission)),
      resumed_at_(submission_.stage) {}

Status Pipeline::Job::RunStages() {
  auto assembly = genomics::ParseAssembly(submission_.dataset.assembly);
  if (!assembly) return Error(StatusCode::kDataLoss, "ASSEMBLY_INVALID", "the stored description is damaged");
  assembly_ = *assembly;
  GF_ASSIGN(reference_, OpenReference(pipeline_.options_.reference_fasta, assembly_));
  GF_TRY(FindPublished());
  using Step = Status (Job::*)();
  using Steps = std::vector<std::pair<Stage, Step>>;
  static const Steps kVersion = {
      {Stage::kCheck, &Job::Check},         {Stage::kLink, &Job::Link},     {Stage::kConsent, &Job::Register},
      {Stage::kGenotypes, &Job::Genotypes}, {Stage::kPhenotypes, &Job::Phenotypes},
      {Stage::kEncrypt, &Job::Encrypt},     {Stage::kIndex, &Job::Index},   {Stage::kReport, &Job::Judged},
      {Stage::kPublish, &Job::Publish}};
  static const Steps kFolder = {{Stage::kCheck, &Job::CheckFolder},
                                {Stage::kConsent, &Job::RegisterFolder},
                                {Stage::kIndex, &Job::IndexFolder},
                                {Stage::kReport, &Job::Judged},
                                {Stage::kPublish, &Job::PublishFolder}};
  static const Steps kRollback = {{Stage::kPublish, &Job::Rollback}};
  static const Steps kDecommission = {{Stage::kPublish, &Job::Decommission}};
  const Steps& steps = submission_.mode == Mode::kRollback       ? kRollback
                       : submission_.mode == Mode::kDecommission ? kDecommission
                       : submission_.mode == Mode::kBeacon       ? kFolder
                                                                 : kVersion;
  for (const auto& [stage, step] : steps) {
    GF_TRY(ctx_.Alive());
    GF_TRY(Enter(stage));
    // What was made may have been written anew since, for people who were forgotten.
    if (published_ && stage >= Stage::kGenotypes && stage <= Stage::kIndex) continue;
    auto begun = std::chrono::steady_clock::now();
    GF_TRY((this->*step)());
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    pipeline_.metrics_.Observe("genofed_onboarding_stage_seconds", {{"stage", std::string(StageName(stage))}},
                               took.count());
    if (IsFinal(submission_.state)) return absl::OkStatus();
  }
  return absl::OkStatus();
}

Status Pipeline::Job::FindPublished() {
  if (!MakesVersion(submission_.mode) || submission_.version == 0) return absl::OkStatus();
  auto snapshot = store_.FindSnapshot(ctx_, submission_.version);
  if (Reason(snapshot.status()) == "SNAPSHOT_UNKNOWN") return absl::OkStatus();
  GF_TRY(snapshot);
  published_ = *std::move(snapshot);
  index_published_ = true;
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
  if (MakesVersion(submission_.mode)) GF_TRY(Judged());
  return Finish(State::kRejected, "see the findings");
}

std::string Pipeline::Job::NameOf(FileKind kind) const {
  const bool one = std::count_if(inputs_.begin(), inputs_.end(), [&](const auto& file) { return file.kind == kind; }) == 1;
  for (const UploadedFile& file : inputs_) {
    if (one && file.kind == kind) return file.name;
  }
  return std::string(KindName(kind));
}

// What several files have is compared when people are linked, so all of them are read again until that is done.
Status Pipeline::Job::Check() {
  GF_ASSIGN(inputs_, store_.Inputs(ctx_));
  // What came encrypted rests encrypted until now.
  for (const UploadedFile& file : inputs_) {
    std::error_code error;
    if (!file.crypt4gh || std::filesystem::exists(pipeline_.layout_.Input(submission_.id, file), error)) continue;
    GF_TRY(pipeline_.uploads_.Open(ctx_, submission_.id, file.name));
  }
  if (resumed_at_ <= Stage::kLink && pipeline_.options_.intake_key) {
    GF_ASSIGN(quarantine_,
              Quarantine::Create(ctx_, pipeline_.bodies_, NewId("obj", pipeline_.clock_, pipeline_.random_),
                                 *pipeline_.options_.intake_key, pipeline_.random_));
  }
  if (submission_.mode == Mode::kFollowUp) return absl::OkStatus();
  if (resumed_at_ > Stage::kLink) return ReopenVariants();
  submission_.findings.clear();
  submission_.counts = {};
  Findings findings;
  for (const UploadedFile& file : inputs_) {
    if (file.kind != FileKind::kVariants) continue;
    GF_TRY(ctx_.Alive());
    CheckedVariants checked = CheckVariants(pipeline_.layout_.Input(submission_.id, file), file.name, assembly_,
                                            reference_.get(), quarantine_.get(), findings, submission_.counts);
    variants_.push_back({file.name, std::move(checked.samples), std::move(checked.contigs)});
  }
  submission_.findings = findings.Take();
  return absl::OkStatus();
}

Status Pipeline::Job::ReopenVariants() {
  for (const UploadedFile& file : inputs_) {
    if (file.kind != FileKind::kVariants) continue;
    GF_ASSIGN(auto reader, genomics::VcfReader::Open(pipeline_.layout_.Input(submission_.id, file)));
    variants_.push_back({file.name, reader->header().samples, {}});
  }
  return absl::OkStatus();
}

// Also after errors in the variants, so that the holder learns of everything at once.
Status Pipeline::Job::Link() {
  Findings findings;
  std::vector<PeopleFile> files;
  for (const UploadedFile& file : inputs_) {
    if (file.kind != FileKind::kVariants) files.push_back({file.kind, file.name, pipeline_.layout_.Input(submission_.id, file)});
  }
  std::optional<std::vector<VariantsFile>> variants;
  // Without a header that can be read, the others are judged all the same.
  const bool readable = std::none_of(variants_.begin(), variants_.end(), [](const auto& file) { return file.samples.empty(); });
  if (submission_.mode != Mode::kFollowUp && readable) variants = variants_;
  peer_ = "consent";
  GF_ASSIGN(const int adult_age, pipeline_.consent_.AdultAge(ctx_));
  peer_.clear();
  GF_ASSIGN(people_, ReadPeople(ctx_, files, variants, Terminology(), submission_.started.value_or(submission_.created),
                                adult_age, quarantine_.get(), findings));
  mappings_ = people_.mappings;
  if (resumed_at_ > Stage::kLink) return absl::OkStatus();
  Counts& counts = submission_.counts;
  counts.subjects = static_cast<std::int32_t>(people_.subjects.size()) + people_.subjects_without_sample;
  counts.subjects_without_sample = people_.subjects_without_sample;
  counts.samples_without_subject = people_.samples_without_subject;
  counts.clinical_records = people_.records;
  counts.clinical_records_quarantined = people_.records_quarantined;
  // What silence means, the consent service knows.
  bool none_permits = std::all_of(people_.consents.begin(), people_.consents.end(), [](const SubjectConsent& consent) {
    return consent.recorded && consent.permissions == 0;
  });
  if (!findings.has_error() && none_permits && submission_.mode != Mode::kFollowUp) {
    findings.Add({Severity::kError, "NO_CONSENTING_SUBJECT", NameOf(FileKind::kConsents), 0, "",
                  "nobody with genotypes and phenotypes permits any use"});
  }
  const bool rejected = findings.has_error() || qc::VerdictOf(submission_.findings) == qc::Verdict::kReject;
  if (!rejected) GF_TRY(KeepQuarantine(findings));
  quarantine_.reset();
  return MergeFindings(findings.Take());
}

Status Pipeline::Job::KeepQuarantine(Findings& findings) {
  if (quarantine_ == nullptr) return absl::OkStatus();
  if (quarantine_->not_kept() > 0) {
    findings.Add({Severity::kNote, "QUARANTINE_FULL", "", 0, "",
                  fmt::format("set aside and not kept: the quarantine of a submission has at most {} MiB",
                              Quarantine::kMaxBytes >> 20U),
                  quarantine_->not_kept()});
  }
  GF_ASSIGN(const bool kept, IsSealed(kQuarantineRole));
  if (kept) return absl::OkStatus();
  if (quarantine_->empty()) return absl::OkStatus();
  GF_TRY(store_.PlanObject(ctx_, quarantine_->object()));
  GF_ASSIGN(const auto manifest, quarantine_->Finish());
  if (!manifest) return absl::OkStatus();
  ObjectRecord object;
  object.id = quarantine_->object();
  object.submission = submission_.id;
  object.role = kQuarantineRole;
  object.name = "quarantine.jsonl";
  object.created = pipeline_.clock_.Now();
  SetManifest(object, *manifest);
  return store_.AddObject(ctx_, object);
}

// Also in a repeated run: the dataset may have been decommissioned since the run before.
Result<std::int32_t> Pipeline::Job::ListedVersion() {
  peer_ = "catalogue";
  GF_ASSIGN(const std::int32_t listed,
            pipeline_.publisher_.ListedVersion(ctx_, submission_.dataset.id));
  peer_.clear();
  return listed;
}

Status Pipeline::Job::FindBase() {
  const bool reserved = submission_.version > 0;
  GF_ASSIGN(const std::int32_t listed, ListedVersion());
  if (!reserved && submission_.mode != Mode::kFull) {
    submission_.base_version = listed;
    GF_TRY(store_.Save(
        ctx_, submission_));  // before a version is reserved: a repeated run must find the same
  }
  if (submission_.mode == Mode::kFull) return absl::OkStatus();
  if (submission_.base_version == 0) {
    Findings findings;
    findings.Add({Severity::kError, "NO_LISTED_VERSION", "", 0, "mode",
                  "the dataset has no listed version to go on from; submit a full version"});
    return MergeFindings(findings.Take());
  }
  GF_ASSIGN(const Snapshot snapshot, store_.FindSnapshot(ctx_, submission_.base_version));
  if (snapshot.is_folder()) {
    Findings findings;
    findings.Add({Severity::kError, "BASE_IS_FOLDER", "", 0, "mode",
                  "the listed version is a Beacon data folder; submit a full version"});
    return MergeFindings(findings.Take());
  }
  if (snapshot.assembly != submission_.dataset.assembly) {
    Findings findings;
    findings.Add({Severity::kError, "ASSEMBLY_MISMATCH", "", 0, "dataset.assembly",
                  fmt::format("the version it goes on from is of {}", snapshot.assembly)});
    return MergeFindings(findings.Take());
  }
  GF_ASSIGN(base_, ReadContent(pipeline_.layout_, snapshot));
  return absl::OkStatus();
}

Status Pipeline::Job::Register() {
  GF_TRY(FindBase());
  if (IsFinal(submission_.state)) return absl::OkStatus();
  GF_ASSIGN(submission_.version, store_.ReserveVersion(ctx_));
  peer_ = "consent";
  GF_ASSIGN(auto answers, pipeline_.consent_.Register(ctx_,
                                                      {submission_.dataset.id, submission_.version,
                                                       submission_.base_version, submission_.mode == Mode::kFollowUp},
                                                      people_.consents));
  GF_ASSIGN(const auto all_rows,
            pipeline_.consent_.Pseudonyms(ctx_, submission_.dataset.id, submission_.version));
  peer_.clear();
  std::vector<VariantInput> variants;
  for (const UploadedFile& file : inputs_) {
    if (file.kind == FileKind::kVariants) variants.push_back({pipeline_.layout_.Input(submission_.id, file), file.name, file.sha256});
  }
  GF_ASSIGN(rows_, ArrangeRows(people_, answers, std::move(variants), all_rows.size(),
                               base_.individuals.size()));
  people_ = {};  // who they are is not needed any more
  // What a source cannot say (FHIR has no age at the last encounter) is not taken back by its silence.
  for (auto& [row, individual] : rows_.known) {
    const genomics::Individual& before = base_.individuals[row];
    if (!individual.age_months) individual.age_months = before.age_months;
    if (individual.sex == genomics::Sex::kUnknown) individual.sex = before.sex;
  }
  // Whose the records are that were set aside is not known, and lines of a VCF are everybody's.
  if (std::ranges::count(answers, true, &RegisteredSubject::forgotten) > 0)
    GF_TRY(store_.DropQuarantine(ctx_));
  if (resumed_at_ > Stage::kConsent) {
    if (published_ || rows_.size() == 0 || rows_.people() > 0) return absl::OkStatus();
    Findings findings;
    findings.Add({Severity::kError, "NO_CONSENTING_SUBJECT", NameOf(FileKind::kConsents), 0, "",
                  "everybody asked to be forgotten"});
    return MergeFindings(findings.Take());
  }
  Counts& counts = submission_.counts;
  counts.subjects_included = static_cast<std::int32_t>(rows_.people() + rows_.known.size());
  counts.subjects_forgotten =
      static_cast<std::int32_t>(std::ranges::count(answers, true, &RegisteredSubject::forgotten));
  counts.subjects_without_consent = counts.subjects - counts.subjects_without_sample -
                                    counts.subjects_included - counts.subjects_forgotten;
  return MergeFindings(RegistrationFindings().Take());
}

void Pipeline::Job::NoteForgotten(Findings& findings) const {
  const std::int32_t forgotten = submission_.counts.subjects_forgotten;
  if (forgotten == 0) return;
  findings.Add(
      {Severity::kNote, "FORGOTTEN", "", 0, "",
       "people who asked the node to forget them were left out, whatever their records permit; so "
       "nothing is kept of what was set aside",
       forgotten});
}

Findings Pipeline::Job::RegistrationFindings() const {
  Findings findings;
  const Counts& counts = submission_.counts;
  const std::string consents = NameOf(FileKind::kConsents), clinical = NameOf(FileKind::kClinical);
  NoteForgotten(findings);
  if (submission_.mode == Mode::kFollowUp) {
    if (rows_.known.empty()) {
      findings.Add({Severity::kError, "NO_KNOWN_SUBJECT", clinical, 0, "", "nobody of them is in the dataset"});
    } else if (std::all_of(rows_.known.begin(), rows_.known.end(), [this](const auto& known) {
                 return base_.individuals[known.first] == known.second;
               })) {
      findings.Add({Severity::kError, "NOTHING_CHANGED", clinical, 0, "",
                    "nobody's clinical data differ from the listed version; consents, which need no version, were recorded"});
    } else if (counts.subjects_without_consent > 0) {
      findings.Add({Severity::kNote, "NOT_IN_DATASET", clinical, 0, "", "people who are not in the dataset were left out",
                    counts.subjects_without_consent});
    }
    return findings;
  }
  if (!rows_.known.empty()) {
    findings.Add({Severity::kWarning, "ALREADY_IN_DATASET", clinical, 0, "",
                  "people who are in the dataset already keep their genotypes; these were not used",
                  static_cast<std::int64_t>(rows_.known.size())});
  }
  if (rows_.people() == 0) {
    findings.Add({Severity::kError, "NO_CONSENTING_SUBJECT", consents, 0, "",
                  rows_.known.empty() ? "everybody has withdrawn" : "nobody is new and permits a use"});
  } else if (counts.subjects_without_consent > 0) {
    findings.Add({Severity::kNote, "NO_CONSENT", consents, 0, "", "people who permit no use were left out",
                  counts.subjects_without_consent});
  }
  return findings;
}

SnapshotContent Pipeline::Job::Content() const {
  SnapshotContent content = base_;
  for (const auto& [row, individual] : rows_.known) content.individuals[row] = individual;
  content.individuals.insert(content.individuals.end(), rows_.individuals.begin(), rows_.individuals.end());
  if (!submission_.index_sha256.empty()) {
    content.segments.push_back({submission_.id, Layout::IndexPath(submission_.dataset.id, submission_.version),
                                submission_.index_sha256, static_cast<std::int32_t>(rows_.size())});
  }
  return content;
}

Snapshot Pipeline::Job::MakeSnapshot() const {
  const std::string& dataset = submission_.dataset.id;
  return {dataset,
          submission_.version,
          submission_.base_version,
          submission_.dataset.assembly,
          Content().segments,
          Layout::IndexPath(dataset, submission_.version) + "/" + genomics::kIndividualsFile,
          submission_.individuals_sha256};
}

const clinical::Terminology& Pipeline::Job::Terminology() const {
  const auto& own = pipeline_.options_.terminology;
  return own == nullptr ? clinical::Terminology::Embedded() : *own;
}

Result<bool> Pipeline::Job::IsSealed(std::string_view role) {
  GF_ASSIGN(const auto objects, store_.Objects(ctx_));
  return std::any_of(objects.begin(), objects.end(), [&](const auto& object) { return object.role == role; });
}

Result<ObjectRequest> Pipeline::Job::NewObject() {
  peer_ = "consent";
  GF_ASSIGN(std::string recipient, pipeline_.consent_.EncryptionKey(ctx_));
  peer_.clear();
  return ObjectRequest{submission_.id, std::move(recipient), [this](const std::string& object) {
                         return store_.PlanObject(ctx_, object);
                       }};
}

// The one that is looked for comes last. What goes with it has the same clear bytes each time.
Status Pipeline::Job::AddObjects(const std::vector<ObjectRecord>& sealed) {
  for (auto object = sealed.rbegin(); object != sealed.rend(); ++object) {
    GF_ASSIGN(const bool there, IsSealed(object->role));
    if (!there) GF_TRY(store_.AddObject(ctx_, *object));
  }
  return absl::OkStatus();
}

GenotypesRequest Pipeline::Job::VariantsRequest() const {
  return {submission_.dataset.id, submission_.version, assembly_, reference_.get(), rows_};
}

std::vector<EarlierPeople> Pipeline::Job::Earlier() const {
  std::vector<EarlierPeople> earlier;
  for (const SegmentRef& segment : base_.segments) {
    const std::filesystem::path dir = pipeline_.layout_.SitePath(segment.index_path);
    earlier.push_back({"v" + dir.filename().string(), dir / qc::kFingerprintsFile});
  }
  return earlier;
}

// One reading gives the index, the object and the figures. Until all are kept, all are made anew.
Status Pipeline::Job::Genotypes() {
  if (rows_.size() == 0) return absl::OkStatus();
  GF_ASSIGN(const bool sealed, IsSealed("genotypes"));
  if (sealed && !submission_.index_sha256.empty()) return KeepPersonRecords();
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(pipeline_.layout_.Scratch()));
  const GenotypesOutput out{scratch / "segment", scratch / "genotypes.vcf.gz"};
  GF_ASSIGN(GenotypesResult read, ReadGenotypes(ctx_, VariantsRequest(), out));
  GF_TRY(read.counts.panel().Genotypes().Save(out.index / qc::kFingerprintsFile));
  quality_ = AssessQuality(pipeline_.options_.quality, read.counts, rows_, variants_, Earlier());
  if (!sealed) {
    GF_ASSIGN(const ObjectRequest request, NewObject());
    GF_ASSIGN(const auto objects,
              SealGenotypes(ctx_, pipeline_.bodies_, out.vcf, request, pipeline_.clock_, pipeline_.random_));
    GF_TRY(AddObjects(objects));
  }
  GF_TRY(ctx_.Alive());  // whoever lost the lease must not touch what another worker publishes
  GF_TRY(MoveIntoPlace(out.index, pipeline_.layout_.Index(submission_.dataset.id, submission_.version)));
  submission_.index_sha256 = read.manifest_sha256;
  submission_.counts.sites = read.sites;
  std::vector<Finding> findings = quality_->findings;
  findings.insert(findings.end(), read.findings.begin(), read.findings.end());
  GF_TRY(MergeFindings(std::move(findings)));
  if (IsFinal(submission_.state)) return absl::OkStatus();
  GF_TRY(store_.Save(ctx_, submission_));
  return KeepPersonRecords();
}

// What each person carries, for the day on which they ask to be forgotten: of the index that stays, since a run that
// was cut short before may have read somebody who was forgotten since.
Status Pipeline::Job::KeepPersonRecords() {
  GF_ASSIGN(const bool kept, IsSealed(kPersonRecordsRole));
  if (kept) return absl::OkStatus();
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(pipeline_.layout_.Scratch()));
  GF_ASSIGN(const auto index, genomics::CohortIndex::Open(pipeline_.layout_.Index(submission_.dataset.id, submission_.version),
                                                          submission_.index_sha256));
  GF_TRY(genomics::WritePersonRecords(ctx_, *index, rows_.pseudonyms, scratch / "people"));
  GF_ASSIGN(const ObjectRequest request, NewObject());
  GF_ASSIGN(const ObjectRecord records, SealPersonRecords(ctx_, pipeline_.bodies_, scratch / "people", request,
                                                          pipeline_.clock_, pipeline_.random_));
  return store_.AddObject(ctx_, records);
}

Status Pipeline::Job::EnsureQuality() {
  if (quality_ || rows_.people() == 0 || submission_.index_sha256.empty()) return absl::OkStatus();
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(pipeline_.layout_.Scratch()));
  GF_ASSIGN(const qc::Accumulator counts,
            CountGenotypes(ctx_, VariantsRequest(), {scratch / "segment", scratch / "genotypes.vcf.gz"}));
  quality_ = AssessQuality(pipeline_.options_.quality, counts, rows_, variants_, Earlier());
  return absl::OkStatus();
}

Status Pipeline::Job::Phenotypes() {
  GF_ASSIGN(const bool sealed, IsSealed("phenotypes"));
  if (sealed) return absl::OkStatus();
  peer_ = "consent";
  GF_ASSIGN(const auto pseudonyms, pipeline_.consent_.Pseudonyms(ctx_, submission_.dataset.id, submission_.version));
  peer_.clear();
  const SnapshotContent content = Content();
  if (pseudonyms.size() != content.individuals.size()) {
    return Error(StatusCode::kDataLoss, "CONSENT_ANSWER_INVALID", "the consent service knows other rows");
  }
  GF_ASSIGN(const ObjectRequest request, NewObject());
  GF_ASSIGN(const auto objects, SealPhenotypes(ctx_, pipeline_.bodies_, PhenotypeTable(pseudonyms, content.individuals),
                                               request, pipeline_.clock_, pipeline_.random_));
  return AddObjects(objects);
}

Status Pipeline::Job::Encrypt() {
  GF_ASSIGN(auto objects, store_.Objects(ctx_));
  for (const ObjectRecord& object : objects) {
    // What was set aside names people: only this service can open it, for its holder.
    if (object.header_stored || object.role == kQuarantineRole) continue;
    peer_ = "consent";
    GF_TRY(pipeline_.consent_.StoreHeader(ctx_, submission_.dataset.id, submission_.version, object));
    peer_.clear();
    GF_TRY(store_.MarkHeaderStored(ctx_, object.id));
  }
  return absl::OkStatus();
}

Status Pipeline::Job::Index() {
  if (!submission_.individuals_sha256.empty()) return absl::OkStatus();
  const SnapshotContent content = Content();
  const SnapshotDiff diff = Diff(base_, content);
  std::string diff_text;
  if (submission_.base_version > 0) diff_text = FormatDiff(submission_.base_version, submission_.version, diff);
  GF_ASSIGN(submission_.individuals_sha256,
            WriteTables(ctx_, pipeline_.layout_, submission_, {content.individuals, diff_text}));
  Difference& difference = submission_.difference;
  difference.segments_kept = static_cast<std::int32_t>(base_.segments.size());
  difference.segments_added = rows_.size() == 0 ? 0 : 1;
  difference.people_kept = static_cast<std::int32_t>(base_.individuals.size());
  difference.people_added = static_cast<std::int32_t>(rows_.size());
  difference.people_changed = static_cast<std::int32_t>(diff.changed.size());
  return store_.Save(ctx_, submission_);
}

// Whatever the verdict is: written, signed, and in the ledger before anybody acts on it.
Status Pipeline::Job::Judged() {
  if (!submission_.report_sha256.empty()) return absl::OkStatus();
  GF_TRY(EnsureQuality());
  const qc::ConformityReport report =
      MakeConformityReport(submission_, inputs_, mappings_, quality_ ? std::optional(quality_->result) : std::nullopt);
  GF_TRY(store_.AddReport(ctx_, SignReport(report, pipeline_.options_.report_key)));
  const std::string sha256 = qc::ReportSha256(report);
  const bool rejected = report.verdict == qc::Verdict::kReject;
  peer_ = "consent";
  GF_TRY(pipeline_.consent_.Log(ctx_, "report:" + submission_.id,
                                {submission_.dataset.id, submission_.version, rejected ? "rejected" : "judged", sha256,
                                 pipeline_.options_.report_key.kid(), ""}));
  peer_.clear();
  submission_.report_sha256 = sha256;
  return store_.Save(ctx_, submission_);
}

// Kept once discovery has it: then nothing takes the version back, and erasure finds it.
Status Pipeline::Job::PublishIndex(Snapshot snapshot) {
  if (!published_) published_ = std::move(snapshot);
  peer_ = "discovery";
  GF_TRY(pipeline_.publisher_.PublishIndex(ctx_, *published_));
  index_published_ = true;
  peer_.clear();
  return store_.AddSnapshot(ctx_, *published_);
}

Status Pipeline::Job::Publish() {
  GF_TRY(PublishIndex(MakeSnapshot()));
  GF_TRY(EnsureQuality());
  InclusionFacts facts;
  facts.quality_failed = quality_ && quality_->failed;
  facts.people = published_->rows();
  facts.records = submission_.counts.records;
  facts.records_set_aside = submission_.counts.records_quarantined;
  peer_ = "catalogue";
  GF_TRY(pipeline_.publisher_.SubmitRecord(
      ctx_, submission_, CheckInclusion(pipeline_.options_.inclusion, facts, submission_.dataset.evidence)));
  peer_.clear();
  return Finish(State::kPublished, "");
}

// The version's files are as they were; discovery may have let go of them.
Status Pipeline::Job::Rollback() {
  GF_TRY(ListedVersion());
  auto snapshot = store_.FindSnapshot(ctx_, submission_.target_version);
  if (Reason(snapshot.status()) == "SNAPSHOT_UNKNOWN") {
    Findings findings;
    findings.Add({Severity::kError, "VERSION_UNKNOWN", "", 0, "target_version", "there is no such version"});
    return MergeFindings(findings.Take());
  }
  GF_TRY(snapshot);
  peer_ = "discovery";
  GF_TRY(pipeline_.publisher_.PublishIndex(ctx_, *snapshot));
  peer_ = "catalogue";
  GF_TRY(pipeline_.publisher_.ActivateRecord(ctx_, snapshot->dataset, snapshot->version, submission_.reason));
  index_published_ = true;
  peer_ = "consent";
  GF_TRY(pipeline_.consent_.Log(ctx_, "dataset:" + submission_.id,
                                {snapshot->dataset, snapshot->version, "rolled-back", "", "", submission_.reason}));
  peer_.clear();
  return Finish(State::kPublished, "");
}

// First nobody finds it, then nobody can open it, then nothing is left.
Status Pipeline::Job::Decommission() {
  const std::string& dataset = submission_.dataset.id;
  peer_ = "catalogue";
  GF_TRY(pipeline_.publisher_.WithdrawRecord(ctx_, dataset, submission_.reason));
  index_published_ = true;
  peer_ = "consent";
  GF_TRY(pipeline_.consent_.DestroyHeaders(ctx_, dataset, {}));
  GF_TRY(pipeline_.consent_.Log(ctx_, "dataset:" + submission_.id,
                                {dataset, 0, "decommissioned", "", "", submission_.reason}));
  peer_.clear();
  GF_ASSIGN(auto objects, store_.AllObjects(ctx_));
  for (const ObjectRecord& object : objects) GF_TRY(pipeline_.bodies_.Remove(ctx_, BodyName(object.id)));
  GF_TRY(RemoveTree(pipeline_.layout_.Indices(dataset)));
  GF_TRY(store_.DropAllObjects(ctx_));
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
  std::string reason = Reason(status);
  if (reason == "LEASE_LOST") return false;
  if (reason == "DATASET_DECOMMISSIONED") return true;  // the whole dataset was taken back
  if (index_published_) return false;
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
