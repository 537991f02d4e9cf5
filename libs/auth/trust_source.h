// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/auth/trust.h"
#include "libs/core/status.h"

namespace genofed::auth {

// Where verifiers get what the site believes right now. Ask anew for every decision; a store that was
// kept knows nothing of later revocations.
class TrustSource {
 public:
  virtual ~TrustSource() = default;
  // Unavailable/REVOCATIONS_STALE when revocations were not heard for too long: then nothing can be
  // believed. Thread safe.
  virtual Result<TrustStore> Current() const = 0;
};

// Always the same: for tests and for tools that judge a file.
class FixedTrust final : public TrustSource {
 public:
  explicit FixedTrust(TrustStore store) : store_(std::move(store)) {}
  Result<TrustStore> Current() const override { return store_; }

 private:
  const TrustStore store_;
};

}  // namespace genofed::auth
