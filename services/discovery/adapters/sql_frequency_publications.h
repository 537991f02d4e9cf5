// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/discovery/app/frequency_ports.h"

namespace genofed::discovery {

class SqlFrequencyPublications final : public FrequencyPublications {
 public:
  explicit SqlFrequencyPublications(sql::Database& database) : database_(database) {}
  Result<std::optional<FrequencyPublication>> Last(const Context& ctx,
                                                   const std::string& assembly) override;
  Result<std::int64_t> CountSince(const Context& ctx, const std::string& assembly,
                                  Time since) override;
  Result<bool> Published(const Context& ctx, const std::string& assembly,
                         const std::string& digest) override;
  Status Add(const Context& ctx, const FrequencyPublication& publication,
             std::int64_t after) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::discovery
