// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/sql_task_store.h"

#include <gtest/gtest.h>

#include "libs/core/embedded_file.h"
#include "libs/testing/temporary_postgres.h"

namespace genofed::spe {
extern const EmbeddedFile kMigrations[];
namespace {

class SqlTaskStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto database = sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("spe"));
    ASSERT_TRUE(database.ok());
    database_ = *std::move(database);
    const Status migrated = database_->Migrate(kMigrations);
    ASSERT_TRUE(migrated.ok()) << Describe(migrated);
    store_ = std::make_unique<SqlTaskStore>(*database_);
  }
  static TaskOrder Order(const std::string& id) {
    TaskOrder order;
    order.id = id;
    order.run = "run-1";
    order.workflow = "{}";
    order.parameters = {{"A", "1"}, {"B", "2"}};
    order.dataset = {"GOE-FI-A-1", 1};
    order.ledger_index = 5;
    order.approval = "token";
    order.requester_subject = "researcher";
    return order;
  }
  std::vector<sql::Lease> Claim() {
    return *database_->Transact(ctx_,
                                [](sql::Tx& tx) { return TaskLeases().Claim(tx, "test", 10); });
  }
  Task InReview(const std::string& id) {
    Task task = *store_->Add(ctx_, Order(id), now_);
    const sql::Lease lease = Claim().at(0);
    task.state = TaskState::kInReview;
    Review review;
    review.task = id;
    review.digest = "digest";
    review.files = {{"a.tsv", 3, "00", 1, 0}};
    review.since = now_;
    EXPECT_TRUE(store_->Finish(ctx_, lease, task, &review).ok());
    return task;
  }

  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<SqlTaskStore> store_;
  Context ctx_ = Context::Background();
  const Time now_ = FromUnixSeconds(1'767'225'600);
};

TEST_F(SqlTaskStoreTest, KeepsAnOrderAndRefusesAnotherUnderItsName) {
  ASSERT_TRUE(store_->Add(ctx_, Order("t-1"), now_).ok());
  const auto again = store_->Add(ctx_, Order("t-1"), now_);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->order, Order("t-1"));
  EXPECT_EQ(again->state, TaskState::kQueued);
  TaskOrder other = Order("t-1");
  other.parameters["A"] = "2";
  EXPECT_EQ(Reason(store_->Add(ctx_, other, now_).status()), "TASK_EXISTS");
  EXPECT_EQ(Reason(store_->Find(ctx_, "t-2").status()), "TASK_NOT_FOUND");
}

TEST_F(SqlTaskStoreTest, StoresProgressForTheHolderOfTheLeaseOnly) {
  Task task = *store_->Add(ctx_, Order("t-1"), now_);
  sql::Lease lease = Claim().at(0);
  task.state = TaskState::kRunning;
  task.executor_attempt = 1;
  task.individuals = 7;
  task.started = now_;
  ASSERT_TRUE(store_->Update(ctx_, lease, task).ok());
  const Task stored = *store_->Find(ctx_, "t-1");
  EXPECT_EQ(stored.state, TaskState::kRunning);
  EXPECT_EQ(stored.executor_attempt, 1);
  EXPECT_EQ(stored.individuals, 7);
  EXPECT_EQ(stored.started, now_);
  EXPECT_FALSE(stored.ended.has_value());
  ++lease.attempt;
  EXPECT_EQ(Reason(store_->Update(ctx_, lease, task)), "LEASE_LOST");
}

TEST_F(SqlTaskStoreTest, CancelsAtOnceWhatNobodyWorksOn) {
  ASSERT_TRUE(store_->Add(ctx_, Order("t-1"), now_).ok());
  EXPECT_EQ(store_->RequestCancel(ctx_, "t-1", now_)->state, TaskState::kCanceled);
  EXPECT_TRUE(Claim().empty());
  EXPECT_EQ(store_->RequestCancel(ctx_, "t-1", now_)->state, TaskState::kCanceled);

  ASSERT_TRUE(store_->Add(ctx_, Order("t-2"), now_).ok());
  const sql::Lease lease = Claim().at(0);
  const Task asked = *store_->RequestCancel(ctx_, "t-2", now_);
  EXPECT_EQ(asked.state, TaskState::kQueued);
  EXPECT_TRUE(asked.cancel_requested);
  Task task = asked;
  task.state = TaskState::kComplete;
  ASSERT_TRUE(store_->Finish(ctx_, lease, task, nullptr).ok());
  EXPECT_EQ(store_->RequestCancel(ctx_, "t-2", now_)->state,
            TaskState::kComplete);  // final stays final
  EXPECT_TRUE(Claim().empty());
}

TEST_F(SqlTaskStoreTest, ADecisionBindsToTheDigestAndIsWorkAgain) {
  InReview("t-1");
  EXPECT_TRUE(Claim().empty());
  ASSERT_EQ(store_->ListReviews(ctx_)->size(), 1U);
  EXPECT_EQ(store_->FindReview(ctx_, "t-1")->requester_subject, "researcher");
  EXPECT_EQ(Reason(store_->Decide(ctx_, "t-1", "other", Decision::kRelease, "h", "")),
            "REVIEW_CHANGED");
  EXPECT_EQ(Reason(store_->Decide(ctx_, "t-9", "digest", Decision::kRelease, "h", "")),
            "REVIEW_NOT_FOUND");
  ASSERT_TRUE(store_->Decide(ctx_, "t-1", "digest", Decision::kRelease, "h", "").ok());
  EXPECT_TRUE(store_->Decide(ctx_, "t-1", "digest", Decision::kRelease, "h", "").ok());
  EXPECT_EQ(Reason(store_->Decide(ctx_, "t-1", "digest", Decision::kRefuse, "h", "no")),
            "REVIEW_DECIDED");
  EXPECT_TRUE(store_->ListReviews(ctx_)->empty());
  EXPECT_EQ(store_->FindReview(ctx_, "t-1")->decision, Decision::kRelease);
  EXPECT_EQ(Claim().size(), 1U);
}

TEST_F(SqlTaskStoreTest, ADecisionDuringTheLastLookIsNotLost) {
  Task task = InReview("t-1");
  ASSERT_TRUE(
      database_
          ->Transact(
              ctx_,
              [](sql::Tx& tx) {
                return tx.Exec("UPDATE tasks SET work_state = 'ready' WHERE id = 't-1'").status();
              })
          .ok());
  const sql::Lease lease = Claim().at(0);  // somebody looks at it, and sees no decision
  ASSERT_TRUE(store_->Decide(ctx_, "t-1", "digest", Decision::kRefuse, "h", "no").ok());
  ASSERT_TRUE(store_->Finish(ctx_, lease, task, nullptr).ok());
  EXPECT_EQ(Claim().size(), 1U);
}

TEST_F(SqlTaskStoreTest, ListsInPages) {
  for (const char* id : {"t-1", "t-2", "t-3"}) ASSERT_TRUE(store_->Add(ctx_, Order(id), now_).ok());
  EXPECT_EQ(store_->List(ctx_, "", 2)->size(), 2U);
  EXPECT_EQ(store_->List(ctx_, "t-2", 2)->at(0).order.id, "t-3");
}

}  // namespace
}  // namespace genofed::spe
