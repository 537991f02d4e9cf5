// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_disclosure_store.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "libs/core/strings.h"
#include "libs/disclosure/budget.h"
#include "services/discovery/app/budgets.h"
#include "services/discovery/app/disclosure_audit.h"

namespace genofed::discovery {
namespace {

constexpr const char* kEverybody = "*";
constexpr std::int64_t kAuditLock = 0x67664155;  // one writer of the chain at a time
// By when the slices that others hold open are settled: their life, and the time it takes.
constexpr std::chrono::seconds kSettled = Budgets::kSliceLife + std::chrono::seconds(3);
constexpr auto kForgotten = std::chrono::hours(24);  // slices that nobody settles any more

// What a crash of the database loses is a fraction of a second of charges, and nothing waits for
// its disk. One lock for each account and dataset, so that who charges and who settles wait for
// each other; pairs are sorted, so that locks are taken in one order.
Status LockBudgets(sql::Tx& tx, const std::vector<std::string>& accounts,
                   const std::vector<std::string>& datasets) {
  return tx
      .Exec(
          "SELECT set_config('synchronous_commit', 'off', true), "
          "pg_advisory_xact_lock(hashtextextended(account || '/' || dataset, 0)) "
          "FROM unnest($1::text[], $2::text[]) AS budget (account, dataset)",
          accounts, datasets)
      .status();
}

std::string Text(double nats) { return fmt::format("{}", nats); }

// What one charge is about: its datasets, and what of it is new. Statements are few, as each is a
// way to the database and back that somebody waits for.
class Charging {
 public:
  Charging(sql::Tx& tx, const disclosure::Policy& policy, const std::string& account,
           const std::map<std::string, double>& slices, Time now)
      : tx_(tx), policy_(policy), account_(account), slices_(slices), now_(now) {}

  Result<Charged> Run(const std::vector<Spending>& spendings) {
    GF_TRY(Lock(spendings));
    GF_TRY(Find(spendings));
    for (const auto& [dataset, items] : fresh_) {
      GF_TRY(Admit(dataset, items));
    }
    for (const auto& [dataset, wait] : charged_.refused) fresh_.erase(dataset);
    if (!fresh_.empty()) GF_TRY(Write());
    return charged_;
  }

 private:
  using Days = std::vector<disclosure::Spent>;

  Status Lock(const std::vector<Spending>& spendings) {
    std::set<std::string> names;
    for (const Spending& spending : spendings) names.insert(spending.dataset);
    datasets_.assign(names.begin(), names.end());
    return LockBudgets(tx_, std::vector<std::string>(datasets_.size(), account_), datasets_);
  }

  Status Admit(const std::string& dataset, const std::vector<const Spending*>& items) {
    double worst = 0, nats = 0;
    for (const Spending* item : items) {
      worst = std::max(worst, item->worst);
      nats += item->nats;
    }
    worst = std::max(worst, nats);  // whatever the caller thought: never more than the budget
    const Days &own = own_[dataset], &all = all_[dataset];
    const auto of_account = AdmitOwn(own, worst), of_all = AdmitAll(all, worst);
    if (of_account.allowed && of_all.allowed) {
      const auto slice = slices_.find(dataset);
      if (slice != slices_.end() &&
          disclosure::MayOpen(own, all, nats, slice->second, policy_, now_))
        opening_.insert(*slice);
      return absl::OkStatus();
    }
    if (!of_all.allowed) charged_.everybodys.insert(dataset);
    auto& wait = charged_.refused[dataset];
    wait = std::max(of_account.retry_after, of_all.retry_after);
    GF_ASSIGN(const auto held, HeldOpen(dataset));
    if (AdmitOwn(own, worst - held.first).allowed && AdmitAll(all, worst - held.second).allowed)
      wait = std::min(wait, kSettled);
    return absl::OkStatus();
  }
  disclosure::Admission AdmitOwn(const Days& days, double worst) const {
    return disclosure::Admit(days, worst, disclosure::BudgetOf(policy_), policy_.budget_days, now_);
  }
  disclosure::Admission AdmitAll(const Days& days, double worst) const {
    return disclosure::Admit(days, worst, disclosure::BudgetOf(policy_) * policy_.everybody,
                             policy_.budget_days, now_);
  }

  // Nats in slices that will be settled soon: of this account, and of all. Not all will come back.
  Result<std::pair<double, double>> HeldOpen(const std::string& dataset) {
    GF_ASSIGN(auto rows,
              tx_.Exec("SELECT coalesce(sum(nats) FILTER (WHERE account = $1), 0), "
                       "coalesce(sum(nats), 0) FROM slices WHERE dataset = $2 AND at > $3",
                       account_, dataset, now_ - kSettled));
    return std::pair(rows[0].Real(0), rows[0].Real(1));
  }

