// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/core/unique_fd.h"
#include "services/consent/adapters/entry_group.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// The entries of the ledger, in order, in files that only grow (docs/adr/0039). One process at a time has them; within
// it, thread-safe: one writer, whose appending keeps no reader waiting.
//
// A file NNNNNNNNNNNNNNNNNNNN.entries begins with the entry of that index and holds groups (entry_group.h); `id` holds the
// log's name, and `lock` is locked by who has it open.
class EntryLog {
 public:
  static std::uint64_t NumberOf(std::string_view caller, std::string_view idempotency_key);
  struct Options {
    std::uint64_t file_bytes = 256U << 20;  // after so many the next file begins
    std::chrono::milliseconds patience{10'000};  // with another process that has the log
    // Of an idempotency key. Those that share a number are told apart all the same.
    std::uint64_t (*number)(std::string_view caller, std::string_view idempotency_key) = &NumberOf;
  };

  // Opens what is in the directory, or begins there. A group at the very end that a crash cut off was acknowledged by
  // nobody, and is removed. Errors: Unavailable ENTRY_LOG_IN_USE,
  // ENTRY_LOG_FAILED; DataLoss ENTRY_LOG_BROKEN.
  static Result<std::unique_ptr<EntryLog>> Open(const std::filesystem::path& directory, const Options& options);
  static Result<std::unique_ptr<EntryLog>> Open(const std::filesystem::path& directory) { return Open(directory, {}); }

  // Names this log among all there are: random, made with it.
  const std::string& id() const { return id_; }
  // For whoever appends, from before reading Size() until the entries are appended.
  Mutex& writer() { return writer_; }
  std::int64_t Size() const;
  // How many times something was appended.
  std::size_t Groups() const;
  // The newest entry that was made together with rows; -1: none.
  std::int64_t LastWithRows() const;

  // All of them or none, with the index Size() and those after it; durable when it returns OK. Their keys must be new.
  // Errors: Unavailable ENTRY_LOG_FAILED (a full disk, for instance; nothing was appended, unless the log has to be
  // opened anew, which it says from then on).
  Status Append(std::span<const NewEntry* const> entries, bool with_rows) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writer_);

  // Whether it has to be opened anew. Errors: Unavailable ENTRY_LOG_FAILED.
  Status CheckUsable() const;
  // The entries of files that somebody else wrote to since they were opened, or this was asked: the file system says so,
  // to some milliseconds. None while something is being appended.
  std::vector<EntryRange> Touched();

  // Errors of all that reads: DataLoss ENTRY_LOG_BROKEN, if the files are not what was written.
  Result<std::optional<std::int64_t>> Find(const std::string& caller, const std::string& idempotency_key) const;
  Result<std::vector<StoredEntry>> List(std::int64_t start, int limit) const;
  // Among the first `size` entries, with a smaller index than `before`, newest first.
  Result<std::vector<StoredEntry>> Accesses(std::int64_t size, std::int64_t before, int limit) const;
  Result<std::vector<ledger::Hash>> Leaves(std::int64_t start) const;

 private:
  struct File {
    UniqueFd fd;
    std::filesystem::path path;
    std::int64_t first = 0;
    std::uint64_t bytes = 0;
    std::array<std::int64_t, 5> stamp{};  // size and times, as after the last write of our own
  };
  struct Group {
    std::int64_t first = 0;
    const File* file = nullptr;
    std::uint64_t offset = 0;
  };

  EntryLog(std::filesystem::path directory, const Options& options)
      : directory_(std::move(directory)), options_(options) {}
  Status Lock();
  Status ReadId();
  Status ReadFiles();
  Status ReadGroups(File& file, bool last);
  Status SyncLastGroup();
  Status BeginFile();
  Status GiveUp(const Status& why);
  Status AppendToFile(File& file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writer_);
  // `entries` were appended, or read, as the group at this place.
  template <typename Entries>
  void Take(std::uint64_t offset, bool with_rows, const Entries& entries);
  // Calls `body(index, entry)` for entries from `start` on, until it returns false.
  template <typename Body>
  Status ForEach(std::int64_t start, const Body& body) const;
  class Reader;

  const std::filesystem::path directory_;
  const Options options_;
  std::string id_;
  UniqueFd lock_;
  Mutex writer_;
  std::string buffer_ ABSL_GUARDED_BY(writer_);
  mutable std::shared_mutex mutex_;  // of everything below; only the writer changes it
  std::string failed_;  // why nothing may be appended any more
  std::vector<std::unique_ptr<File>> files_;
  std::vector<Group> groups_;
  std::int64_t size_ = 0;
  std::int64_t last_with_rows_ = -1;
  std::vector<std::int64_t> accesses_;
  // The first entry whose key has a number, and the others by key: hardly ever one.
  absl::flat_hash_map<std::uint64_t, std::int64_t> keys_;
  std::map<std::pair<std::string, std::string>, std::int64_t> other_keys_;
};

}  // namespace genofed::consent
