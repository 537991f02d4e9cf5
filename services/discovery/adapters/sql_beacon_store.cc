// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_beacon_store.h"

namespace genofed::discovery {
namespace {

// All publications, or one, in order of dataset and version.
Result<std::vector<BeaconPublication>> Read(sql::Tx& tx, const std::string& dataset, std::int32_t version) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT dataset, version, path, sha256 FROM beacon_publications "
                               "WHERE $1 = '' OR (dataset = $1 AND version = $2) ORDER BY dataset, version",
                               dataset, version));
  std::vector<BeaconPublication> publications;
  for (sql::Row row : rows)
    publications.push_back({row.Text(0), static_cast<std::int32_t>(row.Int(1)), row.Text(2), row.Text(3)});
  return publications;
}

}  // namespace

Status SqlBeaconStore::Add(const Context& ctx, const BeaconPublication& publication) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(
        tx.Exec("INSERT INTO beacon_publications (dataset, version, path, sha256) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (dataset, version) DO NOTHING",
                publication.dataset, publication.version, publication.path, publication.sha256));
    GF_ASSIGN(const auto stored, Read(tx, publication.dataset, publication.version));
    if (stored == std::vector{publication}) return absl::OkStatus();
    return Error(StatusCode::kAlreadyExists, "VERSION_PUBLISHED", "this version was published with other files");
  });
}

Status SqlBeaconStore::Replace(const Context& ctx, const BeaconPublication& publication) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    return tx
        .Exec("INSERT INTO beacon_publications (dataset, version, path, sha256) VALUES ($1, $2, $3, $4) "
              "ON CONFLICT (dataset, version) DO UPDATE SET path = excluded.path, sha256 = excluded.sha256",
              publication.dataset, publication.version, publication.path, publication.sha256)
        .status();
  });
}

Result<std::vector<BeaconPublication>> SqlBeaconStore::List(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return Read(tx, "", 0); });
}

}  // namespace genofed::discovery
