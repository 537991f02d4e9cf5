// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_publication_store.h"

#include <map>

namespace genofed::discovery {
namespace {

// All publications, or one, in order of dataset and version.
Result<std::vector<Publication>> ReadPublications(sql::Tx& tx, const std::string& dataset,
                                                  std::int32_t version) {
  GF_ASSIGN(auto rows,
            tx.Exec("SELECT dataset, version, assembly, individuals_path, individuals_sha256 "
                    "FROM publications WHERE $1 = '' OR (dataset = $1 AND version = $2) "
                    "ORDER BY dataset, version",
                    dataset, version));
  GF_ASSIGN(
      auto segments,
      tx.Exec("SELECT dataset, version, index_path, manifest_sha256 FROM publication_segments "
              "WHERE $1 = '' OR (dataset = $1 AND version = $2) "
              "ORDER BY dataset, version, position",
              dataset, version));
  std::map<DatasetVersion, std::vector<Segment>> by_version;
  for (sql::Row row : segments) {
    by_version[{row.Text(0), static_cast<std::int32_t>(row.Int(1))}].push_back(
        {row.Text(2), row.Text(3)});
  }
  std::vector<Publication> publications;
  for (sql::Row row : rows) {
    Publication publication{row.Text(0), static_cast<std::int32_t>(row.Int(1)),
                            row.Text(2), {},
                            row.Text(3), row.Text(4)};
    publication.segments = by_version[{publication.dataset, publication.version}];
    publications.push_back(std::move(publication));
  }
  return publications;
}

// False: the version is there already.
Result<bool> Insert(sql::Tx& tx, const Publication& publication) {
  GF_ASSIGN(auto inserted,
            tx.Exec("INSERT INTO publications (dataset, version, assembly, individuals_path, "
                    "individuals_sha256) VALUES ($1, $2, $3, $4, $5) "
                    "ON CONFLICT (dataset, version) DO NOTHING",
                    publication.dataset, publication.version, publication.assembly,
                    publication.individuals_path, publication.individuals_sha256));
  if (inserted.affected() == 0) return false;
  for (std::size_t i = 0; i < publication.segments.size(); ++i) {
    GF_TRY(tx.Exec("INSERT INTO publication_segments (dataset, version, position, index_path, "
                   "manifest_sha256) VALUES ($1, $2, $3, $4, $5)",
                   publication.dataset, publication.version, static_cast<std::int64_t>(i),
                   publication.segments[i].index_path, publication.segments[i].manifest_sha256));
  }
  return true;
}

}  // namespace

Status SqlPublicationStore::Replace(const Context& ctx, const Publication& publication) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(tx.Exec("DELETE FROM publication_segments WHERE dataset = $1 AND version = $2",
                   publication.dataset, publication.version));
    GF_TRY(tx.Exec("DELETE FROM publications WHERE dataset = $1 AND version = $2",
                   publication.dataset, publication.version));
    return Insert(tx, publication).status();
  });
}

Status SqlPublicationStore::Add(const Context& ctx, const Publication& publication) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(const bool inserted, Insert(tx, publication));
    if (inserted) return absl::OkStatus();
    GF_ASSIGN(auto stored, ReadPublications(tx, publication.dataset, publication.version));
    if (stored == std::vector{publication}) return absl::OkStatus();
    return Error(StatusCode::kAlreadyExists, "VERSION_PUBLISHED",
                 "this version was published with other files");
  });
}

Result<std::vector<Publication>> SqlPublicationStore::List(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return ReadPublications(tx, "", 0); });
}

}  // namespace genofed::discovery
