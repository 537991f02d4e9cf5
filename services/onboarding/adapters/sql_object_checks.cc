// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_object_checks.h"

#include "services/onboarding/adapters/sql_rows.h"

namespace genofed::onboarding {
namespace {

#define GF_CHECKED_COLUMNS GF_PUBLISHED_COLUMNS ", o.checked, o.damage"
#define GF_FROM_PUBLISHED \
  " FROM objects o JOIN submissions s ON s.id = o.submission WHERE s.state = 'published' "

CheckedObject ReadChecked(const sql::Row& row) {
  return {ReadPublished(row), row.OptionalTime(kPublishedColumns), row.Text(kPublishedColumns + 1)};
}

}  // namespace

Result<std::optional<CheckedObject>> SqlObjectChecks::NextDue(const Context& ctx, Time before) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::optional<CheckedObject>> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT " GF_CHECKED_COLUMNS GF_FROM_PUBLISHED
                "AND (o.checked IS NULL OR o.checked < $1) ORDER BY o.checked NULLS FIRST LIMIT 1",
                before));
    return rows.empty() ? std::nullopt : std::optional(ReadChecked(rows[0]));
  });
}

Status SqlObjectChecks::Record(const Context& ctx, const std::string& object, Time checked,
                               const std::string& damage) {
  return database_.Transact(ctx, [&](sql::Tx& tx) {
    return tx
        .Exec("UPDATE objects SET checked = $2, damage = $3 WHERE id = $1", object, checked, damage)
        .status();
  });
}

Result<IntegritySummary> SqlObjectChecks::Summary(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<IntegritySummary> {
    GF_ASSIGN(auto totals, tx.Exec("SELECT count(*), count(*) FILTER (WHERE o.checked IS NULL), "
                                   "min(o.checked)" GF_FROM_PUBLISHED));
    IntegritySummary summary{totals[0].Int(0), totals[0].Int(1), totals[0].OptionalTime(2), {}};
    if (summary.never_checked > 0) summary.oldest_check.reset();
    GF_ASSIGN(auto damaged,
              tx.Exec("SELECT " GF_CHECKED_COLUMNS GF_FROM_PUBLISHED
                      "AND o.damage <> '' ORDER BY s.dataset, s.version, o.id LIMIT 1000"));
    for (sql::Row row : damaged) summary.damaged.push_back(ReadChecked(row));
    return summary;
  });
}

}  // namespace genofed::onboarding
