// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/stored_login.h"

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::cli {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kPrivate = 0600;
constexpr std::size_t kMaxBytes = 64U << 10;

Status Unreadable(const fs::path& path, std::string_view why) {
  return Error(StatusCode::kFailedPrecondition, "LOGIN_UNREADABLE", "{} {}; sign in again with `genofed login`",
               path.string(), why);
}

Result<fs::path> Directory() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') return fs::path(config) / "genofed";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') {
    return Error(StatusCode::kFailedPrecondition, "NO_HOME", "neither XDG_CONFIG_HOME nor HOME is set");
  }
  return fs::path(home) / ".config" / "genofed";
}

// A name that people recognise and that is the address's alone.
Result<fs::path> FileOf(const std::string& url, const char* suffix) {
  GF_ASSIGN(const fs::path directory, Directory());
  std::string name = url.substr(url.find("://") == std::string::npos ? 0 : url.find("://") + 3);
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!plain) c = '_';
  }
  return directory / fmt::format("login-{:.80}-{:.8}{}", name, HexEncode(crypto::Sha256(url)), suffix);
}

Result<std::string> ReadPrivate(const fs::path& path) {
  std::error_code error;
  const auto mode = fs::status(path, error).permissions();
  if (!error && (mode & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none) {
    return Error(StatusCode::kFailedPrecondition, "LOGIN_EXPOSED", "others may read {}; sign in again with `genofed login`",
                 path.string());
  }
  return ReadFile(path, kMaxBytes);
}

}  // namespace

Result<std::optional<StoredLogin>> LoadLogin(const std::string& url) {
  const auto file = FileOf(url, ".json");
  std::error_code error;
  if (!file.ok() || !fs::exists(*file, error)) return std::optional<StoredLogin>();
  GF_ASSIGN(const std::string text, ReadPrivate(*file));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.value("access_token", nlohmann::json()).is_string() ||
      !json.value("expires", nlohmann::json()).is_string() || !json.value("dpop", nlohmann::json()).is_boolean()) {
    return Unreadable(*file, "is no stored login");
  }
  StoredLogin login;
  login.access_token = json["access_token"];
  const auto expires = ParseRfc3339(json["expires"].get<std::string>());
  if (!expires.ok()) return Unreadable(*file, "is no stored login");
  login.expires = *expires;
  if (json["dpop"].get<bool>()) {
    GF_ASSIGN(const fs::path key_file, FileOf(url, ".key.pem"));
    const auto pem = ReadPrivate(key_file);
    auto key = pem.ok() ? crypto::SigningKey::FromPem(*pem) : Result<crypto::SigningKey>(pem.status());
    if (!key.ok()) return Unreadable(key_file, "holds no key");
    login.key = std::make_shared<const crypto::SigningKey>(*std::move(key));
  }
  return std::optional<StoredLogin>(std::move(login));
}

Status SaveLogin(const std::string& url, const StoredLogin& login) {
  GF_TRY(DeleteLogin(url));
  GF_ASSIGN(const fs::path file, FileOf(url, ".json"));
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (!error) fs::permissions(file.parent_path(), fs::perms::owner_all, fs::perm_options::replace, error);
  if (error) {
    return Error(StatusCode::kInternal, "DIRECTORY_FAILED", "cannot make {}: {}", file.parent_path().string(),
                 error.message());
  }
  if (login.key != nullptr) {
    GF_ASSIGN(const fs::path key_file, FileOf(url, ".key.pem"));
    GF_TRY(WriteFileAtomically(key_file, login.key->ToPem(), kPrivate));
  }
  const nlohmann::json json = {{"url", url},
                               {"access_token", login.access_token},
                               {"expires", FormatRfc3339(login.expires)},
                               {"dpop", login.key != nullptr}};
  return WriteFileAtomically(file, json.dump(2) + "\n", kPrivate);
}

Result<bool> DeleteLogin(const std::string& url) {
  bool any = false;
  for (const char* suffix : {".json", ".key.pem"}) {
    GF_ASSIGN(const fs::path file, FileOf(url, suffix));
    std::error_code error;
    any = fs::remove(file, error) || any;
    if (error) return Error(StatusCode::kInternal, "DELETE_FAILED", "cannot delete {}", file.string());
  }
  return any;
}

}  // namespace genofed::cli
