// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_object_store.h"

#include "services/onboarding/adapters/sql_rows.h"

namespace genofed::onboarding {
namespace {

Status ObjectUnknown() {
  return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN",
               "there is no such object, or it is not yours");
}

#define GF_PUBLISHED_OBJECTS                                     \
  "SELECT " GF_OBJECT_COLUMNS                                    \
  ", s.dataset, s.version, s.issuer, s.subject, s.organisation " \
  "FROM objects o JOIN submissions s ON s.id = o.submission WHERE s.state = 'published' AND "

PublishedObject ReadPublished(const sql::Row& row) {
  PublishedObject found{ReadObject(row),
                        row.Text(11),
                        static_cast<std::int32_t>(row.Int(12)),
                        {row.Text(13), row.Text(14), row.Text(15)}};
  found.record.header.clear();
  return found;
}

}  // namespace

Result<PublishedObject> SqlObjectStore::Find(const Context& ctx, const std::string& object) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<PublishedObject> {
    GF_ASSIGN(auto rows, tx.Exec(GF_PUBLISHED_OBJECTS "o.id = $1", object));
    if (rows.empty()) return ObjectUnknown();
    return ReadPublished(rows[0]);
  });
}

Result<std::vector<PublishedObject>> SqlObjectStore::FindDataset(const Context& ctx,
                                                                 const std::string& dataset) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<PublishedObject>> {
    GF_ASSIGN(auto rows,
              tx.Exec(GF_PUBLISHED_OBJECTS
                      "s.dataset = $1 AND s.version = (SELECT max(version) FROM submissions "
                      "WHERE dataset = $1 AND state = 'published') ORDER BY o.role",
                      dataset));
    if (rows.empty()) return ObjectUnknown();
    std::vector<PublishedObject> objects;
    for (sql::Row row : rows) objects.push_back(ReadPublished(row));
    return objects;
  });
}

Result<ObjectRecord> SqlObjectStore::FindBeside(const Context& ctx, const PublishedObject& object,
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

}  // namespace genofed::onboarding
