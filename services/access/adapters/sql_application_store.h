// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/access/app/ports.h"

namespace genofed::access {

class SqlApplicationStore final : public ApplicationStore {
 public:
  explicit SqlApplicationStore(sql::Database& database) : database_(database) {}
  Result<Application> Add(const Context& ctx, const Application& application,
                          const std::string& key) override;
  Result<Application> Change(const Context& ctx, const std::string& id,
                             const std::function<Status(Application&)>& change) override;
  Result<Application> Find(const Context& ctx, const std::string& id) override;
  Result<Listed<Application>> List(const Context& ctx, const Viewer& viewer,
                                   const Page& page) override;
  Result<std::vector<Application>> ChangedSince(const Context& ctx, const std::string& country,
                                                std::int64_t after, int limit) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::access
