// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/access/domain/application.h"

namespace genofed::access {

// What this country decided about one application: the only source of approval tokens. Lives at the
// node.
struct Grant {
  Application
      application;  // as read from the frozen bytes, never from what the hub says beside them
  bool digest_matches = false;  // SHA-256 of the frozen bytes is the digest the hub states
  CountryDecision decision;
  std::string decision_sha256;
  std::string permit_id;
  Time permit_from;
  Time permit_until;
  Time received;
};

// Decides. Guards: pending; digest as reviewed; the person has no stake; datasets are this
// country's and asked for.
Status Decide(Grant& grant, const User& user, bool approve, const std::string& reason,
              const std::vector<std::string>& datasets, const std::string& reviewed_digest,
              Duration permit, const std::string& permit_id, Time now);
Status Revoke(Grant& grant, const User& user, const std::string& reason, Time now);

// Whether data may be used under the grant now; otherwise PermissionDenied with the reason PENDING,
// VETOED, REVOKED, AGREEMENT_MISSING or PERMIT_EXPIRED behind "APPROVAL_".
Status IsLive(const Grant& grant, Time now);

}  // namespace genofed::access
