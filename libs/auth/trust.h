// SPDX-License-Identifier: Apache-2.0
//
// Whom a site believes, and about what. Operators write the trust file; keys and addresses in tokens are only ever
// compared with it, never followed.
//
//   {"issuers": [{
//      "iss": "https://dac.fi.example",           exact; unique in the file
//      "jku": "https://dac.fi.example/jwks.json", optional; a token that names a jku must name this one
//      "roles": ["approval", "decision"],         see TrustRole
//      "country": "FI",                           needed for the roles approval and decision; case does not matter
//      "datasets": "^https://data...-[0-9]+$",    regular expression (ECMAScript) of whole dataset names the issuer
//                                                 may speak for; needed for approval, decision, visa grants
//      "sources": ["https://dac.fi.example/dac"], optional; sources a visa may name
//      "sub_namespace": "aai",                    optional; issuers with the same one mean the same person by a sub
//      "person_identifiers": false,               optional, true if absent: whether national identifiers in its access
//                                                 tokens are believed; set false for issuers that know no citizens
//      "jwks": {"keys": [...]}}],                 at least one usable key; unusable ones are listed by ignored()
//    "revoked_jti": [], "revoked_applications": [],                       optional
//    "limits": {"skew_s": 60, "approval_max_ttl_s": 86400}}               optional; other members are ignored
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/crypto/jws.h"

namespace genofed::auth {

// Roles the platform acts on; the file may hold others ("visa:<Type>", "passport", "opinion", "service").
namespace role {
inline constexpr std::string_view kAccessToken = "access_token";
inline constexpr std::string_view kApproval = "approval";
inline constexpr std::string_view kDecision = "decision";
}  // namespace role

class TrustedIssuer {
 public:
  std::string iss;
  std::string jku;
  std::vector<std::string> roles;
  std::string country;  // lower case: "fi"
  std::vector<std::string> sources;
  std::string datasets;
  std::string sub_namespace;
  bool person_identifiers = true;

  bool HasRole(std::string_view role) const;
  // Whether the issuer's `datasets` expression matches the whole of `dataset` (at most 255 bytes).
  bool MaySpeakFor(std::string_view dataset) const;

 private:
  friend class TrustFile;
  friend class TrustStore;
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;  // keys and expression; shared by copies of the store
};

// An immutable trust file. Cheap to copy; may be shared by threads.
class TrustStore {
 public:
  // Trusts nobody.
  TrustStore();
  // Errors are InvalidArgument/TRUST_FILE_INVALID (or the JSON_* reasons) and name the path of what is wrong,
  // such as "issuers[2].jwks.keys[0]".
  static Result<TrustStore> FromJson(std::string_view text);
  static Result<TrustStore> Load(const std::filesystem::path& path);

  // The issuer with exactly this name, or null.
  const TrustedIssuer* Find(std::string_view iss) const;
  const std::vector<TrustedIssuer>& issuers() const;
  // The pinned key for a token. Reasons: ISSUER_UNKNOWN, JKU_MISMATCH, KEY_UNKNOWN.
  Result<crypto::PublicKey> FindKey(const crypto::KeyQuery& query) const;

  bool IsRevokedToken(std::string_view jti) const;
  bool IsRevokedApplication(std::string_view application) const;
  std::chrono::seconds clock_skew() const;
  std::chrono::seconds approval_lifetime() const;
  // Keys in the file that will never be used, as "issuers[0].jwks.keys[2]: curve is not P-256", for a warning.
  const std::vector<std::string>& ignored() const;

 private:
  friend class TrustFile;
  struct Data;
  std::shared_ptr<const Data> data_;
};

}  // namespace genofed::auth
