// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/upload.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::cli {
namespace {

constexpr std::size_t kChunk = 2U << 20;

}  // namespace

Status UploadFile(Session& session, const std::string& submission, const std::string& kind,
                  const std::filesystem::path& file, const std::string& progress) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error(StatusCode::kNotFound, "FILE_MISSING", "cannot read {}", file.string());
  const auto total = std::filesystem::file_size(file);
  const std::string base = "/api/v1/submissions/" + Escape(submission) + "/files/" + kind;
  const bool show = !progress.empty() && ::isatty(STDERR_FILENO) == 1;
  crypto::Sha256Stream hash;
  std::string chunk(kChunk, '\0');
  std::uint64_t offset = 0;
  while (in.read(chunk.data(), static_cast<std::streamsize>(kChunk)), in.gcount() > 0) {
    std::string piece = chunk.substr(0, static_cast<std::size_t>(in.gcount()));
    hash.Update(piece);
    GF_TRY(session.PutBytes(base + "?offset=" + std::to_string(offset), piece));
    offset += piece.size();
    if (show)
      std::fprintf(stderr, "\r  %s: %3u %%", progress.c_str(),
                   static_cast<unsigned>(offset * 100 / std::max<std::uint64_t>(total, 1)));
  }
  if (show) std::fprintf(stderr, "\n");
  Json seal = {{"size", std::to_string(offset)}, {"sha256", HexEncode(hash.Finish())}};
  return session.Post(base + "/seal", seal).status();
}

Result<std::string> PackDocuments(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(path)) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(path);
  }
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
