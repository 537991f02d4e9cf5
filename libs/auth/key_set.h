// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/crypto/key.h"

namespace genofed::auth {

// The usable keys of a JSON Web Key Set (RFC 7517 section 5), by key id.
class KeySet {
 public:
  // From JSON text of at most 1 MiB with at most 100 keys. Keys that this platform does not use (other
  // curves, use "enc", short RSA) are left out and listed by ignored(); a malformed key, a private
  // member or one key id twice refuses the whole set. Reasons: JSON_*, JWKS_INVALID.
  static Result<KeySet> FromJson(std::string_view text);

  const crypto::PublicKey* Find(std::string_view kid) const;
  bool empty() const { return keys_.empty(); }
  std::size_t size() const { return keys_.size(); }
  std::vector<std::string> kids() const;
  // As "keys[2]: curve is not P-256".
  const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  std::map<std::string, crypto::PublicKey, std::less<>> keys_;
  std::vector<std::string> ignored_;
};

}  // namespace genofed::auth
