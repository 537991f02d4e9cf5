// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/sql_task_store.h"

#include "services/spe/adapters/proto_mapping.h"

namespace genofed::spe {
namespace {

constexpr TaskState kStates[] = {
    TaskState::kQueued,   TaskState::kInitializing,  TaskState::kRunning,     TaskState::kInReview,
    TaskState::kComplete, TaskState::kExecutorError, TaskState::kSystemError, TaskState::kCanceled};

Status Unreadable() {
  return Error(StatusCode::kDataLoss, "TASK_UNREADABLE", "a stored task cannot be read");
}

Result<Task> ReadTask(const sql::Row& row) {
  Task task;
  v1::Task order;
  if (!order.ParseFromString(row.BytesAt(0))) return Unreadable();
  task.order = OrderFromProto(order);
  const std::string state = row.Text(1);
  for (const TaskState candidate : kStates) {
    if (StateName(candidate) == state) task.state = candidate;
  }
  task.reason = row.Text(2);
  task.cancel_requested = row.Bool(3);
  task.executor_attempt = static_cast<int>(row.Int(4));
  task.individuals = static_cast<std::int32_t>(row.Int(5));
  task.exit_code = static_cast<std::int32_t>(row.Int(6));
  task.created = row.TimeAt(7);
  task.started = row.OptionalTime(8);
  task.ended = row.OptionalTime(9);
  return task;
}

Result<Task> FindIn(sql::Tx& tx, const std::string& id) {
  GF_ASSIGN(const sql::Rows rows, tx.Exec("SELECT task_order, state, reason, cancel_requested, "
                                          "executor_attempt, individuals, exit_code, "
                                          "created, started, ended FROM tasks WHERE id = $1",
                                          id));
  if (rows.empty()) return Error(StatusCode::kNotFound, "TASK_NOT_FOUND", "no task {}", id);
  return ReadTask(rows[0]);
}

Result<Review> ReadReview(const sql::Row& row) {
  v1::Review document;
  v1::Task order;
  if (!document.ParseFromString(row.BytesAt(0)) || !order.ParseFromString(row.BytesAt(4)))
    return Unreadable();
  Review review = ReviewFromProto(document);
  const std::string decision = row.Text(1);
  review.decision = decision == "release"  ? Decision::kRelease
                    : decision == "refuse" ? Decision::kRefuse
                                           : Decision::kNone;
  review.decided_by = row.Text(2);
  review.decision_reason = row.Text(3);
  review.requester_subject = order.requester_subject();
  return review;
}

std::string DecisionName(Decision decision) {
  return decision == Decision::kRelease  ? "release"
         : decision == Decision::kRefuse ? "refuse"
                                         : "none";
}

// The columns a worker may change; the row is the lease holder's, which the caller proves in the
// same transaction.
Status StoreProgress(sql::Tx& tx, const Task& task) {
  return tx
      .Exec(
          "UPDATE tasks SET state = $2, reason = $3, executor_attempt = $4, individuals = $5, "
          "exit_code = $6, "
          "started = $7::timestamptz, ended = $8::timestamptz WHERE id = $1",
          task.order.id, StateName(task.state), task.reason, task.executor_attempt,
          task.individuals, task.exit_code, task.started, task.ended)
      .status();
}

}  // namespace

Result<Task> SqlTaskStore::Add(const Context& ctx, const TaskOrder& order, Time now) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<Task> {
    GF_TRY(
        tx.Exec("INSERT INTO tasks (id, task_order, state, created) VALUES ($1, $2, 'queued', $3) "
                "ON CONFLICT (id) DO NOTHING",
                order.id, sql::Bytes{OrderToProto(order).SerializeAsString()}, now));
    GF_ASSIGN(Task task, FindIn(tx, order.id));
    if (!(task.order == order)) {
      return Error(StatusCode::kAlreadyExists, "TASK_EXISTS", "task {} exists with another order",
                   order.id);
    }
    return task;
  });
}

Result<Task> SqlTaskStore::Find(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return FindIn(tx, id); });
}

Result<std::vector<Task>> SqlTaskStore::List(const Context& ctx, const std::string& after,
                                             int limit) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Task>> {
    GF_ASSIGN(const sql::Rows rows,
              tx.Exec("SELECT task_order, state, reason, cancel_requested, executor_attempt, "
                      "individuals, exit_code, "
                      "created, started, ended FROM tasks WHERE id > $1 ORDER BY id LIMIT $2",
                      after, limit));
    std::vector<Task> tasks;
    for (const sql::Row row : rows) {
      GF_ASSIGN(Task task, ReadTask(row));
      tasks.push_back(std::move(task));
    }
    return tasks;
  });
}

