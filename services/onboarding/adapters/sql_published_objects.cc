// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_published_objects.h"

#include "services/onboarding/adapters/sql_rows.h"

namespace genofed::onboarding {
namespace {

Status ObjectUnknown() {
  return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN",
               "there is no such object, or it is not yours");
}

}  // namespace

Result<PublishedObject> SqlPublishedObjects::Find(const Context& ctx, const std::string& object) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<PublishedObject> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_PUBLISHED_COLUMNS
                                 " FROM objects o JOIN submissions s ON s.id = o.submission "
                                 "WHERE o.id = $1 AND s.state = 'published' AND o.role NOT IN ('quarantine', 'person-records')",
                                 object));
    if (rows.empty()) return ObjectUnknown();
    return ReadPublished(rows[0]);
  });
}

// Genotypes and their indices belong to the segments of the version, all else to its own
// submission.
Result<std::vector<PublishedObject>> SqlPublishedObjects::FindDataset(const Context& ctx,
                                                                 const std::string& dataset,
                                                                 std::int32_t version) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<PublishedObject>> {
    GF_ASSIGN(
        auto rows,
        tx.Exec(
            "SELECT " GF_PUBLISHED_COLUMNS " FROM submissions s JOIN objects o ON (o.submission = "
                                           "s.id AND o.role NOT IN ('genotypes', 'index', 'quarantine', 'person-records')) "
            "OR (o.role IN ('genotypes', 'index') AND o.submission IN (SELECT g.submission "
            "FROM snapshot_segments g WHERE g.dataset = s.dataset AND g.version = s.version)) "
            "WHERE s.dataset = $1 AND s.state = 'published' AND s.version = "
            "CASE WHEN $2::integer > 0 THEN $2::integer ELSE (SELECT max(version) FROM submissions "
            "WHERE dataset = $1 AND state = 'published') END ORDER BY o.role, o.created, o.id",
            dataset, version));
    if (rows.empty()) return ObjectUnknown();
    std::vector<PublishedObject> objects;
    for (sql::Row row : rows) objects.push_back(ReadPublished(row));
    return objects;
  });
}

Result<ObjectRecord> SqlPublishedObjects::FindBeside(const Context& ctx, const PublishedObject& object,
                                                const std::string& role) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<ObjectRecord> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_OBJECT_COLUMNS
                                 " FROM objects o WHERE o.submission = $1 AND o.role = $2",
                                 object.record.submission, role));
    if (rows.empty()) return ObjectUnknown();
    ObjectRecord found = ReadObject(rows[0]);
    found.header.clear();
    return found;
  });
}

Result<PublishedObject> SqlPublishedObjects::FindQuarantine(const Context& ctx,
                                                       const std::string& submission) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<PublishedObject> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT " GF_PUBLISHED_COLUMNS
                      " FROM objects o JOIN submissions s ON s.id = o.submission "
                      "WHERE s.id = $1 AND s.state = 'published' AND o.role = 'quarantine'",
                      submission));
    if (rows.empty()) return ObjectUnknown();
    PublishedObject found = ReadPublished(rows[0]);
    found.record.header = ReadObject(rows[0]).header;
    return found;
  });
}

}  // namespace genofed::onboarding
