// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_frequency_publications.h"

namespace genofed::discovery {

Result<std::optional<FrequencyPublication>> SqlFrequencyPublications::Last(
    const Context& ctx, const std::string& assembly) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::optional<FrequencyPublication>> {
    GF_ASSIGN(const auto rows,
              tx.Exec("SELECT id, digest, published FROM frequency_tables WHERE assembly = $1 "
                      "ORDER BY id DESC LIMIT 1",
                      assembly));
    if (rows.empty()) return std::nullopt;
    FrequencyPublication last{rows[0].Int(0), assembly, rows[0].Text(1), {}, rows[0].TimeAt(2)};
    GF_ASSIGN(const auto counted,
              tx.Exec("SELECT dataset, version, people FROM frequency_counted WHERE published = $1",
                      last.id));
    for (sql::Row row : counted)
      last.counted[row.Text(0)] = {static_cast<std::int32_t>(row.Int(1)), row.BytesAt(2)};
    return last;
  });
}

Result<std::int64_t> SqlFrequencyPublications::CountSince(const Context& ctx,
                                                          const std::string& assembly, Time since) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::int64_t> {
    GF_ASSIGN(
        const auto rows,
        tx.Exec("SELECT count(*) FROM frequency_tables WHERE assembly = $1 AND published > $2",
                assembly, since));
    return rows[0].Int(0);
  });
}

Result<bool> SqlFrequencyPublications::Published(const Context& ctx, const std::string& assembly,
                                                 const std::string& digest) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<bool> {
    GF_ASSIGN(const auto rows,
              tx.Exec("SELECT 1 FROM frequency_tables WHERE assembly = $1 AND digest = $2 LIMIT 1",
                      assembly, digest));
    return !rows.empty();
  });
}

Status SqlFrequencyPublications::Add(const Context& ctx, const FrequencyPublication& publication,
                                     std::int64_t after) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    // Two replicas must not both publish the last version that the policy allows.
    GF_TRY(tx.Exec("LOCK TABLE frequency_tables IN EXCLUSIVE MODE"));
    GF_ASSIGN(const auto last,
              tx.Exec("SELECT coalesce(max(id), 0) FROM frequency_tables WHERE assembly = $1",
                      publication.assembly));
    if (last[0].Int(0) != after)
      return Error(StatusCode::kAborted, "TABLE_OVERTAKEN", "another replica published a table");
    GF_ASSIGN(const auto added,
              tx.Exec("INSERT INTO frequency_tables (assembly, digest, published) "
                      "VALUES ($1, $2, $3) RETURNING id",
                      publication.assembly, publication.digest, publication.published));
    for (const auto& [dataset, counted] : publication.counted) {
      GF_TRY(
          tx.Exec("INSERT INTO frequency_counted (published, dataset, version, people) "
                  "VALUES ($1, $2, $3, $4)",
                  added[0].Int(0), dataset, counted.version, sql::Bytes{counted.people}));
    }
    return absl::OkStatus();
  });
}

}  // namespace genofed::discovery
