// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/entry_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include "libs/core/file.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/obs/log.h"

namespace genofed::consent {
namespace {

constexpr char kExtension[] = ".entries";
constexpr std::size_t kIdBytes = 16;

Status Failed(std::string_view what, const std::filesystem::path& path, int error = errno) {
  return Error(StatusCode::kUnavailable, "ENTRY_LOG_FAILED", "cannot {} {}: {}", what, path.string(),
               std::strerror(error));
}

Status Broken(const std::filesystem::path& path, std::uint64_t offset, std::string_view what) {
  return Error(StatusCode::kDataLoss, "ENTRY_LOG_BROKEN", "{}, byte {}: {}", path.string(), offset, what);
}

// Less than asked for only at the end of the file.
Status ReadAt(int fd, const std::filesystem::path& path, std::uint64_t offset, std::size_t bytes, std::string& out) {
  out.resize(bytes);
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t n = ::pread(fd, out.data() + done, bytes - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("read", path);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  out.resize(done);
  return absl::OkStatus();
}

Status WriteAt(int fd, const std::filesystem::path& path, std::uint64_t offset, std::string_view bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pwrite(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Failed("write", path);
    done += static_cast<std::size_t>(n);
  }
  return absl::OkStatus();
}

Status SyncData(int fd, const std::filesystem::path& path) {
  return ::fdatasync(fd) == 0 ? absl::OkStatus() : Failed("sync", path);
}

Result<std::uint64_t> SizeOf(int fd, const std::filesystem::path& path) {
  struct stat stat {};
  if (::fstat(fd, &stat) != 0) return Failed("read", path);
  return static_cast<std::uint64_t>(stat.st_size);
}

std::array<std::int64_t, 5> StampOf(int fd) {
  struct stat stat {};
  if (::fstat(fd, &stat) != 0) return {};
  return {stat.st_size, stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec, stat.st_ctim.tv_sec, stat.st_ctim.tv_nsec};
}

// A whole group, if its header tells the truth.
Status ReadGroupAt(int fd, const std::filesystem::path& path, std::uint64_t offset, std::string& bytes) {
  GF_TRY(ReadAt(fd, path, offset, kGroupHeaderBytes, bytes));
  GF_ASSIGN(const GroupHeader header, ParseGroupHeader(bytes));
  GF_ASSIGN(const std::uint64_t end, SizeOf(fd, path));
  return ReadAt(fd, path, offset, std::min<std::uint64_t>(kGroupHeaderBytes + header.payload, end - offset), bytes);
}

Status SyncDirectory(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return Failed("sync", path);
  return absl::OkStatus();
}

std::filesystem::path NameOf(const std::filesystem::path& directory, std::int64_t first) {
  return directory / fmt::format("{:020}{}", first, kExtension);
}

// Whether a whole group begins somewhere behind `offset`.
Result<bool> GroupFollows(int fd, const std::filesystem::path& path, std::uint64_t offset, std::uint64_t end) {
  std::string rest, group;
  GF_TRY(ReadAt(fd, path, offset, end - offset, rest));
  for (auto at = rest.find(kGroupMagic, 1); at != std::string::npos; at = rest.find(kGroupMagic, at + 1)) {
    const std::string_view bytes = std::string_view(rest).substr(at);
    const auto header = ParseGroupHeader(bytes);
    if (!header.ok() || bytes.size() - kGroupHeaderBytes < header->payload) continue;
    if (ParseGroup(bytes.substr(0, kGroupHeaderBytes + header->payload)).ok()) return true;
  }
  return false;
}

const GroupEntry& Deref(const GroupEntry& entry) { return entry; }
const NewEntry& Deref(const NewEntry* entry) { return *entry; }

}  // namespace

Result<std::unique_ptr<EntryLog>> EntryLog::Open(const std::filesystem::path& directory, const Options& options) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  if (error) return Failed("make", directory, error.value());
  std::unique_ptr<EntryLog> log(new EntryLog(directory, options));
  GF_TRY(log->Lock());
  GF_TRY(log->ReadId());
  GF_TRY(log->ReadFiles());
  return log;
}

Status EntryLog::Lock() {
  const std::filesystem::path path = directory_ / "lock";
  lock_.Reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_.valid()) return Failed("open", path);
  const auto until = std::chrono::steady_clock::now() + options_.patience;
  while (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return Failed("lock", path);
    if (std::chrono::steady_clock::now() > until) {
      return Error(StatusCode::kUnavailable, "ENTRY_LOG_IN_USE",
                   "another process has the ledger's entries in {} open: a ledger is written by one", directory_.string());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return absl::OkStatus();
}

Status EntryLog::ReadId() {
  const std::filesystem::path path = directory_ / "id";
  auto id = ReadFile(path, 2 * kIdBytes);
  if (id.ok()) {
    id_ = *std::move(id);
    if (id_.size() != 2 * kIdBytes) return Broken(path, 0, "is not the name of a log");
    return absl::OkStatus();
  }
  if (!absl::IsNotFound(id.status())) return id.status();
  id_ = HexEncode(SystemRandom().Bytes(kIdBytes));
  return WriteFileAtomically(path, id_, 0600);
}

Status EntryLog::ReadFiles() {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory_, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == kExtension) paths.push_back(it->path());
  }
  if (error) return Failed("read", directory_, error.value());
  std::ranges::sort(paths);
  for (const std::filesystem::path& path : paths) {
    if (path != NameOf(directory_, size_)) {
      return Broken(path, 0, fmt::format("the file before it ends with entry {}", size_ - 1));
    }
    auto file = std::make_unique<File>();
    file->path = path;
    file->first = size_;
    file->fd.Reset(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!file->fd.valid()) return Failed("open", path);
    files_.push_back(std::move(file));
    GF_TRY(ReadGroups(*files_.back(), &path == &paths.back()));
  }
  if (files_.empty()) return BeginFile();
  GF_TRY(SyncLastGroup());
  for (const auto& file : files_) file->stamp = StampOf(file->fd.get());
  return absl::OkStatus();
}

