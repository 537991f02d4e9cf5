// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/sql/database.h"
#include "services/spe/app/ports.h"

namespace genofed::spe {

// The lease policy of the table of tasks: another process takes over this long after the holder
// died.
inline const sql::LeaseTable& TaskLeases() {
  static const sql::LeaseTable table("tasks", {.duration = std::chrono::seconds(10),
                                               .backoff = std::chrono::milliseconds(500),
                                               .max_backoff = std::chrono::seconds(30)});
  return table;
}

class SqlTaskStore final : public TaskStore {
 public:
  explicit SqlTaskStore(sql::Database& database) : database_(database) {}

  Result<Task> Add(const Context& ctx, const TaskOrder& order, Time now) override;
  Result<Task> Find(const Context& ctx, const std::string& id) override;
  Result<std::vector<Task>> List(const Context& ctx, const std::string& after, int limit) override;
  Result<Task> RequestCancel(const Context& ctx, const std::string& id, Time now) override;
  Status Update(const Context& ctx, const sql::Lease& lease, const Task& task) override;
  Status Finish(const Context& ctx, const sql::Lease& lease, const Task& task,
                const Review* review) override;
  Status Defer(const Context& ctx, const sql::Lease& lease) override;
  Result<std::vector<Review>> ListReviews(const Context& ctx) override;
  Result<Review> FindReview(const Context& ctx, const std::string& task) override;
  Status Decide(const Context& ctx, const std::string& task, const std::string& digest,
                Decision decision, const std::string& by, const std::string& reason) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::spe
