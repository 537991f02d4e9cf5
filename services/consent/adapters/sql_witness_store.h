// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/consent/app/witness_ports.h"

namespace genofed::consent {

class SqlWitnessStore final : public WitnessStore {
 public:
  explicit SqlWitnessStore(sql::Database& database) : database_(database) {}
  Result<std::optional<WitnessedLog>> Find(const Context& ctx, const std::string& origin) override;
  Result<bool> Replace(const Context& ctx, const std::optional<ledger::WitnessedTree>& before,
                       const WitnessedLog& after) override;
  Result<std::vector<WitnessedLog>> All(const Context& ctx) override;
  Result<bool> AddAlarm(const Context& ctx, const LedgerAlarm& alarm) override;
  Result<std::vector<LedgerAlarm>> Alarms(const Context& ctx, int limit) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::consent
