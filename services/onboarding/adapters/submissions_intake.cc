// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/submissions_intake.h"

namespace genofed::onboarding {
namespace {

Context ActingFor(const Context& ctx, const Holder& holder) {
  Principal principal = ctx.principal();
  principal.user.emplace();
  principal.user->issuer = holder.issuer;
  principal.user->subject = holder.subject;
  principal.user->organisation = holder.organisation;
  principal.user->roles = {"holder"};
  return ctx.WithPrincipal(std::move(principal));
}

}  // namespace

Status SubmissionsIntake::Upload(const Context& ctx, const std::string& submission,
                                 const IntakeFile& file) {
  for (std::int64_t offset = 0; offset < file.size;) {
    GF_TRY(ctx.Alive());
    GF_ASSIGN(const std::string piece, file.read(offset, kMaxChunkBytes));
    if (piece.empty()) break;  // shorter than it was: sealing says so
    GF_TRY(submissions_.PutChunk(ctx, submission, file.ref, offset, piece));
    offset += static_cast<std::int64_t>(piece.size());
  }
  return submissions_.Seal(ctx, submission, file.ref, file.size, file.sha256);
}

Result<Submission> SubmissionsIntake::Submit(const Context& ctx, const IntakeRequest& request) {
  const Context acting = ActingFor(ctx, request.holder);
  GF_ASSIGN(const Submission submission,
            submissions_.Create(acting, {request.dataset, request.idempotency_key, request.mode}));
  if (submission.state != State::kOpen) return submission;
  for (const IntakeFile& file : request.files) GF_TRY(Upload(acting, submission.id, file));
  return submissions_.Start(acting, submission.id);
}

Result<Submission> SubmissionsIntake::Find(const Context& ctx, const Holder& holder,
                                           const std::string& id) {
  return submissions_.Get(ActingFor(ctx, holder), id);
}

}  // namespace genofed::onboarding