  // What is new, and what was spent; what the catalogue publishes counts for each
  // account, and for all of them.
  Status Find(const std::vector<Spending>& spendings) {
    std::vector<std::string> datasets, questions;
    for (const Spending& spending : spendings) {
      datasets.push_back(spending.dataset);
      questions.push_back(HexEncode(spending.question));
    }
    GF_ASSIGN(
        auto rows,
        tx_.Exec(
            "SELECT n, NULL AS dataset, NULL AS account, NULL AS day, NULL AS nats "
            "FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS new (dataset, question, n) "
            "WHERE EXISTS (SELECT FROM asked a WHERE a.account = $1 AND "
            "a.dataset = new.dataset AND a.question = decode(new.question, 'hex')) "
            "UNION ALL SELECT NULL, dataset, account, day, nats FROM spent "
            "WHERE account IN ($1, $4, $5) AND dataset = ANY($6::text[]) AND day > $7 "
            "ORDER BY day",
            account_, datasets, questions, kEverybody, kCatalogueAccount, datasets_,
            disclosure::DayOf(now_) - policy_.budget_days));
    std::set<std::int64_t> told;
    for (sql::Row row : rows) {
      if (!row.IsNull(0)) {
        told.insert(row.Int(0));
        continue;
      }
      const std::string dataset = row.Text(1), account = row.Text(2);
      const disclosure::Spent spent{row.Int(3), row.Real(4)};
      if (account != kEverybody) own_[dataset].push_back(spent);
      if (account != account_ || account == kCatalogueAccount) all_[dataset].push_back(spent);
    }
    for (std::size_t i = 0; i < spendings.size(); ++i) {
      if (!told.contains(static_cast<std::int64_t>(i) + 1))
        fresh_[spendings[i].dataset].push_back(&spendings[i]);
    }
    return absl::OkStatus();
  }

  Status Write() {
    std::vector<std::string> datasets, questions, nats;
    for (const auto& [dataset, items] : fresh_) {
      for (const Spending* item : items) {
        datasets.push_back(dataset);
        questions.push_back(HexEncode(item->question));
        nats.push_back(Text(item->nats));
      }
    }
    std::vector<std::string> sliced, slices;
    for (const auto& [dataset, slice] : opening_) {
      sliced.push_back(dataset);
      slices.push_back(Text(slice));
    }
    const std::int64_t day = disclosure::DayOf(now_);
    // From a slice more will be told than a fraction of a second's: it waits for the disk.
    GF_ASSIGN(
        auto rows,
        tx_.Exec(
            "WITH new AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS n (dataset, "
            "question, nats)), "
            "slice AS (SELECT * FROM unnest($8::text[], $9::text[]) AS s (dataset, nats)), "
            "told AS (INSERT INTO asked (account, dataset, question, at) "
            "SELECT $1, dataset, decode(question, 'hex'), $5 FROM new), "
            "opened AS (INSERT INTO slices (account, dataset, day, nats, at) "
            "SELECT $1, dataset, $6, nats::float8, $5 FROM slice RETURNING id, dataset, nats), "
            "paid AS (INSERT INTO spent (account, dataset, day, nats) "
            "SELECT payer, dataset, $6, sum(nats::float8) "
            "FROM (SELECT dataset, nats FROM new UNION ALL SELECT * FROM slice) AS charge, "
            "unnest(ARRAY[$1, $7]) AS payer GROUP BY payer, dataset ORDER BY dataset, payer "
            "ON CONFLICT (account, dataset, day) DO UPDATE SET nats = spent.nats + excluded.nats) "
            "SELECT id, dataset, nats, set_config('synchronous_commit', 'on', true) FROM opened",
            account_, datasets, questions, nats, now_, day, kEverybody, sliced, slices));
    for (sql::Row row : rows)
      charged_.opened.push_back({row.Int(0), account_, row.Text(1), day, row.Real(2)});
    return absl::OkStatus();
  }

  sql::Tx& tx_;
  const disclosure::Policy& policy_;
  const std::string& account_;
  const std::map<std::string, double>& slices_;  // that may be opened, by dataset
  const Time now_;
  Charged charged_;
  std::map<std::string, double> opening_;
  std::vector<std::string> datasets_;
  std::map<std::string, std::vector<const Spending*>> fresh_;
  std::map<std::string, Days> own_, all_;  // by dataset, in order of days
};

// Closes slices of any accounts. A slice that is not there any more was settled, or is not in this
// database: then nothing is given back, and nothing is said to have been told.
class Settling {
 public:
  Settling(sql::Tx& tx, const std::vector<Settlement>& settlements, Time now) : tx_(tx), now_(now) {
    for (const Settlement& settlement : settlements)
      slices_.emplace(Key{settlement.slice.account, settlement.slice.dataset, settlement.slice.id},
                      &settlement);
  }

  Status Run() {
    GF_TRY(Close());
    if (slices_.empty()) return absl::OkStatus();
    GF_ASSIGN(auto first_told, WriteTold());
    return GiveBack(std::move(first_told));
  }

