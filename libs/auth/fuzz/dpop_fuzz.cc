// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/auth/dpop.h"

// No input is a proof by the key that the token names: that key was made a moment ago.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using genofed::crypto::SigningKey;
  static const SigningKey key = *SigningKey::Generate();
  static const genofed::SystemClock clock;
  static genofed::auth::DpopReplayCache seen(clock, 1000);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto proof = genofed::auth::VerifyDpopProof(
      text, {"GET", "https://fi.example/api/v1/me", "token", key.public_key().thumbprint()}, clock, seen);
  GF_CHECK(!proof.ok());
  // A normal address stays as it is.
  if (const auto url = genofed::auth::NormalDpopUrl(text); url.ok()) {
    const auto again = genofed::auth::NormalDpopUrl(*url);
    GF_CHECK(again.ok() ? *again == *url : url->size() > 2048);
  }
  return 0;
}
