// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/file.h"
#include "libs/core/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "libs/crypt4gh/primitives.h"

namespace genofed::crypt4gh {
namespace {

// Read at once: few calls, whole segments, and little enough to stay in the processor's cache.
constexpr std::size_t kSegmentsAtOnce = 4;

Status Failed(std::string_view what, std::string_view name) {
  int error = errno;
  StatusCode code = error == ENOENT   ? StatusCode::kNotFound
                    : error == ENOSPC ? StatusCode::kResourceExhausted
                                      : StatusCode::kInternal;
  return Error(code, "FILE_FAILED", "cannot {} {}: {}", what, name, std::strerror(error));
}

Result<UniqueFd> OpenForReading(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return Failed("open", path.string());
  return fd;
}

// At most `size` bytes; 0 at the end.
Result<std::size_t> Read(int fd, char* buffer, std::size_t size) {
  for (;;) {
    ssize_t n = ::read(fd, buffer, size);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return Failed("read", "the input");
  }
}

// Hands everything that is left in `fd` to `use`, in blocks of `size` bytes up to the last: a pipe
// gives less at a time than asked for.
template <typename Use>
Status ReadBlocks(int fd, std::size_t size, const Use& use) {
  internal::SecretText buffer(size);
  for (std::size_t filled = size; filled == size;) {
    filled = 0;
    while (filled < size) {
      GF_ASSIGN(std::size_t n, Read(fd, buffer.bytes.data() + filled, size - filled));
      if (n == 0) break;
      filled += n;
    }
    if (filled > 0) GF_TRY(use(std::string_view(buffer.bytes).substr(0, filled)));
  }
  return absl::OkStatus();
}

// Appends exactly `size` bytes of the header being read.
Status Extend(int fd, std::size_t size, std::string& header) {
  std::size_t at = header.size();
  header.resize(at + size);
  while (at < header.size()) {
    GF_ASSIGN(std::size_t n, Read(fd, header.data() + at, header.size() - at));
    if (n == 0) {
      return Error(StatusCode::kOutOfRange, "CRYPT4GH_HEADER_INCOMPLETE",
                   "the Crypt4GH header ends early");
    }
    at += n;
  }
  return absl::OkStatus();
}

// A file that gets its name only by Commit.
class PendingFile {
 public:
  static Result<PendingFile> Create(const std::filesystem::path& path) {
    std::string pattern = path.string() + ".XXXXXX";
    UniqueFd fd(::mkostemp(pattern.data(), O_CLOEXEC));
    if (fd.get() < 0) return Failed("create", path.string());
    return PendingFile(std::move(fd), std::move(pattern), path);
  }
  PendingFile(PendingFile&& other) noexcept
      : fd_(std::move(other.fd_)),
        temporary_(std::exchange(other.temporary_, {})),
        path_(std::move(other.path_)) {}
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;
  PendingFile& operator=(PendingFile&&) = delete;
  ~PendingFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  int fd() const { return fd_.get(); }

  Status Commit() {
    if (::fsync(fd_.get()) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return Failed("write", path_.string());
    }
    temporary_.clear();
    UniqueFd dir(::open(path_.has_parent_path() ? path_.parent_path().c_str() : ".",
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir.get() < 0 || ::fsync(dir.get()) != 0)
      return Failed("sync the directory of", path_.string());
    return absl::OkStatus();
  }

 private:
  PendingFile(UniqueFd fd, std::string temporary, std::filesystem::path path)
      : fd_(std::move(fd)), temporary_(std::move(temporary)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string temporary_;
  std::filesystem::path path_;
};

}  // namespace

Sink FdSink(int fd) {
  return [fd](std::string_view bytes) -> Status {
    while (!bytes.empty()) {
      ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Failed("write", "the output");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return absl::OkStatus();
  };
}

Result<Manifest> EncryptFd(int fd, Encryptor& encryptor) {
  GF_TRY(ReadBlocks(fd, kSegmentsAtOnce * kSegmentBytes,
                    [&encryptor](std::string_view bytes) { return encryptor.Push(bytes); }));
  return encryptor.Finish();
}

Result<Manifest> DecryptFd(int fd, Decryptor& decryptor) {
  GF_TRY(ReadBlocks(fd, kSegmentsAtOnce * kSealedSegmentBytes,
                    [&decryptor](std::string_view bytes) { return decryptor.Push(bytes); }));
  return decryptor.Finish();
}

Status CopyFd(int fd, const Sink& sink) {
  return ReadBlocks(fd, kSegmentsAtOnce * kSealedSegmentBytes, sink);
}

Result<Manifest> EncryptFile(const std::filesystem::path& in, const std::filesystem::path& out,
                             std::span<const PublicKey> recipients, Random& random, Layout layout) {
  GF_ASSIGN(UniqueFd input, OpenForReading(in));
  GF_ASSIGN(PendingFile output, PendingFile::Create(out));
  Sink sink = FdSink(output.fd());
  GF_ASSIGN(Encryptor encryptor, Encryptor::Create(recipients, random, sink));
  if (layout == Layout::kCombined) GF_TRY(sink(encryptor.header()));
  GF_ASSIGN(Manifest manifest, EncryptFd(input.get(), encryptor));
  GF_TRY(output.Commit());
  return manifest;
}

Status DecryptFd(int body_fd, std::string_view header, const SecretKey& key,
                 const Manifest& expected, const Sink& sink) {
  GF_ASSIGN(Decryptor decryptor, Decryptor::Create(header, key, expected, sink));
  return DecryptFd(body_fd, decryptor).status();
}

Status DecryptFile(const std::filesystem::path& body, std::string_view header, const SecretKey& key,
                   const Manifest& expected, const std::filesystem::path& out) {
  GF_ASSIGN(UniqueFd input, OpenForReading(body));
  GF_ASSIGN(PendingFile output, PendingFile::Create(out));
  GF_TRY(DecryptFd(input.get(), header, key, expected, FdSink(output.fd())));
  return output.Commit();
}

Result<std::string> ReadHeader(int fd) {
  std::string header;
  GF_TRY(Extend(fd, 16, header));
  Result<std::size_t> size = HeaderSize(header);
  while (Reason(size.status()) == "CRYPT4GH_HEADER_INCOMPLETE") {
    std::size_t packet = header.size();
    GF_TRY(Extend(fd, 4, header));
    size = HeaderSize(header);  // judges the length of the packet before it is believed
    if (Reason(size.status()) != "CRYPT4GH_HEADER_INCOMPLETE") break;
    GF_TRY(Extend(fd, internal::Le32(std::string_view(header).substr(packet)) - 4, header));
    size = HeaderSize(header);
  }
  GF_TRY(size);
  return header;
}

}  // namespace genofed::crypt4gh
