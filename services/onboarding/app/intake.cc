// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/intake.h"

#include <fstream>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kPiece = 1U << 20;

Status Unreadable() {
  return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read a file that was spooled");
}

}  // namespace

Result<IntakeFile> OwnFile(const Context& ctx, FileKind kind, const std::filesystem::path& path) {
  IntakeFile file{{kind, path.filename().string()},
                  0,
                  "",
                  [path](std::int64_t offset, std::size_t most) -> Result<std::string> {
                    std::ifstream in(path, std::ios::binary);
                    in.seekg(offset);
                    std::string bytes(most, '\0');
                    if (!in) return Unreadable();
                    in.read(bytes.data(), static_cast<std::streamsize>(most));
                    if (in.bad()) return Unreadable();
                    bytes.resize(static_cast<std::size_t>(in.gcount()));
                    return bytes;
                  }};
  crypto::Sha256Stream hash;
  while (true) {
    GF_TRY(ctx.Alive());
    GF_ASSIGN(const std::string bytes, file.read(file.size, kPiece));
    hash.Update(bytes);
    file.size += static_cast<std::int64_t>(bytes.size());
    if (bytes.size() < kPiece) break;
  }
  file.sha256 = HexEncode(hash.Finish());
  return file;
}

}  // namespace genofed::onboarding
