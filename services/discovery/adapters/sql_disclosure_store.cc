// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_disclosure_store.h"

#include <algorithm>
#include <set>

#include "libs/core/strings.h"
#include "libs/disclosure/budget.h"
#include "services/discovery/app/disclosure_audit.h"

namespace genofed::discovery {
namespace {

constexpr const char* kEverybody = "*";
constexpr std::int64_t kAuditLock = 0x67664155;  // one writer of the chain at a time

// What one charge is about: its datasets, and what of it is new. Statements are few, as each is a
// way to the database and back that somebody waits for.
class Charging {
 public:
  Charging(sql::Tx& tx, const disclosure::Policy& policy, const std::string& account, Time now)
      : tx_(tx), policy_(policy), account_(account), now_(now) {}

  Result<std::map<std::string, std::chrono::seconds>> Run(const std::vector<Spending>& spendings) {
    GF_TRY(Lock(spendings));
    GF_TRY(FindFresh(spendings));
    std::map<std::string, std::chrono::seconds> refused;
    if (fresh_.empty()) return refused;
    GF_TRY(FindSpent());
    const double limit = disclosure::BudgetOf(policy_);
    for (const auto& [dataset, items] : fresh_) {
      double worst = 0;
      for (const Spending* item : items) worst = std::max(worst, item->worst);
      const auto own = disclosure::Admit(own_[dataset], worst, limit, policy_.budget_days, now_);
      const auto all = disclosure::Admit(all_[dataset], worst, limit * policy_.everybody,
                                         policy_.budget_days, now_);
      if (own.allowed && all.allowed) continue;
      refused[dataset] = std::max(own.retry_after, all.retry_after);
    }
    for (const auto& [dataset, wait] : refused) fresh_.erase(dataset);
    if (!fresh_.empty()) GF_TRY(Write());
    return refused;
  }

 private:
  // What a crash of the database loses is a fraction of a second of charges, and nothing waits for
  // its disk.
  Status Lock(const std::vector<Spending>& spendings) {
    std::set<std::string> names;  // sorted: locks are taken in one order
    for (const Spending& spending : spendings) names.insert(spending.dataset);
    datasets_.assign(names.begin(), names.end());
    return tx_
        .Exec(
            "SELECT set_config('synchronous_commit', 'off', true), "
            "pg_advisory_xact_lock(hashtextextended($1 || '/' || dataset, 0)) "
            "FROM unnest($2::text[]) AS dataset",
            account_, datasets_)
        .status();
  }

  Status FindFresh(const std::vector<Spending>& spendings) {
    std::vector<std::string> datasets, questions;
    for (const Spending& spending : spendings) {
      datasets.push_back(spending.dataset);
      questions.push_back(HexEncode(spending.question));
    }
    GF_ASSIGN(auto known, tx_.Exec("SELECT n FROM unnest($2::text[], $3::text[]) WITH ORDINALITY "
                                   "AS new (dataset, question, n) "
                                   "WHERE EXISTS (SELECT FROM asked a WHERE a.account = $1 AND "
                                   "a.dataset = new.dataset AND "
                                   "a.question = decode(new.question, 'hex'))",
                                   account_, datasets, questions));
    std::set<std::int64_t> told;
    for (sql::Row row : known) told.insert(row.Int(0));
    for (std::size_t i = 0; i < spendings.size(); ++i) {
      if (!told.contains(static_cast<std::int64_t>(i) + 1))
        fresh_[spendings[i].dataset].push_back(&spendings[i]);
    }
    return absl::OkStatus();
  }

  // What the catalogue publishes counts for each account, and for all of them.
  Status FindSpent() {
    GF_ASSIGN(
        auto rows,
        tx_.Exec("SELECT dataset, account, day, nats FROM spent WHERE account IN ($1, $2, $3) AND "
                 "dataset = ANY($4::text[]) AND day > $5 ORDER BY day",
                 account_, kEverybody, kCatalogueAccount, datasets_,
                 disclosure::DayOf(now_) - policy_.budget_days));
    for (sql::Row row : rows) {
      const std::string dataset = row.Text(0), account = row.Text(1);
      const disclosure::Spent spent{row.Int(2), row.Real(3)};
      if (account != kEverybody) own_[dataset].push_back(spent);
      if (account != account_ || account == kCatalogueAccount) all_[dataset].push_back(spent);
    }
    return absl::OkStatus();
  }

  Status Write() {
    std::vector<std::string> datasets, questions, nats;
    for (const auto& [dataset, items] : fresh_) {
      for (const Spending* item : items) {
        datasets.push_back(dataset);
        questions.push_back(HexEncode(item->question));
        nats.push_back(fmt::format("{}", item->nats));
      }
    }
    return tx_
        .Exec(
            "WITH new AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS n (dataset, "
            "question, nats)), "
            "told AS (INSERT INTO asked (account, dataset, question, at) "
            "SELECT $1, dataset, decode(question, 'hex'), $5 FROM new) "
            "INSERT INTO spent (account, dataset, day, nats) "
            "SELECT payer, dataset, $6, sum(nats::float8) FROM new, unnest(ARRAY[$1, $7]) AS payer "
            "GROUP BY payer, dataset ORDER BY dataset, payer "
            "ON CONFLICT (account, dataset, day) DO UPDATE SET nats = spent.nats + excluded.nats",
            account_, datasets, questions, nats, now_, disclosure::DayOf(now_), kEverybody)
        .status();
  }

  sql::Tx& tx_;
  const disclosure::Policy& policy_;
  const std::string& account_;
  const Time now_;
  std::vector<std::string> datasets_;
  std::map<std::string, std::vector<const Spending*>> fresh_;
  std::map<std::string, std::vector<disclosure::Spent>> own_, all_;  // by dataset, in order of days
};

}  // namespace

Result<std::map<std::string, std::chrono::seconds>> SqlDisclosureStore::Charge(
    const Context& ctx, const std::string& account, const std::vector<Spending>& spendings,
    Time now) {
  return database_.Transact(
      ctx, [&](sql::Tx& tx) { return Charging(tx, policy_, account, now).Run(spendings); },
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
