// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_statistics_store.h"

#include "services/discovery/adapters/statistics_mapping.h"

namespace genofed::discovery {
namespace {

Result<std::optional<Statistics>> Read(sql::Tx& tx, const std::string& dataset,
                                       std::int32_t version) {
  GF_ASSIGN(auto rows,
            tx.Exec("SELECT response FROM dataset_statistics WHERE dataset = $1 AND version = $2",
                    dataset, version));
  if (rows.empty()) return std::optional<Statistics>();
  v1::DescribeVersionResponse response;
  if (!response.ParseFromString(rows[0].BytesAt(0)))
    return Error(StatusCode::kDataLoss, "STATISTICS_UNREADABLE", "kept numbers cannot be read");
  return std::make_optional(FromProto(response));
}

}  // namespace

Result<std::optional<Statistics>> SqlStatisticsStore::Find(const Context& ctx,
                                                           const std::string& dataset,
                                                           std::int32_t version) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return Read(tx, dataset, version); });
}

Result<Statistics> SqlStatisticsStore::Keep(const Context& ctx, const std::string& dataset,
                                            std::int32_t version, const Statistics& statistics) {
  const std::string response = ToProto(statistics).SerializeAsString();
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<Statistics> {
    GF_TRY(
        tx.Exec("INSERT INTO dataset_statistics (dataset, version, response) VALUES ($1, $2, $3) "
                "ON CONFLICT (dataset, version) DO NOTHING",
                dataset, version, sql::Bytes{response}));
    GF_ASSIGN(auto kept, Read(tx, dataset, version));
    return kept.value();
  });
}

}  // namespace genofed::discovery