// What was read may be in memory alone: its process ended, or its sync failed, which no other sync would tell. Written
// anew, it is synced, or the log is not opened.
Status EntryLog::SyncLastGroup() {
  if (groups_.empty()) return absl::OkStatus();
  const Group& last = groups_.back();
  std::string bytes;
  GF_TRY(ReadGroupAt(last.file->fd.get(), last.file->path, last.offset, bytes));
  GF_TRY(WriteAt(last.file->fd.get(), last.file->path, last.offset, bytes));
  return SyncData(last.file->fd.get(), last.file->path);
}

Status EntryLog::ReadGroups(File& file, bool last) {
  GF_ASSIGN(const std::uint64_t end, SizeOf(file.fd.get(), file.path));
  std::string bytes;
  while (file.bytes < end) {
    const Status read = ReadGroupAt(file.fd.get(), file.path, file.bytes, bytes);
    if (absl::IsUnavailable(read)) return read;
    const auto entries = read.ok() ? ParseGroup(bytes) : Result<std::vector<GroupEntry>>(read);
    if (!entries.ok()) {
      // Each group is synced before the next is written: only the last one can be cut off.
      GF_ASSIGN(const bool follows, GroupFollows(file.fd.get(), file.path, file.bytes, end));
      if (!last || follows) return Broken(file.path, file.bytes, Message(entries.status()));
      GF_LOG(Context::Background(), warn, "ledger.unfinished_group", {"file", file.path.string()}, {"at", file.bytes},
             {"bytes", end - file.bytes});
      if (::ftruncate(file.fd.get(), static_cast<off_t>(file.bytes)) != 0 || ::fsync(file.fd.get()) != 0)
        return Failed("cut", file.path);
      return absl::OkStatus();
    }
    const GroupHeader header = *ParseGroupHeader(bytes);
    if (header.first != size_)
      return Broken(file.path, file.bytes, fmt::format("begins with entry {} instead of {}", header.first, size_));
    Take(file.bytes, header.with_rows, *entries);
    file.bytes += bytes.size();
  }
  return absl::OkStatus();
}

