// SPDX-License-Identifier: Apache-2.0
//
// A signing key that lives in a PKCS#11 token (an HSM, a smart card, SoftHSM) and never leaves it.
// The module is loaded into this process through p11-kit; every signature is one C_Sign in the
// token.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/crypto/signer.h"

namespace genofed::crypto {

class Pkcs11Signer final : public Signer {
 public:
  struct Options {
    // RFC 7512: the token, the key's object or id, and the module by its path, such as
    // "pkcs11:token=genofed-fi;object=national?module-path=/usr/lib/softhsm/libsofthsm2.so". A PIN
    // in it is refused.
    std::string uri;
    // Of the token's user. Kept in memory to log in again after the token restarted, and wiped at
    // the end.
    std::string pin;
  };
  // Loads the module, logs in, finds the P-256 key and lets it sign once, to see that the public
  // object belongs to it. A refused PIN is never tried a second time: tokens lock. Errors, each
  // naming what is wrong: InvalidArgument KEY_URI_INVALID, KEY_STORE_INVALID (no such module),
  // KEY_INVALID (not P-256, no public object, fails the trial), KEY_AMBIGUOUS; FailedPrecondition
  // TOKEN_NOT_FOUND, KEY_NOT_FOUND, PIN_REFUSED; Unavailable KEY_STORE_UNAVAILABLE while the token
  // does not answer.
  static Result<std::unique_ptr<Pkcs11Signer>> Open(Options options);
  ~Pkcs11Signer() override;

  // A session that the token lost is opened again, once a call. Unavailable KEY_STORE_UNAVAILABLE
  // while that fails; FailedPrecondition PIN_REFUSED or KEY_CHANGED, for good, when the token came
  // back with another PIN or key.
  Result<std::string> SignJws(std::string_view type, std::string_view claims,
                              std::string_view jku = {}) override;
  const PublicKey& public_key() const override;

  // What an operator should know about the key, a sentence each: that it could leave the token, for
  // example.
  const std::vector<std::string>& warnings() const;

 private:
  class State;
  explicit Pkcs11Signer(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace genofed::crypto
