// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/sql_store.h"

#include "services/consent/adapters/sql_rows.h"

namespace genofed::consent {
namespace {

constexpr char kLockHead[] = "SELECT 1 FROM head FOR UPDATE";
constexpr int kCatchUpBatch = 1000;

class SqlTransaction final : public Transaction {
 public:
  SqlTransaction(sql::Tx& tx, VoicesCache& voices, const EntryLog& log, std::int64_t size, bool reads, bool appends)
      : entries_(log, size),
        ledger_(tx, head_, entries_, !appends),
        consent_(tx, head_, voices, reads),
        headers_(tx),
        registries_(tx),
        audit_(tx) {}
  LedgerRows& ledger() override { return ledger_; }
  ConsentRows& consent() override { return consent_; }
  HeaderRows& headers() override { return headers_; }
  RegistryRows& registries() override { return registries_; }
  AuditRows& audit() override { return audit_; }
  const std::vector<NewEntry>& staged() const { return entries_.staged(); }

 private:
  HeadMemo head_;
  StagedEntries entries_;
  SqlLedgerRows ledger_;
  SqlConsentRows consent_;
  SqlHeaderRows headers_;
  SqlRegistryRows registries_;
  SqlAuditRows audit_;
};

Status AppendAll(EntryLog& log, const std::vector<NewEntry>& entries, bool with_rows)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(log.writer()) {
  if (entries.empty()) return absl::OkStatus();
  std::vector<const NewEntry*> pointers;
  pointers.reserve(entries.size());
  for (const NewEntry& entry : entries) pointers.push_back(&entry);
  return log.Append(pointers, with_rows);
}

}  // namespace

Status SqlStore::Open(const Context& ctx) {
  GF_TRY(database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_ASSIGN(const auto rows, tx.Exec("SELECT id FROM entry_log"));
        if (rows.empty()) return tx.Exec("INSERT INTO entry_log (id) VALUES ($1)", log_.id()).status();
        if (rows[0].Text(0) == log_.id()) return absl::OkStatus();
        if (log_.Size() == 0) {
          return Error(StatusCode::kFailedPrecondition, "ENTRY_LOG_MISSING",
                       "the ledger's entries are missing, log {}: restore its directory", rows[0].Text(0));
        }
        return Error(StatusCode::kFailedPrecondition, "ENTRY_LOG_OTHER",
                     "the database belongs to the log {} of entries, and this is {}", rows[0].Text(0), log_.id());
      },
      sql::Isolation::kReadCommitted, kLockHead));
  return Write(ctx, [](Transaction&) { return absl::OkStatus(); });
}

Result<std::optional<std::int64_t>> SqlStore::MissingRows(const Context& ctx) {
  std::optional<std::int64_t> missing;
  GF_TRY(database_.Read(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(const auto rows, tx.Exec("SELECT greatest(given_up, (SELECT max(index) FROM ledger)) FROM entry_log"));
    GF_ASSIGN(const auto row, rows.One());
    if (row.Int(0) < log_.LastWithRows()) missing = log_.LastWithRows();
    return absl::OkStatus();
  }));
  return missing;
}

Status SqlStore::Read(const Context& ctx, const Body& body) {
  // Before the transaction: rows that entries speak of are there when these are in the log.
  const std::int64_t size = log_.Size();
  return database_.Read(ctx, [&](sql::Tx& tx) -> Status {
    SqlTransaction transaction(tx, voices_, log_, size, true, false);
    return body(transaction);
  });
}

Status SqlStore::Write(const Context& ctx, const Body& body) {
  MutexLock one_writer(log_.writer());
  return WriteLocked(ctx, body);
}

Status SqlStore::WriteLocked(const Context& ctx, const Body& body) {
  std::vector<NewEntry> staged;
  const bool was_unsettled = unsettled_;
  const Status written = database_.Transact(
      ctx,
      [&](sql::Tx& tx) ABSL_NO_THREAD_SAFETY_ANALYSIS -> Status {
        staged.clear();
        if (was_unsettled) GF_TRY(CatchUp(tx));
        SqlTransaction transaction(tx, voices_, log_, log_.Size(), false, true);
        GF_TRY(body(transaction));
        staged = transaction.staged();
        return absl::OkStatus();
      },
      sql::Isolation::kReadCommitted, kLockHead);
  if (!written.ok()) {
    unsettled_ = was_unsettled || !staged.empty();
    return written;
  }
  const Status appended = AppendAll(log_, staged, true);
  unsettled_ = !appended.ok();
  return appended;
}

Status SqlStore::CatchUp(sql::Tx& tx) {
  // Before anything is appended: a log that lacks more than these is not gone on with.
  GF_ASSIGN(const auto behind, tx.Exec("SELECT coalesce(max(index) + 1 - count(*), $1) FROM ledger WHERE index >= $1", log_.Size()));
  if (behind[0].Int(0) != log_.Size()) {
    return Error(StatusCode::kDataLoss, "LEDGER_BROKEN",
                 "the log of the ledger's entries ends before entry {}, and lacks some that only it had: restore it",
                 log_.Size());
  }
  while (true) {
    GF_ASSIGN(const auto entries, EntriesWithRows(tx, log_.Size(), kCatchUpBatch));
    if (entries.empty()) return absl::OkStatus();
    GF_TRY(AppendAll(log_, entries, true));
  }
}

Status SqlStore::Append(const Context& ctx, const AppendBody& body) {
  MutexLock one_writer(log_.writer());
  if (unsettled_) GF_TRY(WriteLocked(ctx, [](Transaction&) { return absl::OkStatus(); }));
  StagedEntries entries(log_, log_.Size());
  GF_TRY(body(entries));
  return AppendAll(log_, entries.staged(), false);
}

Status SqlStore::WriteAside(const Context& ctx, const Body& body) {
  const std::int64_t size = log_.Size();
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        SqlTransaction transaction(tx, voices_, log_, size, false, false);
        return body(transaction);
      },
      sql::Isolation::kReadCommitted);
}

}  // namespace genofed::consent
