// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/local_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/crypto/hash.h"
#include "libs/objects/verify.h"

namespace genofed::objects {
namespace {

constexpr std::string_view kTemporary = ".tmp-";
constexpr std::size_t kPiece = 256U << 10;

// What errno says about doing `what` with an object.
Status Failed(std::string_view what) {
  const int error = errno;
  const std::string text = std::system_category().message(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Error(StatusCode::kResourceExhausted, "STORAGE_FULL", "cannot {}: {}", what, text);
    case EACCES:
    case EPERM:
    case EROFS:
      return Error(StatusCode::kInternal, "STORE_ACCESS_DENIED", "cannot {}: {}", what, text);
    case EMFILE:
    case ENFILE:
    case ENOMEM:  // of this process, and passes
      return Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE", "cannot {}: {}", what, text);
    default:
      return Error(StatusCode::kInternal, "STORE_FAILED", "cannot {}: {}", what, text);
  }
}

// No name has a '%', and none that follows the rules starts with a dot: neither objects nor
// temporary files collide.
std::string FileName(std::string_view name) {
  std::string file(name);
  std::replace(file.begin(), file.end(), '/', '%');
  return file;
}

std::string ObjectName(std::string_view file) {
  std::string name(file);
  std::replace(name.begin(), name.end(), '%', '/');
  return name;
}

struct OpenObject {
  UniqueFd fd;
  ObjectInfo info;
};

Result<OpenObject> OpenForReading(int directory, std::string_view name) {
  GF_TRY(CheckName(name));
  // O_NONBLOCK: a FIFO somebody put here must not hang us.
  UniqueFd fd(
      ::openat(directory, FileName(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) {
    return Error(StatusCode::kNotFound, "OBJECT_NOT_FOUND", "there is no object {}", name);
  }
  struct stat st {};
  if (fd.get() < 0 || ::fstat(fd.get(), &st) != 0) return Failed("open an object");
  if (!S_ISREG(st.st_mode)) {
    return Error(StatusCode::kInternal, "STORE_FAILED", "object {} is not a regular file", name);
  }
  ObjectInfo info{std::string(name), static_cast<std::uint64_t>(st.st_size),
                  fmt::format("{:x}-{:x}-{:x}", st.st_ino, st.st_size,
                              st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec),
                  FromUnixMicros(st.st_mtim.tv_sec * 1'000'000 + st.st_mtim.tv_nsec / 1000)};
  return OpenObject{std::move(fd), std::move(info)};
}

class LocalWriter final : public ObjectWriter {
 public:
  LocalWriter(ObjectStore& store, int directory, UniqueFd fd, std::string temporary, std::string name)
      : store_(store),
        directory_(directory),
        fd_(std::move(fd)),
        temporary_(std::move(temporary)),
        name_(std::move(name)) {}
  ~LocalWriter() override { ::unlinkat(directory_, temporary_.c_str(), 0); }

 private:
  Status DoAppend(const Context& ctx, std::string_view bytes) override;
  Result<Written> DoCommit(const Context& ctx) override;

  ObjectStore& store_;
  const int directory_;
  const UniqueFd fd_;
  const std::string temporary_;
  const std::string name_;
  crypto::Sha256Stream sha_;
  std::uint64_t size_ = 0;
};

Status LocalWriter::DoAppend(const Context&, std::string_view bytes) {
  sha_.Update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_.get(), bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return Failed("write an object");
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

Result<Written> LocalWriter::DoCommit(const Context& ctx) {
  Written written{size_, sha_.Finish()};
  if (::fsync(fd_.get()) != 0) return Failed("sync an object");
  if (::linkat(directory_, temporary_.c_str(), directory_, FileName(name_).c_str(), 0) != 0) {
    if (errno != EEXIST) return Failed("name an object");
    GF_ASSIGN(const auto difference,
              VerifyObject(ctx, store_, name_, {written.size, written.sha256}));
    if (difference) {
      return Error(StatusCode::kAlreadyExists, "OBJECT_EXISTS",
                   "object {} exists with other content", name_);
    }
    written.existed = true;
  }
  if (::fsync(directory_) != 0) return Failed("sync the directory of the objects");
  return written;
}

// Every entry of the directory; unsorted.
Status ForEachFile(int directory, const std::function<void(std::string_view)>& take) {
  UniqueFd fd(::openat(directory, ".",
                 O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // with a read position of its own
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd.get()), &::closedir);
  if (entries == nullptr) return Failed("list objects");
  fd.Release();
  while (true) {
    errno = 0;  // readdir's only sign of an error
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr) return errno == 0 ? Status() : Failed("list objects");
    take(entry->d_name);
  }
}

Status DirectoryStatus(const std::filesystem::path& directory, std::string_view why) {
  return Error(StatusCode::kFailedPrecondition, "STORE_DIRECTORY", "{} {}", directory.string(),
               why);
}

}  // namespace

Result<std::unique_ptr<LocalStore>> LocalStore::Open(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return DirectoryStatus(directory,
                           "cannot be created: " + std::system_category().message(errno));
  }
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd.get() < 0) {
    return DirectoryStatus(directory,
                           "cannot be opened as a directory (a symbolic link is not followed): " +
                               std::system_category().message(errno));
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return Failed("look at the directory of the objects");
  if ((st.st_mode & 077) != 0) return DirectoryStatus(directory, "is open to others; chmod 700 it");
  std::unique_ptr<LocalStore> store(new LocalStore(fd.Release()));
  GF_TRY(store->SweepTemporaryFiles());
  return store;
}

LocalStore::~LocalStore() { ::close(directory_); }

Status LocalStore::SweepTemporaryFiles() {
  return ForEachFile(directory_, [this](std::string_view file) {
    if (!file.starts_with(kTemporary)) return;
    const std::string name(file);
    const UniqueFd fd(::openat(directory_, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    // Its writer, if there is one, holds the lock.
    if (fd.get() >= 0 && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0)
      ::unlinkat(directory_, name.c_str(), 0);
  });
}

Result<std::unique_ptr<ObjectWriter>> LocalStore::Create(const Context& ctx,
                                                         std::string_view name) {
  GF_TRY(CheckName(name));
  GF_TRY(ctx.Alive());
  SystemRandom random;
  while (true) {
    std::string temporary = std::string(kTemporary) + HexEncode(random.Bytes(16));
    UniqueFd fd(::openat(directory_, temporary.c_str(),
                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd.get() < 0) return Failed("create an object");
    const bool locked = ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK) {
      const Status failed = Failed("lock an object");
      ::unlinkat(directory_, temporary.c_str(), 0);
      return failed;
    }
    struct stat st {};
    if (locked && ::fstat(fd.get(), &st) == 0 && st.st_nlink == 1) {
      return std::make_unique<LocalWriter>(*this, directory_, std::move(fd), std::move(temporary),
                                           std::string(name));
    }
    // Somebody who sweeps was faster than our lock: that file is gone, the next one need not be.
  }
}

Status LocalStore::Read(const Context& ctx, std::string_view name, std::uint64_t offset,
                        std::uint64_t size, const Sink& sink) {
  GF_ASSIGN(const OpenObject object, OpenForReading(directory_, name));
  if (offset > object.info.size) {
    return Error(StatusCode::kOutOfRange, "RANGE_NOT_SATISFIABLE", "the object has {} bytes",
                 object.info.size);
  }
  std::uint64_t left = std::min(size, object.info.size - offset);
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPiece)), '\0');
  while (left > 0) {
    GF_TRY(ctx.Alive());
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
    const ssize_t got = ::pread(object.fd.get(), piece.data(), want, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read an object");
    if (got == 0)
      return Error(StatusCode::kDataLoss, "OBJECT_CHANGED", "object {} shrank while it was read",
                   name);
    GF_TRY(sink(std::string_view(piece).substr(0, static_cast<std::size_t>(got))));
    offset += static_cast<std::uint64_t>(got);
    left -= static_cast<std::uint64_t>(got);
  }
  return {};
}

Result<ObjectInfo> LocalStore::Stat(const Context& ctx, std::string_view name) {
  GF_TRY(ctx.Alive());
  GF_ASSIGN(OpenObject object, OpenForReading(directory_, name));
  return std::move(object.info);
}

Status LocalStore::Remove(const Context& ctx, std::string_view name) {
  GF_TRY(CheckName(name));
  GF_TRY(ctx.Alive());
  if (::unlinkat(directory_, FileName(name).c_str(), 0) != 0 && errno != ENOENT)
    return Failed("remove an object");
  return ::fsync(directory_) == 0 ? Status() : Failed("sync the directory of the objects");
}

// Reads the whole directory for each page, and keeps the least `limit` names that follow the token.
Result<ObjectPage> LocalStore::List(const Context& ctx, std::string_view prefix,
                                    std::string_view page_token, std::size_t limit) {
  GF_TRY(ctx.Alive());
  if (limit == 0 || limit > kMaxPage)
    return InvalidField("limit", "OUT_OF_RANGE", "must be 1 to {}", kMaxPage);
  std::vector<std::string> names;
  GF_TRY(ForEachFile(directory_, [&](std::string_view file) {
    std::string name = ObjectName(file);
    if (!name.starts_with(prefix) || name <= page_token || !CheckName(name).ok()) return;
    names.push_back(std::move(name));
    std::push_heap(names.begin(), names.end());
    if (names.size() <= limit + 1) return;
    std::pop_heap(names.begin(), names.end());
    names.pop_back();
  }));
  std::sort_heap(names.begin(), names.end());
  ObjectPage page;
  if (names.size() > limit) {
    names.pop_back();
    page.next = names.back();
  }
  for (const std::string& name : names) {
    Result<OpenObject> object = OpenForReading(directory_, name);
    if (object.ok()) page.objects.push_back({name, object->info.size, "", object->info.modified});
  }
  return page;
}

Result<std::string> LocalStore::PresignGet(std::string_view name, std::chrono::seconds) {
  GF_TRY(CheckName(name));
  return Error(StatusCode::kUnimplemented, "NO_PRESIGNED_URLS", "a directory has no URLs");
}

Status LocalStore::Probe(const Context& ctx) {
  GF_TRY(ctx.Alive());
  struct stat st {};
  if (::fstat(directory_, &st) != 0) return Failed("look at the directory of the objects");
  if (st.st_nlink == 0) {
    return Error(StatusCode::kUnavailable, "STORE_UNAVAILABLE",
                 "the directory of the objects was deleted");
  }
  return ::faccessat(directory_, ".", R_OK | W_OK | X_OK, AT_EACCESS) == 0
             ? Status()
             : Failed("use the directory of the objects");
}

}  // namespace genofed::objects
