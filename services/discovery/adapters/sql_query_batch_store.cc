// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_query_batch_store.h"

#include "services/discovery/adapters/sql_disclosure_store.h"

namespace genofed::discovery {
namespace {

// The window over what is not covered, if it is to be closed.
Result<std::optional<QueryWindow>> Due(sql::Tx& tx, Time begun_by, std::int64_t most,
                                       std::int64_t covered) {
  GF_ASSIGN(auto last, tx.Exec("SELECT seq, hash FROM disclosure_audit ORDER BY seq DESC LIMIT 1"));
  QueryWindow window;
  if (!last.empty()) {
    window.links = last[0].Int(0);
    window.hash = last[0].BytesAt(1);
  }
  if (window.links < covered) {
    return Error(StatusCode::kDataLoss, "AUDIT_SHORTENED",
                 "the ledger covers {} links of the disclosure audit, of which {} are left",
                 covered, window.links);
  }
  if (window.links == covered) return std::optional<QueryWindow>();
  GF_ASSIGN(
      auto first,
      tx.Exec("SELECT at FROM disclosure_audit WHERE seq > $1 ORDER BY seq LIMIT 1", covered));
  window.since = first[0].TimeAt(0);
  if (window.since > begun_by && window.links - covered <= most)
    return std::optional<QueryWindow>();
  // All numbers of one answer are charged to its account at one moment.
  GF_ASSIGN(auto rows,
            tx.Exec("SELECT dataset, count(DISTINCT (account, at)) FILTER (WHERE outcome <> "
                    "'refused'), count(DISTINCT (account, at)) FILTER (WHERE outcome = 'refused') "
                    "FROM disclosure_audit WHERE seq > $1 AND seq <= $2 AND dataset <> '' "
                    "GROUP BY dataset ORDER BY dataset",
                    covered, window.links));
  for (sql::Row row : rows) window.datasets.push_back({row.Text(0), row.Int(1), row.Int(2)});
  return std::optional(std::move(window));
}

}  // namespace

Status SqlQueryBatchStore::CloseWindow(
    const Context& ctx, Time begun_by, std::int64_t most,
    const std::function<std::vector<QueryBatchEntry>(const QueryWindow&)>& make) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(LockAudit(tx));
        GF_ASSIGN(auto covered, tx.Exec("SELECT links FROM query_batches"));
        GF_ASSIGN(const auto window, Due(tx, begun_by, most, covered[0].Int(0)));
        if (!window) return absl::OkStatus();
        for (const QueryBatchEntry& batch : make(*window))
          GF_TRY(outbox_.Put(tx, batch.entry.Field("dataset"), batch.key, batch.entry));
        return tx.Exec("UPDATE query_batches SET links = $1", window->links).status();
      },
      sql::Isolation::kReadCommitted);
}

}  // namespace genofed::discovery
