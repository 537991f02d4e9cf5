// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/ledger.h"

#include <algorithm>
#include <set>

#include "libs/core/strings.h"
#include "libs/ledger/checkpoint.h"
#include "libs/ledger/tiles.h"
#include "libs/obs/log.h"

namespace genofed::consent {
namespace {

constexpr std::size_t kMaxIdempotencyKey = 256;
constexpr int kDefaultList = 100;
constexpr std::size_t kMaxListBytes = 1U << 20;
constexpr std::chrono::minutes kMaxClockError{5};
constexpr std::size_t kMaxAppendBytes = 4U << 20;
constexpr std::size_t kMaxGroup = 1024;  // entries that share a sync
constexpr std::size_t kSnapshotsKept = 1024;
constexpr std::chrono::seconds kCommitTimeout{30};

using ledger::EntryKind;

bool IsAccess(const ledger::Entry& entry) {
  return (entry.kind == EntryKind::kRun || entry.kind == EntryKind::kAccess ||
          entry.kind == EntryKind::kRelease) &&
         entry.fields.contains("snapshot");
}

// What other services may say, and what such an entry must name. Everything else is this service's.
struct ForeignKind {
  EntryKind kind;
  std::vector<std::string_view> callers;
  std::vector<const char*> fields;
};
const std::vector<ForeignKind>& ForeignKinds() {
  static const std::vector<ForeignKind> kinds = {
      {EntryKind::kGrant, {"access"}, {"application", "dataset", "outcome"}},
      {EntryKind::kDenied, {"access", "dispatcher"}, {"reason"}},
      {EntryKind::kRun, {"dispatcher"}, {"application", "run", "dataset", "version", "snapshot"}},
      {EntryKind::kAccess, {"discovery"}, {"dataset", "version", "snapshot", "visa"}},
      {EntryKind::kRelease, {"spe"}, {}},
      {EntryKind::kDataset, {"onboarding"}, {"dataset"}},
      {EntryKind::kContact, {"discovery"}, {}},
      {EntryKind::kQueryBatch, {"discovery"}, {"dataset", "since", "audit_sha256"}}};
  return kinds;
}

// In form: the rest of the rules needs the store.
Status CheckForeign(const std::string& caller, const ledger::Entry& entry, Time now) {
  const auto kind = std::ranges::find(ForeignKinds(), entry.kind, &ForeignKind::kind);
  if (kind == ForeignKinds().end() ||
      std::ranges::find(kind->callers, caller) == kind->callers.end()) {
    return Error(StatusCode::kPermissionDenied, "ENTRY_KIND_RESERVED",
                 "{} does not write entries of kind {}", caller, ledger::KindName(entry.kind));
  }
  GF_ASSIGN(Time time, ParseRfc3339(entry.time));
  if (time > now + kMaxClockError)
    return InvalidField("time", "ENTRY_INVALID", "lies in the future");
  for (const char* field : kind->fields) {
    if (!entry.fields.contains(field))
      return InvalidField(field, "ENTRY_INVALID", "an entry of kind {} must name it",
                          ledger::KindName(entry.kind));
  }
  return absl::OkStatus();
}

}  // namespace

Ledger::Ledger(Store& store, const Clock& clock, ledger::NoteSigner signer)
    : store_(store), clock_(clock), signer_(std::move(signer)) {}

Status Ledger::Load(const Context& ctx) { return MakeKnown(ctx); }

std::int64_t Ledger::TreeSize() {
  MutexLock lock(state_mutex_);
  return static_cast<std::int64_t>(state_.tree.size());
}

bool Ledger::Known() {
  MutexLock lock(state_mutex_);
  return state_.known;
}

Status Ledger::Write(const Context& ctx, const Store::Body& body) {
  GF_TRY(CheckNotFrozen());
  MutexLock one_writer(writer_);
  return WriteAnyway(ctx, body);
}

Status Ledger::WriteAnyway(const Context& ctx, const Store::Body& body) {
  const std::int64_t known_size = TreeSize();
  std::vector<ledger::Hash> leaves;
  std::int64_t epoch = 0;
  bool may_have_committed = false;
  Status status = store_.Write(ctx, [&](Transaction& tx) -> Status {
    may_have_committed = false;
    GF_TRY(body(tx));
    // Also picks up what a transaction of unknown outcome appended.
    GF_ASSIGN(leaves, tx.ledger().Leaves(known_size));
    GF_ASSIGN(epoch, tx.consent().Epoch());
    may_have_committed = true;
    return absl::OkStatus();
  });
  if (status.ok()) return TakeOver(leaves, epoch);
  if (may_have_committed) {
    MutexLock lock(state_mutex_);
    state_.known = false;
  }
  return status;
}

Status Ledger::TakeOver(const std::vector<ledger::Hash>& leaves, std::optional<std::int64_t> epoch) {
  MutexLock lock(state_mutex_);
  state_.known = false;
  for (const ledger::Hash& leaf : leaves) state_.tree.Append(leaf);
  if (epoch) state_.epoch = *epoch;
  if (!leaves.empty() || state_.checkpoint.empty()) {
    GF_ASSIGN(
        state_.checkpoint,
        ledger::SignCheckpoint(
            {signer_.verifier().name(), state_.tree.size(), state_.tree.Root(), {}}, signer_));
  }
  state_.known = true;
  return absl::OkStatus();
}

Status Ledger::MakeKnown(const Context& ctx) {
  if (Known()) return absl::OkStatus();
  MutexLock one_writer(writer_);
  if (Known()) return absl::OkStatus();
  // A writing transaction waits for the one whose outcome is unknown.
  return WriteAnyway(ctx, [](Transaction&) -> Status { return absl::OkStatus(); });
}

std::string Ledger::EntryTime() const {
  return FormatRfc3339(std::chrono::floor<std::chrono::seconds>(clock_.Now()));
}

Result<std::int64_t> Ledger::Add(Transaction& tx, const std::string& caller,
                                 const std::string& idempotency_key, const ledger::Entry& entry) {
  GF_ASSIGN(const auto first, tx.ledger().Find(caller, idempotency_key));
  if (first) return *first;
  GF_ASSIGN(std::string bytes, ledger::EncodeEntry(entry));
  const ledger::Hash leaf = ledger::LeafHash(bytes);
  const NewEntry added{std::move(bytes), leaf,         caller,
                       idempotency_key,  clock_.Now(), IsAccess(entry)};
  return tx.ledger().AddAll({&added});
}

Result<AppendJob> Ledger::Prepare(const std::string& caller,
                                  const std::vector<Request>& requests) const {
  if (requests.empty() || requests.size() > kMaxAppend) {
    return InvalidField("entries", "APPEND_TOO_LARGE", "1 to {} entries may come at a time",
                        kMaxAppend);
  }
  AppendJob job;
  std::size_t bytes = 0;
  std::set<std::string_view> keys;
  for (const Request& request : requests) {
    const std::string& key = request.idempotency_key;
    if (key.empty() || key.size() > kMaxIdempotencyKey || !IsUtf8(key) ||
        key.find('\0') != std::string::npos || !keys.insert(key).second) {
      return InvalidField("idempotency_key", "IDEMPOTENCY_KEY_INVALID",
                          "must be text of 1 to {} bytes, and another for each entry",
                          kMaxIdempotencyKey);
    }
    bytes += request.entry.size();
    if (bytes > kMaxAppendBytes)
      return InvalidField("entries", "APPEND_TOO_LARGE", "at most {} bytes", kMaxAppendBytes);
    GF_ASSIGN(ledger::Entry entry, ledger::DecodeEntry(request.entry));
    GF_TRY(CheckForeign(caller, entry, clock_.Now()));
    job.entries.push_back({request.entry, ledger::LeafHash(request.entry), caller, key,
                           clock_.Now(), IsAccess(entry)});
    job.decoded.push_back(std::move(entry));
  }
  return job;
}

Result<Ledger::AppendedAll> Ledger::AppendAll(const Context& ctx, const std::string& caller,
                                              const std::vector<Request>& requests) {
  GF_ASSIGN(AppendJob job, Prepare(caller, requests));
  RunInGroup(job);
  GF_TRY(job.status);
  GF_ASSIGN(std::string checkpoint, Checkpoint(ctx));
  return AppendedAll{std::move(job.indices), std::move(checkpoint)};
}

Result<Ledger::Appended> Ledger::Append(const Context& ctx, const std::string& caller,
                                        const std::string& idempotency_key,
                                        const std::string& entry_bytes) {
  GF_ASSIGN(AppendedAll all, AppendAll(ctx, caller, {{idempotency_key, entry_bytes}}));
  return Appended{all.indices[0], std::move(all.checkpoint)};
}

void Ledger::RunInGroup(AppendJob& job) {
  std::unique_lock lock(group_mutex_.native());
  waiting_.push_back(&job);
  while (!job.done) {
    if (committing_) {
      group_done_.wait(lock);
      continue;
    }
    // The first that finds nobody at work does the work of all who wait.
    committing_ = true;
    std::vector<AppendJob*> group;
    std::size_t entries = 0;
    while (!waiting_.empty() &&
           (group.empty() || entries + waiting_.front()->entries.size() <= kMaxGroup)) {
      entries += waiting_.front()->entries.size();
      group.push_back(waiting_.front());
      waiting_.pop_front();
    }
    lock.unlock();
    const Status committed = Commit(group);
    lock.lock();
    for (AppendJob* done : group) {
      if (!committed.ok()) done->status = committed;
      done->done = true;
    }
    committing_ = false;
    group_done_.notify_all();
  }
}

// One caller's deadline must not be the others': the group has its own.
Status Ledger::Commit(const std::vector<AppendJob*>& group) {
  const Context ctx = Context::Background().WithTimeout(kCommitTimeout);
  GF_TRY(CheckNotFrozen());
  MutexLock one_writer(writer_);
  if (!Known()) GF_TRY(WriteAnyway(ctx, [](Transaction&) -> Status { return absl::OkStatus(); }));
  const auto find = [&](const std::string& id) ABSL_NO_THREAD_SAFETY_ANALYSIS { return SnapshotOf(ctx, id); };
  const std::int64_t known_size = TreeSize();
  std::vector<ledger::Hash> leaves;
  const Status appended = store_.Append(ctx, [&](EntryRows& rows) -> Status {
    GF_TRY(AddGroup(rows, find, group));
    GF_ASSIGN(leaves, rows.Leaves(known_size));
    return absl::OkStatus();
  });
  if (appended.ok()) return TakeOver(leaves, std::nullopt);
  MutexLock lock(state_mutex_);
  state_.known = false;
  return appended;
}

Result<std::optional<SnapshotRow>> Ledger::SnapshotOf(const Context& ctx, const std::string& id) {
  if (const auto known = snapshots_.find(id); known != snapshots_.end()) return std::optional(known->second);
  std::optional<SnapshotRow> row;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(row, tx.consent().FindSnapshot(id));
    return absl::OkStatus();
  }));
  if (!row) return row;
  if (snapshots_.size() >= kSnapshotsKept) snapshots_.clear();
  snapshots_.emplace(id, *row);
  return row;
}

