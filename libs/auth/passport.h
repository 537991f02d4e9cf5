// SPDX-License-Identifier: Apache-2.0
//
// GA4GH passports (Passport 1.2): visas of one person, collected by a broker for one site.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/auth/visa.h"

namespace genofed::auth {

struct Passport {
  std::string issuer;   // the broker
  std::string subject;  // as the broker calls the person
  std::string id;       // jti; may be empty
  // The accepted grants of the dataset that was asked for; at least one.
  std::vector<Visa> grants;
  // The earliest end of everything the answer rests on: passport, grant, visas that met its conditions, links.
  // With several grants, that of the one that lasts longest.
  Time expires_at{};
};

struct PassportExpectation {
  Person person;         // who asks
  std::string audience;  // this site, which aud must name
  std::string dataset;   // what must be granted
};

// The clearinghouse. Demands of the envelope: typ vnd.ga4gh.passport+jwt; a broker with the role "passport"; times within
// the limits of the trust file; neither token nor person revoked; aud with this site; sub the person; a list of at most
// `limits.visas` texts. Demands of the visas: one that grants the dataset to the person, or to an identity that a
// LinkedIdentities visa of a trusted linker names, and whose conditions are met by other visas of the same person. Visas
// that are not accepted are ignored, as the specification says.
// Every refusal is PermissionDenied/PASSPORT_REFUSED with one text; `why` receives the reason. When the envelope is
// right and no grant was accepted, it is that of the last refused visa, or GRANT_MISSING.
Result<Verified<Passport>> VerifyPassport(const TrustStore& trust, const Clock& clock, std::string_view token,
                                          const PassportExpectation& expected, Refusal* why = nullptr);

struct PassportDraft {
  std::string issuer;
  std::string subject;
  std::string id;
  std::string audience;  // exactly one
  Time issued_at{};
  Time expires_at{};
  std::vector<std::string> visas;  // as their issuers signed them
};
// Errors: InvalidArgument/CLAIM_INVALID, or those of the signer.
Result<std::string> MintPassport(crypto::Signer& signer, const PassportDraft& draft);

}  // namespace genofed::auth
