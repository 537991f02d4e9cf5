// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/agreement.h"

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::access {
namespace {

constexpr std::size_t kMaxText = 64U << 10;  // far above a line for each country

std::string Head(const Application& application) {
  return "genofed data use agreement\n" + application.id + "\n" + application.digest + "\n";
}
std::string Line(const std::string& country, const std::string& decision_sha256) {
  return country + " " + decision_sha256 + "\n";
}

}  // namespace

std::string AgreementText(const Application& application, const User& official) {
  std::string text = Head(application);
  for (const CountryDecision& decision : application.decisions)
    text += Line(decision.country, HexEncode(crypto::Sha256(decision.signed_decision)));
  return text + official.issuer + " " + official.subject + "\n";
}

bool IsAgreedTo(const Application& seen, const Grant& grant) {
  if (grant.decision.outcome != Outcome::kApproved || grant.decision_sha256.empty()) return false;
  if (seen.agreement.size() > kMaxText ||
      HexEncode(crypto::Sha256(seen.agreement)) != seen.agreement_sha256)
    return false;
  return seen.agreement.starts_with(Head(grant.application)) &&
         seen.agreement.find("\n" + Line(grant.decision.country, grant.decision_sha256)) !=
             std::string::npos;
}

}  // namespace genofed::access
