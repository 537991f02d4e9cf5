// SPDX-License-Identifier: Apache-2.0
//
// Ed25519 keys of OpenSSH (PROTOCOL.key of OpenSSH; RFC 4253 section 6.6, RFC 8709), which Crypt4GH
// tools take by converting them to X25519. Internal to libs/crypt4gh.
#pragma once

#include <string_view>

#include "libs/crypt4gh/key.h"

namespace genofed::crypt4gh::internal {

inline constexpr std::string_view kOpenSshMagic{"openssh-key-v1\0", 15};

// "ssh-ed25519 AAAA… comment". Errors: CRYPT4GH_KEY_INVALID.
Result<PublicKey> ParseOpenSshPublicKey(std::string_view line);

// `bytes` starts with kOpenSshMagic: what the armour of a private key file holds, plain or under
// aes256-ctr and bcrypt. Errors: as ParseSecretKeyFile.
Result<SecretKey> ParseOpenSshSecretKey(std::string_view bytes, std::string_view passphrase);

}  // namespace genofed::crypt4gh::internal
