// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "libs/sql/outbox.h"
#include "services/access/app/ports.h"

namespace genofed::access {

// Topic of the outbox message that takes a signed decision to the hub; its payload is a
// v1.DeliverDecisionRequest.
constexpr char kDecisionTopic[] = "deliver-decision";

class SqlGrantStore final : public GrantStore {
 public:
  explicit SqlGrantStore(sql::Database& database) : database_(database) {}
  Result<Grant> Find(const Context& ctx, const std::string& application) override;
  Result<Listed<Grant>> List(const Context& ctx, const Page& page) override;
  Result<std::vector<Grant>> Live(const Context& ctx, Time now) override;
  Result<std::vector<std::string>> Datasets(const Context& ctx) override;
  Result<Grant> Change(const Context& ctx, const std::string& application,
                       const std::function<Status(Grant&)>& change) override;
  Result<Grant> ChangeAndRevoke(const Context& ctx, const std::string& application,
                                const RevocationRecord& revocation,
                                const std::function<Status(Grant&)>& change) override;
  Result<std::int64_t> Cursor(const Context& ctx) override;
  Status SetCursor(const Context& ctx, std::int64_t sequence) override;

 private:
  Result<Grant> Change(sql::Tx& tx, const std::string& application,
                       const std::function<Status(Grant&)>& change);

  sql::Database& database_;
  sql::Outbox outbox_;
};

}  // namespace genofed::access
