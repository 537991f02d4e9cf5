// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_disclosure_store.h"

#include <algorithm>
#include <set>

#include "libs/disclosure/budget.h"
#include "services/discovery/app/disclosure_audit.h"

namespace genofed::discovery {
namespace {

constexpr const char* kEverybody = "*";
constexpr std::int64_t kAuditLock = 0x67664155;  // one writer of the chain at a time

Result<disclosure::Admission> Admit(sql::Tx& tx, const std::string& account,
                                    const std::string& dataset, double worst, double limit,
                                    std::int32_t days, Time now) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT day, sum(nats) FROM spent WHERE account IN ($1, $4) AND "
                               "dataset = $2 AND day > $3 GROUP BY day ORDER BY day",
                               account, dataset, disclosure::DayOf(now) - days, kCatalogueAccount));
  std::vector<disclosure::Spent> spent;
  for (sql::Row row : rows) spent.push_back({row.Int(0), row.Real(1)});
  return disclosure::Admit(spent, worst, limit, days, now);
}

Status Spend(sql::Tx& tx, const std::string& account, const std::string& dataset, double nats,
             Time now) {
  return tx
      .Exec(
          "INSERT INTO spent (account, dataset, day, nats) VALUES ($1, $2, $3, $4) "
          "ON CONFLICT (account, dataset, day) DO UPDATE SET nats = spent.nats + excluded.nats",
          account, dataset, disclosure::DayOf(now), nats)
      .status();
}

}  // namespace

Result<std::map<std::string, std::chrono::seconds>> SqlDisclosureStore::Charge(
    const Context& ctx, const std::string& account, const std::vector<Spending>& spendings,
    Time now) {
  std::map<std::string, std::vector<const Spending*>>
      by_dataset;  // sorted: locks are taken in one order
  for (const Spending& spending : spendings) by_dataset[spending.dataset].push_back(&spending);
  const double limit = disclosure::BudgetOf(policy_);
  using Refused = std::map<std::string, std::chrono::seconds>;
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Result<Refused> {
        Refused refused;
        // What a crash of the database loses is a fraction of a second of charges, and nothing
        // waits for its disk.
        GF_TRY(tx.Exec("SET LOCAL synchronous_commit TO off"));
        for (const auto& [dataset, items] : by_dataset) {
          GF_TRY(tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))",
                         account, dataset));
          double nats = 0, worst = 0;
          std::vector<const Spending*> fresh;
          for (const Spending* item : items) {
            GF_ASSIGN(
                auto known,
                tx.Exec("SELECT 1 FROM asked WHERE account = $1 AND dataset = $2 AND question = $3",
                        account, dataset, sql::Bytes{item->question}));
            if (!known.empty()) continue;
            fresh.push_back(item);
            nats += item->nats;
            worst = std::max(worst, item->worst);
          }
          if (fresh.empty()) continue;
          GF_ASSIGN(auto own, Admit(tx, account, dataset, worst, limit, policy_.budget_days, now));
          GF_ASSIGN(auto all, Admit(tx, kEverybody, dataset, worst, limit * policy_.everybody,
                                    policy_.budget_days, now));
          if (!own.allowed || !all.allowed) {
            refused[dataset] = std::max(own.retry_after, all.retry_after);
            continue;
          }
          for (const Spending* item : fresh) {
            GF_TRY(tx.Exec(
                "INSERT INTO asked (account, dataset, question, at) VALUES ($1, $2, $3, $4)",
                account, dataset, sql::Bytes{item->question}, now));
          }
          GF_TRY(Spend(tx, account, dataset, nats, now));
          GF_TRY(Spend(tx, kEverybody, dataset, nats, now));
        }
        return refused;
      },
      sql::Isolation::kReadCommitted);
}

Status SqlDisclosureStore::Append(const Context& ctx, const std::vector<AuditEntry>& entries) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(tx.Exec("SELECT pg_advisory_xact_lock($1)", kAuditLock));
        GF_ASSIGN(auto last,
                  tx.Exec("SELECT seq, hash FROM disclosure_audit ORDER BY seq DESC LIMIT 1"));
        std::int64_t seq = last.empty() ? 0 : last[0].Int(0);
        std::string hash = last.empty() ? "" : last[0].BytesAt(1);
        for (const AuditEntry& entry : entries) {
          hash = HashOf(hash, ++seq, entry);
          GF_TRY(
              tx.Exec("INSERT INTO disclosure_audit (seq, at, account, dataset, question, outcome, "
                      "nats, hash) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                      seq, entry.at, entry.account, entry.dataset, sql::Bytes{entry.question},
                      entry.outcome, entry.nats, sql::Bytes{hash}));
        }
        return absl::OkStatus();
      },
      sql::Isolation::kReadCommitted);
}

Result<std::vector<AuditRow>> SqlDisclosureStore::ReadAudit(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<AuditRow>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT seq, at, account, dataset, question, outcome, nats, hash "
                                 "FROM disclosure_audit ORDER BY seq"));
    std::vector<AuditRow> out;
    for (sql::Row row : rows) {
      out.push_back(
          {row.Int(0),
           {row.TimeAt(1), row.Text(2), row.Text(3), row.BytesAt(4), row.Text(5), row.Real(6)},
           row.BytesAt(7)});
    }
    return out;
  });
}

Status SqlDisclosureStore::Forget(const Context& ctx, Time now) {
  const Time oldest = now - std::chrono::hours(24 * policy_.budget_days);
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(tx.Exec("DELETE FROM asked WHERE at < $1", oldest));
    return tx.Exec("DELETE FROM spent WHERE day <= $1", disclosure::DayOf(oldest)).status();
  });
}

}  // namespace genofed::discovery
