// SPDX-License-Identifier: Apache-2.0
#include "libs/http/file_body.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "libs/http/problem.h"
#include "libs/http/range.h"

namespace genofed::http {
namespace {

Status FileGone() { return Error(StatusCode::kInternal, "FILE_GONE", "the file of a response cannot be read"); }

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileHandle> FileHandle::CreateIn(const std::filesystem::path& directory, std::filesystem::path& path) {
  std::string name = (directory / "upload-XXXXXX").string();
  FileHandle file(::mkostemp(name.data(), O_CLOEXEC));
  if (file.fd() < 0) return Error(StatusCode::kInternal, "SPOOL", "cannot make a file for the body");
  path = name;
  return file;
}

Status FileHandle::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error(StatusCode::kInternal, "SPOOL", "cannot write the body to a file");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::size_t FileHandle::ReadAt(std::uint64_t offset, char* data, std::size_t count) const {
  while (true) {
    const ssize_t got = ::pread(fd_, data, count, static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

Result<FileSource> OpenFileBody(const Request& request, Response& response) {
  const FileBody body = std::get<FileBody>(response.body);
  FileSource source{FileHandle(::open(body.path.c_str(), O_RDONLY | O_CLOEXEC)), body.offset, 0};
  if (source.file.fd() < 0) return FileGone();
  if (body.unlink) ::unlink(body.path.c_str());
  const off_t end = ::lseek(source.file.fd(), 0, SEEK_END);
  if (end < 0) return FileGone();
  const auto size = static_cast<std::uint64_t>(end);
  if (body.offset > size || body.length.value_or(0) > size - body.offset) return FileGone();
  source.length = body.length.value_or(size - body.offset);
  GF_ASSIGN(const ByteSpan span, ApplyRange(request, response, source.length));
  source.offset += span.offset;
  source.length = span.length;
  return source;
}

Result<ByteSpan> ApplyRange(const Request& request, Response& response, std::uint64_t size) {
  if (response.status != 200) return ByteSpan{0, size};
  const RangeDecision decision = DecideRange(request, response.headers.Get("ETag").value_or(""), size);
  if (decision.outcome == RangeOutcome::kUnsatisfiable) {
    response.headers.Set("Content-Range", fmt::format("bytes */{}", size));
    return Error(StatusCode::kOutOfRange, kRangeNotSatisfiable, "the representation has {} bytes", size);
  }
  if (decision.outcome == RangeOutcome::kWhole) return ByteSpan{0, size};
  response.status = 206;
  response.headers.Set("Content-Range", fmt::format("bytes {}-{}/{}", decision.range.first, decision.range.last, size));
  return ByteSpan{decision.range.first, decision.range.last - decision.range.first + 1};
}

}  // namespace genofed::http
