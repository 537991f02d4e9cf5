// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/upload.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::cli {
namespace {

constexpr std::size_t kChunk = 2U << 20;
constexpr std::chrono::seconds kAskAgain{1};

}  // namespace

Status UploadFile(Session& session, const UploadTarget& target, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error(StatusCode::kNotFound, "FILE_MISSING", "cannot read {}", file.string());
  const auto total = std::filesystem::file_size(file);
  const std::string base =
      "/api/v1/submissions/" + Escape(target.submission) + "/files/" + target.kind;
  const std::string& label = target.name.empty() ? target.kind : target.name;
  const bool show = ::isatty(STDERR_FILENO) == 1;
  crypto::Sha256Stream hash;
  std::string chunk(kChunk, '\0');
  std::uint64_t offset = 0;
  while (in.read(chunk.data(), static_cast<std::streamsize>(kChunk)), in.gcount() > 0) {
    std::string piece = chunk.substr(0, static_cast<std::size_t>(in.gcount()));
    hash.Update(piece);
    if (offset + piece.size() > target.held) {
      GF_TRY(session.PutBytes(fmt::format("{}?offset={}&name={}", base, offset, Escape(target.name)), piece));
    }
    offset += piece.size();
    if (show)
      std::fprintf(stderr, "\r  %s: %3u %%", label.c_str(),
                   static_cast<unsigned>(offset * 100 / std::max<std::uint64_t>(total, 1)));
  }
  if (show) std::fprintf(stderr, "\n");
  Json seal = {{"size", std::to_string(offset)},
               {"sha256", HexEncode(hash.Finish())},
               {"name", target.name}};
  while (true) {  // a large file is read for longer than a call lasts
    Status sealed = session.Post(base + "/seal", seal).status();
    if (Reason(sealed) != "FILE_BEING_SEALED") return sealed;
    std::this_thread::sleep_for(kAskAgain);
  }
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