Status EntryLog::BeginFile() {
  auto file = std::make_unique<File>();
  file->path = NameOf(directory_, size_);
  file->first = size_;
  // One that is there already was begun before, and nothing acknowledged is in it.
  file->fd.Reset(::open(file->path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file->fd.valid()) return Failed("make", file->path);
  GF_TRY(SyncDirectory(directory_));
  file->stamp = StampOf(file->fd.get());
  std::unique_lock lock(mutex_);
  files_.push_back(std::move(file));
  return absl::OkStatus();
}

std::int64_t EntryLog::Size() const {
  std::shared_lock lock(mutex_);
  return size_;
}

std::size_t EntryLog::Groups() const {
  std::shared_lock lock(mutex_);
  return groups_.size();
}

std::int64_t EntryLog::LastWithRows() const {
  std::shared_lock lock(mutex_);
  return last_with_rows_;
}

std::uint64_t EntryLog::NumberOf(std::string_view caller, std::string_view idempotency_key) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 divided by the golden ratio
  return std::hash<std::string_view>()(idempotency_key) * kOdd + std::hash<std::string_view>()(caller);
}

template <typename Entries>
void EntryLog::Take(std::uint64_t offset, bool with_rows, const Entries& entries) {
  std::unique_lock lock(mutex_);
  groups_.push_back({size_, files_.back().get(), offset});
  for (const auto& one : entries) {
    const auto& entry = Deref(one);
    const std::int64_t index = size_++;
    if (!keys_.emplace(options_.number(entry.caller, entry.idempotency_key), index).second)
      other_keys_.emplace(std::pair(entry.caller, entry.idempotency_key), index);
    if (entry.is_access) accesses_.push_back(index);
  }
  if (with_rows) last_with_rows_ = size_ - 1;
}

Status EntryLog::Append(std::span<const NewEntry* const> entries, bool with_rows) {
  GF_TRY(CheckUsable());
  if (files_.back()->bytes >= options_.file_bytes) GF_TRY(BeginFile());
  File& file = *files_.back();
  buffer_.clear();
  EncodeGroup(Size(), with_rows, entries, buffer_);
  const Status appended = AppendToFile(file);
  file.stamp = StampOf(file.fd.get());
  GF_TRY(appended);
  Take(file.bytes, with_rows, entries);
  file.bytes += buffer_.size();
  return absl::OkStatus();
}

std::vector<EntryRange> EntryLog::Touched() {
  std::vector<EntryRange> touched;
  const std::unique_lock writing(writer_.native(), std::try_to_lock);
  if (!writing.owns_lock()) return touched;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    File& file = *files_[i];
    const auto stamp = StampOf(file.fd.get());
    if (stamp == file.stamp) continue;
    file.stamp = stamp;
    touched.push_back({file.first, i + 1 < files_.size() ? files_[i + 1]->first : size_});
  }
  return touched;
}

Status EntryLog::CheckUsable() const {
  std::shared_lock lock(mutex_);
  if (failed_.empty()) return absl::OkStatus();
  return Error(StatusCode::kUnavailable, "ENTRY_LOG_FAILED", "the ledger takes nothing until its service starts anew: {}",
               failed_);
}

Status EntryLog::GiveUp(const Status& why) {
  GF_LOG(Context::Background(), error, "ledger.log_failed", {"why", Message(why)});
  std::unique_lock lock(mutex_);
  failed_ = Message(why);
  return why;
}

Status EntryLog::AppendToFile(File& file) {
  const Status written = WriteAt(file.fd.get(), file.path, file.bytes, buffer_);
  if (!written.ok()) {
    const bool taken_back = ::ftruncate(file.fd.get(), static_cast<off_t>(file.bytes)) == 0;
    return taken_back ? written : GiveUp(written);
  }
  // Whether it is on the disk is not known after a sync that failed, and another one would not tell.
  const Status synced = SyncData(file.fd.get(), file.path);
  return synced.ok() ? synced : GiveUp(synced);
}

// Reads entries, of which neighbours are mostly of one group.
class EntryLog::Reader {
 public:
  explicit Reader(const EntryLog& log) : log_(log) {}

