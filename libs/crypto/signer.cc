// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/signer.h"

#include <system_error>

#include "libs/core/file.h"
#include "libs/crypto/jws.h"

namespace genofed::crypto {

Result<std::unique_ptr<FileSigner>> FileSigner::Open(const std::filesystem::path& path) {
  GF_ASSIGN(const std::string pem, ReadFile(path, 16U << 10));
  std::error_code failed;
  const auto mode = std::filesystem::status(path, failed).permissions();
  if (failed || (mode & std::filesystem::perms::others_all) != std::filesystem::perms::none) {
    return Error(StatusCode::kFailedPrecondition, "KEY_FILE_EXPOSED",
                 "{}: a private key must not be accessible to others (chmod 600)", path.string());
  }
  auto key = SigningKey::FromPem(pem);
  if (!key.ok()) {
    return Error(StatusCode::kInvalidArgument, "KEY_INVALID", "{}: {}", path.string(), Message(key.status()));
  }
  return std::make_unique<FileSigner>(*std::move(key));
}

Result<std::string> FileSigner::SignJws(std::string_view type, std::string_view claims,
                                        std::string_view jku) {
  return crypto::SignJws(key_, type, claims, jku);
}

}  // namespace genofed::crypto
