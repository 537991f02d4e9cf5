// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/lease.h"

namespace genofed::sql {
namespace {

// $1 id, $2 owner, $3 attempt: the row, while the lease on it is the newest and not settled.
constexpr std::string_view kHeld =
    " WHERE id = $1 AND lease_owner = $2 AND attempt = $3 AND work_state = 'ready' AND lease_until IS NOT NULL";
constexpr std::string_view kFree = "(lease_until IS NULL OR lease_until < clock_timestamp())";

template <typename... Args>
Status Settle(Tx& tx, const std::string& sql, const Lease& lease, const Args&... args) {
  GF_ASSIGN(const Rows rows, tx.Exec(Sql::Trusted(sql), lease.id, lease.owner, lease.attempt, args...));
  if (rows.affected() == 1) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "LEASE_LOST", "the lease on work item '{}' is held no longer",
               lease.id);
}

}  // namespace

LeaseTable::LeaseTable(const std::string& table, LeasePolicy policy) : policy_(policy) {
  const std::string update = fmt::format("UPDATE {} SET ", CheckedIdentifier(table));
  exhaust_sql_ = fmt::format(
      "{}work_state = 'failed', last_reason = 'ATTEMPTS_EXHAUSTED', lease_until = NULL"
      " WHERE id IN (SELECT id FROM {} WHERE work_state = 'ready' AND attempt >= $1 AND {}"
      " FOR UPDATE SKIP LOCKED)",
      update, table, kFree);
  claim_sql_ = fmt::format(
      "WITH due AS (SELECT id FROM {0} WHERE work_state = 'ready' AND not_before <= clock_timestamp() AND {1}"
      " ORDER BY not_before, id LIMIT $2 FOR UPDATE SKIP LOCKED)"
      " UPDATE {0} AS work SET attempt = attempt + 1,"
      " lease_owner = $1::text || '/' || left(gen_random_uuid()::text, 8),"
      " lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond'"
      " FROM due WHERE work.id = due.id RETURNING work.id, work.lease_owner, work.attempt, work.lease_until",
      table, kFree);
  heartbeat_sql_ = fmt::format(
      "{}lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond'{}", update, kHeld);
  complete_sql_ = fmt::format("{}work_state = 'done', lease_until = NULL, last_reason = NULL{}", update, kHeld);
  // $4 reason, $5 back-off, $6 its ceiling, $7 most attempts. Half of the delay is random.
  fail_sql_ = fmt::format(
      "{}work_state = CASE WHEN $7::bigint > 0 AND attempt >= $7 THEN 'failed' ELSE 'ready' END,"
      " lease_until = NULL, last_reason = $4, not_before = clock_timestamp() + (0.5 + random() / 2) *"
      " least($5::bigint * power(2, least(attempt - 1, 30)), $6::bigint) * interval '1 millisecond'{}",
      update, kHeld);
  abandon_sql_ = fmt::format("{}work_state = 'failed', lease_until = NULL, last_reason = $4{}", update, kHeld);
  defer_sql_ = fmt::format(
      "{}attempt = attempt - 1, lease_until = NULL, lease_owner = NULL,"
      " not_before = clock_timestamp() + $4::bigint * interval '1 millisecond'{}",
      update, kHeld);
}

Result<std::vector<Lease>> LeaseTable::Claim(Tx& tx, std::string_view owner, std::int64_t limit) const {
  if (policy_.max_attempts > 0) {  // the processes that claimed it last died before they could say so
    GF_TRY(tx.Exec(Sql::Trusted(exhaust_sql_), policy_.max_attempts));
  }
  GF_ASSIGN(const Rows rows, tx.Exec(Sql::Trusted(claim_sql_), owner, limit, policy_.duration.count()));
  std::vector<Lease> leases;
  leases.reserve(rows.size());
  for (const Row row : rows)
    leases.push_back({row.Text(0), row.Text(1), row.Int(2), row.TimeAt(3)});
  return leases;
}

Status LeaseTable::Heartbeat(Tx& tx, const Lease& lease) const {
  return Settle(tx, heartbeat_sql_, lease, policy_.duration.count());
}

Status LeaseTable::Complete(Tx& tx, const Lease& lease) const { return Settle(tx, complete_sql_, lease); }

Status LeaseTable::Fail(Tx& tx, const Lease& lease, const Status& why) const {
  return Settle(tx, fail_sql_, lease, Reason(why), policy_.backoff.count(), policy_.max_backoff.count(),
                policy_.max_attempts);
}

Status LeaseTable::Abandon(Tx& tx, const Lease& lease, const Status& why) const {
  return Settle(tx, abandon_sql_, lease, Reason(why));
}

Status LeaseTable::Defer(Tx& tx, const Lease& lease, std::chrono::milliseconds delay) const {
  return Settle(tx, defer_sql_, lease, delay.count());
}

}  // namespace genofed::sql