  // What lies there, valid until another group is read; none behind the end.
  Result<std::optional<GroupEntry>> At(std::int64_t index) {
    if (index < group_.first || index >= group_.first + static_cast<std::int64_t>(entries_.size())) {
      GF_ASSIGN(const bool there, Load(index));
      if (!there) return std::optional<GroupEntry>();
    }
    return std::optional(entries_[static_cast<std::size_t>(index - group_.first)]);
  }

 private:
  Result<bool> Load(std::int64_t index) {
    entries_.clear();
    std::int64_t end = 0;
    {
      std::shared_lock lock(log_.mutex_);
      if (index < 0 || index >= log_.size_) return false;
      const auto next = std::ranges::upper_bound(log_.groups_, index, {}, &Group::first);
      end = next == log_.groups_.end() ? log_.size_ : next->first;
      group_ = *std::prev(next);
    }
    const File& file = *group_.file;
    const Status read = ReadGroupAt(file.fd.get(), file.path, group_.offset, bytes_);
    if (absl::IsUnavailable(read)) return read;
    auto entries = read.ok() ? ParseGroup(bytes_) : Result<std::vector<GroupEntry>>(read);
    if (!entries.ok()) return Broken(file.path, group_.offset, Message(entries.status()));
    if (ParseGroupHeader(bytes_)->first != group_.first ||
        static_cast<std::int64_t>(entries->size()) != end - group_.first)
      return Broken(file.path, group_.offset, "is another group than was written here");
    entries_ = *std::move(entries);
    return true;
  }

  const EntryLog& log_;
  Group group_;
  std::string bytes_;
  std::vector<GroupEntry> entries_;
};

template <typename Body>
Status EntryLog::ForEach(std::int64_t start, const Body& body) const {
  Reader reader(*this);
  for (std::int64_t index = start;; ++index) {
    GF_ASSIGN(const auto entry, reader.At(index));
    if (!entry || !body(index, *entry)) return absl::OkStatus();
  }
}

Result<std::optional<std::int64_t>> EntryLog::Find(const std::string& caller, const std::string& idempotency_key) const {
  std::int64_t candidate = 0;
  {
    std::shared_lock lock(mutex_);
    const auto found = keys_.find(options_.number(caller, idempotency_key));
    if (found == keys_.end()) return std::optional<std::int64_t>();
    candidate = found->second;
    const auto other = other_keys_.find({caller, idempotency_key});
    if (other != other_keys_.end()) return std::optional(other->second);
  }
  Reader reader(*this);
  GF_ASSIGN(const auto entry, reader.At(candidate));
  const bool same = entry->caller == caller && entry->idempotency_key == idempotency_key;
  return same ? std::optional(candidate) : std::nullopt;
}

Result<std::vector<StoredEntry>> EntryLog::List(std::int64_t start, int limit) const {
  std::vector<StoredEntry> found;
  if (limit <= 0) return found;
  GF_TRY(ForEach(start, [&](std::int64_t index, const GroupEntry& entry) {
    found.push_back({index, std::string(entry.entry), entry.appended});
    return found.size() < static_cast<std::size_t>(limit);
  }));
  return found;
}

Result<std::vector<StoredEntry>> EntryLog::Accesses(std::int64_t size, std::int64_t before, int limit) const {
  std::vector<std::int64_t> indices;
  {
    std::shared_lock lock(mutex_);
    auto at = std::ranges::lower_bound(accesses_, std::min(size, before));
    while (at != accesses_.begin() && static_cast<int>(indices.size()) < limit) indices.push_back(*--at);
  }
  std::vector<StoredEntry> found;
  Reader reader(*this);
  for (const std::int64_t index : indices) {
    GF_ASSIGN(const auto entry, reader.At(index));
    found.push_back({index, std::string(entry->entry), entry->appended});
  }
  return found;
}

Result<std::vector<ledger::Hash>> EntryLog::Leaves(std::int64_t start) const {
  std::vector<ledger::Hash> leaves;
  GF_TRY(ForEach(start, [&](std::int64_t, const GroupEntry& entry) {
    leaves.push_back(ledger::LeafHash(entry.entry));
    return true;
  }));
  return leaves;
}

}  // namespace genofed::consent
