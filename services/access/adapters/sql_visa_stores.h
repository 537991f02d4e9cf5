// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/access/app/passports.h"
#include "services/access/app/visas.h"

namespace genofed::access {

class SqlMintedVisaStore final : public MintedVisaStore {
 public:
  explicit SqlMintedVisaStore(sql::Database& database) : database_(database) {}
  Status Remember(const Context& ctx, const MintedVisa& visa) override;
  Result<std::optional<std::string>> ApplicationOf(const Context& ctx,
                                                   const std::string& id) override;

 private:
  sql::Database& database_;
};

class SqlHeldVisaStore final : public HeldVisaStore {
 public:
  explicit SqlHeldVisaStore(sql::Database& database) : database_(database) {}
  Status Put(const Context& ctx, const HeldVisa& visa) override;
  Result<std::vector<HeldVisa>> Of(const Context& ctx, const std::string& subject,
                                   Time now) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::access
