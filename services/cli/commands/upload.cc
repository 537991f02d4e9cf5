// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/upload.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <thread>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::cli {
namespace {

constexpr std::size_t kChunk = 2U << 20;
constexpr std::chrono::seconds kAskAgain{1};

// The next bytes, at most kChunk; empty at the end.
using NextPiece = std::function<Result<std::string>()>;

Status Upload(Session& session, const UploadTarget& target, std::uint64_t total,
              const NextPiece& next) {
  const std::string base =
      "/api/v1/submissions/" + Escape(target.submission) + "/files/" + target.kind;
  const std::string& label = target.name.empty() ? target.kind : target.name;
  const bool show = ::isatty(STDERR_FILENO) == 1;
  crypto::Sha256Stream hash;
  std::uint64_t offset = 0;
  while (true) {
    GF_ASSIGN(std::string piece, next());
    if (piece.empty()) break;
    hash.Update(piece);
    const std::uint64_t end = offset + piece.size();
    if (end > target.held) {
      GF_TRY(
          session.PutBytes(fmt::format("{}?offset={}&name={}", base, offset, Escape(target.name)),
                           std::move(piece)));
    }
    offset = end;
    if (show)
      std::fprintf(stderr, "\r  %s: %3u %%", label.c_str(),
                   static_cast<unsigned>(offset * 100 / std::max<std::uint64_t>(total, 1)));
  }
  if (show) std::fprintf(stderr, "\n");
  // Sealed, a part would be taken for the whole.
  if (offset != total) {
    return Error(StatusCode::kFailedPrecondition, "FILE_FAILED",
                 "{} has {} bytes, of which {} could be read: it changes", label, total, offset);
  }
  const Json seal = {{"size", std::to_string(offset)},
                     {"sha256", HexEncode(hash.Finish())},
                     {"name", target.name}};
  while (true) {  // a large file is read for longer than a call lasts
    Status sealed = session.Post(base + "/seal", seal).status();
    if (Reason(sealed) != "FILE_BEING_SEALED") return sealed;
    std::this_thread::sleep_for(kAskAgain);
  }
}

}  // namespace

Status UploadFile(Session& session, const UploadTarget& target, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::error_code error;
  const auto total = std::filesystem::file_size(file, error);
  if (!in || error)
    return Error(StatusCode::kNotFound, "FILE_MISSING", "cannot read {}", file.string());
  return Upload(session, target, total, [&]() -> Result<std::string> {
    std::string piece(kChunk, '\0');
    in.read(piece.data(), static_cast<std::streamsize>(kChunk));
    if (in.bad())
      return Error(StatusCode::kInternal, "FILE_FAILED", "{} cannot be read to its end",
                   file.string());
    piece.resize(static_cast<std::size_t>(in.gcount()));
    return piece;
  });
}

Status UploadText(Session& session, const UploadTarget& target, std::string_view text) {
  return Upload(session, target, text.size(), [rest = text]() mutable -> Result<std::string> {
    std::string piece(rest.substr(0, kChunk));
    rest.remove_prefix(piece.size());
    return piece;
  });
}

Result<std::string> PackDocuments(const std::vector<std::filesystem::path>& files) {
  std::string packed;
  for (const auto& file : files) {
    GF_ASSIGN(std::string text, ReadFile(file, 1U << 30));
    // A document of several lines becomes one line; what is not JSON goes as it is, so that the
    // site can say what is wrong.
    Json json = Json::parse(text, nullptr, false);
    if (json.is_array()) {
      for (const Json& element : json) packed += element.dump() + "\n";
    } else if (!json.is_discarded()) {
      packed += json.dump() + "\n";
    } else {
      packed += text;
      if (!packed.ends_with('\n')) packed += '\n';
    }
  }
  return packed;
}

}  // namespace genofed::cli
