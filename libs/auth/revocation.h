// SPDX-License-Identifier: Apache-2.0
//
// What a site no longer accepts although its signature is right. Kept by the access service of the
// site, heard by all its services, and looked at in every verification.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::auth {

enum class RevocationKind {
  kToken,        // value: jti of an access token, visa, passport, approval or decision
  kApplication,  // value: identifier of an application; nothing counts that was granted for it
  kUser,         // value: sub; issuer: whose
  kDataset,      // value: name of a dataset; nobody reads it
  kIdentity,     // value: "fi/spe": a workload, whatever certificate it shows
};
std::string_view KindName(RevocationKind kind);  // "token"
Result<RevocationKind> ParseKind(std::string_view name);

struct Revocation {
  RevocationKind kind = RevocationKind::kToken;
  std::string value;
  // For users only: the iss of the trust file by whose names `value` is meant. Tokens of every
  // issuer with the same sub_namespace are refused. Empty: whoever the issuer is.
  std::string issuer;
  bool operator==(const Revocation&) const = default;
};

// A set of revocations with look-ups in logarithmic time. May be shared by threads once filled.
class RevocationList {
 public:
  RevocationList() = default;
  explicit RevocationList(const std::vector<Revocation>& entries);
  // InvalidArgument/REVOCATION_INVALID for an empty or overlong value (255 bytes), control
  // characters, or an issuer where none belongs.
  static Status Validate(const Revocation& entry);

  void Add(const Revocation& entry);
  bool HasToken(std::string_view jti) const { return tokens_.contains(jti); }
  bool HasApplication(std::string_view id) const { return applications_.contains(id); }
  bool HasDataset(std::string_view name) const { return datasets_.contains(name); }
  bool HasIdentity(std::string_view site, std::string_view service) const;
  // The issuers by whose names `subject` was revoked.
  std::vector<std::string> IssuersOfUser(std::string_view subject) const;
  bool empty() const;

 private:
  using Names = std::set<std::string, std::less<>>;
  Names tokens_, applications_, datasets_, identities_;
  std::set<std::pair<std::string, std::string>> users_;  // (subject, issuer)
};

}  // namespace genofed::auth
