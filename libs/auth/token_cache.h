// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libs/auth/trust.h"
#include "libs/core/mutex.h"

namespace genofed::auth {

// Remembers tokens of which everything that cannot change was found right: their signature, their form
// and what their issuer may say. Time, revocation, audience, person and request are looked at on every
// verification, remembered or not. An entry counts only while the trust file and the key it was verified
// with are the ones in force. Holds digests of tokens and their claims, never tokens. Thread safe.
class TokenCache {
 public:
  explicit TokenCache(std::size_t max_entries = 4096) : max_entries_(max_entries) {}

  enum class Kind : unsigned char { kVisa, kApproval, kAccount };
  using Key = std::array<unsigned char, 33>;  // kind, SHA-256 of the token
  static Key KeyOf(Kind kind, std::string_view token);

  struct Entry {
    std::string kid;
    std::string thumbprint;                   // of the key
    std::shared_ptr<const void> identity;     // of the issuer's entry in the trust file
    const TrustedIssuer* issuer = nullptr;    // that entry; valid while `identity` is the one in force
    std::string iss;
    std::shared_ptr<const void> claims;       // of the type that belongs to the kind
  };
  // What is remembered of the token and still counts under `trust`, or null.
  std::shared_ptr<const Entry> Find(const Key& key, const TrustStore& trust) const;
  // Forgets the oldest entry when there is no room.
  void Put(const Key& key, Entry entry);

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const {  // a digest is as good as any hash of it
      std::size_t value = 0;
      std::memcpy(&value, key.data() + 1, sizeof value);
      return value;
    }
  };
  const std::size_t max_entries_;
  mutable Mutex mutex_;
  std::unordered_map<Key, std::shared_ptr<const Entry>, Hash> entries_ ABSL_GUARDED_BY(mutex_);
  std::deque<Key> order_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::auth
