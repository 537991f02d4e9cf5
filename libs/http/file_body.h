// SPDX-License-Identifier: Apache-2.0
//
// Files that requests and responses travel in. Internal to the library.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include "libs/core/status.h"
#include "libs/http/message.h"

namespace genofed::http {

// A file descriptor that closes itself.
class FileHandle {
 public:
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle() = default;
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle();

  // A new file with a name of its own, readable by this user only; `path` receives its name.
  static Result<FileHandle> CreateIn(const std::filesystem::path& directory, std::filesystem::path& path);

  Status Write(std::string_view bytes);
  // Up to `count` bytes at `offset`; 0 at the end of the file or when it cannot be read.
  std::size_t ReadAt(std::uint64_t offset, char* data, std::size_t count) const;
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// The part of a file that answers a request, opened.
struct FileSource {
  FileHandle file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// The part of a representation that is sent.
struct ByteSpan {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Applies the request's Range to a 200 of `size` bytes: makes it a 206 with Content-Range, or returns OutOfRange
// RANGE_NOT_SATISFIABLE and leaves "bytes */SIZE" in Content-Range.
Result<ByteSpan> ApplyRange(const Request& request, Response& response, std::uint64_t size);
// Opens the FileBody of `response` and applies the request's Range to it, as ApplyRange.
Result<FileSource> OpenFileBody(const Request& request, Response& response);

}  // namespace genofed::http