Result<std::string> Ledger::Tile(const Context& ctx, const std::string& path) {
  const auto id = ledger::TileId::Parse(path);
  if (!id.ok())
    return Error(StatusCode::kNotFound, "TILE_PATH_INVALID", "{}", Message(id.status()));
  GF_TRY(MakeKnown(ctx));
  const unsigned level = id->is_entries() ? 0 : id->level;
  {
    MutexLock lock(state_mutex_);
    const unsigned there = ledger::TileWidthAt(level, id->index, state_.tree.size());
    if (id->width > there) {
      return Error(StatusCode::kNotFound, "TILE_MISSING", "the ledger has no {} yet", path);
    }
    if (!id->is_entries()) {
      GF_ASSIGN(const auto hashes, state_.tree.Nodes(ledger::kTileHeight * level,
                                                     id->index * ledger::kTileWidth, id->width));
      return ledger::FormatTile(hashes);
    }
  }
  std::string bundle;
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const auto rows,
              tx.ledger().List(static_cast<std::int64_t>(id->index * ledger::kTileWidth),
                               static_cast<int>(id->width)));
    const auto first = static_cast<std::int64_t>(id->index * ledger::kTileWidth);
    GF_TRY(CheckRows(ctx, rows, first, first + id->width));
    bundle.clear();
    for (const StoredEntry& row : rows) GF_TRY(ledger::AppendToBundle(bundle, row.entry));
    return absl::OkStatus();
  });
  GF_TRY(CheckRead(ctx, read));
  return bundle;
}

