// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/consent/adapters/voices_cache.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// The store in PostgreSQL. Writing transactions lock the row of table `head` first: one after
// another, over all processes, so read-committed isolation suffices and indices have no gaps.
class SqlStore final : public Store {
 public:
  explicit SqlStore(sql::Database& database) : database_(database) {}
  Status Read(const Context& ctx, const Body& body) override;
  Status Write(const Context& ctx, const Body& body) override;
  Status WriteAside(const Context& ctx, const Body& body) override;

 private:
  sql::Database& database_;
  VoicesCache voices_;
};

}  // namespace genofed::consent
