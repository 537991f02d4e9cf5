// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <system_error>

namespace genofed::onboarding {
namespace {

namespace fs = std::filesystem;

// Internal, so that the work is tried again: a full disk or a lost mount is mended by people.
Status Failed(std::string_view what, const std::error_code& error) {
  return Error(StatusCode::kInternal, "FILE_FAILED", "cannot {}: {}", what, error.message());
}

std::error_code LastError() { return {errno, std::generic_category()}; }

}  // namespace

Status MakeDirectory(const fs::path& path) {
  std::error_code error;
  if (!fs::create_directories(path, error) && error) return Failed("create a directory", error);
  fs::permissions(path, fs::perms::owner_all, error);
  return error ? Failed("protect a directory", error) : absl::OkStatus();
}

Status SyncDirectory(const fs::path& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = fd >= 0 && ::fsync(fd) == 0;
  Status status = ok ? absl::OkStatus() : Failed("sync a directory", LastError());
  if (fd >= 0) ::close(fd);
  return status;
}

Status MoveIntoPlace(const fs::path& from, const fs::path& to) {
  GF_TRY(MakeDirectory(to.parent_path()));
  std::error_code error;
  if (fs::is_directory(from, error)) {
    GF_TRY(SyncDirectory(from));
    GF_TRY(RemoveTree(to));
  }
  fs::rename(from, to, error);
  if (error) return Failed("move a file into its place", error);
  return SyncDirectory(to.parent_path());
}

Status RemoveTree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? Failed("remove a file", error) : absl::OkStatus();
}

Result<ScratchDirectory> ScratchDirectory::Create(const fs::path& parent) {
  GF_TRY(MakeDirectory(parent));
  std::string pattern = (parent / "run-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return Failed("create a scratch directory", LastError());
  return ScratchDirectory(pattern);
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;  // emptied again at the next start
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace genofed::onboarding
