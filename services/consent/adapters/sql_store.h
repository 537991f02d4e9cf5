// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/consent/adapters/entry_log.h"
#include "services/consent/adapters/voices_cache.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// The store in PostgreSQL, with the ledger's entries in a log of their own (docs/adr/0039). Entries
// that come with rows are written as rows in the same transaction, and then to the log: should the
// process end in between, the next one finds them there. All others are in the log alone.
// Writing transactions lock the row of table `head` first, so read-committed isolation suffices.
class SqlStore final : public Store {
 public:
  // Borrows both.
  SqlStore(sql::Database& database, EntryLog& log) : database_(database), log_(log) {}
  // Brings the log up to what the rows say, and binds each to the other: nothing else may be called
  // before it succeeded. Errors: FailedPrecondition ENTRY_LOG_MISSING, ENTRY_LOG_OTHER; DataLoss
  // LEDGER_BROKEN, if the log lacks entries that are in no row.
  Status Open(const Context& ctx);
  // The newest entry of the log that came with rows, if the database is older and lacks them, and
  // no operator has given them up.
  Result<std::optional<std::int64_t>> MissingRows(const Context& ctx);

  Status Read(const Context& ctx, const Body& body) override;
  Status Write(const Context& ctx, const Body& body) override;
  Status Append(const Context& ctx, const AppendBody& body) override;
  Status WriteAside(const Context& ctx, const Body& body) override;
  std::vector<EntryRange> Touched() override { return log_.Touched(); }

 private:
  Status WriteLocked(const Context& ctx, const Body& body) ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.writer());
  // Entries of transactions that were committed, or may have been.
  Status CatchUp(sql::Tx& tx) ABSL_EXCLUSIVE_LOCKS_REQUIRED(log_.writer());

  sql::Database& database_;
  EntryLog& log_;
  // Whether rows may be there whose entries are not in the log.
  bool unsettled_ ABSL_GUARDED_BY(log_.writer()) = true;
  VoicesCache voices_;
};

}  // namespace genofed::consent