Result<std::int64_t> Ledger::Epoch(const Context& ctx) {
  GF_TRY(CheckNotFrozen());
  GF_TRY(MakeKnown(ctx));
  MutexLock lock(state_mutex_);
  return state_.epoch;
}

Result<std::int64_t> Ledger::Size(const Context& ctx) {
  GF_TRY(MakeKnown(ctx));
  return TreeSize();
}

Result<std::string> Ledger::Checkpoint(const Context& ctx) {
  GF_TRY(MakeKnown(ctx));
  MutexLock lock(state_mutex_);
  return state_.checkpoint;
}

Result<std::string> Ledger::Published(const Context& ctx) {
  GF_TRY(MakeKnown(ctx));
  MutexLock lock(state_mutex_);
  return state_.published.empty() ? state_.checkpoint : state_.published;
}

void Ledger::Publish(std::string note, std::uint64_t size) {
  MutexLock lock(state_mutex_);
  state_.published = std::move(note);
  state_.published_size = size;
}

Status Ledger::HoldPublished(const Context& ctx) {
  GF_TRY(MakeKnown(ctx));
  MutexLock lock(state_mutex_);
  if (!state_.published.empty()) return absl::OkStatus();
  state_.published = state_.checkpoint;
  state_.published_size = state_.tree.size();
  return absl::OkStatus();
}

