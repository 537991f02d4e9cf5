// SPDX-License-Identifier: Apache-2.0
//
// The hub's use cases over the real store, and the store of a node.
#include <gtest/gtest.h>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_postgres.h"
#include "services/dispatcher/adapters/sql_part_store.h"
#include "services/dispatcher/adapters/sql_run_store.h"
#include "services/dispatcher/app/finisher.h"
#include "services/dispatcher/app/part_desk.h"
#include "services/dispatcher/app/runs.h"
#include "services/dispatcher/test_workflow.h"

namespace genofed::dispatcher {
extern const genofed::EmbeddedFile kMigrations[];
namespace {

using std::chrono::hours;
using testing::HasCode;
using testing::HasReason;
using testing::IsOk;

class FakeApplications final : public ApplicationDirectory {
 public:
  Result<ApplicationView> Find(const Context&, const std::string& application) override {
    if (application != view.id) return Error(StatusCode::kNotFound, "APPLICATION_UNKNOWN", "none");
    return view;
  }
  ApplicationView view = {
      "app-1",
      true,
      {"https://login.example", "alice"},
      {{"GOE-FI-1", "FI", true}, {"GOE-ES-1", "ES", true}, {"GOE-DE-1", "DE", false}}};
};

Context As(const std::string& subject) {
  Principal principal;
  principal.workload = {"hub", "gateway"};
  principal.user.emplace();
  principal.user->issuer = "https://login.example";
  principal.user->subject = subject;
  return Context::Background().WithPrincipal(principal);
}

std::unique_ptr<sql::Database> NewDatabase() {
  auto database =
      *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("dispatcher"));
  EXPECT_THAT(database->Migrate(kMigrations), IsOk());
  return database;
}

DeliveredFile File(const std::string& content, const std::string& name = "allele_counts.tsv") {
  return {{name, content}, HexEncode(crypto::Sha256(content))};
}

class HubTest : public ::testing::Test {
 protected:
  HubTest() {
    request_.application = "app-1";
    request_.workflow = TestWorkflow();
    request_.parameters["REGION"] = "chr1";
  }
  std::string Submit(const std::string& key = "") {
    const auto id = runs_.Submit(alice_, request_, key);
    EXPECT_THAT(id, IsOk());
    return id.ok() ? *id : "";
  }
  std::string PartOf(const std::string& run, const std::string& site) {
    const auto found = runs_.Get(alice_, run);
    for (const Part& part : found->parts) {
      if (part.site == site) return part.id;
    }
    return "";
  }
  Status Report(const std::string& site, const std::string& part, State state,
                const std::string& reason = "") {
    return desk_.Report(ctx_, site, {part, state, reason, "", -1, 0});
  }

