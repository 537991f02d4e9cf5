// SPDX-License-Identifier: Apache-2.0
//
// What the data protection officer asks of the ledger, and the check that every release of keys is in it.
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/ledger.h"

namespace genofed::consent {

struct AuditEntry {
  AuditRow row;
  std::string entry;  // as it stands in the ledger
};

struct Reconciliation {
  bool accounted = false;
  std::int64_t released = 0;  // by the key service's counter
  std::int64_t logged = 0;    // by the last entry that has it
  Time checked{};
  std::vector<std::string> problems;  // in words
};

// Brings the index of entries, which is made of the ledger, up to the newest checkpoint.
Status CatchUp(const Context& ctx, Store& store, Ledger& ledger);

// Thread-safe. The index of entries is brought up to date when it is asked.
class Audit {
 public:
  static constexpr int kMaxPage = 1000;
  static constexpr std::size_t kMaxPageBytes = std::size_t{4} << 20;

  Audit(Store& store, Ledger& ledger, const Clock& clock, Random& random)
      : store_(store), ledger_(ledger), clock_(clock), random_(random) {}

  struct Page {
    std::vector<AuditEntry> entries;
    std::int64_t next = -1;  // where the next page begins; -1: there is none
  };
  // With smaller indices than `before`, newest first. Errors: AUDIT_QUERY_INVALID.
  Result<Page> Search(const Context& ctx, const AuditQuery& query, std::int64_t before, int limit);
  // From `start` on, oldest first.
  Result<Page> Export(const Context& ctx, const AuditQuery& query, std::int64_t start, int limit);

  // Whether the key service's counter and the ledger tell the same: the counter never falls behind
  // or jumps ahead of the entries, and each release names a run that is logged. Entries that were
  // found good are looked at again once a day and after a start, outside of any writing
  // transaction.
  Result<Reconciliation> Reconcile(const Context& ctx);

  // Compares entries as they are stored with the tree: at most 100,000 at a time, going on where
  // the last call ended, and over again once a day and after a start. Errors: LEDGER_DAMAGED.
  Status Sweep(const Context& ctx);

  // For the people concerned; the same key publishes once. Errors: NOTICE_INVALID, NOTICE_KEY_REUSED.
  Result<NoticeRow> Publish(const Context& ctx, NoticeRow notice);

 private:
  // Of the entries that count releases: how far they were looked at, and what was found.
  struct Judged {
    std::int64_t next = 0;    // index of the first that was not
    std::int64_t logged = 0;  // the counter of the last that was
    std::vector<std::string> problems;
  };
  static Status Judge(Transaction& tx, Judged& judged);
  Result<Page> Fill(const Context& ctx, Transaction& tx, std::vector<AuditRow> rows, int limit);

  Store& store_;
  Ledger& ledger_;
  const Clock& clock_;
  Random& random_;
  Mutex mutex_;
  Judged good_ ABSL_GUARDED_BY(mutex_);                        // without problems
  std::optional<Time> looked_at_all_ ABSL_GUARDED_BY(mutex_);  // when good_ began from nothing
  std::int64_t swept_ ABSL_GUARDED_BY(mutex_) = 0;             // entries before this were compared
  std::optional<Time> sweep_began_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::consent
