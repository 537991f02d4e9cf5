// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/crypt4gh_files.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/file.h"
#include "libs/crypt4gh/key_file.h"

namespace genofed::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxSmallFile = 64U << 10;

Status Named(const Status& status, const std::string& file) {
  return MakeError(status.code(), Reason(status), file + ": " + Message(status));
}

Status Failed(std::string_view what, std::string_view name) {
  return Error(StatusCode::kInternal, "FILE_FAILED", "cannot {} {}: {}", what, name, std::strerror(errno));
}

struct Wiped {
  std::string text;
  ~Wiped() { OPENSSL_cleanse(text.data(), text.size()); }
};

Result<std::uint64_t> Size(const Json& json, const char* member) {
  const auto found = json.find(member);
  if (found == json.end() || !found->is_number_unsigned()) return InvalidField(member, "MANIFEST_INVALID", "must be a size in bytes");
  return found->get<std::uint64_t>();
}

Result<std::string> Digest(const Json& json, const char* member) {
  const auto found = json.find(member);
  if (found != json.end() && found->is_string()) {
    auto raw = HexDecode(found->get_ref<const std::string&>());
    if (raw.ok() && raw->size() == 32) return raw;
  }
  return InvalidField(member, "MANIFEST_INVALID", "must be 64 hexadecimal digits");
}

Result<crypt4gh::Manifest> ParseManifest(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Error(StatusCode::kInvalidArgument, "MANIFEST_INVALID", "not a JSON object");
  crypt4gh::Manifest manifest;
  GF_ASSIGN(manifest.plain_size, Size(json, "plain_size"));
  GF_ASSIGN(manifest.body_size, Size(json, "body_size"));
  GF_ASSIGN(manifest.plain_sha256, Digest(json, "plain_sha256"));
  GF_ASSIGN(manifest.body_sha256, Digest(json, "body_sha256"));
  return manifest;
}

}  // namespace

Result<std::string> LoadPassphrase(const std::string& file) {
  if (file.empty()) return std::string();
  GF_ASSIGN(std::string text, ReadFile(file, kMaxSmallFile));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return Error(StatusCode::kInvalidArgument, "PASSPHRASE_EMPTY", "{}: there is no passphrase in it", file);
  return text;
}

Result<crypt4gh::SecretKey> LoadSecretKey(const std::string& file, const std::string& passphrase_file) {
  Wiped text, passphrase;
  GF_ASSIGN(passphrase.text, LoadPassphrase(passphrase_file));
  GF_ASSIGN(text.text, ReadFile(file, kMaxSmallFile));
  auto key = crypt4gh::ParseSecretKeyFile(text.text, passphrase.text);
  if (!key.ok()) return Named(key.status(), file);
  return key;
}

Result<std::vector<crypt4gh::PublicKey>> LoadPublicKeys(const std::vector<std::string>& files) {
  std::vector<crypt4gh::PublicKey> keys;
  for (const std::string& file : files) {
    GF_ASSIGN(const std::string text, ReadFile(file, kMaxSmallFile));
    auto key = crypt4gh::ParsePublicKeyFile(text);
    if (!key.ok()) return Named(key.status(), file);
    keys.push_back(*std::move(key));
  }
  return keys;
}

Result<crypt4gh::Manifest> LoadManifest(const std::string& file) {
  GF_ASSIGN(const std::string text, ReadFile(file, kMaxSmallFile));
  auto manifest = ParseManifest(text);
  if (!manifest.ok()) return Named(manifest.status(), file);
  return manifest;
}

Status SaveManifest(const crypt4gh::Manifest& manifest, const std::string& file) {
  const Json json = {{"plain_size", manifest.plain_size},
                     {"body_size", manifest.body_size},
                     {"plain_sha256", HexEncode(manifest.plain_sha256)},
                     {"body_sha256", HexEncode(manifest.body_sha256)}};
  // Whoever guesses the plaintext could check the guess against its digest.
  return WriteFileAtomically(file, json.dump(2) + "\n", 0600);
}

Status CreateFile(const std::string& file, std::string_view content, unsigned mode) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST) {
    return Error(StatusCode::kAlreadyExists, "FILE_EXISTS", "{} exists already; it is not overwritten", file);
  }
  if (fd < 0) return Failed("create", file);
  Status status = crypt4gh::FdSink(fd)(content);
  if (status.ok() && ::fsync(fd) != 0) status = Failed("write", file);
  if (::close(fd) != 0 && status.ok()) status = Failed("write", file);
  if (!status.ok()) ::unlink(file.c_str());
  return status;
}

Result<Input> Input::Open() {
  if (::isatty(STDIN_FILENO) != 0) {
    return Error(StatusCode::kInvalidArgument, "INPUT_IS_TERMINAL", "the data are read from standard input: add `< FILE`");
  }
  return Input();
}

int Input::fd() const { return STDIN_FILENO; }

std::optional<Input::Place> Input::place() const {
  struct stat info {};
  if (::fstat(fd(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  const off_t at = ::lseek(fd(), 0, SEEK_CUR);
  if (at < 0 || at > info.st_size) return std::nullopt;
  return Place{static_cast<std::uint64_t>(at), static_cast<std::uint64_t>(info.st_size - at)};
}

Output::Output() : to_fd_(crypt4gh::FdSink(STDOUT_FILENO)) { std::signal(SIGPIPE, SIG_IGN); }

crypt4gh::Sink Output::sink() {
  return [this](std::string_view bytes) {
    Status status = to_fd_(bytes);
    if (status.ok()) written_ += bytes.size();
    return status;
  };
}

Status Output::Close() { return ::close(STDOUT_FILENO) == 0 ? absl::OkStatus() : Failed("write", "the output"); }

}  // namespace genofed::cli
