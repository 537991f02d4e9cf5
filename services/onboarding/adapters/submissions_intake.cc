// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/submissions_intake.h"

#include <algorithm>

#include "services/onboarding/adapters/fhir_packets.h"

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

Result<FileKind> KindOf(const IntakeFile& file) {
  switch (file.kind) {
    case IntakeKind::kVariants: return FileKind::kVariants;
    case IntakeKind::kClinical: return FileKind::kPhenopackets;
    case IntakeKind::kConsents: return FileKind::kConsents;
    case IntakeKind::kMapping: break;
  }
  return InvalidField("files", "FILE_KIND_INVALID", "{} cannot be taken in yet", file.name);
}

Status CheckKinds(const std::vector<IntakeFile>& files) {
  std::vector<FileKind> kinds;
  for (const IntakeFile& file : files) {
    GF_ASSIGN(const FileKind kind, KindOf(file));
    if (std::ranges::find(kinds, kind) != kinds.end()) {
      return InvalidField("files", "FILE_KIND_INVALID", "{}: one file of each kind", file.name);
    }
    kinds.push_back(kind);
  }
  return absl::OkStatus();
}

}  // namespace

Status SubmissionsIntake::Upload(const Context& ctx, const std::string& submission, const IntakeFile& file) {
  GF_ASSIGN(const FileKind kind, KindOf(file));
  for (std::int64_t offset = 0; offset < file.size;) {
    GF_TRY(ctx.Alive());
    GF_ASSIGN(const std::string piece, file.read(offset, kMaxChunkBytes));
    if (piece.empty()) break;  // shorter than it was: sealing says so
    GF_TRY(submissions_.PutChunk(ctx, submission, kind, offset, piece));
    offset += static_cast<std::int64_t>(piece.size());
  }
  return submissions_.Seal(ctx, submission, kind, file.size, file.sha256);
}

Result<Submission> SubmissionsIntake::Submit(const Context& ctx, const IntakeRequest& request) {
  const Context acting = ActingFor(ctx, request.holder);
  GF_TRY(CheckKinds(request.files));
  GF_ASSIGN(const Submission submission, submissions_.Create(acting, {request.dataset, request.idempotency_key, request.mode}));
  if (submission.state != State::kOpen) return submission;
  GF_ASSIGN(const std::vector<IntakeFile> files, WithPhenopackets(acting, request.files, clock_.Now()));
  for (const IntakeFile& file : files) GF_TRY(Upload(acting, submission.id, file));
  return submissions_.Start(acting, submission.id);
}

Result<Submission> SubmissionsIntake::Find(const Context& ctx, const Holder& holder, const std::string& id) {
  return submissions_.Get(ActingFor(ctx, holder), id);
}

}  // namespace genofed::onboarding
