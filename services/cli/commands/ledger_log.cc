// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/ledger_log.h"

#include <filesystem>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/http/client.h"

namespace genofed::cli {
namespace {

class HttpTiles final : public ledger::TileSource {
 public:
  HttpTiles(std::string url, const std::string& ca)
      : client_({.base_url = std::move(url),
                 .ca_file = ca,
                 .timeout = std::chrono::seconds(30),
                 .max_response_bytes = ledger::kMaxBundleBytes}) {}

  Result<std::string> Read(const std::string& path) override {
    http::ClientRequest request;
    request.target = "/" + path;
    GF_ASSIGN(http::ClientResponse response, client_.Send(request));
    if (response.status == 200) return std::move(response.body);
    return response.status == 404
               ? Error(StatusCode::kNotFound, "FILE_MISSING", "the site has no {}", path)
               : Error(StatusCode::kUnavailable, "HTTP_" + std::to_string(response.status),
                       "the site answered {} for {}", response.status, path);
  }

 private:
  http::Client client_;
};

}  // namespace

Result<Log> OpenLog(const Target& target, const std::string& where) {
  if (where.starts_with("https://") || where.starts_with("http://")) {
    std::string url = where;
    while (url.ends_with('/')) url.pop_back();
    return Log{where, std::make_unique<HttpTiles>(url, target.ca_file), {}};
  }
  if (where.empty()) {
    Session session(target);
    GF_TRY(session.Resolve());
    const std::string url = session.url() + "/ledger";
    return Log{url, std::make_unique<HttpTiles>(url, session.ca()), {}};
  }
  std::error_code failed;
  if (!std::filesystem::is_directory(where, failed)) {
    return Error(StatusCode::kNotFound, "LOG_MISSING",
                 "{} is neither a directory nor an https:// address of a ledger", where);
  }
  auto directory = std::make_unique<ledger::DirectoryTiles>(where);
  GF_ASSIGN(auto files, directory->List());
  return Log{where, std::move(directory), std::move(files)};
}

Result<ledger::NoteVerifier> ReadVerifierKey(const std::string& text_or_file) {
  const auto given = ledger::NoteVerifier::Parse(text_or_file);
  if (given.ok()) return *given;
  GF_ASSIGN(const std::string text, ReadFile(text_or_file, 4096));
  return ledger::NoteVerifier::Parse(Trim(text));
}

Result<std::vector<ledger::NoteVerifier>> ReadVerifierKeys(const std::vector<std::string>& all) {
  std::vector<ledger::NoteVerifier> keys;
  for (const std::string& one : all) {
    GF_ASSIGN(auto key, ReadVerifierKey(one));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::optional<Promise>> ReadPromise(Log& log,
                                           const std::optional<ledger::NoteVerifier>& key) {
  auto note = log.source->Read("checkpoint");
  if (note.status().code() == StatusCode::kNotFound) return std::optional<Promise>();
  if (!note.ok()) return note.status();
  Promise promise{*std::move(note), {}};
  if (key) {
    GF_ASSIGN(promise.checkpoint, ledger::OpenCheckpoint(promise.note, *key));
  } else {
    GF_ASSIGN(const ledger::Note parsed, ledger::ParseNote(promise.note));
    GF_ASSIGN(promise.checkpoint, ledger::ParseCheckpoint(parsed.text));
  }
  return std::optional(std::move(promise));
}

}  // namespace genofed::cli
