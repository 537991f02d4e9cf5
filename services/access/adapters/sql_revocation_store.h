// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/core/random.h"
#include "libs/sql/database.h"
#include "services/access/app/ports.h"

namespace genofed::access {

class SqlRevocationStore final : public RevocationStore {
 public:
  // Borrows both.
  SqlRevocationStore(sql::Database& database, Random& random)
      : database_(database), random_(random) {}
  Result<RevocationRecord> Add(const Context& ctx, const RevocationRecord& record) override;
  Result<RevocationRecord> Change(const Context& ctx, const std::string& id,
                                  const std::function<Status(RevocationRecord&)>& change) override;
  Result<std::vector<RevocationRecord>> List(const Context& ctx, bool all) override;
  Result<RevocationsInForce> InForce(const Context& ctx, std::int64_t known_sequence) override;

 private:
  sql::Database& database_;
  Random& random_;
};

// As RevocationStore::Add, within a transaction of something else. That the country's approval of
// an application no longer counts is on its way to the ledger then.
Result<RevocationRecord> AddRevocation(sql::Tx& tx, const RevocationRecord& record, Random& random);

}  // namespace genofed::access
