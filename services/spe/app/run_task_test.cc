// SPDX-License-Identifier: Apache-2.0
#include "services/spe/app/run_task.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <utility>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/testing/fakes.h"
#include "services/spe/app/tasks.h"

namespace genofed::spe {
namespace {

const std::string kPseudonym = "00112233445566778899aabbccddeeff";

class FakeStore final : public TaskStore {
 public:
  Result<Task> Add(const Context&, const TaskOrder& order, Time) override {
    if (!tasks.contains(order.id)) tasks[order.id].order = order;
    if (!(tasks[order.id].order == order))
      return Error(StatusCode::kAlreadyExists, "TASK_EXISTS", "exists");
    return tasks[order.id];
  }
  Result<Task> Find(const Context&, const std::string& id) override {
    if (!tasks.contains(id)) return Error(StatusCode::kNotFound, "TASK_NOT_FOUND", "none");
    return tasks[id];
  }
  Result<std::vector<Task>> List(const Context&, const std::string&, int) override {
    return std::vector<Task>();
  }
  Result<Task> RequestCancel(const Context&, const std::string& id, Time) override {
    tasks[id].cancel_requested = true;
    return tasks[id];
  }
  Status Update(const Context&, const sql::Lease&, const Task& task) override {
    return Store(task);
  }
  Status Finish(const Context&, const sql::Lease&, const Task& task,
                const Review* review) override {
    if (review != nullptr) reviews[task.order.id] = *review;
    ++finished;
    return Store(task);
  }
  Status Defer(const Context&, const sql::Lease&) override { return ++deferred, Status(); }
  Result<std::vector<Review>> ListReviews(const Context&) override { return std::vector<Review>(); }
  Result<Review> FindReview(const Context&, const std::string& task) override {
    if (!reviews.contains(task)) return Error(StatusCode::kNotFound, "REVIEW_NOT_FOUND", "none");
    return reviews[task];
  }
  Status Decide(const Context&, const std::string& task, const std::string& digest,
                Decision decision, const std::string& by, const std::string&) override {
    if (reviews[task].digest != digest)
      return Error(StatusCode::kFailedPrecondition, "REVIEW_CHANGED", "changed");
    reviews[task].decision = decision;
    reviews[task].decided_by = by;
    return {};
  }
  Status Store(const Task& task) {
    const bool cancel = tasks[task.order.id].cancel_requested;
    tasks[task.order.id] = task;
    tasks[task.order.id].cancel_requested = cancel;
    return {};
  }

  std::map<std::string, Task> tasks;
  std::map<std::string, Review> reviews;
  int finished = 0;
  int deferred = 0;
};

class FakeExecutor final : public Executor {
 public:
  Status SelfTest(const Context&) override { return {}; }
  Status Start(const Context&, const AttemptId& id, const TaskSpec&) override {
    ++started;
    attempts[id.str()] = result;
    return {};
  }
  Result<AttemptReport> Poll(const AttemptId& id) override {
    if (!attempts.contains(id.str()))
      return Error(StatusCode::kNotFound, "ATTEMPT_NOT_FOUND", "none");
    return attempts[id.str()];
  }
  Result<AttemptReport> Wait(const Context&, const AttemptId& id) override { return Poll(id); }
  Result<AttemptReport> Kill(const Context&, const AttemptId& id) override {
    if (!attempts[id.str()].ended()) attempts[id.str()].outcome = Outcome::kKilled;
    return attempts[id.str()];
  }
  Result<std::vector<AttemptId>> List() override { return std::vector<AttemptId>(); }
  Status Reap(const AttemptId& id) override { return attempts.erase(id.str()), Status(); }