Result<ledger::Hash> Ledger::Root(const Context& ctx, std::uint64_t size) {
  GF_TRY(MakeKnown(ctx));
  MutexLock lock(state_mutex_);
  return state_.tree.Root(size);
}

void Ledger::Freeze(std::string why) {
  MutexLock lock(state_mutex_);
  state_.frozen = std::move(why);
}

// Unavailable: what waits for an answer goes on waiting, and goes on by itself once it was mended.
Status Ledger::CheckNotFrozen() {
  MutexLock lock(state_mutex_);
  if (state_.frozen.empty()) return absl::OkStatus();
  return Error(StatusCode::kUnavailable, "LEDGER_FROZEN",
               "the ledger takes nothing, and permissions are not known, until an operator has "
               "looked at it: {}",
               state_.frozen);
}

Status Ledger::CheckRows(const Context& ctx, const std::vector<StoredEntry>& rows) {
  std::vector<ledger::Hash> leaves;
  leaves.reserve(rows.size());
  for (const StoredEntry& row : rows) leaves.push_back(ledger::LeafHash(row.entry));
  std::optional<std::int64_t> changed;
  {
    MutexLock lock(state_mutex_);
    for (std::size_t i = 0; i < rows.size() && !changed; ++i) {
      const auto leaf = state_.tree.Leaf(static_cast<std::uint64_t>(rows[i].index));
      if (leaf.ok() && *leaf != leaves[i]) changed = rows[i].index;
    }
  }
  if (!changed) return absl::OkStatus();
  return Damaged(ctx, fmt::format("entry {} is not the one that was appended", *changed));
}

Status Ledger::CheckRows(const Context& ctx, const std::vector<StoredEntry>& rows,
                         std::int64_t start, std::int64_t end) {
  GF_TRY(CheckRows(ctx, rows));
  for (const StoredEntry& row : rows) {
    if (row.index != start) break;
    ++start;
  }
  if (start >= end) return absl::OkStatus();
  return Damaged(ctx, fmt::format("entry {} is missing", start));
}

