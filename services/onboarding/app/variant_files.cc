// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/variant_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "libs/core/retry_after.h"
#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/genomics/describe_variants.h"
#include "libs/genomics/vcf_reader.h"
#include "services/onboarding/app/check_variants.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kBuffered = std::size_t{1} << 20;
constexpr std::int32_t kMaxPiece = 1 << 20;
constexpr std::chrono::seconds kTryAgain{10};

Status Unknown() {
  return Error(StatusCode::kNotFound, "FILE_UNKNOWN", "there is no such file; send it again");
}

Status Failed(std::string_view what) {
  const int error = errno;
  const bool full = error == ENOSPC || error == EDQUOT;
  return Error(full ? StatusCode::kResourceExhausted : StatusCode::kInternal,
               full ? "STORAGE_FULL" : "FILE_FAILED", "cannot {} a file of variants: {}", what,
               std::strerror(error));
}

Status Busy(std::string_view reason, std::string_view message) {
  return WithRetryAfter(Error(StatusCode::kResourceExhausted, reason, "{}", message), kTryAgain);
}

Result<UniqueFd> NamelessFile(const std::filesystem::path& directory) {
  UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) return Failed("make");
  return fd;
}

Status WriteAt(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return absl::OkStatus();
}

// Another descriptor of the same file, at its beginning.
Result<int> Reopen(int fd) {
  const int again = ::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_RDONLY | O_CLOEXEC);
  if (again < 0) return Failed("open");
  return again;
}

// Lines, written in large pieces.
class ListWriter {
 public:
  ListWriter(int fd, std::uint64_t limit) : fd_(fd), limit_(limit) {}

  Status Add(std::string_view line) {
    buffer_ += line;
    buffer_ += '\n';
    return buffer_.size() < kBuffered ? absl::OkStatus() : Flush();
  }
  Status Flush() {
    if (size_ + buffer_.size() > limit_) {
      return Error(StatusCode::kResourceExhausted, "LIST_TOO_LARGE",
                   "the list of variants would have more than {} bytes; send the file chromosome by "
                   "chromosome",
                   limit_);
    }
    GF_TRY(WriteAt(fd_, buffer_, size_));
    size_ += buffer_.size();
    buffer_.clear();
    return absl::OkStatus();
  }
  std::uint64_t size() const { return size_; }

 private:
  const int fd_;
  const std::uint64_t limit_;
  std::uint64_t size_ = 0;
  std::string buffer_;
};

}  // namespace

struct VariantFiles::File {
  std::string id;
  std::string issuer, subject;  // whose it is
  Time last_used{};             // guarded by the mutex of VariantFiles

  std::mutex mutex;  // of what follows
  std::condition_variable ended;
  UniqueFd input;  // none once described
  std::int64_t size = 0;
  UniqueFd output;
  bool running = false;                      // then input and output are the worker's
  std::optional<Result<std::int64_t>> list;  // its size, or why there is none
  bool told = false;                         // why: then it may be tried otherwise
  std::atomic<std::int64_t> records{0}, variants{0};
  std::jthread worker;  // last: ends first
};

VariantFiles::VariantFiles(Options options, const Clock& clock, Random& random)
    : options_(std::move(options)), clock_(clock), random_(random) {}

VariantFiles::~VariantFiles() = default;

Result<std::shared_ptr<VariantFiles::File>> VariantFiles::Begin(const Context& ctx) {
  const auto& user = ctx.principal().user;
  if (!user) return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING", "clinicians send files");
  DiscardIdle();
  auto file = std::make_shared<File>();
  file->id = HexEncode(random_.Bytes(kIdBytes));
  file->issuer = user->issuer;
  file->subject = user->subject;
  GF_ASSIGN(file->input, NamelessFile(options_.directory));
  MutexLock lock(mutex_);
  file->last_used = clock_.Now();
  const auto own = std::count_if(files_.begin(), files_.end(), [&](const auto& entry) {
    return entry.second->issuer == user->issuer && entry.second->subject == user->subject;
  });
  if (files_.size() >= options_.max_files ||
      static_cast<std::size_t>(own) >= options_.max_files_of_person) {
    return Busy("TOO_MANY_FILES", "too many files are being described at this moment; try again");
  }
  files_.emplace(file->id, file);
  return file;
}

