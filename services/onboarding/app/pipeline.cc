// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/pipeline.h"

#include "libs/obs/log.h"
#include "services/onboarding/app/files.h"
#include "services/onboarding/app/pipeline_job.h"

namespace genofed::onboarding {

Pipeline::Pipeline(Layout layout, UploadFiles& uploads, objects::ObjectStore& bodies, ConsentClient& consent, Publisher& publisher, const Clock& clock, Random& random,
                   obs::Metrics& metrics, Options options)
    : layout_(std::move(layout)), uploads_(uploads), bodies_(bodies), consent_(consent), publisher_(publisher), clock_(clock), random_(random),
      metrics_(metrics), options_(std::move(options)) {}

Status Pipeline::Run(const Context& ctx, RunStore& store) {
  GF_ASSIGN(Submission loaded, store.Load(ctx));
  if (IsFinal(loaded.state)) return End(ctx, store, loaded);
  Job job(*this, ctx, store, std::move(loaded));
  Status status = job.RunStages();
  if (!status.ok() && !ctx.Alive().ok()) return status;  // stopping, or the lease is lost: nothing to say
  if (!status.ok() && job.Permanent(status)) {
    GF_LOG(ctx, error, "submission.failed", {"submission", job.submission().id}, {"at", job.WaitsFor()},
           {"reason", Reason(status)});
    status = job.Finish(State::kFailed, fmt::format("{} refused: {}", job.WaitsFor(), Reason(status)));
  } else if (!status.ok()) {
    GF_TRY(job.NoteDelay(status));
  }
  GF_TRY(status);
  return End(ctx, store, job.submission());
}

// After a crash in here the submission is final already, and this runs again.
Status Pipeline::End(const Context& ctx, RunStore& store, const Submission& submission) {
  GF_TRY(RemoveTree(layout_.Uploads(submission.id)));
  if (submission.state == State::kPublished) return absl::OkStatus();
  GF_ASSIGN(auto objects, store.Objects(ctx));
  for (const ObjectRecord& object : objects) GF_TRY(bodies_.Remove(ctx, BodyName(object.id)));
  GF_TRY(store.DropObjects(ctx));
  if (submission.version == 0) return absl::OkStatus();
  return RemoveTree(layout_.Index(submission.dataset.id, submission.version));
}

Status Pipeline::EmptyScratch() const {
  GF_TRY(RemoveTree(layout_.Scratch()));
  return MakeDirectory(layout_.Scratch());
}

}  // namespace genofed::onboarding
