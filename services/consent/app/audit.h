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

// Thread-safe. The index of entries is made of the ledger, when it is asked.
class Audit {
 public:
  static constexpr int kMaxPage = 1000;
  static constexpr std::size_t kMaxPageBytes = std::size_t{4} << 20;

  Audit(Store& store, Ledger& ledger, const Clock& clock, Random& random)
      : store_(store), ledger_(ledger), clock_(clock), random_(random) {}

  // Brings the index up to the newest checkpoint.
  Status CatchUp(const Context& ctx);

  struct Page {
    std::vector<AuditEntry> entries;
    std::int64_t next = -1;  // where the next page begins; -1: there is none
  };
  // With smaller indices than `before`, newest first. Errors: AUDIT_QUERY_INVALID.
  Result<Page> Search(const Context& ctx, const AuditQuery& query, std::int64_t before, int limit);
  // From `start` on, oldest first.
  Result<Page> Export(const Context& ctx, const AuditQuery& query, std::int64_t start, int limit);

  // Whether the key service's counter and the ledger tell the same: the counter never falls behind or jumps ahead of
  // the entries, and each release names a run that is logged.
  Result<Reconciliation> Reconcile(const Context& ctx);

  // For the people concerned; the same key publishes once. Errors: NOTICE_INVALID, NOTICE_KEY_REUSED.
  Result<NoticeRow> Publish(const Context& ctx, NoticeRow notice);

 private:
  Status Judge(Transaction& tx, Reconciliation& result);
  Result<Page> Fill(Transaction& tx, std::vector<AuditRow> rows, int limit);

  Store& store_;
  Ledger& ledger_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace genofed::consent
