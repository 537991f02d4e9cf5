// SPDX-License-Identifier: Apache-2.0
#include "libs/core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace genofed {
namespace {

Status Failed(std::string_view what, const std::filesystem::path& path) {
  int error = errno;
  auto code = error == ENOENT ? StatusCode::kNotFound : StatusCode::kInternal;
  return Error(code, "FILE_FAILED", "cannot {} {}: {}", what, path.string(), std::strerror(error));
}

}  // namespace

Result<std::string> ReadFile(const std::filesystem::path& path, std::size_t max_bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Failed("read", path);
  std::error_code error;
  auto size = std::filesystem::file_size(path, error);
  if (error) size = 0;  // a pipe or /proc file: its size is known only at its end
  if (size > max_bytes) {
    return Error(StatusCode::kResourceExhausted, "FILE_TOO_LARGE", "{} has {} bytes, more than {}",
                 path.string(), size, max_bytes);
  }
  std::string content;
  content.reserve(size);
  char buffer[65536];
  while (in.read(buffer, sizeof buffer), in.gcount() > 0) {
    content.append(buffer, static_cast<std::size_t>(in.gcount()));
    if (content.size() > max_bytes) {
      return Error(StatusCode::kResourceExhausted, "FILE_TOO_LARGE", "{} has more than {} bytes",
                   path.string(), max_bytes);
    }
  }
  if (in.bad())
    return Failed("read", path);  // a directory, or a disk that fails: not an empty file
  return content;
}

Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content,
                           unsigned mode) {
  std::string pattern = path.string() + ".XXXXXX";
  int fd = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (fd < 0) return Failed("write", path);
  bool ok = ::fchmod(fd, mode) == 0;
  for (std::size_t done = 0; ok && done < content.size();) {
    ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) done += static_cast<std::size_t>(n);
  }
  ok = ok && ::fsync(fd) == 0;
  ok = ::close(fd) == 0 && ok;
  ok = ok && ::rename(pattern.c_str(), path.c_str()) == 0;
  if (!ok) {
    Status failed = Failed("write", path);
    ::unlink(pattern.c_str());
    return failed;
  }
  if (int dir = ::open(path.has_parent_path() ? path.parent_path().c_str() : ".",
                       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      dir >= 0) {
    ::fsync(dir);
    ::close(dir);
  }
  return absl::OkStatus();
}

}  // namespace genofed