  std::unique_ptr<sql::Database> database_ = NewDatabase();
  SqlRunStore store_{*database_};
  FakeApplications applications_;
  testing::FakeClock clock_;
  testing::SeededRandom random_;
  Runs runs_{store_, applications_, clock_, random_};
  PartDesk desk_{store_, clock_};
  Finisher finisher_{store_, clock_, hours(24)};
  RunRequest request_;
  Context ctx_ = Context::Background();
  Context alice_ = As("alice");
};

TEST_F(HubTest, SplitsARunOverNodesAndMergesWhatTheyDeliver) {
  const std::string run = Submit();
  auto work = desk_.Fetch(ctx_, "fi", {});
  ASSERT_THAT(work, IsOk());
  ASSERT_EQ(work->size(), 1u);
  const std::string fi = work->at(0).part.id;
  const std::string es = PartOf(run, "es");
  EXPECT_EQ(work->at(0).request, request_);
  EXPECT_EQ(work->at(0).part.dataset, "GOE-FI-1");
  EXPECT_EQ(work->at(0).researcher.subject, "alice");
  work = desk_.Fetch(ctx_, "fi", {fi, "run-0-fi-0"});
  ASSERT_EQ(work->size(), 1u);
  EXPECT_FALSE(work->at(0).request.has_value());
  EXPECT_TRUE(desk_.Fetch(ctx_, "de", {})->empty());

  ASSERT_THAT(Report("fi", fi, State::kRunning), IsOk());
  EXPECT_EQ(runs_.Get(alice_, run)->CurrentState(), State::kRunning);
  ASSERT_THAT(desk_.Deliver(ctx_, "fi", fi, {File(TestTable("1\t1\tA\tC\t10\t100\n"))}, 50, false),
              IsOk());
  ASSERT_THAT(desk_.Deliver(ctx_, "fi", fi, {File(TestTable("1\t1\tA\tC\t99\t100\n"))}, 50, false),
              IsOk());
  ASSERT_THAT(finisher_.FinishEnded(ctx_), IsOk());
  EXPECT_FALSE(runs_.Get(alice_, run)->finished.has_value());
  ASSERT_THAT(desk_.Deliver(ctx_, "es", es, {File(TestTable("1\t1\tA\tC\t5\t100\n"))}, 50, false),
              IsOk());
  ASSERT_THAT(finisher_.FinishEnded(ctx_), IsOk());
  ASSERT_THAT(finisher_.FinishEnded(ctx_), IsOk());

  const auto done = runs_.Get(alice_, run);
  EXPECT_EQ(done->CurrentState(), State::kComplete);
  EXPECT_EQ(done->outputs, std::vector<std::string>{"allele_counts.tsv"});
  // What was delivered first counts: 10 + 5 of 200.
  EXPECT_EQ(*runs_.Output(alice_, run, "allele_counts.tsv"),
            "chrom\tpos\tref\talt\tac\tan\taf\tnodes\n1\t1\tA\tC\t15\t200\t0.075\t2\n");
  EXPECT_TRUE(store_.PartOutputs(ctx_, run)->empty());
  EXPECT_TRUE(desk_.Fetch(ctx_, "fi", {fi})->empty());
}

TEST_F(HubTest, CompletesWithoutThePartsThatFailedAndSaysSo) {
  const std::string run = Submit();
  const std::string fi = PartOf(run, "fi"), es = PartOf(run, "es");
  ASSERT_THAT(Report("es", es, State::kSystemError, "APPROVAL_REVOKED"), IsOk());
  ASSERT_THAT(desk_.Deliver(ctx_, "fi", fi, {File(TestTable(""))}, 50, false), IsOk());
  ASSERT_THAT(finisher_.FinishEnded(ctx_), IsOk());
  EXPECT_EQ(runs_.Get(alice_, run)->CurrentState(), State::kComplete);
  EXPECT_EQ(runs_.Get(alice_, run)->message,
            "results do not include: es GOE-ES-1 (APPROVAL_REVOKED)");
}

TEST_F(HubTest, TakesOnlyWhatTheWorkflowDeclares) {
  const std::string run = Submit();
  const std::string fi = PartOf(run, "fi");
  const std::string table = TestTable("1\t1\tA\tC\t10\t100\n");
  EXPECT_THAT(desk_.Deliver(ctx_, "fi", fi, {File(table, "genotypes.vcf")}, 0, false),
              HasReason("OUTPUT_UNDECLARED"));
  EXPECT_THAT(desk_.Deliver(ctx_, "fi", fi, {File("##fileformat=VCFv4.2\n")}, 0, false),
              HasReason("OUTPUT_INVALID"));
  EXPECT_THAT(desk_.Deliver(ctx_, "fi", fi, {File(std::string(PartDesk::kMaxFileBytes + 1, 'x'))},
                            0, false),
              HasReason("OUTPUT_TOO_LARGE"));
  DeliveredFile forged = File(table);
  forged.sha256[0] = forged.sha256[0] == '0' ? '1' : '0';
  EXPECT_THAT(desk_.Deliver(ctx_, "fi", fi, {forged}, 0, false), HasReason("DIGEST_MISMATCH"));
  EXPECT_THAT(desk_.Deliver(ctx_, "fi", fi, {}, 0, false), HasReason("OUTPUTS_MISSING"));
  EXPECT_THAT(Report("fi", fi, State::kComplete), HasReason("OUTPUTS_MISSING"));
  EXPECT_THAT(desk_.Deliver(ctx_, "fi", fi, {File(table)}, 0, true), IsOk());
  EXPECT_FALSE(IsFinal(runs_.Get(alice_, run)->parts[0].state));
  EXPECT_THAT(desk_.Deliver(ctx_, "fi", fi, {}, 0, false), IsOk());
  EXPECT_THAT(Report("fi", fi, State::kComplete), IsOk());
}

TEST_F(HubTest, ANodeTouchesItsOwnPartsOnly) {
  const std::string run = Submit();
  const std::string fi = PartOf(run, "fi");
  EXPECT_THAT(Report("es", fi, State::kSystemError), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(desk_.Deliver(ctx_, "es", fi, {File(TestTable(""))}, 0, false),
              HasCode(StatusCode::kNotFound));
  EXPECT_EQ(runs_.Get(alice_, run)->CurrentState(), State::kQueued);
}

TEST_F(HubTest, RunsOfOthersDoNotExist) {
  const std::string run = Submit();
  const Context bob = As("bob");
  EXPECT_THAT(runs_.Get(bob, run), HasReason("RUN_UNKNOWN"));
  EXPECT_THAT(runs_.Cancel(bob, run), HasReason("RUN_UNKNOWN"));
  EXPECT_THAT(runs_.Output(bob, run, "allele_counts.tsv"), HasReason("RUN_UNKNOWN"));
  EXPECT_TRUE(runs_.List(bob, 0, "")->runs.empty());
  EXPECT_THAT(runs_.Get(ctx_, run), HasCode(StatusCode::kUnauthenticated));
  EXPECT_THAT(runs_.Submit(bob, request_, ""), HasReason("NOT_APPLICANT"));
}

TEST_F(HubTest, RefusesWhatIsNotApproved) {
  request_.datasets = {"GOE-FI-1", "GOE-DE-1"};
  EXPECT_THAT(runs_.Submit(alice_, request_, ""), HasReason("DATASET_NOT_APPROVED"));
  request_.datasets = {"GOE-FI-1"};
  applications_.view.active = false;
  EXPECT_THAT(runs_.Submit(alice_, request_, ""), HasReason("APPLICATION_NOT_ACTIVE"));
  request_.parameters["OTHER"] = "x";
  EXPECT_THAT(runs_.Submit(alice_, request_, ""), HasReason("PARAMETER_UNKNOWN"));
  request_.workflow = "{}";
  EXPECT_THAT(runs_.Submit(alice_, request_, ""), HasReason("WORKFLOW_INVALID"));
}

TEST_F(HubTest, TheSameKeyIsTheSameRun) {
  const std::string run = Submit("key");
  EXPECT_EQ(Submit("key"), run);
  EXPECT_NE(Submit(""), run);
  request_.parameters["REGION"] = "chr2";
  EXPECT_THAT(runs_.Submit(alice_, request_, "key"), HasReason("IDEMPOTENCY_KEY_REUSED"));
}

TEST_F(HubTest, CancelEndsQueuedPartsAndTellsTheOthers) {
  const std::string run = Submit();
  const std::string fi = PartOf(run, "fi"), es = PartOf(run, "es");
  ASSERT_THAT(Report("fi", fi, State::kInitializing), IsOk());
  ASSERT_THAT(runs_.Cancel(alice_, run), IsOk());
  ASSERT_THAT(runs_.Cancel(alice_, run), IsOk());
  EXPECT_EQ(runs_.Get(alice_, run)->CurrentState(), State::kCanceling);
  EXPECT_THAT(Report("es", es, State::kInitializing), HasReason("PART_ENDED"));
  EXPECT_TRUE(desk_.Fetch(ctx_, "fi", {fi})->at(0).cancel);
  ASSERT_THAT(Report("fi", fi, State::kCanceled), IsOk());
  ASSERT_THAT(finisher_.FinishEnded(ctx_), IsOk());
  EXPECT_EQ(runs_.Get(alice_, run)->CurrentState(), State::kCanceled);
  EXPECT_TRUE(runs_.Get(alice_, run)->outputs.empty());
  EXPECT_THAT(runs_.Cancel(alice_, run), IsOk());
}

TEST_F(HubTest, GivesUpPartsOfWhichNodesFallSilentButNotThoseThatTheyKnow) {
  const std::string run = Submit();
  const auto fetched = desk_.Fetch(ctx_, "fi", {});
  ASSERT_EQ(fetched->size(), 1u);
  clock_.Advance(hours(25));
  // Spain asks for work, and knows nothing of its part.
  ASSERT_EQ(desk_.Fetch(ctx_, "es", {})->size(), 1u);
  ASSERT_EQ(desk_.Fetch(ctx_, "fi", {fetched->front().part.id})->size(), 1u);
  ASSERT_THAT(finisher_.ExpireSilent(ctx_), IsOk());
  const auto found = runs_.Get(alice_, run);
  for (const Part& part : found->parts) {
    EXPECT_EQ(part.reason, part.site == "es" ? "NODE_SILENT" : "") << part.site;
  }
}

TEST_F(HubTest, ListsNewestFirstInPages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(std::chrono::seconds(1));
    ids.push_back(Submit());
  }
  const auto first = runs_.List(alice_, 2, "");
  ASSERT_EQ(first->runs.size(), 2u);
  EXPECT_EQ(first->runs[0].id, ids[2]);
  const auto second = runs_.List(alice_, 2, first->next_page_token);
  ASSERT_EQ(second->runs.size(), 1u);
  EXPECT_EQ(second->runs[0].id, ids[0]);
  EXPECT_EQ(second->next_page_token, "");
}

class NodeStoreTest : public ::testing::Test {
 protected:
  NodeStoreTest() {
    part_.id = "run-1-fi-1";
    part_.run = "run-1";
    part_.dataset = "GOE-FI-1";
    part_.researcher = {"https://login.example", "alice"};
    part_.request.workflow = TestWorkflow();
    part_.created = part_.changed = FromUnixSeconds(1'800'000'000);
  }
  std::vector<sql::Lease> Claim(const std::string& owner) {
    return *database_->Transact(
        ctx_, [&](sql::Tx& tx) { return PartLeases().Claim(tx, owner, 10); },
        sql::Isolation::kReadCommitted);
  }

  std::unique_ptr<sql::Database> database_ = NewDatabase();
  SqlPartStore store_{*database_};
  NodePart part_;
  Context ctx_ = Context::Background();
};

TEST_F(NodeStoreTest, KeepsAPartThroughItsLife) {
  ASSERT_THAT(store_.Add(ctx_, part_), IsOk());
  auto leases = Claim("a");
  ASSERT_EQ(leases.size(), 1u);
  part_.stage = Stage::kStopping;
  part_.state = State::kCanceling;
  part_.end_state = State::kCanceled;
  part_.reason = "R";
  part_.tries = 2;
  part_.version = 3;
  part_.epoch = 41;
  part_.entry = "{}";
  part_.ledger_index = 7;
  part_.individuals = 100;
  part_.reported = "x";
  ASSERT_THAT(store_.WishCancel(ctx_, part_.id), IsOk());
  ASSERT_THAT(store_.Save(ctx_, leases[0], part_), IsOk());
  ASSERT_THAT(store_.Add(ctx_, NodePart{part_}), IsOk());
  GF_ASSERT_OK_AND_ASSIGN(const NodePart found, store_.Find(ctx_, part_.id));
  EXPECT_TRUE(found.cancel) << "saving must not undo the wish";
  EXPECT_EQ(found.stage, Stage::kStopping);
  EXPECT_EQ(found.end_state, State::kCanceled);
  EXPECT_EQ(found.News(), part_.News());
  EXPECT_EQ(found.TryId(), "run-1-fi-1.2");
  EXPECT_EQ(found.request, part_.request);
  EXPECT_EQ(found.epoch, 41);
  EXPECT_EQ(*store_.Open(ctx_), std::vector<std::string>{part_.id});

  ASSERT_THAT(store_.Defer(ctx_, leases[0], std::chrono::milliseconds(0)), IsOk());
  EXPECT_THAT(store_.Save(ctx_, leases[0], part_), HasReason("LEASE_LOST"));
  leases = Claim("b");
  ASSERT_EQ(leases.size(), 1u);
  part_.stage = Stage::kDone;
  ASSERT_THAT(store_.Finish(ctx_, leases[0], part_), IsOk());
  EXPECT_TRUE(store_.Open(ctx_)->empty());
  EXPECT_EQ(store_.OfRun(ctx_, "run-1")->size(), 1u);
  EXPECT_EQ(*store_.ListRuns(ctx_, "", 10), std::vector<std::string>{"run-1"});
  EXPECT_THAT(store_.Find(ctx_, "other"), HasReason("PART_UNKNOWN"));
}

TEST_F(NodeStoreTest, APartThatTheHubGivesOutAgainIsToldAgain) {
  for (const State end : {State::kComplete, State::kExecutorError}) {
    ASSERT_THAT(store_.Add(ctx_, part_), IsOk());
    auto leases = Claim("a");
    ASSERT_EQ(leases.size(), 1u);
    NodePart ended = part_;
    ended.state = end;
    ended.stage = Stage::kDone;
    ended.reported = ended.News();
    ASSERT_THAT(store_.Finish(ctx_, leases[0], ended), IsOk());
    ASSERT_THAT(store_.Add(ctx_, part_), IsOk());
    GF_ASSERT_OK_AND_ASSIGN(const NodePart found, store_.Find(ctx_, part_.id));
    EXPECT_EQ(found.stage, end == State::kComplete ? Stage::kDelivering : Stage::kReporting);
    EXPECT_EQ(found.state, end == State::kComplete ? State::kRunning : end);
    EXPECT_EQ(found.reported, "");
    EXPECT_EQ(Claim("a").size(), 1u);
    part_.id += "x";
  }
}

}  // namespace
}  // namespace genofed::dispatcher