  AttemptReport result{.outcome = Outcome::kExited};
  std::map<std::string, AttemptReport> attempts;
  int started = 0;
};

class FakeSite final : public WorkflowList,
                       public ApprovalCheck,
                       public CohortSource,
                       public TaskFiles,
                       public ReleaseLedger {
 public:
  Result<Workflow> Open(const std::string& descriptor) override {
    if (descriptor != "allowed")
      return Error(StatusCode::kPermissionDenied, "WORKFLOW_NOT_ALLOWED", "no");
    Workflow workflow;
    workflow.parameters = {"CASE_TERM"};
    workflow.outputs = {{.name = "t.tsv", .keys = {"k"}, .counts = {{.name = "n", .part_of = {}}}}};
    return workflow;
  }
  Status Check(const TaskOrder&) override { return approval; }
  Result<StagedCohort> Stage(const Context&, const TaskOrder&, const Workflow&,
                             const std::filesystem::path&) override {
    GF_TRY(staging);
    return StagedCohort{{}, individuals};
  }
  Result<std::vector<std::string>> Identifiers(const Context&, const DatasetRef&) override {
    return std::vector<std::string>{kPseudonym};
  }
  Result<std::filesystem::path> NewStage(const std::string&) override {
    return std::filesystem::path("/stage");
  }
  std::filesystem::path OutputDir(const std::string&) const override { return "/out"; }
  Status RemoveStage(const std::string&) override { return ++removed, Status(); }
  Result<std::vector<OutputEntry>> Seal(const std::filesystem::path&,
                                        const AirlockPolicy&) override {
    if (sealing) {
      std::exchange(sealing, nullptr)();
      return std::vector<OutputEntry>();
    }
    OutputEntry entry;
    entry.name = "t.tsv";
    entry.content = output;
    return std::vector<OutputEntry>{entry};
  }
  Status Keep(const std::string&, const std::vector<CheckedFile>& files) override {
    for (const CheckedFile& file : files) kept[file.name] = file.content;
    return {};
  }
  Result<std::string> Read(const std::string&, const ReviewedFile& file) override {
    return kept[file.name];
  }
  Status Append(const Context&, const Task& task, const Review&) override {
    GF_TRY(ledger);
    logged_while = task.state;
    return ++entries, Status();
  }

  Status approval, staging, ledger;
  std::function<void()> sealing;  // happens while outputs are read, which are gone then
  std::int32_t individuals = 40;
  std::string output = "k\tn\na\t9\nb\t2\n";
  std::map<std::string, std::string> kept;
  int removed = 0;
  int entries = 0;
  TaskState logged_while = TaskState::kQueued;
};

class RunTaskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    order_.id = "task-1";
    order_.run = "run-1";
    order_.workflow = "allowed";
    order_.dataset = {"GOE-FI-A-1", 1};
    order_.ledger_index = 3;
    order_.requester_subject = "researcher";
  }
  RunTask Runner() {
    return RunTask(store_, site_, site_, site_, executor_, site_, clock_, options_);
  }
  Tasks Api() {
    return Tasks(store_, site_, site_, site_, executor_, clock_, [] {});
  }
  Status RunOnce(std::int64_t attempt = 1) {
    return Runner().Run(ctx_, {order_.id, "spe", attempt, {}});
  }
  Task Now() { return store_.tasks[order_.id]; }
  void Create() { ASSERT_TRUE(Api().Create(ctx_, order_).ok()); }

  Context ctx_ = Context::Background();
  TaskOrder order_;
  genofed::testing::FakeClock clock_;
  FakeStore store_;
  FakeExecutor executor_;
  FakeSite site_;
  RunTaskOptions options_{};
};

TEST_F(RunTaskTest, WaitsForTheHolderAndReleasesOnlyAfterTheLedger) {
  Create();
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().state, TaskState::kInReview);
  EXPECT_EQ(Now().individuals, 40);
  EXPECT_EQ(site_.kept["t.tsv"], "k\tn\na\t9\n");
  EXPECT_TRUE(
      executor_.attempts.empty());  // the container and its data are gone while people think
  EXPECT_EQ(Reason(Api().ReleasedOutputs(ctx_, "task-1").status()), "NOT_RELEASED");
  const Review review = store_.reviews["task-1"];
  EXPECT_EQ(review.files[0].rows_left_out, 1);

  EXPECT_EQ(Reason(Api().Decide(ctx_, "task-1", review.digest, true, "", "researcher")),
            "OWN_REQUEST");
  EXPECT_EQ(Reason(Api().Decide(ctx_, "task-1", "other", true, "", "holder")), "REVIEW_CHANGED");
  EXPECT_EQ(Reason(Api().Decide(ctx_, "task-1", review.digest, false, "", "holder")), "MISSING");
  ASSERT_TRUE(Api().Decide(ctx_, "task-1", review.digest, true, "", "holder").ok());

  site_.ledger = Error(StatusCode::kUnavailable, "AWAY", "away");
  EXPECT_FALSE(RunOnce(2).ok());
  EXPECT_EQ(Now().state, TaskState::kInReview);  // nothing leaves without an entry
  site_.ledger = {};
  ASSERT_TRUE(RunOnce(3).ok());
  EXPECT_EQ(Now().state, TaskState::kComplete);
  EXPECT_EQ(site_.entries, 1);
  EXPECT_EQ(site_.logged_while, TaskState::kInReview);
  EXPECT_EQ(Api().ReleasedOutputs(ctx_, "task-1")->at(0).content, "k\tn\na\t9\n");
}

