// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/disclosure/policy.h"
#include "libs/sql/database.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// Budgets and the audit in the node's database, which all replicas share. When the database's
// machine crashes, charges of a fraction of a second are lost, but none that came with a slice; a
// settlement that is lost leaves the slice spent.
class SqlDisclosureStore final : public BudgetStore, public AuditStore {
 public:
  SqlDisclosureStore(sql::Database& database, const disclosure::Policy& policy)
      : database_(database), policy_(policy) {}

  Result<Charged> Charge(const Context& ctx, const std::string& account,
                         const std::vector<Spending>& spendings,
                         const std::map<std::string, double>& slices, Time now) override;
  Status Settle(const Context& ctx, const std::vector<Settlement>& settlements, Time now) override;
  Status Append(const Context& ctx, const std::vector<AuditEntry>& entries) override;
  Result<std::vector<AuditRow>> ReadAudit(const Context& ctx) override;
  Status Forget(const Context& ctx, Time now) override;

 private:
  sql::Database& database_;
  const disclosure::Policy policy_;
};

// Nobody adds to the audit until `tx` ends.
Status LockAudit(sql::Tx& tx);

}  // namespace genofed::discovery
