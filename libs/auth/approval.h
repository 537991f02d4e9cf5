// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/auth/trust.h"
#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/crypto/signer.h"

namespace genofed::auth {

// A country's permission for one researcher to use datasets at one node: the only thing that makes a node compute.
// JWS with typ "1mg-approval+jwt"; times are whole seconds.
struct Approval {
  std::string issuer;
  std::string subject;   // the researcher's sub
  std::string id;        // jti
  std::string audience;  // the one node, such as "urn:genofed:site:fi"
  std::string country;   // two letters; compared without case
  std::string application;
  std::string application_sha256;  // 64 lower-case hex digits
  std::string dua_sha256;          // 64 lower-case hex digits: the signed data use agreement
  std::vector<std::string> datasets;
  std::vector<std::string> purposes;  // codes, such as DUO terms
  std::string permit_id;
  Time permit_from{};
  Time permit_until{};
  Time issued_at{};
  Time not_before{};
  Time expires_at{};  // not after permit_until, and at most 24 h after not_before and issued_at
  // cnf x5t#S256 (RFC 8705): base64url SHA-256 of the only client certificate that may present the token.
  std::string client_certificate_sha256;  // empty: not bound
  // DUO data use modifiers that the country accepts as met by the project; absent in the token:
  // none.
  std::vector<std::string> accepted_conditions = {};
};

// What the verifier already knows, and the approval has to match.
struct ApprovalExpectation {
  std::string audience;  // this node
  std::string country;   // this node's
  std::string subject;   // the researcher who asks
  std::string application;
  std::vector<std::string> datasets;  // all that will be read; one or more
  // Checked when given. `subject_issuer` is the iss of the researcher's access token: it must mean the same person by
  // a sub as the authority does (equal sub_namespace in the trust file); `sub_namespace` says the same by name.
  std::optional<std::string> subject_issuer;
  std::optional<std::string> sub_namespace = {};
  std::optional<std::string> application_sha256;
  std::optional<std::string> dua_sha256;
  std::optional<std::string> purpose;
  // The certificate of whoever presents the token: the token must be bound to it. A bound token is refused without it.
  std::optional<std::string> client_certificate_sha256;
};

// Errors: InvalidArgument/CLAIM_INVALID for an incomplete or contradictory approval, or those of the signer.
Result<std::string> MintApproval(crypto::Signer& signer, const Approval& approval);

// Every refusal is PermissionDenied/APPROVAL_REFUSED with one text; `why` receives the reason (libs/auth/checks.h).
Result<Verified<Approval>> VerifyApproval(const TrustStore& trust, const Clock& clock, std::string_view token,
                                          const ApprovalExpectation& expected, Refusal* why = nullptr);

}  // namespace genofed::auth
