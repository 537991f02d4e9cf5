// SPDX-License-Identifier: Apache-2.0
//
// Proof of possession (DPoP, RFC 9449): a token that names a key is worth nothing without a fresh signature by that key
// over the very request.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/mutex.h"
#include "libs/core/random.h"
#include "libs/core/status.h"
#include "libs/crypto/key.h"

namespace genofed::auth {

// How far a proof's time may be from now, either way.
inline constexpr std::chrono::seconds kDpopWindow{60};

// The request that a proof has to be about.
struct DpopRequest {
  std::string_view method;        // "GET"
  std::string_view url;           // "https://fi.example/api/v1/me"; query and fragment do not count
  std::string_view access_token;  // empty at a token endpoint
  std::string_view key;           // thumbprint the token names (cnf.jkt); empty: any key
};

// Proofs that were seen lately. Thread safe; keeps a reference to the clock.
class DpopReplayCache {
 public:
  explicit DpopReplayCache(const Clock& clock, std::size_t capacity = 100'000) : clock_(clock), capacity_(capacity) {}

  // Remembers `id` until `until`. Unauthenticated/DPOP_REPLAYED when it is known already. ResourceExhausted/DPOP_BUSY when
  // the cache is full of ids that still count: forgetting one would let its proof be used again.
  Status Remember(const std::string& id, Time until);
  std::size_t size() const;

 private:
  const Clock& clock_;
  const std::size_t capacity_;
  mutable Mutex mutex_;
  std::set<std::string> ids_ ABSL_GUARDED_BY(mutex_);
  std::multimap<Time, std::string> by_end_ ABSL_GUARDED_BY(mutex_);
};

// Verifies a proof: typ dpop+jwt; ES256 with the public key in its header, which has no private members; htm and htu are
// the request's; iat within kDpopWindow; a jti that `seen` does not know; ath of the access token; the key is the one the
// token names.
// Every refusal is Unauthenticated/DPOP_PROOF_INVALID with one text, apart from DPOP_BUSY; `why`, when given, receives the
// reason: those of ReadCompact, TYPE_MISMATCH, ALGORITHM_REFUSED, JWK_INVALID, JWK_UNSUPPORTED, SIGNATURE_INVALID,
// METHOD_MISMATCH, URL_MISMATCH, NOT_FRESH, TOKEN_MISMATCH, KEY_MISMATCH, DPOP_REPLAYED, CLAIM_INVALID.
Status VerifyDpopProof(std::string_view proof, const DpopRequest& request, const Clock& clock, DpopReplayCache& seen,
                       Refusal* why = nullptr);

// A proof for one request; `access_token` is empty at a token endpoint.
std::string MakeDpopProof(const crypto::SigningKey& key, std::string_view method, std::string_view url,
                          std::string_view access_token, const Clock& clock, Random& random);

// The URL as proofs are compared by it (RFC 3986 section 6.2.2, 6.2.3): scheme and host in lower case, no default port, no
// query or fragment, escapes in upper case and only where needed, "/" for an empty path. Reason URL_MISMATCH for what is
// no http(s) URL.
Result<std::string> NormalDpopUrl(std::string_view url);

}  // namespace genofed::auth
