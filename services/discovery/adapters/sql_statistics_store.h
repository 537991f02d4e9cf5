// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/discovery/app/people_ports.h"

namespace genofed::discovery {

class SqlStatisticsStore final : public StatisticsStore {
 public:
  explicit SqlStatisticsStore(sql::Database& database) : database_(database) {}
  Result<std::optional<Statistics>> Find(const Context& ctx, const std::string& dataset,
                                         std::int32_t version) override;
  Result<Statistics> Keep(const Context& ctx, const std::string& dataset, std::int32_t version,
                          const Statistics& statistics) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::discovery
