// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/core/context.h"
#include "libs/ledger/entry.h"
#include "libs/rpc/channel.h"

namespace genofed {

// Appends to the ledger of the site: for services that write to it and never read. Thread-safe.
class LedgerClient {
 public:
  explicit LedgerClient(rpc::ChannelSource consent, rpc::CallOptions options = {});
  ~LedgerClient();
  LedgerClient(LedgerClient&&) noexcept;

  // Durable when it returns, and once for each key: what was appended under it before stays, though
  // a repetition may bear another time. Errors: ENTRY_INVALID, those of consent's AppendEntry.
  Status Append(const Context& ctx, const std::string& key, const ledger::Entry& entry) const;
  // The same of an entry's canonical bytes.
  Status AppendBytes(const Context& ctx, const std::string& key, const std::string& bytes) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genofed
