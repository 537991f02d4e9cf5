// SPDX-License-Identifier: Apache-2.0
//
// Whom a site believes, and about what. Operators write the trust file (docs/security/trust-file.md,
// docs/trust-file.schema.json); keys and addresses in tokens are only ever compared with it, never
// followed.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/auth/key_set.h"
#include "libs/auth/revocation.h"
#include "libs/core/status.h"
#include "libs/crypto/jws.h"

namespace genofed::auth {

// What an issuer may be believed about. "visa:<Type>" is a role for each visa type; the file may hold
// roles that this version does not act on, such as "service".
namespace role {
inline constexpr std::string_view kAccessToken = "access_token";
inline constexpr std::string_view kApproval = "approval";
inline constexpr std::string_view kDecision = "decision";
inline constexpr std::string_view kPassport = "passport";
inline constexpr std::string_view kVisaPrefix = "visa:";
}  // namespace role

// Where and how often keys are fetched beside those pinned in the file. The address is `jku`.
struct KeyRefresh {
  std::chrono::seconds interval{300};      // from one fetch to the next; at least 10 s
  std::chrono::seconds lifetime{86'400};   // how long fetched keys count when the issuer is away
};

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
  std::optional<KeyRefresh> refresh;  // none: the keys of the file only

  bool HasRole(std::string_view role) const;
  // Whether the issuer's `datasets` expression matches the whole of `dataset` (at most 255 bytes).
  bool MaySpeakFor(std::string_view dataset) const;
  // Whether it may name `source` in a visa: it is listed, or nothing is listed and `grant` is false.
  bool MayNameSource(std::string_view source, bool grant) const;
  // Whether both mean the same person by a sub: the same issuer, or the same sub_namespace.
  bool SharesSubjectsWith(const TrustedIssuer& other) const;
  const KeySet& pinned_keys() const;
  // Two issuers with the same identity come from the same reading of a trust file.
  std::shared_ptr<const void> identity() const { return compiled_; }

 private:
  friend class TrustFile;
  friend class TrustStore;
  struct Compiled;
  // Keys and expression; made anew by every reading of a file. Shared by copies of the store.
  std::shared_ptr<const Compiled> compiled_;
};

// Upper bounds, from "limits" of the file.
struct TrustLimits {
  std::chrono::seconds skew{60};
  std::chrono::seconds visa_lifetime{86'400};
  std::chrono::seconds passport_lifetime{3600};
  std::chrono::seconds approval_lifetime{86'400};
  std::chrono::seconds assertion_age{31'622'400};  // of a visa's "asserted"
  std::size_t visa_bytes = 8192;
  std::size_t passport_bytes = 65'536;
  std::size_t approval_bytes = 8192;
  std::size_t visas = 64;  // in one passport
  std::size_t json_depth = 16;
};

class TokenCache;

// Keys by issuer that were fetched from the issuers' own addresses.
using FetchedKeys = std::map<std::string, KeySet, std::less<>>;

// What a site believes at one moment: a trust file, fetched keys and revocations. Immutable, cheap to
// copy; may be shared by threads.
class TrustStore {
 public:
  // Trusts nobody.
  TrustStore();
  // Errors are InvalidArgument/TRUST_FILE_INVALID (or the JSON_* reasons) and name the path of what is wrong,
  // such as "issuers[2].jwks.keys[0]".
  static Result<TrustStore> FromJson(std::string_view text);
  static Result<TrustStore> Load(const std::filesystem::path& path);

  // The same with other fetched keys or revocations; those of the file always count besides.
  TrustStore With(std::shared_ptr<const FetchedKeys> keys) const;
  TrustStore With(std::shared_ptr<const RevocationList> revoked) const;
  // The same with a memory of tokens whose signature was right. Verification gives the same answers.
  TrustStore With(std::shared_ptr<TokenCache> cache) const;
  TokenCache* cache() const { return cache_.get(); }

  // The issuer with exactly this name, or null.
  const TrustedIssuer* Find(std::string_view iss) const;
  const std::vector<TrustedIssuer>& issuers() const;
  // The key for a token: pinned, or else fetched. Reasons: ISSUER_UNKNOWN, JKU_MISMATCH, KEY_UNKNOWN.
  Result<crypto::PublicKey> FindKey(const crypto::KeyQuery& query) const;
  // The same without reasons; null when there is none. Owned by the store.
  const crypto::PublicKey* FindKey(const TrustedIssuer& issuer, std::string_view kid) const;

  bool IsRevokedToken(std::string_view jti) const;
  bool IsRevokedApplication(std::string_view application) const;
  bool IsRevokedDataset(std::string_view dataset) const;
  // Whether the person whom `issuer` calls `subject` is revoked.
  bool IsRevokedUser(const TrustedIssuer& issuer, std::string_view subject) const;
  bool IsRevokedIdentity(std::string_view site, std::string_view service) const;

  const TrustLimits& limits() const;
  // Keys in the file that will never be used, as "issuers[0].jwks.keys[2]: curve is not P-256", for a warning.
  const std::vector<std::string>& ignored() const;

 private:
  friend class TrustFile;
  struct Data;
  bool Revoked(bool (RevocationList::*has)(std::string_view) const, std::string_view value) const;
  std::shared_ptr<const Data> data_;                // shared by copies, immutable
  std::shared_ptr<const FetchedKeys> fetched_;      // likewise; may be null
  std::shared_ptr<const RevocationList> revoked_;   // likewise; may be null
  std::shared_ptr<TokenCache> cache_;               // thread safe; may be null
};

}  // namespace genofed::auth