 private:
  using Key = std::tuple<std::string, std::string, std::int64_t>;      // account, dataset, slice
  using Question = std::tuple<std::string, std::string, std::string>;  // account, dataset, digest

  Status Close() {
    std::vector<std::string> accounts, datasets;
    std::vector<std::int64_t> ids;
    for (const auto& [key, settlement] : slices_) {
      accounts.push_back(std::get<0>(key));
      datasets.push_back(std::get<1>(key));
      ids.push_back(std::get<2>(key));
    }
    GF_TRY(LockBudgets(tx_, accounts, datasets));
    GF_ASSIGN(auto rows,
              tx_.Exec("DELETE FROM slices s USING unnest($1::bigint[], $2::text[], $3::text[]) "
                       "AS g (id, account, dataset) WHERE s.id = g.id AND s.account = g.account "
                       "AND s.dataset = g.dataset RETURNING s.id",
                       ids, accounts, datasets));
    std::set<std::int64_t> closed;
    for (sql::Row row : rows) closed.insert(row.Int(0));
    std::erase_if(slices_, [&](const auto& s) { return !closed.contains(std::get<2>(s.first)); });
    return absl::OkStatus();
  }

  // Those that nobody was charged for yet.
  Result<std::set<Question>> WriteTold() {
    std::vector<std::string> accounts, datasets, questions;
    for (const auto& [key, settlement] : slices_) {
      for (const Spending& told : settlement->told) {
        accounts.push_back(std::get<0>(key));
        datasets.push_back(std::get<1>(key));
        questions.push_back(HexEncode(told.question));
      }
    }
    std::set<Question> first;
    if (questions.empty()) return first;
    GF_ASSIGN(auto rows, tx_.Exec("INSERT INTO asked (account, dataset, question, at) "
                                  "SELECT account, dataset, decode(question, 'hex'), $4 "
                                  "FROM unnest($1::text[], $2::text[], $3::text[]) "
                                  "AS told (account, dataset, question) "
                                  "ON CONFLICT DO NOTHING RETURNING account, dataset, question",
                                  accounts, datasets, questions, now_));
    for (sql::Row row : rows) first.emplace(row.Text(0), row.Text(1), row.BytesAt(2));
    return first;
  }

  Status GiveBack(std::set<Question> first_told) {
    std::vector<std::string> accounts, datasets, nats;
    std::vector<std::int64_t> days;
    for (const auto& [key, settlement] : slices_) {
      const auto& [account, dataset, id] = key;
      double left = settlement->slice.nats;
      for (const Spending& told : settlement->told) {
        if (first_told.erase({account, dataset, told.question}) > 0) left -= told.nats;
      }
      accounts.push_back(account);
      datasets.push_back(dataset);
      days.push_back(settlement->slice.day);
      nats.push_back(Text(std::max(left, 0.0)));
    }
    // The rows are there; this form takes their locks in the order in which charges do.
    return tx_
        .Exec(
            "INSERT INTO spent (account, dataset, day, nats) "
            "SELECT payer, dataset, day, sum(nats::float8) "
            "FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) "
            "AS back (account, dataset, day, nats), unnest(ARRAY[account, $5]) AS payer "
            "GROUP BY payer, dataset, day ORDER BY dataset, payer, day "
            "ON CONFLICT (account, dataset, day) "
            "DO UPDATE SET nats = greatest(spent.nats - excluded.nats, 0)",
            accounts, datasets, days, nats, kEverybody)
        .status();
  }

  sql::Tx& tx_;
  const Time now_;
  std::map<Key, const Settlement*> slices_;
};

}  // namespace

Result<Charged> SqlDisclosureStore::Charge(const Context& ctx, const std::string& account,
                                           const std::vector<Spending>& spendings,
                                           const std::map<std::string, double>& slices, Time now) {
  return database_.Transact(
      ctx, [&](sql::Tx& tx) { return Charging(tx, policy_, account, slices, now).Run(spendings); },
      sql::Isolation::kReadCommitted);
}

Status SqlDisclosureStore::Settle(const Context& ctx, const std::vector<Settlement>& settlements,
                                  Time now) {
  return database_.Transact(
      ctx, [&](sql::Tx& tx) { return Settling(tx, settlements, now).Run(); },
      sql::Isolation::kReadCommitted);
}

Status LockAudit(sql::Tx& tx) {
  return tx.Exec("SELECT pg_advisory_xact_lock($1)", kAuditLock).status();
}

Status SqlDisclosureStore::Append(const Context& ctx, const std::vector<AuditEntry>& entries) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(LockAudit(tx));
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
    GF_TRY(tx.Exec("DELETE FROM slices WHERE at < $1", now - kForgotten));
    return tx.Exec("DELETE FROM spent WHERE day <= $1", disclosure::DayOf(oldest)).status();
  });
}

}  // namespace genofed::discovery
