// SPDX-License-Identifier: Apache-2.0
// Internal to app/pipeline.cc and app/pipeline_job.cc.
#pragma once

#include <chrono>
#include <memory>

#include "libs/beacon/folder.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"
#include "services/onboarding/app/assess_quality.h"
#include "services/onboarding/app/pipeline.h"
#include "services/onboarding/app/quarantine.h"
#include "services/onboarding/app/read_genotypes.h"
#include "services/onboarding/app/seal_objects.h"

namespace genofed::onboarding {

// One run of one submission.
class Pipeline::Job {
 public:
  Job(Pipeline& pipeline, const Context& ctx, RunStore& store, Submission submission);

  // Runs the stages that are left. On OK the submission is final; on an error WaitsFor() and Permanent() say why.
  Status RunStages();
  // Stores the end of the submission.
  Status Finish(State state, std::string message);

  const Submission& submission() const { return submission_; }
  // What did not answer or did not work: "consent", or the stage's own name.
  std::string WaitsFor() const;
  // Whether trying again cannot help.
  bool Permanent(const Status& status) const;
  // Keeps the reason where people see it.
  Status NoteDelay(const Status& status);

 private:
  Status Enter(Stage stage);
  Status Check();
  // Whether an earlier run came so far that discovery has the version.
  Status FindPublished();
  // Tells discovery of the version, and from then on keeps its snapshot.
  Status PublishIndex(Snapshot snapshot);
  // Reads the headers of the variants again, when an earlier run checked them.
  Status ReopenVariants();
  Status Link();
  // Makes what was set aside an object, unless an earlier run did.
  Status KeepQuarantine(Findings& findings);
  Status Register();
  Status Genotypes();
  Status KeepPersonRecords();
  Status Phenotypes();
  Status Encrypt();
  Status Index();
  Status Publish();
  Status Judged();
  // The same for a Beacon data folder (pipeline_folder.cc).
  Status CheckFolder();
  Status RegisterFolder();
  Status IndexFolder();
  Status PublishFolder();
  Status Rollback();
  Status Decommission();
  GenotypesRequest VariantsRequest() const;
  // The figures again, where an earlier run read the variants.
  Status EnsureQuality();
  std::vector<EarlierPeople> Earlier() const;
  const clinical::Terminology& Terminology() const;
  Result<bool> IsSealed(std::string_view role);
  Result<ObjectRequest> NewObject();
  Status AddObjects(const std::vector<ObjectRecord>& sealed);
  Findings RegistrationFindings() const;
  void NoteForgotten(Findings& findings) const;
  // The name of the only file of a kind, else the kind.
  std::string NameOf(FileKind kind) const;
  // Errors: DATASET_DECOMMISSIONED.
  Result<std::int32_t> ListedVersion();
  // The version that this one goes on from, and its people.
  Status FindBase();
  // What the version holds, of all rows; its own segment only once that is built.
  SnapshotContent Content() const;
  Snapshot MakeSnapshot() const;
  // Ends the run as rejected when there is an error among the findings.
  Status MergeFindings(std::vector<Finding> findings);

  Pipeline& pipeline_;
  const Context& ctx_;
  RunStore& store_;
  Submission submission_;
  const Stage resumed_at_;  // stages before it were done by an earlier run
  genomics::Assembly assembly_ = genomics::Assembly::kGrch38;
  std::unique_ptr<genomics::Reference> reference_;  // null: none to compare with
  std::vector<UploadedFile> inputs_;
  std::vector<VariantsFile> variants_;  // of inputs_, in their order; those that can be read
  std::unique_ptr<Quarantine> quarantine_;  // null: nothing is kept
  People people_;
  std::vector<MappedCodes> mappings_;
  CohortRows rows_;
  SnapshotContent base_;
  beacon::Folder folder_;
  std::optional<QualityJudgement> quality_;
  std::string peer_;                // being asked now
  std::optional<Snapshot> published_;  // of this version, once discovery has it
  bool index_published_ = false;    // from then on others know of it: nothing may take it back
};

}  // namespace genofed::onboarding
