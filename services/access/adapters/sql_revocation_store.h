// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/access/app/ports.h"

namespace genofed::access {

class SqlRevocationStore final : public RevocationStore {
 public:
  explicit SqlRevocationStore(sql::Database& database) : database_(database) {}
  Result<RevocationRecord> Add(const Context& ctx, const RevocationRecord& record) override;
  Result<RevocationRecord> Change(const Context& ctx, const std::string& id,
                                  const std::function<Status(RevocationRecord&)>& change) override;
  Result<std::vector<RevocationRecord>> List(const Context& ctx, bool all) override;
  Result<RevocationsInForce> InForce(const Context& ctx, std::int64_t known_sequence) override;

 private:
  sql::Database& database_;
};

// As RevocationStore::Add, within a transaction of something else.
Result<RevocationRecord> AddRevocation(sql::Tx& tx, const RevocationRecord& record);

}  // namespace genofed::access
