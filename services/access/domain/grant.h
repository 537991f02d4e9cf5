// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/access/domain/application.h"

namespace genofed::access {

// A member of the access committee, as the login service names them.
struct Member {
  std::string issuer;
  std::string subject;
  std::string name;
  // By who they are, whatever they are called.
  bool Is(const User& user) const { return issuer == user.issuer && subject == user.subject; }
};

// What an approval would grant.
struct Terms {
  std::string digest;                 // that was reviewed
  std::vector<std::string> datasets;  // sorted, without repetition
  int permit_days = 0;
  std::vector<std::string> accepted_conditions = {};  // sorted, without repetition
  bool operator==(const Terms&) const = default;
};

// The first of the two approvals that the two-person rule demands. By itself it grants nothing.
struct Proposal {
  Member proposer;
  Time at;
  Terms terms;
  std::string reason;
  std::optional<Member> seconder;  // who asked for the same and so made it a decision
  Time seconded_at;
};

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
  std::optional<Proposal> proposal;  // kept as a record once it was seconded, or vetoed
};

// What a member of the access committee asks for.
struct Ask {
  bool approve = false;
  std::string reason;
  std::vector<std::string> datasets;  // empty: all of this country that were asked for
  std::string digest;                 // that was reviewed
  int permit_days = 0;
  bool replace_proposal = false;
  // Of those the signing official attested; what is not named is not accepted.
  std::vector<std::string> accepted_conditions = {};
};

// What this country demands of an approval.
struct Rules {
  Duration max_permit;
  bool two_persons = false;
};

// Decides. Guards: pending; digest as reviewed; the person has no stake; datasets are this
// country's and asked for; accepted conditions were attested (CONDITION_NOT_ATTESTED). Where two
// persons are needed, a first approval becomes a proposal and the outcome stays pending; a second
// person who asks for the same terms makes it a decision. Reasons: SAME_PERSON when the proposer
// comes again, PROPOSAL_DIFFERS when the terms are others and the proposal is not to be replaced. A
// veto needs one person: it can only take away.
Status Decide(Grant& grant, const User& user, const Ask& ask, const Rules& rules,
              const std::string& permit_id, Time now);
Status Revoke(Grant& grant, const User& user, const std::string& reason, Time now);

// Whether data may be used under the grant now; otherwise PermissionDenied with the reason PENDING,
// VETOED, REVOKED, AGREEMENT_MISSING or PERMIT_EXPIRED behind "APPROVAL_".
Status IsLive(const Grant& grant, Time now);

}  // namespace genofed::access
