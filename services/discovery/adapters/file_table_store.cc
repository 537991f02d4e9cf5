// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_table_store.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::discovery {
namespace {

constexpr std::size_t kMaxNameFile = 4096;
constexpr std::size_t kMaxName = 100;
constexpr auto kYoung = std::chrono::hours(1);

// Digests come from other sites, and become names of files.
bool IsDigest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Status Unknown() {
  return Error(StatusCode::kNotFound, "TABLE_UNKNOWN", "no such table of frequencies");
}

Status Failed() {
  return Error(StatusCode::kUnavailable, "FILE_FAILED", "cannot write tables of frequencies");
}

std::string HashOf(const std::string& content) { return HexEncode(crypto::Sha256(content)); }

}  // namespace

std::filesystem::path FileTableStore::PathOf(const std::string& sha256) const {
  return directory_ / "content" / sha256.substr(0, 2) / sha256;
}

bool FileTableStore::Holds(const std::string& sha256) {
  std::error_code error;
  return IsDigest(sha256) && std::filesystem::exists(PathOf(sha256), error);
}

Result<std::string> FileTableStore::Read(const std::string& sha256) {
  if (!Holds(sha256)) return Unknown();
  auto content = ReadFile(PathOf(sha256), std::max(kMaxTableText, kMaxPageBytes));
  if (content.ok() && HashOf(*content) == sha256) return content;
  std::error_code ignored;
  std::filesystem::remove(PathOf(sha256), ignored);
  return Error(StatusCode::kDataLoss, "TABLE_CORRUPT", "a table of frequencies is damaged");
}

Status FileTableStore::Write(const std::string& sha256, const std::string& content) {
  if (HashOf(content) != sha256)
    return InvalidField("content", "TABLE_INVALID", "it has another digest");
  std::error_code error;
  // As young as if it were new: nothing names it yet, and another process must not drop it before.
  std::filesystem::last_write_time(PathOf(sha256), std::filesystem::file_time_type::clock::now(),
                                   error);
  if (!error) return absl::OkStatus();
  error.clear();
  std::filesystem::create_directories(PathOf(sha256).parent_path(), error);
  if (error) return Failed();
  return WriteFileAtomically(PathOf(sha256), content, 0600);
}

Result<std::vector<std::string>> FileTableStore::Named(const std::string& name) {
  std::vector<std::string> digests;
  std::error_code error;
  const auto path = directory_ / "names" / name;
  if (!std::filesystem::exists(path, error)) return digests;
  GF_ASSIGN(const std::string text, ReadFile(path, kMaxNameFile));
  for (const std::string_view line : Split(text, '\n')) {
    if (IsDigest(std::string(line))) digests.emplace_back(line);
  }
  return digests;
}

Status FileTableStore::Name(const std::string& name, const std::vector<std::string>& digests) {
  const bool fits =
      !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-';
      });
  if (!fits || digests.size() > kMaxNameFile / 65)
    return InvalidField("name", "FIELD_INVALID", "not a name of a table");
  std::error_code error;
  std::filesystem::create_directories(directory_ / "names", error);
  if (error) return Failed();
  std::string text;
  for (const std::string& digest : digests) text += digest + "\n";
  return WriteFileAtomically(directory_ / "names" / name, text, 0600);
}

Result<std::map<std::string, std::vector<std::string>>> FileTableStore::Names() {
  std::map<std::string, std::vector<std::string>> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory_ / "names", error), end;
       !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.find('.') != std::string::npos) continue;  // one that is being written
    GF_ASSIGN(names[name], Named(name));
  }
  if (error && error != std::errc::no_such_file_or_directory) return Failed();
  return names;
}

Status FileTableStore::Keep(const std::set<std::string>& digests) {
  std::error_code error;
  const auto young = std::filesystem::file_time_type::clock::now() - kYoung;
  std::vector<std::filesystem::path> unwanted;
  for (std::filesystem::recursive_directory_iterator it(directory_ / "content", error), end;
       !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (!it->is_regular_file(gone) || gone || digests.contains(it->path().filename().string()))
      continue;
    if (it->last_write_time(gone) < young && !gone) unwanted.push_back(it->path());
  }
  for (const auto& path : unwanted) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  if (error && error != std::errc::no_such_file_or_directory) return Failed();
  return absl::OkStatus();
}

}  // namespace genofed::discovery
