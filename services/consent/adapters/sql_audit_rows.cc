// SPDX-License-Identifier: Apache-2.0

#include "libs/core/strings.h"
#include "services/consent/adapters/sql_rows.h"

namespace genofed::consent {
namespace {

std::vector<AuditRow> ToRows(const sql::Rows& rows) {
  std::vector<AuditRow> out;
  out.reserve(rows.size());
  for (sql::Row row : rows) {
    out.push_back({row.Int(0), row.TimeAt(1), row.Text(2), row.Text(3), row.Text(4), row.Text(5), row.Text(6),
                   row.Text(7), row.OptionalInt(8)});
  }
  return out;
}

NoticeRow ToNotice(const sql::Row& row) {
  NoticeRow notice{row.Text(0), row.Text(1), row.Text(2),         row.Text(3),   row.Text(4), row.Text(5),
                   row.Text(6), {},          row.OptionalTime(8), row.TimeAt(9), row.Int(10)};
  if (const std::string datasets = row.Text(7); !datasets.empty()) {
    for (const auto& dataset : Split(datasets, ',')) notice.datasets.emplace_back(dataset);
  }
  return notice;
}

}  // namespace

Result<std::int64_t> SqlAuditRows::Indexed() {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT coalesce(max(ledger_index) + 1, 0) FROM audit_entries"));
  GF_ASSIGN(auto row, rows.One());
  return row.Int(0);
}

Status SqlAuditRows::Index(const std::vector<AuditRow>& rows) {
  std::vector<std::int64_t> indices, releases;  // releases: -1, none
  std::vector<std::string> at, kind, project, organisation, dataset, application, run;
  for (const AuditRow& row : rows) {
    indices.push_back(row.index);
    releases.push_back(row.releases.value_or(-1));
    at.push_back(FormatRfc3339(row.at));
    kind.push_back(row.kind);
    project.push_back(row.project);
    organisation.push_back(row.organisation);
    dataset.push_back(row.dataset);
    application.push_back(row.application);
    run.push_back(row.run);
  }
  return tx_
      .Exec(
          "INSERT INTO audit_entries (ledger_index, at, kind, project, organisation, dataset, application, run, "
          "releases) SELECT i, t::timestamptz, k, p, o, d, a, r, nullif(n, -1) FROM unnest($1::bigint[], $2::text[], "
          "$3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[]) "
          "AS new (i, t, k, p, o, d, a, r, n) ON CONFLICT DO NOTHING",
          indices, at, kind, project, organisation, dataset, application, run, releases)
      .status();
}

Result<std::vector<AuditRow>> SqlAuditRows::Newest(const AuditQuery& query, std::int64_t before, int limit) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("SELECT ledger_index, at, kind, project, organisation, dataset, application, run, releases "
               "FROM audit_entries WHERE ledger_index < $1 AND ($2 = '' OR project = $2) "
               "AND ($3 = '' OR organisation = $3) AND ($4 = '' OR dataset = $4) AND ($5 = '' OR application = $5) "
               "AND ($6 = '' OR kind = $6) AND ($7::timestamptz IS NULL OR at >= $7::timestamptz) "
               "AND ($8::timestamptz IS NULL OR at < $8::timestamptz) ORDER BY ledger_index DESC LIMIT $9",
               before, query.project, query.organisation, query.dataset, query.application, query.kind, query.from,
               query.to, limit));
  return ToRows(rows);
}

Result<std::vector<AuditRow>> SqlAuditRows::Oldest(const AuditQuery& query, std::int64_t start, int limit) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("SELECT ledger_index, at, kind, project, organisation, dataset, application, run, releases "
               "FROM audit_entries WHERE ledger_index >= $1 AND ($2 = '' OR project = $2) "
               "AND ($3 = '' OR organisation = $3) AND ($4 = '' OR dataset = $4) AND ($5 = '' OR application = $5) "
               "AND ($6 = '' OR kind = $6) AND ($7::timestamptz IS NULL OR at >= $7::timestamptz) "
               "AND ($8::timestamptz IS NULL OR at < $8::timestamptz) ORDER BY ledger_index LIMIT $9",
               start, query.project, query.organisation, query.dataset, query.application, query.kind, query.from,
               query.to, limit));
  return ToRows(rows);
}

Result<std::vector<AuditRow>> SqlAuditRows::Releases(std::int64_t start, int limit) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("SELECT ledger_index, at, kind, project, organisation, dataset, application, run, releases "
               "FROM audit_entries WHERE releases IS NOT NULL AND ledger_index >= $1 ORDER BY ledger_index LIMIT $2",
               start, limit));
  return ToRows(rows);
}

Result<std::vector<std::string>> SqlAuditRows::RunsWith(const std::string& kind, const std::vector<std::string>& runs) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT DISTINCT run FROM audit_entries WHERE kind = $1 AND run = ANY($2::text[])", kind, runs));
  std::vector<std::string> found;
  for (sql::Row row : rows) found.push_back(row.Text(0));
  return found;
}

Result<std::optional<NoticeRow>> SqlAuditRows::FindNotice(const std::string& idempotency_key) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("SELECT id, idempotency_key, title, what_happened, consequences, measures, contact, "
               "array_to_string(datasets, ','), happened, published, people FROM notices WHERE idempotency_key = $1",
               idempotency_key));
  if (rows.empty()) return std::optional<NoticeRow>();
  return std::optional<NoticeRow>(ToNotice(rows[0]));
}

Status SqlAuditRows::AddNotice(const NoticeRow& notice) {
  return tx_
      .Exec(
          "INSERT INTO notices (id, idempotency_key, title, what_happened, consequences, measures, contact, datasets, "
          "happened, published, people) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text[], $9, $10, $11)",
          notice.id, notice.idempotency_key, notice.title, notice.what_happened, notice.consequences, notice.measures,
          notice.contact, notice.datasets, notice.happened, notice.published, notice.people)
      .status();
}

Result<std::vector<NoticeRow>> SqlAuditRows::NoticesOf(const std::vector<std::string>& datasets) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT id, idempotency_key, title, what_happened, consequences, measures, contact, "
                     "array_to_string(datasets, ','), happened, published, people FROM notices "
                     "WHERE cardinality(datasets) = 0 OR datasets && $1::text[] ORDER BY published DESC, id LIMIT 1000",
                     datasets));
  std::vector<NoticeRow> notices;
  for (sql::Row row : rows) notices.push_back(ToNotice(row));
  return notices;
}

}  // namespace genofed::consent
