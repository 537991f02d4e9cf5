// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/sql_rows.h"

namespace genofed::consent {

Result<std::map<std::string, HeaderRow>> SqlHeaderRows::Find(
    const std::vector<std::string>& objects) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec(
          "SELECT object, dataset, version, header, role FROM headers WHERE object = ANY($1::text[])",
          objects));
  std::map<std::string, HeaderRow> headers;
  for (sql::Row row : rows) {
    headers[row.Text(0)] = {
        row.Text(0), {row.Text(1), static_cast<std::int32_t>(row.Int(2))}, row.BytesAt(3), row.Text(4)};
  }
  return headers;
}

Status SqlHeaderRows::Add(const HeaderRow& header) {
  return tx_
      .Exec("INSERT INTO headers (object, dataset, version, header, role) VALUES ($1, $2, $3, $4, $5)",
            header.object, header.dataset.dataset, header.dataset.version,
            sql::Bytes{header.header}, header.role)
      .status();
}

Result<std::map<DatasetVersion, std::set<std::string>>> SqlHeaderRows::Kinds(
    const std::vector<std::string>& datasets) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT DISTINCT dataset, version, role FROM headers "
                                "WHERE dataset = ANY($1::text[]) AND role <> ''",
                                datasets));
  std::map<DatasetVersion, std::set<std::string>> kinds;
  for (sql::Row row : rows)
    kinds[{row.Text(0), static_cast<std::int32_t>(row.Int(1))}].insert(row.Text(2));
  return kinds;
}

Result<std::int64_t> SqlHeaderRows::Destroy(const std::string& dataset, const std::vector<std::string>& objects) {
  GF_ASSIGN(auto rows, tx_.Exec("DELETE FROM headers WHERE dataset = $1 AND "
                                "(cardinality($2::text[]) = 0 OR object = ANY($2::text[]))",
                                dataset, objects));
  return static_cast<std::int64_t>(rows.affected());
}

Result<std::int64_t> SqlHeaderRows::CountReleases(std::int64_t headers) {
  GF_ASSIGN(auto rows,
            tx_.Exec("UPDATE head SET releases = releases + $1 RETURNING releases", headers));
  GF_ASSIGN(auto row, rows.One());
  return row.Int(0);
}

Result<std::int64_t> SqlHeaderRows::Releases() {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT releases FROM head"));
  GF_ASSIGN(auto row, rows.One());
  return row.Int(0);
}

}  // namespace genofed::consent
