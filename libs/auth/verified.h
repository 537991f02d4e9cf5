// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace genofed::auth {

// Why a token was refused, for the site's own log only: callers learn nothing but that it was.
struct Refusal {
  std::string check;   // a stable word, such as "AUDIENCE_MISMATCH"
  std::string detail;  // one line without any content of the token
  std::string jti;     // the token's id once its signature was found right; else empty
};

// The content of a token that passed every check. Only the Verify function of that kind of token makes one, so a
// function that takes a Verified<Approval> cannot be given anything less.
template <typename T>
class Verified {
 public:
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

 private:
  friend class VerifiedMaker;
  explicit Verified(std::shared_ptr<const T> value) : value_(std::move(value)) {}
  std::shared_ptr<const T> value_;  // shared with the memory of verified tokens; never null
};

}  // namespace genofed::auth
