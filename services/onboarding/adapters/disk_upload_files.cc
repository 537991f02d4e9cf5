// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/disk_upload_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/crypt4gh/file.h"
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

constexpr std::string_view kMagic = "crypt4gh";

// Authenticates every segment on the way.
Status DecryptTo(const Context& ctx, int in, const crypt4gh::SecretKey& key, const crypt4gh::Sink& sink) {
  GF_ASSIGN(const std::string header, crypt4gh::ReadHeader(in));
  GF_ASSIGN(auto decryptor, crypt4gh::Decryptor::CreateUnverified(header, key, [&](std::string_view bytes) -> Status {
              GF_TRY(ctx.Alive());
              return sink(bytes);
            }));
  return crypt4gh::DecryptFd(in, decryptor).status();
}

}  // namespace

Status DiskUploadFiles::Write(const std::string& submission, const std::string& name, std::int64_t offset,
                              std::string_view data) {
  const auto path = layout_.Upload(submission, name);
  std::error_code error;
  bool fresh = !std::filesystem::exists(path, error);
  if (fresh) GF_TRY(MakeDirectory(path.parent_path()));
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
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
  UniqueFd fd(::open(layout_.Upload(submission, name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
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

Status DiskUploadFiles::Remove(const std::string& submission, const std::string& name) {
  return RemoveTree(layout_.Upload(submission, name));
}

Result<bool> DiskUploadFiles::CheckEncrypted(const Context& ctx, const std::string& submission,
                                             const std::string& name) {
  UniqueFd in(::open(layout_.Upload(submission, name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (in.get() < 0) return Failed("open");
  std::array<char, kMagic.size()> magic = {};
  const ssize_t n = ::pread(in.get(), magic.data(), magic.size(), 0);
  if (n < 0) return Failed("read");
  if (std::string_view(magic.data(), static_cast<std::size_t>(n)) != kMagic) return false;
  if (intake_key_ == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "CRYPT4GH_NO_KEY", "this node takes no encrypted files");
  }
  const Status status = DecryptTo(ctx, in.get(), *intake_key_, [](std::string_view) { return absl::OkStatus(); });
  if (status.ok()) return true;
  if (!Reason(status).starts_with("CRYPT4GH_")) return status;
  return Error(StatusCode::kFailedPrecondition, Reason(status), "{}: {}", name, Message(status));
}

Status DiskUploadFiles::Open(const Context& ctx, const std::string& submission, const std::string& name) {
  GF_CHECK(intake_key_ != nullptr);
  UniqueFd in(::open(layout_.Upload(submission, name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (in.get() < 0) return Failed("open");
  const auto clear = layout_.Input(submission, UploadedFile{FileKind::kVariants, name, 0, true, "", true});
  GF_TRY(MakeDirectory(clear.parent_path()));
  // No checked name begins with a dot.
  const auto pending = clear.parent_path() / ("." + name);
  UniqueFd out(::open(pending.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (out.get() < 0) return Failed("open");
  Status status = DecryptTo(ctx, in.get(), *intake_key_, crypt4gh::FdSink(out.get()));
  if (status.ok() && ::fsync(out.get()) != 0) status = Failed("sync");
  if (status.ok()) return MoveIntoPlace(pending, clear);
  GF_TRY(RemoveTree(pending));
  return status;
}

}  // namespace genofed::onboarding