Result<std::shared_ptr<VariantFiles::File>> VariantFiles::Find(const Context& ctx,
                                                               const std::string& file) {
  const auto& user = ctx.principal().user;
  MutexLock lock(mutex_);
  const auto found = files_.find(file);
  if (!user || found == files_.end() || found->second->issuer != user->issuer ||
      found->second->subject != user->subject) {
    return Unknown();
  }
  found->second->last_used = clock_.Now();
  return found->second;
}

Result<VariantFiles::Written> VariantFiles::Write(const Context& ctx, const std::string& file,
                                                  std::int64_t offset, std::string_view data) {
  const auto length = static_cast<std::int64_t>(data.size());
  if (offset < 0) return InvalidField("offset", "OFFSET_INVALID", "must not be negative");
  if (offset > static_cast<std::int64_t>(options_.max_file_bytes) - length) {
    return InvalidField("offset", "FILE_TOO_LARGE", "a file has at most {} bytes",
                        options_.max_file_bytes);
  }
  GF_ASSIGN(const auto into, file.empty() ? Begin(ctx) : Find(ctx, file));
  const Status done = WriteInto(*into, offset, data);
  if (!done.ok() && file.empty()) {  // nobody learned its name
    MutexLock lock(mutex_);
    files_.erase(into->id);
  }
  GF_TRY(done);
  std::lock_guard lock(into->mutex);
  return Written{into->id, into->size};
}

Status VariantFiles::WriteInto(File& file, std::int64_t offset, std::string_view data) {
  std::lock_guard lock(file.mutex);
  if (file.running || !file.input.valid()) {
    return Error(StatusCode::kFailedPrecondition, "FILE_DESCRIBED", "the file takes no more bytes");
  }
  if (offset > file.size) {
    return WithField(Error(StatusCode::kFailedPrecondition, "OFFSET_GAP",
                           "the next piece starts at offset {}", file.size),
                     "offset", fmt::format("expected {}", file.size));
  }
  GF_TRY(WriteAt(file.input.get(), data, static_cast<std::uint64_t>(offset)));
  file.size = std::max(file.size, offset + static_cast<std::int64_t>(data.size()));
  return absl::OkStatus();
}

Result<VariantFiles::Progress> VariantFiles::Describe(const Context& ctx, const std::string& file,
                                                      const std::string& name,
                                                      const std::string& assembly) {
  GF_ASSIGN(const auto described, Find(ctx, file));
  GF_ASSIGN(const FileRef ref,
            CheckFileRef({FileKind::kVariants, name.empty() ? "the file" : name}));
  std::optional<genomics::Assembly> stated;
  if (!assembly.empty()) {
    stated = genomics::ParseAssembly(assembly);
    if (!stated) return InvalidField("assembly", "ASSEMBLY_UNKNOWN", "GRCh37 or GRCh38 is expected");
  }
  const auto until =
      std::chrono::steady_clock::now() + std::min(options_.wait, ctx.Remaining(options_.wait * 2) / 2);
  std::unique_lock lock(described->mutex);
  if (!described->running && (!described->list || described->told))
    GF_TRY(Start(*described, ref.name, stated));
  described->ended.wait_until(lock, until, [&] { return !described->running; });
  Progress progress{!described->running, described->records, described->variants, 0};
  if (!progress.done) return progress;
  if (!described->list->ok()) {
    described->told = true;
    return described->list->status();  // it stays: others may be waiting for it, too
  }
  progress.list_size = **described->list;
  return progress;
}

