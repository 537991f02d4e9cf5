// SPDX-License-Identifier: Apache-2.0
//
// Key files, as any tool that people use with Crypt4GH writes them. What a file is, is told from
// its content:
//   - "c4gh-v1" of the reference tools (PEM around a raw public key, or around the secret key,
//   plain
//     or under a passphrase by scrypt, bcrypt or pbkdf2_hmac_sha256);
//   - OpenSSH, ed25519 (secret key plain or under aes256-ctr and bcrypt; public key line);
//   - OpenSSL, ed25519 or X25519 (PEM of PKCS#8 and SubjectPublicKeyInfo, RFC 8410), not encrypted;
//   - 64 hexadecimal digits: the raw X25519 key.
// Ed25519 keys are converted to X25519.
#pragma once

#include <string>
#include <string_view>

#include "libs/crypt4gh/key.h"

namespace genofed::crypt4gh {

// Errors: CRYPT4GH_KEY_INVALID for anything that is not such a file, CRYPT4GH_KEY_UNSUPPORTED
// (Unimplemented) for keys of other algorithms.
Result<PublicKey> ParsePublicKeyFile(std::string_view text);

// The passphrase is ignored where the file has none. Errors: as above, and
// CRYPT4GH_PASSPHRASE_MISSING (FailedPrecondition: the file needs one, `passphrase` is empty),
// CRYPT4GH_PASSPHRASE_WRONG (PermissionDenied). A file that asks for more key derivation than a few
// seconds' worth is refused.
Result<SecretKey> ParseSecretKeyFile(std::string_view text, std::string_view passphrase = {});

// Both write c4gh-v1.
std::string FormatPublicKeyFile(const PublicKey& key);
// Under scrypt; with an empty passphrase the key is stored in the clear: write it with mode 0600.
std::string FormatSecretKeyFile(const SecretKey& key, std::string_view passphrase, Random& random);

}  // namespace genofed::crypt4gh
