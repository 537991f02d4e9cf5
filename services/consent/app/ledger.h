// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/ledger/entry.h"
#include "libs/ledger/merkle.h"
#include "libs/ledger/note.h"
#include "libs/ledger/receipt.h"
#include "services/consent/app/append_group.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// The node's transparency ledger and the consent epoch, as they are after the last durable change:
// the Merkle tree, the newest signed checkpoint and the epoch are held in memory and rebuilt from
// the rows at start. Thread-safe.
class Ledger {
 public:
  static constexpr int kMaxList = 1000;
  static constexpr std::size_t kMaxAppend = 256;  // entries of one request

  // The name of `signer` is the origin of the log. Borrows store and clock.
  Ledger(Store& store, const Clock& clock, ledger::NoteSigner signer);

  // Rebuilds tree and epoch. Nothing else may be called before it succeeded once.
  Status Load(const Context& ctx);

  // The only way to change anything in the store: runs `body` in one writing transaction and then
  // shows its entries and epoch to readers. If it is not known whether a transaction took effect,
  // readers first find out. Errors: Unavailable LEDGER_FROZEN.
  Status Write(const Context& ctx, const Store::Body& body);

  // Within `body` of Write: appends an entry of this service. The same key returns the first index.
  Result<std::int64_t> Add(Transaction& tx, const std::string& caller,
                           const std::string& idempotency_key, const ledger::Entry& entry);
  // The time of an entry made now.
  std::string EntryTime() const;

  struct Appended {
    std::int64_t index = 0;
    std::string checkpoint;  // of a tree that contains the entry
  };
  // Takes an entry of another service: durable when it returns. Which service may write which kind
  // stands in README.md. Errors: ENTRY_INVALID, IDEMPOTENCY_KEY_INVALID, ENTRY_KIND_RESERVED (not
  // the caller's to say), SNAPSHOT_UNKNOWN, SNAPSHOT_UNFIT (a run over
  // people who permit something else), IDEMPOTENCY_KEY_REUSED (another entry came with this key).
  Result<Appended> Append(const Context& ctx, const std::string& caller,
                          const std::string& idempotency_key, const std::string& entry_bytes);
  struct Request {
    std::string idempotency_key;
    std::string entry;  // canonical bytes
  };
  struct AppendedAll {
    std::vector<std::int64_t> indices;  // of the entries, in their order
    std::string checkpoint;
  };
  // The same for several entries: all of them or none. Requests that come while others are written
  // share the next sync. Errors: also APPEND_TOO_LARGE.
  Result<AppendedAll> AppendAll(const Context& ctx, const std::string& caller,
                                const std::vector<Request>& requests);

