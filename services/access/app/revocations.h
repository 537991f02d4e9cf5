// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/auth/trust_source.h"
#include "libs/core/random.h"
#include "services/access/app/ports.h"

namespace genofed::access {

// The authority of a site over what it no longer accepts, at the hub and at a node alike.
class Revocations {
 public:
  // `dataset_url_prefix` may stand before the name of a dataset that is revoked; it is left out of what is kept, so that
  // a dataset has one name in the list.
  Revocations(RevocationStore& store, std::string dataset_url_prefix, const Clock& clock, Random& random);

  // The entry in force, made now or earlier.
  Result<RevocationRecord> Revoke(const Context& ctx, auth::Revocation what,
                                  const std::string& reason);
  // The access token of the call.
  Status RevokeOwnToken(const Context& ctx);
  // NotFound/REVOCATION_UNKNOWN, FailedPrecondition/REVOCATION_FINAL.
  Result<RevocationRecord> Reinstate(const Context& ctx, const std::string& id,
                                     const std::string& reason);
  // Newest first; with `all`, those taken back, too.
  Result<std::vector<RevocationRecord>> List(const Context& ctx, bool all);
  // What is in force, and its sequence number; without entries when that is `known_sequence`.
  Result<RevocationsInForce> Fetch(const Context& ctx, std::int64_t known_sequence);

 private:
  RevocationStore& store_;
  const std::string dataset_url_prefix_;
  const Clock& clock_;
  Random& random_;
};

// What this site believes with the revocations as the database has them at this moment, which other
// services hear within seconds. Unavailable/REVOCATIONS_STALE as `trust` says.
Result<auth::TrustStore> TrustNow(const Context& ctx, const auth::TrustSource& trust,
                                  RevocationStore& store);
// As IsLive, and PermissionDenied/APPROVAL_REVOKED when application or applicant are revoked, or
// all datasets. Single datasets that are revoked are taken out of the grant.
Status KeepLive(Grant& grant, const auth::TrustStore& trust, Time now);
// Whether the person whom `issuer` calls `subject` is revoked; `issuer` need not be trusted here.
bool IsRevokedPerson(const auth::TrustStore& trust, const std::string& issuer,
                     const std::string& subject);

}  // namespace genofed::access
