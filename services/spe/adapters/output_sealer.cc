// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/output_sealer.h"
#include "libs/core/unique_fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>


namespace genofed::spe {
namespace {

Status Failed(std::string_view what) {
  return Error(StatusCode::kUnavailable, "SEAL_FAILED", "cannot {} outputs: {}", what,
               std::strerror(errno));
}

Result<std::string> ReadAll(int fd, std::size_t size) {
  std::string content(size, '\0');
  std::size_t at = 0;
  while (at < size) {
    const ssize_t count = read(fd, content.data() + at, size - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failed("read");
    at += static_cast<std::size_t>(count);
  }
  return content;
}

Result<OutputEntry> ReadEntry(int directory, const char* name, std::size_t max_file_bytes) {
  OutputEntry entry;
  entry.name = name;
  struct stat info {};
  if (fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return Failed("look at");
  entry.links = info.st_nlink;
  entry.size = static_cast<std::uint64_t>(info.st_size);
  entry.kind = S_ISREG(info.st_mode)   ? OutputEntry::Kind::kFile
               : S_ISLNK(info.st_mode) ? OutputEntry::Kind::kLink
                                       : OutputEntry::Kind::kOther;
  if (entry.kind != OutputEntry::Kind::kFile) return entry;
  // O_NONBLOCK: should the entry have become a pipe, opening it must not wait.
  const UniqueFd file(openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat opened {};
  if (!file.valid() || fstat(file.get(), &opened) != 0) return Failed("open");
  if (opened.st_ino != info.st_ino || !S_ISREG(opened.st_mode)) {
    entry.kind = OutputEntry::Kind::kOther;
    return entry;
  }
  entry.sparse = info.st_size > 0 && lseek(file.get(), 0, SEEK_HOLE) < info.st_size;
  if (entry.sparse || entry.size > max_file_bytes) return entry;
  if (lseek(file.get(), 0, SEEK_SET) != 0) return Failed("read");
  GF_ASSIGN(entry.content, ReadAll(file.get(), static_cast<std::size_t>(entry.size)));
  return entry;
}

}  // namespace

Result<std::vector<OutputEntry>> SealOutputs(const std::filesystem::path& output_dir,
                                             std::size_t max_files, std::size_t max_file_bytes) {
  // EINVAL: not a mount point, as with executors that keep outputs elsewhere.
  if (mount(nullptr, output_dir.c_str(), nullptr,
            MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0 &&
      errno != EINVAL) {
    return Failed("seal");
  }
  const int fd = open(output_dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return Failed("open");
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(fdopendir(fd), closedir);
  if (!listing) return Failed("list");
  std::vector<OutputEntry> entries;
  while (entries.size() <= max_files) {
    errno = 0;
    const dirent* next = readdir(listing.get());
    if (next == nullptr && errno != 0) return Failed("list");
    if (next == nullptr) break;
    if (std::strcmp(next->d_name, ".") == 0 || std::strcmp(next->d_name, "..") == 0) continue;
    GF_ASSIGN(OutputEntry entry, ReadEntry(fd, next->d_name, max_file_bytes));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace genofed::spe
