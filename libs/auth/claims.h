// SPDX-License-Identifier: Apache-2.0
//
// What the verifiers of libs/auth share. Not for use by others.
// Errors here carry the internal reason; Conclude hides it from the caller.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/auth/trust.h"
#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/crypto/refuse.h"
#include "libs/crypto/signer.h"

namespace genofed::auth {

class VerifiedMaker {
 public:
  template <typename T>
  static Verified<T> Make(T value) {
    return Verified<T>(std::make_shared<const T>(std::move(value)));
  }
  template <typename T>
  static Verified<T> Make(std::shared_ptr<const T> value) {
    return Verified<T>(std::move(value));
  }
};

namespace internal {

using crypto::Refuse;

// Typed reading of claims. Every error is CLAIM_INVALID and names the claim, never its value.
class Claims {
 public:
  explicit Claims(const nlohmann::json& object) : object_(object) {}

  // Identifiers: 1 to 255 bytes of UTF-8 without control characters.
  Result<std::string> Id(const char* name) const;
  // As Id; empty when the claim is absent or empty.
  Result<std::string> OptionalId(const char* name) const;
  // Text for people: 0 to 4096 bytes, which may have line breaks; empty when absent.
  Result<std::string> FreeText(const char* name) const;
  Result<std::string> Sha256Hex(const char* name) const;  // 64 lower-case digits
  Result<std::string> Country(const char* name) const;    // in lower case
  Result<std::vector<std::string>> Ids(const char* name, bool required) const;
  Result<std::vector<std::string>> FreeTexts(const char* name) const;
  // Whole seconds since the epoch.
  Result<Time> Seconds(const char* name) const;
  Result<std::optional<Time>> OptionalSeconds(const char* name) const;
  // The member as an object; CLAIM_INVALID when it is absent or something else.
  Result<Claims> Object(const char* name) const;
  bool Has(const char* name) const { return object_.contains(name); }
  std::size_t size() const { return object_.size(); }
  // "aud": a text or a list of texts (RFC 7519 section 4.1.3).
  Result<std::vector<std::string>> Audiences() const;

 private:
  const nlohmann::json& object_;
};

// A token whose signature is right: checks 1 to 7. Nothing else has been looked at.
struct OpenedToken {
  crypto::VerifiedJws jws;
  const TrustedIssuer* issuer = nullptr;  // owned by the trust store
};
Result<OpenedToken> Open(const TrustStore& trust, std::string_view token, const crypto::JwsPolicy& policy);

struct Validity {
  Time issued_at;
  Time not_before;  // issued_at when the token has none
  Time expires_at;
};
// iat and exp, and nbf when it is there.
Result<Validity> ReadValidity(const Claims& claims);
// Check 8. The skew is the trust file's.
Status CheckValidity(const Validity& validity, Time now, std::chrono::seconds skew,
                     std::chrono::seconds max_lifetime);
// Check 9, and the person: check 11 of the paper asks who it is, this one whether they still count.
Status CheckRevoked(const TrustStore& trust, const TrustedIssuer& issuer, std::string_view jti,
                    std::string_view subject);
// Check 10: whether the issuer may sign such tokens at all.
Status CheckRole(const TrustedIssuer& issuer, std::string_view role);
// No token is of two kinds: refuses the claims that make a token one of the others.
Status CheckKind(const Claims& claims, std::string_view own_claim);

// Signs claims that a reader has accepted; refuses a token above `max_bytes`.
Result<std::string> Sign(crypto::Signer& signer, const crypto::JwsPolicy& policy, const nlohmann::json& claims,
                         std::string_view jku = {});

bool Contains(const std::vector<std::string>& list, std::string_view value);
// An absolute URL of at most 255 bytes; an opaque name that is never fetched (GA4GH Passport 1.2, "URL Fields").
bool IsUrlName(std::string_view text);

// Moves the reason of an error into `refusal` and `why`, and puts one uniform error in its place.
template <typename T>
Result<T> Conclude(Result<T> result, Refusal refusal, Refusal* why, StatusCode code, std::string_view reason) {
  if (result.ok()) return result;
  refusal.check = Reason(result.status());
  refusal.detail = Message(result.status());
  if (why != nullptr) *why = std::move(refusal);
  return MakeError(code, reason, "the token is not accepted");
}

}  // namespace internal
}  // namespace genofed::auth
