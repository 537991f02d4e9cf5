// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/disk_upload_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/onboarding/app/files.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kReadBytes = 1U << 20;

Status Failed(std::string_view what) {
  int error = errno;
  StatusCode code = error == ENOSPC || error == EDQUOT ? StatusCode::kResourceExhausted : StatusCode::kInternal;
  return Error(code, error == ENOSPC || error == EDQUOT ? "STORAGE_FULL" : "FILE_FAILED",
               "cannot {} an uploaded file: {}", what, std::strerror(error));
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

Status DiskUploadFiles::Write(const std::string& submission, const std::string& name, std::int64_t offset,
                              std::string_view data) {
  const auto path = layout_.Upload(submission, name);
  std::error_code error;
  bool fresh = !std::filesystem::exists(path, error);
  if (fresh) GF_TRY(MakeDirectory(path.parent_path()));
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) return Failed("open");
  for (std::size_t done = 0; done < data.size();) {
    ssize_t n = ::pwrite(fd.get(), data.data() + done, data.size() - done, offset + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed("write");
    done += static_cast<std::size_t>(n);
  }
  if (::fsync(fd.get()) != 0) return Failed("sync");
  if (!fresh) return absl::OkStatus();
  GF_TRY(SyncDirectory(path.parent_path()));
  return SyncDirectory(path.parent_path().parent_path());
}

Result<std::string> DiskUploadFiles::Finish(const Context& ctx, const std::string& submission, const std::string& name,
                                            std::int64_t size) {
  Fd fd(::open(layout_.Upload(submission, name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat info = {};
  if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) return Failed("open");
  if (info.st_size < size) return Error(StatusCode::kDataLoss, "UPLOAD_LOST", "an uploaded file lost bytes");
  // Bytes behind the durable size came with a piece that was never acknowledged.
  if (info.st_size > size && (::ftruncate(fd.get(), size) != 0 || ::fsync(fd.get()) != 0)) return Failed("cut");
  crypto::Sha256Stream hash;
  std::string buffer(kReadBytes, '\0');
  for (ssize_t n; (n = ::read(fd.get(), buffer.data(), buffer.size())) != 0;) {
    GF_TRY(ctx.Alive());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("read");
    hash.Update({buffer.data(), static_cast<std::size_t>(n)});
  }
  return HexEncode(hash.Finish());
}

}  // namespace genofed::onboarding