TEST_F(RunTaskTest, ARefusalEndsTheTaskAndReleasesNothing) {
  Create();
  ASSERT_TRUE(RunOnce().ok());
  ASSERT_TRUE(
      Api()
          .Decide(ctx_, "task-1", store_.reviews["task-1"].digest, false, "too detailed", "holder")
          .ok());
  ASSERT_TRUE(RunOnce(2).ok());
  EXPECT_EQ(Now().state, TaskState::kExecutorError);
  EXPECT_EQ(Now().reason, "RELEASE_REFUSED");
  EXPECT_EQ(site_.entries, 0);
  EXPECT_EQ(Reason(Api().ReleasedOutputs(ctx_, "task-1").status()), "NOT_RELEASED");
}

TEST_F(RunTaskTest, ReleasesByItselfWhereTheNodeSaysSo) {
  options_.release_automatically = true;
  Create();
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().state, TaskState::kComplete);
  EXPECT_EQ(site_.entries, 1);
}

TEST_F(RunTaskTest, OutputsThatMayNotLeaveEndTheTask) {
  site_.output = "k\tn\n" + kPseudonym + "\t9\n";
  options_.release_automatically = true;
  Create();
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().state, TaskState::kExecutorError);
  EXPECT_EQ(Now().reason, "OUTPUT_REFUSED");
  EXPECT_TRUE(site_.kept.empty());
  EXPECT_EQ(site_.entries, 0);
}

TEST_F(RunTaskTest, NamesTheCauseOfAFailure) {
  const std::vector<std::pair<AttemptReport, std::pair<TaskState, std::string>>> cases = {
      {{.outcome = Outcome::kExited, .exit_code = 3}, {TaskState::kExecutorError, "EXIT_NON_ZERO"}},
      {{.outcome = Outcome::kOomKilled}, {TaskState::kExecutorError, "OUT_OF_MEMORY"}},
      {{.outcome = Outcome::kTimedOut}, {TaskState::kExecutorError, "TIMED_OUT"}},
      {{.outcome = Outcome::kSystemError}, {TaskState::kSystemError, "RUNTIME_FAILED"}}};
  for (const auto& [report, expected] : cases) {
    store_ = FakeStore();
    executor_ = FakeExecutor();
    executor_.result = report;
    Create();
    ASSERT_TRUE(RunOnce().ok());
    EXPECT_EQ(Now().state, expected.first);
    EXPECT_EQ(Now().reason, expected.second);
    EXPECT_TRUE(executor_.attempts.empty());
  }
}

TEST_F(RunTaskTest, AdoptsARunningContainerInsteadOfStartingAnother) {
  Create();
  store_.tasks["task-1"].state = TaskState::kRunning;
  store_.tasks["task-1"].executor_attempt = 1;
  store_.tasks["task-1"].individuals = 40;
  executor_.attempts["task-1.1"] = {.outcome = Outcome::kExited};
  ASSERT_TRUE(RunOnce(2).ok());
  EXPECT_EQ(executor_.started, 0);
  EXPECT_EQ(Now().state, TaskState::kInReview);
}

// Its lease ran out while the process was away, and others took its place.
TEST_F(RunTaskTest, WhatRunsOrIsCanceledNeedsNoPlaceAmongThoseThatRun) {
  options_.max_tasks = 0;
  Create();
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(store_.deferred, 1);
  store_.tasks["task-1"].cancel_requested = true;
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().state, TaskState::kCanceled);

  store_ = FakeStore();
  Create();
  store_.tasks["task-1"].state = TaskState::kRunning;
  store_.tasks["task-1"].executor_attempt = 1;
  executor_.attempts["task-1.1"] = {.outcome = Outcome::kExited};
  ASSERT_TRUE(RunOnce(2).ok());
  EXPECT_EQ(Now().state, TaskState::kInReview);
  EXPECT_EQ(store_.deferred, 0);
}

