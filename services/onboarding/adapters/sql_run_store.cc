// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_rows.h"
#include "services/onboarding/adapters/sql_submission_store.h"

namespace genofed::onboarding {

Result<Submission> SqlRunStore::Load(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return FindSubmission(tx, lease_.id); });
}

Status SqlRunStore::Save(const Context& ctx, const Submission& submission) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        return tx
            .Exec("UPDATE submissions SET state = $2, document = $3, index_sha256 = $4, individuals_sha256 = $5, "
                  "finished = $6 WHERE id = $1",
                  lease_.id, StateName(submission.state), ToDocument(submission), submission.index_sha256,
                  submission.individuals_sha256, submission.finished)
            .status();
      },
      sql::Isolation::kReadCommitted);
}

Result<std::int32_t> SqlRunStore::ReserveVersion(const Context& ctx) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<std::int32_t> {
    GF_TRY(leases_.Heartbeat(tx, lease_));
    GF_ASSIGN(Submission submission, FindSubmission(tx, lease_.id));
    if (submission.version > 0) return submission.version;
    GF_TRY(CheckHolder(tx, submission.holder, submission.dataset.id));
    GF_ASSIGN(auto busy, tx.Exec("SELECT 1 FROM submissions WHERE dataset = $1 AND id <> $2 AND version IS NOT NULL "
                                 "AND state = 'running' LIMIT 1",
                                 submission.dataset.id, lease_.id));
    if (!busy.empty()) {
      return Error(StatusCode::kUnavailable, "DATASET_BUSY", "another submission of the dataset is being published");
    }
    GF_ASSIGN(auto rows, tx.Exec("UPDATE submissions SET version = (SELECT coalesce(max(version), 0) + 1 "
                                 "FROM submissions WHERE dataset = $2) WHERE id = $1 RETURNING version",
                                 lease_.id, submission.dataset.id));
    return static_cast<std::int32_t>(rows[0].Int(0));
  });
}

Result<std::vector<ObjectRecord>> SqlRunStore::Objects(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<ObjectRecord>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_OBJECT_COLUMNS " FROM objects o WHERE o.submission = $1 ORDER BY o.role",
                                 lease_.id));
    std::vector<ObjectRecord> objects;
    for (sql::Row row : rows) objects.push_back(ReadObject(row));
    return objects;
  });
}

Status SqlRunStore::AddObject(const Context& ctx, const ObjectRecord& object) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        return tx
            .Exec("INSERT INTO objects (id, submission, role, name, plain_size, plain_sha256, body_size, body_sha256, "
                  "header, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                  object.id, lease_.id, object.role, object.name, object.plain_size, object.plain_sha256,
                  object.body_size, object.body_sha256, sql::Bytes{object.header}, object.created)
            .status();
      },
      sql::Isolation::kReadCommitted);
}

Status SqlRunStore::MarkHeaderStored(const Context& ctx, const std::string& object) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        return tx.Exec("UPDATE objects SET header_stored = true WHERE id = $1 AND submission = $2", object, lease_.id)
            .status();
      },
      sql::Isolation::kReadCommitted);
}

Status SqlRunStore::DropObjects(const Context& ctx) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        return tx.Exec("DELETE FROM objects WHERE submission = $1", lease_.id).status();
      },
      sql::Isolation::kReadCommitted);
}

}  // namespace genofed::onboarding
