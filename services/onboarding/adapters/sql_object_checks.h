// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/onboarding/app/integrity.h"

namespace genofed::onboarding {

// Borrows the database.
class SqlObjectChecks final : public ObjectChecks {
 public:
  explicit SqlObjectChecks(sql::Database& database) : database_(database) {}

  Result<std::optional<CheckedObject>> NextDue(const Context& ctx, Time before) override;
  Status Record(const Context& ctx, const std::string& object, Time checked,
                const std::string& damage) override;
  Result<IntegritySummary> Summary(const Context& ctx) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::onboarding
