// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/dispatcher/app/node_ports.h"

namespace genofed::dispatcher {

// Another process takes over this long after the holder of a part died.
inline sql::LeaseTable PartLeases() {
  return sql::LeaseTable("node_parts", {.duration = std::chrono::seconds(10),
                                        .backoff = std::chrono::milliseconds(500),
                                        .max_backoff = std::chrono::seconds(15)});
}

class SqlPartStore final : public PartStore {
 public:
  explicit SqlPartStore(sql::Database& database) : database_(database), leases_(PartLeases()) {}

  Status Add(const Context& ctx, const NodePart& part) override;
  Status WishCancel(const Context& ctx, const std::string& id) override;
  Result<std::vector<std::string>> Open(const Context& ctx) override;
  Result<NodePart> Find(const Context& ctx, const std::string& id) override;
  Result<std::vector<NodePart>> OfRun(const Context& ctx, const std::string& run) override;
  Result<std::vector<std::string>> ListRuns(const Context& ctx, const std::string& before,
                                            int limit) override;
  Status Save(const Context& ctx, const sql::Lease& lease, const NodePart& part) override;
  Status Finish(const Context& ctx, const sql::Lease& lease, const NodePart& part) override;
  Status Defer(const Context& ctx, const sql::Lease& lease,
               std::chrono::milliseconds delay) override;

 private:
  sql::Database& database_;
  const sql::LeaseTable leases_;
};

}  // namespace genofed::dispatcher
