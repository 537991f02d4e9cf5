// SPDX-License-Identifier: Apache-2.0
#include "services/access/domain/revocation.h"

#include "libs/core/strings.h"

namespace genofed::access {
namespace {

constexpr std::size_t kMaxReason = 5000;

Status NeedReason(const std::string& reason) {
  if (!Trim(reason).empty() && reason.size() <= kMaxReason && IsUtf8(reason))
    return absl::OkStatus();
  return InvalidField("reason", "REASON_MISSING", "a reason is needed, of at most {} bytes",
                      kMaxReason);
}

}  // namespace

Result<RevocationRecord> NewRevocation(std::string id, auth::Revocation what, const User& user,
                                       std::string reason, Time now) {
  GF_TRY(auth::RevocationList::Validate(what));
  GF_TRY(NeedReason(reason));
  RevocationRecord record;
  record.id = std::move(id);
  record.what = std::move(what);
  record.reason = std::move(reason);
  record.by = user.subject;
  record.at = now;
  return record;
}

Result<RevocationRecord> SignOut(std::string id, const User& user, Time now) {
  if (user.token_id.empty()) {
    return Error(StatusCode::kFailedPrecondition, "TOKEN_WITHOUT_ID",
                 "the access token has no jti, so it cannot be revoked; it ends by itself");
  }
  return NewRevocation(std::move(id), {auth::RevocationKind::kToken, user.token_id, ""}, user,
                       "signed out", now);
}

Status Reinstate(RevocationRecord& record, const User& user, std::string reason, Time now) {
  if (record.what.kind == auth::RevocationKind::kApplication) {
    return Error(StatusCode::kFailedPrecondition, "REVOCATION_FINAL",
                 "a revoked application stays revoked: it takes a new application");
  }
  GF_TRY(NeedReason(reason));
  if (!record.in_force()) return absl::OkStatus();
  record.reinstated_at = now;
  record.reinstated_by = user.subject;
  record.reinstate_reason = std::move(reason);
  return absl::OkStatus();
}

}  // namespace genofed::access
