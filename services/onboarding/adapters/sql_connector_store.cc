// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_connector_store.h"

#include "libs/core/strings.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kBatch = 10'000;  // people in one statement

Status Put(sql::Tx& tx, const ConnectorState& s) {
  return tx
      .Exec(
          "INSERT INTO connectors (name, dataset, base_version, watermark, last_full, submission, "
          "submission_watermark, attempt, last_attempt, last_success, last_error, "
          "resources_pulled, "
          "people_submitted) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
          "ON CONFLICT (name) DO UPDATE SET (dataset, base_version, watermark, last_full, "
          "submission, "
          "submission_watermark, attempt, last_attempt, last_success, last_error, "
          "resources_pulled, "
          "people_submitted) = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
          s.name, s.dataset, s.base_version, s.watermark, s.last_full, s.submission,
          s.submission_watermark, s.attempt, s.last_attempt, s.last_success, s.last_error,
          s.resources_pulled, s.people_submitted)
      .status();
}

Status AddPending(sql::Tx& tx, const std::string& connector, const PersonRecords& pending) {
  std::vector<std::string> people, digests, consents;
  const auto flush = [&]() -> Status {
    if (people.empty()) return absl::OkStatus();
    GF_TRY(tx.Exec(
        "INSERT INTO connector_people (connector, person, pending_digest, pending_consent) "
        "SELECT $1, p, d, c::boolean FROM unnest($2::text[], $3::text[], $4::text[]) AS new (p, d, "
        "c) "
        "ON CONFLICT (connector, person) DO UPDATE SET pending_digest = excluded.pending_digest, "
        "pending_consent = excluded.pending_consent",
        connector, people, digests, consents));
    people.clear();
    digests.clear();
    consents.clear();
    return absl::OkStatus();
  };
  for (const auto& [person, record] : pending) {
    people.push_back(HexEncode(person));
    digests.push_back(HexEncode(record.digest));
    consents.emplace_back(record.has_consent ? "true" : "false");
    if (people.size() == kBatch) GF_TRY(flush());
  }
  return flush();
}

}  // namespace

Result<ConnectorState> SqlConnectorStore::Load(const Context& ctx, const std::string& name) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<ConnectorState> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT dataset, base_version, watermark, last_full, submission, "
                      "submission_watermark, attempt, last_attempt, last_success, last_error, "
                      "resources_pulled, people_submitted FROM connectors WHERE name = $1",
                      name));
    ConnectorState state;
    state.name = name;
    if (rows.empty()) return state;
    const sql::Row row = rows[0];
    state.dataset = row.Text(0);
    state.base_version = static_cast<std::int32_t>(row.Int(1));
    state.watermark = row.OptionalTime(2);
    state.last_full = row.OptionalTime(3);
    state.submission = row.Text(4);
    state.submission_watermark = row.OptionalTime(5);
    state.attempt = static_cast<std::int32_t>(row.Int(6));
    state.last_attempt = row.OptionalTime(7);
    state.last_success = row.OptionalTime(8);
    state.last_error = row.Text(9);
    state.resources_pulled = row.Int(10);
    state.people_submitted = row.Int(11);
    return state;
  });
}

Status SqlConnectorStore::Save(const Context& ctx, const ConnectorState& state) {
  return database_.Transact(ctx, [&](sql::Tx& tx) { return Put(tx, state); });
}

Result<PersonRecords> SqlConnectorStore::Records(const Context& ctx, const std::string& name) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<PersonRecords> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT person, digest, has_consent FROM connector_people WHERE connector = $1 "
                "AND digest IS NOT NULL",
                name));
    PersonRecords records;
    for (sql::Row row : rows) {
      GF_ASSIGN(std::string person, HexDecode(row.Text(0)));
      GF_ASSIGN(std::string digest, HexDecode(row.Text(1)));
      records.emplace(std::move(person), PersonRecord{std::move(digest), row.Bool(2)});
    }
    return records;
  });
}

Status SqlConnectorStore::SetPending(const Context& ctx, const ConnectorState& state,
                                     const PersonRecords& pending) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(Put(tx, state));
    GF_TRY(
        tx.Exec("UPDATE connector_people SET pending_digest = NULL, pending_consent = NULL WHERE "
                "connector = $1",
                state.name));
    return AddPending(tx, state.name, pending);
  });
}

Status SqlConnectorStore::CommitPending(const Context& ctx, const ConnectorState& state) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(Put(tx, state));
    return tx
        .Exec(
            "UPDATE connector_people SET digest = pending_digest, has_consent = pending_consent, "
            "pending_digest = NULL, pending_consent = NULL WHERE connector = $1 AND pending_digest "
            "IS NOT NULL",
            state.name)
        .status();
  });
}

Status SqlConnectorStore::Forget(const Context& ctx, const ConnectorState& state) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(tx.Exec("DELETE FROM connector_people WHERE connector = $1", state.name));
    return Put(tx, state);
  });
}

}  // namespace genofed::onboarding
