// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/sql_witness_store.h"

namespace genofed::consent {
namespace {

Result<WitnessedLog> ToLog(const sql::Row& row) {
  WitnessedLog log{
      row.Text(0), {static_cast<std::uint64_t>(row.Int(1)), {}}, row.Text(3), row.TimeAt(4)};
  GF_ASSIGN(log.tree.root, ledger::Hash::FromBytes(row.BytesAt(2)));
  return log;
}

sql::Bytes Raw(const ledger::Hash& hash) { return {std::string(hash.view())}; }

}  // namespace

Result<std::optional<WitnessedLog>> SqlWitnessStore::Find(const Context& ctx,
                                                          const std::string& origin) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::optional<WitnessedLog>> {
    GF_ASSIGN(
        const auto rows,
        tx.Exec("SELECT origin, size, root, checkpoint, at FROM witnessed_logs WHERE origin = $1",
                origin));
    if (rows.empty()) return std::optional<WitnessedLog>();
    GF_ASSIGN(auto log, ToLog(rows[0]));
    return std::optional(std::move(log));
  });
}

Result<bool> SqlWitnessStore::Replace(const Context& ctx,
                                      const std::optional<ledger::WitnessedTree>& before,
                                      const WitnessedLog& after) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Result<bool> {
        const auto size = static_cast<std::int64_t>(after.tree.size);
        if (!before) {
          GF_ASSIGN(const auto rows,
                    tx.Exec("INSERT INTO witnessed_logs (origin, size, root, checkpoint, at) "
                            "VALUES ($1, $2, $3, $4, $5::timestamptz) "
                            "ON CONFLICT DO NOTHING RETURNING size",
                            after.origin, size, Raw(after.tree.root), after.checkpoint, after.at));
          return !rows.empty();
        }
        GF_ASSIGN(const auto rows,
                  tx.Exec("UPDATE witnessed_logs SET size = $2, root = $3, checkpoint = $4, "
                          "at = $5::timestamptz WHERE origin = $1 AND size = $6 AND root = $7 "
                          "RETURNING size",
                          after.origin, size, Raw(after.tree.root), after.checkpoint, after.at,
                          static_cast<std::int64_t>(before->size), Raw(before->root)));
        return !rows.empty();
      },
      sql::Isolation::kReadCommitted);
}

Result<std::vector<WitnessedLog>> SqlWitnessStore::All(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<WitnessedLog>> {
    GF_ASSIGN(
        const auto rows,
        tx.Exec("SELECT origin, size, root, checkpoint, at FROM witnessed_logs ORDER BY origin"));
    std::vector<WitnessedLog> logs;
    for (sql::Row row : rows) {
      GF_ASSIGN(auto log, ToLog(row));
      logs.push_back(std::move(log));
    }
    return logs;
  });
}

Result<bool> SqlWitnessStore::AddAlarm(const Context& ctx, const LedgerAlarm& alarm) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Result<bool> {
        GF_ASSIGN(
            const auto rows,
            tx.Exec("INSERT INTO ledger_alarms (origin, reason, detail, known, seen, at) "
                    "VALUES ($1, $2, $3, $4, $5, $6::timestamptz) "
                    "ON CONFLICT DO NOTHING RETURNING id",
                    alarm.origin, alarm.reason, alarm.detail, alarm.known, alarm.seen, alarm.at));
        return !rows.empty();
      },
      sql::Isolation::kReadCommitted);
}

Result<std::vector<LedgerAlarm>> SqlWitnessStore::Alarms(const Context& ctx, int limit) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<LedgerAlarm>> {
    GF_ASSIGN(const auto rows, tx.Exec("SELECT origin, reason, detail, known, seen, at "
                                       "FROM ledger_alarms ORDER BY id DESC LIMIT $1",
                                       limit));
    std::vector<LedgerAlarm> alarms;
    for (sql::Row row : rows) {
      alarms.push_back(
          {row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Text(4), row.TimeAt(5)});
    }
    return alarms;
  });
}

}  // namespace genofed::consent
