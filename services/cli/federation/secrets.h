// SPDX-License-Identifier: Apache-2.0
//
// The secrets of one site of a development federation: made once, kept for as long as the var directory lives, mode
// 0600 in a directory of mode 0700.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "libs/core/random.h"
#include "libs/core/status.h"
#include "libs/crypto/key.h"

namespace genofed::federation {

// Makes the directory (and its parents) with mode 0700, or narrows an existing one to it.
Status MakePrivateDirectory(const std::filesystem::path& path);

// The content of the file without its last line break; when there is none, `bytes` random bytes in hex are stored.
Result<std::string> HexSecret(const std::filesystem::path& path, Random& random, std::size_t bytes = 32);

// An ES256 private key in PKCS#8 PEM; returns the public JWK as one line of JSON with kid (RFC 7638), use and alg.
Result<std::string> Es256Key(const std::filesystem::path& path);

// An Ed25519 private key in PKCS#8 PEM; returns the public key.
Result<crypto::Ed25519PublicKey> Ed25519Key(const std::filesystem::path& path);

}  // namespace genofed::federation
