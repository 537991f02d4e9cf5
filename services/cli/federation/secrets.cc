// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/secrets.h"

#include <system_error>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/key.h"

namespace genofed::federation {
namespace {

constexpr unsigned kPrivate = 0600;
constexpr std::size_t kMaxSecretBytes = 16U << 10;

}  // namespace

Status MakePrivateDirectory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, std::filesystem::perm_options::replace,
                                 error);
  }
  if (error) {
    return Error(StatusCode::kInternal, "DIRECTORY_FAILED", "cannot make {}: {}", path.string(), error.message());
  }
  return absl::OkStatus();
}

Result<std::string> HexSecret(const std::filesystem::path& path, Random& random, std::size_t bytes) {
  if (auto stored = ReadFile(path, kMaxSecretBytes); stored.ok()) return std::string(Trim(*stored));
  std::string secret = HexEncode(random.Bytes(bytes));
  GF_TRY(WriteFileAtomically(path, secret + "\n", kPrivate));
  return secret;
}

Result<std::string> Es256Key(const std::filesystem::path& path) {
  if (auto stored = ReadFile(path, kMaxSecretBytes); stored.ok()) {
    GF_ASSIGN(auto key, crypto::SigningKey::FromPem(*stored));
    return key.public_key().Jwk();
  }
  GF_ASSIGN(auto key, crypto::SigningKey::Generate());
  GF_TRY(WriteFileAtomically(path, key.ToPem(), kPrivate));
  return key.public_key().Jwk();
}

Result<crypto::Ed25519PublicKey> Ed25519Key(const std::filesystem::path& path) {
  if (auto stored = ReadFile(path, kMaxSecretBytes); stored.ok()) {
    GF_ASSIGN(const auto key, crypto::Ed25519Key::FromPem(*stored));
    return key.public_key();
  }
  GF_ASSIGN(const auto key, crypto::Ed25519Key::Generate());
  GF_TRY(WriteFileAtomically(path, key.ToPem(), kPrivate));
  return key.public_key();
}

}  // namespace genofed::federation
