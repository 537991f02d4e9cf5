// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_rows.h"
#include "services/onboarding/adapters/sql_submission_store.h"

namespace genofed::onboarding {

// Submissions of the same dataset as submission $1.
#define GF_SAME_DATASET \
  "(SELECT id FROM submissions WHERE dataset = (SELECT dataset FROM submissions WHERE id = $1))"

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

Status SqlRunStore::PlanObject(const Context& ctx, const std::string& object) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        return tx
            .Exec(
                "INSERT INTO discarded (kind, name, dataset) SELECT 'object', $1, dataset FROM "
                "submissions "
                "WHERE id = $2 ON CONFLICT DO NOTHING",
                object, lease_.id)
            .status();
      },
      sql::Isolation::kReadCommitted);
}

Status SqlRunStore::AddObject(const Context& ctx, const ObjectRecord& object) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        GF_TRY(tx.Exec("DELETE FROM discarded WHERE kind = 'object' AND name = $1", object.id));
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

Status SqlRunStore::DropQuarantine(const Context& ctx) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        return tx
            .Exec(
                "WITH gone AS (DELETE FROM objects WHERE submission = $1 AND role = 'quarantine' "
                "RETURNING id) INSERT INTO discarded (kind, name, dataset) "
                "SELECT 'object', gone.id, s.dataset FROM gone, submissions s WHERE s.id = $1 "
                "ON CONFLICT DO NOTHING",
                lease_.id)
            .status();
      },
      sql::Isolation::kReadCommitted);
}

Status SqlRunStore::DropObjects(const Context& ctx) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        GF_TRY(tx.Exec("DELETE FROM objects WHERE submission = $1", lease_.id));
        GF_TRY(
            tx.Exec("DELETE FROM snapshot_segments WHERE (dataset, version) IN "
                    "(SELECT dataset, version FROM snapshots WHERE submission = $1)",
                    lease_.id));
        return tx.Exec("DELETE FROM snapshots WHERE submission = $1", lease_.id).status();
      },
      sql::Isolation::kReadCommitted);
}

Result<Snapshot> SqlRunStore::FindSnapshot(const Context& ctx, std::int32_t version) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Snapshot> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT s.dataset, s.base, s.assembly, s.individuals_path, s.individuals_sha256 "
                                 "FROM snapshots s JOIN submissions o ON o.dataset = s.dataset "
                                 "WHERE o.id = $1 AND s.version = $2",
                                 lease_.id, version));
    if (rows.empty()) {
      return Error(StatusCode::kNotFound, "SNAPSHOT_UNKNOWN", "there is no version {} of the dataset", version);
    }
    sql::Row row = rows[0];
    Snapshot snapshot{row.Text(0), version,     static_cast<std::int32_t>(row.Int(1)), row.Text(2), {},
                      row.Text(3), row.Text(4)};
    GF_ASSIGN(auto segments, tx.Exec("SELECT submission, index_path, manifest_sha256, rows FROM snapshot_segments "
                                     "WHERE dataset = $1 AND version = $2 ORDER BY position",
                                     snapshot.dataset, version));
    for (sql::Row segment : segments) {
      snapshot.segments.push_back({segment.Text(0), segment.Text(1), segment.Text(2),
                                   static_cast<std::int32_t>(segment.Int(3))});
    }
    return snapshot;
  });
}

Status SqlRunStore::AddSnapshot(const Context& ctx, const Snapshot& snapshot) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(leases_.Heartbeat(tx, lease_));
    GF_ASSIGN(auto added, tx.Exec("INSERT INTO snapshots (dataset, version, submission, base, assembly, "
                                  "individuals_path, individuals_sha256, erased) SELECT $1, $2, $3, $4, $5, $6, $7, "
                                  // What was erased from the version it goes on from is not in this one, either; what was
                                  // set aside (-1) is each version's own.
                                  "coalesce((SELECT array_remove(erased, -1) FROM snapshots WHERE dataset = $1 AND version = $4), '{}') "
                                  "ON CONFLICT (dataset, version) DO NOTHING",
                                  snapshot.dataset, snapshot.version, lease_.id, snapshot.base, snapshot.assembly,
                                  snapshot.individuals_path, snapshot.individuals_sha256));
    if (added.affected() == 0) return absl::OkStatus();
    for (std::size_t i = 0; i < snapshot.segments.size(); ++i) {
      const SegmentRef& segment = snapshot.segments[i];
      GF_TRY(tx.Exec("INSERT INTO snapshot_segments (dataset, version, position, submission, index_path, "
                     "manifest_sha256, rows) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                     snapshot.dataset, snapshot.version, static_cast<std::int64_t>(i), segment.submission,
                     segment.index_path, segment.manifest_sha256, segment.rows));
    }
    return absl::OkStatus();
  });
}

Result<std::vector<UploadedFile>> SqlRunStore::Inputs(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<UploadedFile>> {
    GF_ASSIGN(auto files, FindFiles(tx, lease_.id));
    std::erase_if(files, [](const UploadedFile& file) { return !file.sealed; });
    return files;
  });
}

Status SqlRunStore::AddReport(const Context& ctx, const Report& report) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        return tx
            .Exec("INSERT INTO reports (submission, json, html, jws) VALUES ($1, $2, $3, $4) "
                  "ON CONFLICT (submission) DO UPDATE SET json = excluded.json, html = excluded.html, "
                  "jws = excluded.jws",
                  lease_.id, report.json, report.html, report.jws)
            .status();
      },
      sql::Isolation::kReadCommitted);
}

Result<std::vector<ObjectRecord>> SqlRunStore::AllObjects(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<ObjectRecord>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_OBJECT_COLUMNS " FROM objects o WHERE o.submission IN " GF_SAME_DATASET,
                                 lease_.id));
    std::vector<ObjectRecord> objects;
    for (sql::Row row : rows) objects.push_back(ReadObject(row));
    return objects;
  });
}

Status SqlRunStore::DropAllObjects(const Context& ctx) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Status {
        GF_TRY(leases_.Heartbeat(tx, lease_));
        return tx.Exec("DELETE FROM objects WHERE submission IN " GF_SAME_DATASET, lease_.id).status();
      },
      sql::Isolation::kReadCommitted);
}

}  // namespace genofed::onboarding
