// SPDX-License-Identifier: Apache-2.0
//
// Crypt4GH key files as written by the reference tools: PEM-like text around a raw public key, or
// around a "c4gh-v1" structure with the secret key, plain or under a passphrase.
#pragma once

#include <string>
#include <string_view>

#include "libs/crypt4gh/key.h"

namespace genofed::crypt4gh {

// Errors: CRYPT4GH_KEY_INVALID for anything that is not such a file.
Result<PublicKey> ParsePublicKeyFile(std::string_view text);

// Reads key derivations none, scrypt (N 2^14, r 8, p 1) and pbkdf2_hmac_sha256 (at most 10 million
// rounds). Errors: CRYPT4GH_KEY_INVALID; CRYPT4GH_KDF_UNSUPPORTED (Unimplemented; bcrypt among
// others); CRYPT4GH_PASSPHRASE_WRONG (PermissionDenied), also for a file that needs a passphrase
// and got none.
Result<SecretKey> ParseSecretKeyFile(std::string_view text, std::string_view passphrase = {});

std::string FormatPublicKeyFile(const PublicKey& key);
// Under scrypt; with an empty passphrase the key is stored in the clear: write it with mode 0600.
std::string FormatSecretKeyFile(const SecretKey& key, std::string_view passphrase, Random& random);

}  // namespace genofed::crypt4gh