Result<Task> SqlTaskStore::RequestCancel(const Context& ctx, const std::string& id, Time now) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<Task> {
    // Nobody works on it and it has no container: it ends here.
    GF_TRY(
        tx.Exec("UPDATE tasks SET state = 'canceled', reason = 'CANCELED', ended = $2, work_state "
                "= 'done', "
                "cancel_requested = true, lease_until = NULL WHERE id = $1 AND "
                "(state = 'queued' OR state = 'in_review') AND "
                "(lease_until IS NULL OR lease_until < clock_timestamp())",
                id, now));
    GF_TRY(tx.Exec(
        "UPDATE tasks SET cancel_requested = true, work_state = 'ready', not_before = "
        "clock_timestamp() "
        "WHERE id = $1 AND state NOT IN ('complete', 'executor_error', 'system_error', 'canceled')",
        id));
    return FindIn(tx, id);
  });
}

Status SqlTaskStore::Update(const Context& ctx, const sql::Lease& lease, const Task& task) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(TaskLeases().Heartbeat(tx, lease));
    return StoreProgress(tx, task);
  });
}

Status SqlTaskStore::Finish(const Context& ctx, const sql::Lease& lease, const Task& task,
                            const Review* review) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_TRY(TaskLeases().Complete(tx, lease));
    GF_TRY(StoreProgress(tx, task));
    if (review != nullptr) {
      GF_TRY(tx.Exec(
          "INSERT INTO reviews (task, digest, document, since, decision, by) VALUES ($1, $2, $3, "
          "$4, $5, $6) "
          "ON CONFLICT (task) DO NOTHING",
          task.order.id, review->digest, sql::Bytes{ReviewToProto(*review).SerializeAsString()},
          review->since, DecisionName(review->decision), review->decided_by));
    }
    // A decision or a request to cancel that came while we looked at the task is work again.
    return tx
        .Exec(
            "UPDATE tasks SET work_state = 'ready', not_before = clock_timestamp() WHERE id = $1 "
            "AND "
            "state = 'in_review' AND (cancel_requested OR "
            "EXISTS (SELECT 1 FROM reviews WHERE task = $1 AND decision <> 'none'))",
            task.order.id)
        .status();
  });
}

Status SqlTaskStore::Defer(const Context& ctx, const sql::Lease& lease) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    return TaskLeases().Defer(tx, lease, std::chrono::milliseconds(500));
  });
}

Result<std::vector<Review>> SqlTaskStore::ListReviews(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Review>> {
    GF_ASSIGN(
        const sql::Rows rows,
        tx.Exec(
            "SELECT document, decision, by, r.reason, task_order FROM reviews r JOIN tasks t ON "
            "t.id = r.task "
            "WHERE decision = 'none' AND t.state = 'in_review' ORDER BY since, task LIMIT 1000"));
    std::vector<Review> reviews;
    for (const sql::Row row : rows) {
      GF_ASSIGN(Review review, ReadReview(row));
      reviews.push_back(std::move(review));
    }
    return reviews;
  });
}

Result<Review> SqlTaskStore::FindReview(const Context& ctx, const std::string& task) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Review> {
    GF_ASSIGN(const sql::Rows rows, tx.Exec("SELECT document, decision, by, r.reason, task_order "
                                            "FROM reviews r JOIN tasks t ON t.id = r.task "
                                            "WHERE r.task = $1",
                                            task));
    if (rows.empty())
      return Error(StatusCode::kNotFound, "REVIEW_NOT_FOUND", "task {} has no outputs here", task);
    return ReadReview(rows[0]);
  });
}

Status SqlTaskStore::Decide(const Context& ctx, const std::string& task, const std::string& digest,
                            Decision decision, const std::string& by, const std::string& reason) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(
        const sql::Rows rows,
        tx.Exec("SELECT r.digest, r.decision, t.state FROM reviews r JOIN tasks t ON t.id = r.task "
                "WHERE r.task = $1 FOR UPDATE",
                task));
    if (rows.empty())
      return Error(StatusCode::kNotFound, "REVIEW_NOT_FOUND", "task {} has no outputs here", task);
    if (rows[0].Text(0) != digest) {
      return Error(StatusCode::kFailedPrecondition, "REVIEW_CHANGED",
                   "the outputs of task {} have another digest", task);
    }
    if (rows[0].Text(1) == DecisionName(decision)) return absl::OkStatus();
    if (rows[0].Text(1) != "none" || rows[0].Text(2) != StateName(TaskState::kInReview)) {
      return Error(StatusCode::kFailedPrecondition, "REVIEW_DECIDED", "task {} was decided already",
                   task);
    }
    GF_TRY(tx.Exec("UPDATE reviews SET decision = $2, by = $3, reason = $4 WHERE task = $1", task,
                   DecisionName(decision), by, reason));
    return tx
        .Exec("UPDATE tasks SET work_state = 'ready', not_before = clock_timestamp() WHERE id = $1",
              task)
        .status();
  });
}

}  // namespace genofed::spe
