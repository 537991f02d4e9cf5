// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/onboarding/app/connector.h"

namespace genofed::onboarding {

// The database is borrowed.
class SqlConnectorStore final : public ConnectorStore {
 public:
  explicit SqlConnectorStore(sql::Database& database) : database_(database) {}

  Result<ConnectorState> Load(const Context& ctx, const std::string& name) override;
  Status Save(const Context& ctx, const ConnectorState& state) override;
  Result<PersonRecords> Records(const Context& ctx, const std::string& name) override;
  Status SetPending(const Context& ctx, const ConnectorState& state,
                    const PersonRecords& pending) override;
  Status CommitPending(const Context& ctx, const ConnectorState& state) override;
  Status Forget(const Context& ctx, const ConnectorState& state) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::onboarding