Status VariantFiles::Start(File& file, const std::string& name,
                           std::optional<genomics::Assembly> assembly) {
  if (describing_.fetch_add(1) >= options_.max_described_at_once) {
    describing_.fetch_sub(1);
    return Busy("BUSY", "other files are being described at this moment; try again");
  }
  file.running = true;
  file.list.reset();
  file.told = false;
  file.records = file.variants = 0;
  file.worker = std::jthread([this, &file, name, assembly](const std::stop_token& stop) {
    auto list = MakeList(Context::Background().WithStop(stop), file, name, assembly);
    // Damaged bytes are the sender's to send again, and no loss of ours.
    if (list.status().code() == StatusCode::kDataLoss) {
      list = Error(StatusCode::kInvalidArgument, Reason(list.status()), "{}", Message(list.status()));
    }
    describing_.fetch_sub(1);
    std::lock_guard lock(file.mutex);
    file.list = std::move(list);
    file.running = false;
    file.ended.notify_all();
  });
  return absl::OkStatus();
}

Result<std::int64_t> VariantFiles::MakeList(const Context& ctx, File& file, const std::string& name,
                                            std::optional<genomics::Assembly> assembly) const {
  genomics::DescribeOptions options;
  options.assembly = assembly;
  options.records_read = &file.records;
  // The header first: a reference of another assembly would make nonsense of every record.
  GF_ASSIGN(const int head, Reopen(file.input.get()));
  GF_ASSIGN(const auto reader, genomics::VcfReader::OpenFd(head));
  const auto of = assembly ? assembly : reader->header().assembly;
  std::unique_ptr<genomics::Reference> reference;
  if (of) {
    GF_ASSIGN(reference, OpenReference(options_.reference_fasta, *of));
  }
  options.reference = reference.get();

  GF_ASSIGN(UniqueFd output, NamelessFile(options_.directory));
  GF_ASSIGN(const int input, Reopen(file.input.get()));
  ListWriter writer(output.get(), options_.max_list_bytes);
  GF_ASSIGN(const auto report,
            genomics::DescribeVariants(ctx, input, name, options,
                                       [&](const genomics::DescribedVariant& variant) {
                                         ++file.variants;
                                         return writer.Add(genomics::VariantJson(variant));
                                       }));
  GF_TRY(writer.Add(genomics::SummaryJson(name, report)));
  GF_TRY(writer.Flush());
  file.input.Reset();
  file.output = std::move(output);
  return static_cast<std::int64_t>(writer.size());
}

Result<VariantFiles::Piece> VariantFiles::Read(const Context& ctx, const std::string& file,
                                               std::int64_t offset, std::int32_t size) {
  GF_ASSIGN(const auto from, Find(ctx, file));
  std::lock_guard lock(from->mutex);
  if (from->running || !from->list || !from->list->ok()) {
    return Error(StatusCode::kFailedPrecondition, "NOT_DESCRIBED", "the file was not described");
  }
  const std::int64_t list_size = **from->list;
  if (offset < 0 || offset > list_size)
    return InvalidField("offset", "OFFSET_INVALID", "lies outside of the list");
  if (size < 0) return InvalidField("size", "SIZE_INVALID", "must not be negative");
  std::string piece(static_cast<std::size_t>(std::min<std::int64_t>(
                        std::min(size, kMaxPiece), list_size - offset)),
                    '\0');
  for (std::size_t filled = 0; filled < piece.size();) {
    const ssize_t got = ::pread(from->output.get(), piece.data() + filled, piece.size() - filled,
                                offset + static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Failed("read");
    filled += static_cast<std::size_t>(got);
  }
  return Piece{std::move(piece), list_size};
}

void VariantFiles::Discard(const Context& ctx, const std::string& file) {
  const auto found = Find(ctx, file);  // ends, with its worker, when nobody holds it any more
  if (!found.ok()) return;
  MutexLock lock(mutex_);
  files_.erase(file);
}

void VariantFiles::DiscardIdle() {
  std::vector<std::shared_ptr<File>> idle;  // their workers are waited for without the lock
  MutexLock lock(mutex_);
  for (auto at = files_.begin(); at != files_.end();) {
    if (clock_.Now() - at->second->last_used <= options_.max_idle) {
      ++at;
      continue;
    }
    idle.push_back(std::move(at->second));
    at = files_.erase(at);
  }
}

}  // namespace genofed::onboarding
