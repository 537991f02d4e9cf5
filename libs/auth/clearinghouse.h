// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "libs/auth/person.h"
#include "libs/auth/trust.h"
#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace genofed::auth {

// One action that a token is to permit.
struct ClearinghouseRequest {
  Time now{};
  Person person;
  std::string audience;  // this node
  std::string country;
  std::string dataset;
  std::string application;
  std::string application_sha256;
  std::string client_certificate_sha256;  // x5t#S256 of whoever presents an approval

  // From the member "request" of a trust file (docs/security/trust-file.md). All members but `action` are needed;
  // InvalidArgument/REQUEST_INVALID names the one that is missing or wrong.
  static Result<ClearinghouseRequest> FromTrustFile(std::string_view text);
};

enum class TokenKind { kAccessToken, kVisa, kPassport, kApproval };
std::string_view TokenKindName(TokenKind kind);  // "visa", "access_token"
Result<TokenKind> ParseTokenKind(std::string_view name);

struct Judgement {
  bool accepted = false;
  Refusal why;        // when not accepted
  Time expires_at{};  // when accepted: until when
};

// Judges one token for one request, as the services of a node do. An approval is accepted when it permits the request as
// a whole; a passport when it carries an accepted grant for the dataset; a visa when it grants the dataset to the person
// or, for other types, is valid for the person; an access token when it is one for the audience.
Judgement Judge(const TrustStore& trust, const ClearinghouseRequest& request, TokenKind kind, std::string_view token);

}  // namespace genofed::auth