TEST_F(RunTaskTest, StartsANewAttemptWhenTheServiceDiedBeforeTheContainerBegan) {
  Create();
  store_.tasks["task-1"].state = TaskState::kInitializing;
  store_.tasks["task-1"].executor_attempt = 1;
  ASSERT_TRUE(RunOnce(2).ok());
  EXPECT_EQ(executor_.started, 1);
  EXPECT_EQ(Now().executor_attempt, 2);
}

// A worker whose lease was lost may clean up what another one has taken over.
TEST_F(RunTaskTest, OutputsThatAreGoneAreNotTakenForOutputsThatWereNotWritten) {
  Create();
  site_.sealing = [this] { executor_.attempts.clear(); };
  const Status gone = RunOnce(1);
  EXPECT_EQ(Reason(gone), "ATTEMPT_GONE");
  EXPECT_EQ(store_.finished, 0);
  ASSERT_TRUE(RunOnce(2).ok());
  EXPECT_EQ(Now().state, TaskState::kInReview);
  EXPECT_EQ(executor_.started, 2);
}

TEST_F(RunTaskTest, CancelsBeforeTheStartAndWhileRunning) {
  Create();
  store_.tasks["task-1"].cancel_requested = true;
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().state, TaskState::kCanceled);
  EXPECT_EQ(executor_.started, 0);

  store_ = FakeStore();
  Create();
  store_.tasks["task-1"].cancel_requested = true;
  store_.tasks["task-1"].executor_attempt = 1;
  executor_.attempts["task-1.1"] = {};  // running
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().state, TaskState::kCanceled);
  EXPECT_TRUE(executor_.attempts.empty());
}

TEST_F(RunTaskTest, TriesAgainAfterATransientFailureButNotForEver) {
  Create();
  site_.staging = Error(StatusCode::kUnavailable, "CONSENT_AWAY", "away");
  EXPECT_FALSE(RunOnce(1).ok());
  EXPECT_EQ(Now().state, TaskState::kInitializing);
  EXPECT_TRUE(RunOnce(20).ok());
  EXPECT_EQ(Now().state, TaskState::kSystemError);
  EXPECT_EQ(Now().reason, "CONSENT_AWAY");
}

// The token of the order lives an hour, and a task may wait longer for its place.
TEST_F(RunTaskTest, ATaskThatHasWaitedNeedsAnApprovalThatLivesWhenItBegins) {
  Create();
  site_.approval = Error(StatusCode::kPermissionDenied, "APPROVAL_REFUSED", "expired");
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().state, TaskState::kInReview);
  store_ = FakeStore();
  site_.approval = {};
  Create();
  site_.staging = Error(StatusCode::kPermissionDenied, "APPROVAL_REVOKED", "no");
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().reason, "APPROVAL_REVOKED");
}

TEST_F(RunTaskTest, NobodyPermittedEndsTheTask) {
  Create();
  site_.individuals = 0;
  EXPECT_TRUE(RunOnce().ok());
  EXPECT_EQ(Now().reason, "NO_INDIVIDUALS");
  EXPECT_EQ(executor_.started, 0);
}

TEST_F(RunTaskTest, RefusesOrdersThatCannotRun) {
  order_.workflow = "other";
  EXPECT_EQ(Reason(Api().Create(ctx_, order_).status()), "WORKFLOW_NOT_ALLOWED");
  order_.workflow = "allowed";
  order_.parameters = {{"LD_PRELOAD", "x"}};
  EXPECT_EQ(Reason(Api().Create(ctx_, order_).status()), "PARAMETER_UNKNOWN");
  order_.parameters = {{"CASE_TERM", "HP:0001250"}};
  site_.approval = Error(StatusCode::kPermissionDenied, "APPROVAL_REFUSED", "no");
  EXPECT_EQ(Reason(Api().Create(ctx_, order_).status()), "APPROVAL_REFUSED");
  site_.approval = {};
  order_.id = "../x";
  EXPECT_EQ(Reason(Api().Create(ctx_, order_).status()), "BAD_ATTEMPT_ID");
  EXPECT_TRUE(store_.tasks.empty());
}

TEST_F(RunTaskTest, RepeatingAnOrderIsHarmlessAndAnotherOrderIsRefused) {
  Create();
  site_.approval = Error(StatusCode::kPermissionDenied, "APPROVAL_REFUSED", "expired since");
  EXPECT_TRUE(Api().Create(ctx_, order_).ok());
  order_.run = "run-2";
  EXPECT_EQ(Reason(Api().Create(ctx_, order_).status()), "TASK_EXISTS");
}

}  // namespace
}  // namespace genofed::spe