  // Errors: LEDGER_FROZEN, so that nobody goes on answering by an epoch that may lack withdrawals.
  Result<std::int64_t> Epoch(const Context& ctx);
  // The size of the newest checkpoint, and the checkpoint.
  Result<std::int64_t> Size(const Context& ctx);
  Result<std::string> Checkpoint(const Context& ctx);
  // The checkpoint for everybody: the one that Publish named last, else the newest.
  Result<std::string> Published(const Context& ctx);
  void Publish(std::string note, std::uint64_t size);
  // From now on everybody is shown what is the newest now, until Publish names another: what is
  // shown never gets smaller.
  Status HoldPublished(const Context& ctx);
  // Refuses every change from now on, and every answer that people's permissions decide: somebody
  // holds a checkpoint that this ledger contradicts. Each further entry would make it worse, and
  // withdrawals may be among what is missing. Ends with the process.
  void Freeze(std::string why);
  // For answers that people's permissions decide. Errors: Unavailable LEDGER_FROZEN.
  Status CheckNotFrozen();
  // Whether these rows are those that the tree was made of; those behind it are not judged. Rows
  // that somebody changed freeze the ledger. Errors: FailedPrecondition LEDGER_DAMAGED, which
  // unlike DataLoss tells everybody.
  Status CheckRows(const Context& ctx, const std::vector<StoredEntry>& rows);
  // The same, and whether they begin with `start` and none is missing before `end`, which the tree
  // had before they were read.
  Status CheckRows(const Context& ctx, const std::vector<StoredEntry>& rows, std::int64_t start,
                   std::int64_t end);
  // `read` is how reading entries ended: files that somebody changed freeze the ledger as well.
  Status CheckRead(const Context& ctx, const Status& read);
  // The same of all entries that lie where somebody else has written: cheap if there are none.
  Status CheckTouched(const Context& ctx);
  // What CheckRows or CheckRead found first, in words; empty: nothing.
  std::string Damage();
  const ledger::NoteVerifier& verifier() const { return signer_.verifier(); }
  std::string VerifierKey() const { return verifier().ToString(); }
  // Of the first so many entries. Errors: TREE_RANGE (OutOfRange) when there are fewer.
  Result<ledger::Hash> Root(const Context& ctx, std::uint64_t size);
  // Entries that the newest checkpoint covers: at most kMaxList and about 1 MiB, at least one if
  // there is one. Errors: LEDGER_DAMAGED.
  Result<std::vector<std::string>> List(const Context& ctx, std::int64_t start, int limit);
  Result<ledger::Proof> Consistency(const Context& ctx, std::int64_t old_size,
                                    std::int64_t new_size);
  // The bytes of a file of the log ("tile/0/000", "tile/entries/000.p/12"), as of
  // c2sp.org/tlog-tiles. They never change. Errors: TILE_PATH_INVALID (NotFound), TILE_MISSING
  // (NotFound), LEDGER_DAMAGED.
  Result<std::string> Tile(const Context& ctx, const std::string& path);
  // A receipt under the published checkpoint, if the entry is in it, else under the newest.
  Result<ledger::Receipt> Receipt(const Context& ctx, const StoredEntry& entry,
                                  std::optional<ledger::SnapshotProof> snapshot);

 private:
  // What readers see.
  struct State {
    ledger::MerkleTree tree;
    std::string checkpoint;
    std::string published;
    std::uint64_t published_size = 0;
    std::string frozen;  // why
    std::string damage;  // what CheckRows or CheckRead found
    std::int64_t epoch = 0;
    bool known = false;  // false: a transaction may have taken effect that is not in here
  };
  Result<AppendJob> Prepare(const std::string& caller, const std::vector<Request>& requests) const;
  // Returns when the job is done, having done those of others on the way.
  void RunInGroup(AppendJob& job) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  Status Commit(const std::vector<AppendJob*>& group);
  Result<std::optional<SnapshotRow>> SnapshotOf(const Context& ctx, const std::string& id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(writer_);
  // `epoch`: as it was, if none.
  Status TakeOver(const std::vector<ledger::Hash>& leaves, std::optional<std::int64_t> epoch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(writer_);
  Status WriteAnyway(const Context& ctx, const Store::Body& body) ABSL_EXCLUSIVE_LOCKS_REQUIRED(writer_);
  bool Known();
  Status MakeKnown(const Context& ctx);
  std::int64_t TreeSize();
  Status Damaged(const Context& ctx, std::string what);

  Store& store_;
  const Clock& clock_;
  const ledger::NoteSigner signer_;
  Mutex group_mutex_;
  std::condition_variable group_done_;
  std::deque<AppendJob*> waiting_ ABSL_GUARDED_BY(group_mutex_);
  bool committing_ ABSL_GUARDED_BY(group_mutex_) = false;
  Mutex writer_;  // taken before state_mutex_; waiting writers hold no database connection
  // Those that entries named lately: they never change.
  std::map<std::string, SnapshotRow> snapshots_ ABSL_GUARDED_BY(writer_);
  Mutex state_mutex_;
  State state_ ABSL_GUARDED_BY(state_mutex_);
};

}  // namespace genofed::consent
