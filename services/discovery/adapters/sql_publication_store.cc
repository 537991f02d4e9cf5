// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_publication_store.h"

namespace genofed::discovery {
namespace {

Publication FromRow(const sql::Row& row) {
  return {row.Text(0), static_cast<std::int32_t>(row.Int(1)),
          row.Text(2), row.Text(3),
          row.Text(4), row.Text(5),
          row.Text(6)};
}

}  // namespace

Status SqlPublicationStore::Add(const Context& ctx, const Publication& publication) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(
        auto inserted,
        tx.Exec(
            "INSERT INTO publications (dataset, version, assembly, index_path, manifest_sha256, "
            "individuals_path, individuals_sha256) VALUES ($1, $2, $3, $4, $5, $6, $7) "
            "ON CONFLICT (dataset, version) DO NOTHING",
            publication.dataset, publication.version, publication.assembly, publication.index_path,
            publication.manifest_sha256, publication.individuals_path,
            publication.individuals_sha256));
    if (inserted.affected() == 1) return absl::OkStatus();
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT dataset, version, assembly, index_path, manifest_sha256, individuals_path, "
                "individuals_sha256 FROM publications WHERE dataset = $1 AND version = $2",
                publication.dataset, publication.version));
    GF_ASSIGN(auto row, rows.One());
    if (FromRow(row) == publication) return absl::OkStatus();
    return Error(StatusCode::kAlreadyExists, "VERSION_PUBLISHED",
                 "this version was published with other files");
  });
}

Result<std::vector<Publication>> SqlPublicationStore::ListCurrent(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Publication>> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT DISTINCT ON (dataset) dataset, version, assembly, index_path, "
                      "manifest_sha256, individuals_path, individuals_sha256 FROM publications "
                      "ORDER BY dataset, version DESC"));
    std::vector<Publication> current;
    for (sql::Row row : rows) current.push_back(FromRow(row));
    return current;
  });
}

}  // namespace genofed::discovery
