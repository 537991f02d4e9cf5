// SPDX-License-Identifier: Apache-2.0
//
// Keys from passphrases, as key files of Crypt4GH and OpenSSH use them. Internal to libs/crypt4gh.
#pragma once

#include <cstdint>
#include <string_view>

#include "libs/core/status.h"
#include "libs/crypt4gh/primitives.h"

namespace genofed::crypt4gh::internal {

// What a key file may ask for at most; both take a few seconds.
inline constexpr std::uint32_t kMaxPbkdf2Rounds = 10'000'000;
inline constexpr std::uint32_t kMaxBcryptRounds = 1'000;

// Derives `size` bytes. `name` is scrypt (RFC 7914 with N 2^14, r 8, p 1, whatever `rounds` says),
// bcrypt (OpenBSD's bcrypt_pbkdf) or pbkdf2_hmac_sha256 (RFC 8018). Errors: CRYPT4GH_KEY_INVALID
// for an unreasonable number of rounds, CRYPT4GH_KEY_UNSUPPORTED (Unimplemented) for other names,
// CRYPT4GH_PASSPHRASE_MISSING (FailedPrecondition) for an empty passphrase.
Result<SecretText> DeriveKey(std::string_view name, std::uint32_t rounds, std::string_view salt,
                             std::string_view passphrase, std::size_t size);

}  // namespace genofed::crypt4gh::internal
