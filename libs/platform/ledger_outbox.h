// SPDX-License-Identifier: Apache-2.0
//
// Entries of the site's ledger that a service stores in the transaction that causes them, and that
// follow whatever happens afterwards: nobody sees what is decided without an entry being certain.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libs/ledger/entry.h"
#include "libs/rpc/channel.h"
#include "libs/sql/outbox.h"

namespace genofed {

class LedgerOutbox {
 public:
  // `table` as of libs/sql/outbox.h, and of nothing else: what waits for another receiver would
  // hold up the entries.
  explicit LedgerOutbox(const std::string& table = "ledger_outbox") : outbox_(table) {}

  // Appended once `tx` has committed, in the order of the commits for each subject, and once for
  // each key. The bytes are fixed here, and an entry that no ledger would take fails the
  // transaction: ENTRY_INVALID.
  Status Put(sql::Tx& tx, std::string_view subject, const std::string& key,
             const ledger::Entry& entry) const;

 private:
  sql::Outbox outbox_;
};

// The thread that appends. Any number may share a table.
std::unique_ptr<sql::OutboxPump> StartLedgerDelivery(sql::Database& database,
                                                     rpc::ChannelSource consent,
                                                     const std::string& table = "ledger_outbox");

}  // namespace genofed
