// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_erasure_store.h"

#include <filesystem>

#include "libs/core/strings.h"
#include "services/onboarding/adapters/sql_rows.h"
#include "services/onboarding/app/snapshot_files.h"

namespace genofed::onboarding {
namespace {

using Kind = Discarded::Kind;

std::string_view KindWord(Kind kind) { return kind == Kind::kObject ? "object" : "path"; }

// Those of a dataset; without one, those that were not announced.
Result<std::vector<StoredVersion>> ReadVersions(sql::Tx& tx, const std::string& dataset) {
  GF_ASSIGN(
      auto rows,
      tx.Exec("SELECT dataset, version, base, assembly, individuals_path, individuals_sha256, "
              "submission, array_to_string(erased, ',') FROM snapshots "
              "WHERE dataset = $1 OR ($1 = '' AND NOT announced) ORDER BY dataset, version",
              dataset));
  std::vector<StoredVersion> versions;
  for (sql::Row row : rows) {
    StoredVersion version;
    version.snapshot = {row.Text(0),
                        static_cast<std::int32_t>(row.Int(1)),
                        static_cast<std::int32_t>(row.Int(2)),
                        row.Text(3),
                        {},
                        row.Text(4),
                        row.Text(5)};
    version.submission = row.Text(6);
    const std::string erased = row.Text(7);
    for (const std::string_view number : Split(erased, ',')) {
      if (number.empty()) continue;
      GF_ASSIGN(const auto value, ParseInt(number));
      version.erased.insert(static_cast<std::int32_t>(value));
    }
    GF_ASSIGN(auto segments,
              tx.Exec("SELECT submission, index_path, manifest_sha256, rows FROM snapshot_segments "
                      "WHERE dataset = $1 AND version = $2 ORDER BY position",
                      version.snapshot.dataset, version.snapshot.version));
    for (sql::Row segment : segments) {
      version.snapshot.segments.push_back({segment.Text(0), segment.Text(1), segment.Text(2),
                                           static_cast<std::int32_t>(segment.Int(3))});
    }
    versions.push_back(std::move(version));
  }
  return versions;
}

Status AddDiscarded(sql::Tx& tx, const Discarded& what) {
  return tx
      .Exec(
          "INSERT INTO discarded (kind, name, dataset) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
          KindWord(what.kind), what.name, what.dataset)
      .status();
}

Status RemoveDiscarded(sql::Tx& tx, Kind kind, const std::string& name) {
  return tx.Exec("DELETE FROM discarded WHERE kind = $1 AND name = $2", KindWord(kind), name)
      .status();
}

std::string DirectoryOf(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

Status CommitVersion(sql::Tx& tx, const std::string& dataset, const StoredVersion& version) {
  const Snapshot& snapshot = version.snapshot;
  GF_ASSIGN(auto found,
            tx.Exec("SELECT individuals_path FROM snapshots WHERE dataset = $1 AND version = $2",
                    dataset, snapshot.version));
  GF_ASSIGN(auto row, found.One());
  const std::string before = row.Text(0);
  const bool anew = before != snapshot.individuals_path;
  GF_TRY(tx.Exec(
      "UPDATE snapshots SET individuals_path = $3, individuals_sha256 = $4, erased = $5::bigint[], "
      "announced = announced AND NOT $6 WHERE dataset = $1 AND version = $2",
      dataset, snapshot.version, snapshot.individuals_path, snapshot.individuals_sha256,
      std::vector<std::int64_t>(version.erased.begin(), version.erased.end()), anew));
  if (!anew) return absl::OkStatus();
  // How the version differs from its base tells of the people, too.
  GF_TRY(AddDiscarded(tx, {Kind::kPath, before, dataset}));
  GF_TRY(AddDiscarded(tx, {Kind::kPath, DirectoryOf(before) + "/" + kDiffFile, dataset}));
  return RemoveDiscarded(tx, Kind::kPath, DirectoryOf(snapshot.individuals_path));
}

}  // namespace

Result<std::vector<StoredVersion>> SqlErasureStore::Versions(const Context& ctx,
                                                             const std::string& dataset) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return ReadVersions(tx, dataset); });
}

