// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/discovery/app/beacon_ports.h"

namespace genofed::discovery {

class SqlBeaconStore final : public BeaconStore {
 public:
  explicit SqlBeaconStore(sql::Database& database) : database_(database) {}
  Status Add(const Context& ctx, const BeaconPublication& publication) override;
  Status Replace(const Context& ctx, const BeaconPublication& publication) override;
  Result<std::vector<BeaconPublication>> List(const Context& ctx) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::discovery
