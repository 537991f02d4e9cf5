// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/platform/ledger_outbox.h"
#include "libs/sql/database.h"
#include "services/discovery/app/query_batches.h"

namespace genofed::discovery {

// Windows over the disclosure audit of SqlDisclosureStore, in the same database.
class SqlQueryBatchStore final : public QueryBatchStore {
 public:
  explicit SqlQueryBatchStore(sql::Database& database) : database_(database) {}

  Status CloseWindow(
      const Context& ctx, Time begun_by, std::int64_t most,
      const std::function<std::vector<QueryBatchEntry>(const QueryWindow&)>& make) override;

 private:
  sql::Database& database_;
  const LedgerOutbox outbox_;
};

}  // namespace genofed::discovery