Result<std::vector<StoredVersion>> SqlErasureStore::Unannounced(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return ReadVersions(tx, ""); });
}

Result<bool> SqlErasureStore::IsBusy(const Context& ctx, const std::string& dataset) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<bool> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT 1 FROM submissions o WHERE dataset = $1 AND state = 'running' "
                      "AND version IS NOT NULL "
                      "AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.submission = o.id) "
                      "LIMIT 1",
                      dataset));
    return !rows.empty();
  });
}

Result<std::vector<ObjectRecord>> SqlErasureStore::Objects(const Context& ctx,
                                                           const std::string& submission) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<ObjectRecord>> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT " GF_OBJECT_COLUMNS " FROM objects o WHERE o.submission = $1", submission));
    std::vector<ObjectRecord> objects;
    for (sql::Row row : rows) objects.push_back(ReadObject(row));
    return objects;
  });
}

Status SqlErasureStore::Discard(const Context& ctx, const std::vector<Discarded>& what) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    for (const Discarded& one : what) GF_TRY(AddDiscarded(tx, one));
    return absl::OkStatus();
  });
}

Status SqlErasureStore::Commit(const Context& ctx, const Rewrite& rewrite) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    for (const auto& [path, segment] : rewrite.segments) {
      GF_TRY(
          tx.Exec("UPDATE snapshot_segments SET index_path = $3, manifest_sha256 = $4 "
                  "WHERE dataset = $1 AND index_path = $2",
                  rewrite.dataset, path, segment.index_path, segment.manifest_sha256));
      GF_TRY(AddDiscarded(tx, {Kind::kPath, path, rewrite.dataset}));
      GF_TRY(RemoveDiscarded(tx, Kind::kPath, segment.index_path));
    }
    for (const StoredVersion& version : rewrite.versions)
      GF_TRY(CommitVersion(tx, rewrite.dataset, version));
    for (const std::string& object : rewrite.dropped) {
      GF_TRY(tx.Exec("DELETE FROM objects WHERE id = $1", object));
      GF_TRY(AddDiscarded(tx, {Kind::kObject, object, rewrite.dataset}));
    }
    for (const ObjectRecord& object : rewrite.objects) {
      GF_ASSIGN(auto replaced,
                tx.Exec("DELETE FROM objects WHERE submission = $1 AND role = $2 RETURNING id",
                        object.submission, object.role));
      for (sql::Row row : replaced)
        GF_TRY(AddDiscarded(tx, {Kind::kObject, row.Text(0), rewrite.dataset}));
      GF_TRY(tx.Exec(
          "INSERT INTO objects (id, submission, role, name, plain_size, plain_sha256, body_size, "
          "body_sha256, header, header_stored, created) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, true, $10)",
          object.id, object.submission, object.role, object.name, object.plain_size,
          object.plain_sha256, object.body_size, object.body_sha256, sql::Bytes{object.header},
          object.created));
      GF_TRY(RemoveDiscarded(tx, Kind::kObject, object.id));
    }
    return absl::OkStatus();
  });
}

Status SqlErasureStore::Announced(const Context& ctx, const std::string& dataset,
                                  std::int32_t version) {
  return database_.Transact(ctx, [&](sql::Tx& tx) {
    return tx
        .Exec("UPDATE snapshots SET announced = true WHERE dataset = $1 AND version = $2", dataset,
              version)
        .status();
  });
}

Result<std::vector<Discarded>> SqlErasureStore::ListDiscarded(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Discarded>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT kind, name, dataset FROM discarded ORDER BY kind, name"));
    std::vector<Discarded> all;
    for (sql::Row row : rows)
      all.push_back(
          {row.Text(0) == "object" ? Kind::kObject : Kind::kPath, row.Text(1), row.Text(2)});
    return all;
  });
}

Status SqlErasureStore::Drop(const Context& ctx, const Discarded& what) {
  return database_.Transact(ctx,
                            [&](sql::Tx& tx) { return RemoveDiscarded(tx, what.kind, what.name); });
}

}  // namespace genofed::onboarding