Status Ledger::CheckRead(const Context& ctx, const Status& read) {
  return Reason(read) == "ENTRY_LOG_BROKEN" ? Damaged(ctx, Message(read)) : read;
}

Status Ledger::CheckTouched(const Context& ctx) {
  for (const EntryRange& range : store_.Touched()) {
    GF_LOG(ctx, warn, "ledger.touched", {"first", range.first}, {"end", range.end});
    for (std::int64_t next = range.first; next < range.end; next += kMaxList) {
      std::vector<StoredEntry> rows;
      GF_TRY(CheckRead(ctx, store_.Read(ctx, [&](Transaction& tx) -> Status {
        GF_ASSIGN(rows, tx.ledger().List(next, kMaxList));
        return absl::OkStatus();
      })));
      GF_TRY(CheckRows(ctx, rows, next, std::min(range.end, next + kMaxList)));
    }
  }
  return absl::OkStatus();
}

Status Ledger::Damaged(const Context& ctx, std::string what) {
  bool first = false;
  {
    MutexLock lock(state_mutex_);
    first = state_.damage.empty();
    if (first) state_.damage = what;
    if (state_.frozen.empty()) state_.frozen = what;
  }
  if (first) GF_LOG(ctx, error, "ledger.damaged", {"what", what});
  return Error(StatusCode::kFailedPrecondition, "LEDGER_DAMAGED",
               "somebody changed entries of the ledger: {}", what);
}

std::string Ledger::Damage() {
  MutexLock lock(state_mutex_);
  return state_.damage;
}

Result<std::vector<std::string>> Ledger::List(const Context& ctx, std::int64_t start, int limit) {
  if (start < 0) return InvalidField("start", "TREE_RANGE", "must not be negative");
  limit = limit <= 0 ? kDefaultList : std::min(limit, kMaxList);
  GF_ASSIGN(const std::int64_t size, Size(ctx));
  if (start >= size) return std::vector<std::string>();
  std::vector<StoredEntry> rows;
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(rows, tx.ledger().List(start, limit));
    return absl::OkStatus();
  });
  GF_TRY(CheckRead(ctx, read));
  GF_TRY(CheckRows(ctx, rows, start, std::min(size, start + limit)));
  std::vector<std::string> entries;
  std::size_t bytes = 0;
  for (StoredEntry& row : rows) {
    bytes += row.entry.size();
    if (row.index >= size || (!entries.empty() && bytes > kMaxListBytes)) break;
    entries.push_back(std::move(row.entry));
  }
  return entries;
}

Result<ledger::Proof> Ledger::Consistency(const Context& ctx, std::int64_t old_size,
                                          std::int64_t new_size) {
  if (old_size < 0 || new_size < old_size) {
    return InvalidField("old_size", "TREE_RANGE",
                        "sizes must not be negative, nor the old one larger");
  }
  GF_TRY(MakeKnown(ctx));
  MutexLock lock(state_mutex_);
  return state_.tree.ConsistencyProof(static_cast<std::uint64_t>(old_size),
                                      static_cast<std::uint64_t>(new_size));
}

Result<ledger::Receipt> Ledger::Receipt(const Context& ctx, const StoredEntry& entry,
                                        std::optional<ledger::SnapshotProof> snapshot) {
  GF_TRY(MakeKnown(ctx));
  if (entry.index >= TreeSize()) {
    MutexLock until_it_is_appended(writer_);
  }
  ledger::Receipt receipt;
  receipt.origin = signer_.verifier().name();
  receipt.entry = entry.entry;
  receipt.index = static_cast<std::uint64_t>(entry.index);
  receipt.snapshot = std::move(snapshot);
  {
    MutexLock lock(state_mutex_);
    const bool published = receipt.index < state_.published_size;
    receipt.checkpoint = published ? state_.published : state_.checkpoint;
    GF_ASSIGN(receipt.proof,
              state_.tree.InclusionProof(receipt.index,
                                         published ? state_.published_size : state_.tree.size()));
  }
  return receipt;
}

}  // namespace genofed::consent
