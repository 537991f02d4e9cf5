// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/core/random.h"
#include "libs/sql/database.h"
#include "libs/sql/outbox.h"
#include "services/access/app/ports.h"

namespace genofed::access {

// Topic of the outbox message that takes a signed decision to the hub; its payload is a
// v1.DeliverDecisionRequest.
constexpr char kDecisionTopic[] = "deliver-decision";

// What is decided is on its way to the hub and to the site's ledger when it can be seen.
class SqlGrantStore final : public GrantStore {
 public:
  // Borrows all.
  SqlGrantStore(sql::Database& database, const Clock& clock, Random& random)
      : database_(database), clock_(clock), random_(random) {}
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
  const Clock& clock_;
  Random& random_;
  sql::Outbox outbox_;
};

}  // namespace genofed::access
