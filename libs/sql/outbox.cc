// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/outbox.h"

namespace genofed::sql {
namespace {

Status Settle(Result<Rows> rows) {
  GF_TRY(rows);
  if (rows->affected() == 1) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "LEASE_LOST", "the message was claimed by another pump");
}

}  // namespace

// A claimed message is hidden by moving next_attempt behind the lease; `attempts` is the fencing token. Only the
// first pending message of a key is ever claimed, so a hidden one holds back those behind it.
Outbox::Outbox(const std::string& table) {
  CheckedIdentifier(table);
  lock_sql_ = fmt::format(
      "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '.{}', 0)"
      " # hashtextextended($1::text || chr(1) || $2::text, 1))",
      table);
  put_sql_ = fmt::format("INSERT INTO {} (topic, key, payload) VALUES ($1, $2, $3)", table);
  claim_sql_ = fmt::format(
      "WITH heads AS (SELECT id FROM {0} AS head WHERE done IS NULL AND next_attempt <= clock_timestamp()"
      " AND NOT EXISTS (SELECT 1 FROM {0} AS before WHERE before.done IS NULL AND before.topic = head.topic"
      " AND before.key = head.key AND before.id < head.id)"
      " ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED),"
      " claimed AS (UPDATE {0} AS m SET attempts = attempts + 1,"
      " next_attempt = clock_timestamp() + $2::bigint * interval '1 millisecond'"
      " FROM heads WHERE m.id = heads.id RETURNING m.id, m.topic, m.key, m.payload, m.attempts)"
      " SELECT id, topic, key, payload, attempts FROM claimed ORDER BY id",
      table);
  complete_sql_ = fmt::format(
      "UPDATE {} SET done = clock_timestamp() WHERE id = $1 AND attempts = $2 AND done IS NULL", table);
  retry_sql_ = fmt::format(
      "UPDATE {} SET next_attempt = clock_timestamp() + $3::bigint * interval '1 millisecond'"
      " WHERE id = $1 AND attempts = $2 AND done IS NULL",
      table);
  prune_sql_ = fmt::format(
      "DELETE FROM {} WHERE done < clock_timestamp() - $1::bigint * interval '1 second'", table);
  pending_sql_ = fmt::format("SELECT count(*) FROM {} WHERE done IS NULL", table);
}

Status Outbox::Put(Tx& tx, std::string_view topic, std::string_view key, std::string_view payload) const {
  GF_TRY(tx.Exec(Sql::Trusted(lock_sql_), topic, key));
  return tx.Exec(Sql::Trusted(put_sql_), topic, key, Bytes{std::string(payload)}).status();
}

Result<std::vector<OutboxMessage>> Outbox::Claim(Tx& tx, std::int64_t limit,
                                                 std::chrono::milliseconds lease) const {
  GF_ASSIGN(const Rows rows, tx.Exec(Sql::Trusted(claim_sql_), limit, lease.count()));
  std::vector<OutboxMessage> messages;
  messages.reserve(rows.size());
  for (const Row row : rows) {
    messages.push_back({row.Int(0), row.Text(1), row.Text(2), row.BytesAt(3), row.Int(4)});
  }
  return messages;
}

Status Outbox::Complete(Tx& tx, const OutboxMessage& message) const {
  return Settle(tx.Exec(Sql::Trusted(complete_sql_), message.id, message.attempts));
}

Status Outbox::Retry(Tx& tx, const OutboxMessage& message, std::chrono::milliseconds delay) const {
  return Settle(tx.Exec(Sql::Trusted(retry_sql_), message.id, message.attempts, delay.count()));
}

Status Outbox::Prune(Tx& tx, std::chrono::seconds age) const {
  return tx.Exec(Sql::Trusted(prune_sql_), age.count()).status();
}

Result<std::int64_t> Outbox::Pending(Tx& tx) const {
  GF_ASSIGN(const Rows rows, tx.Exec(Sql::Trusted(pending_sql_)));
  GF_ASSIGN(const Row row, rows.One());
  return row.Int(0);
}

}  // namespace genofed::sql
