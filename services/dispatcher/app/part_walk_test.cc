// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/app/part_walk.h"

#include <gtest/gtest.h>

#include "libs/auth/testing_authority.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/ledger/entry.h"
#include "libs/testing/matchers.h"
#include "services/dispatcher/app/fetch_work.h"
#include "services/dispatcher/domain/workflow.h"
#include "services/dispatcher/test_workflow.h"

namespace genofed::dispatcher {
namespace {

using testing::HasReason;
using testing::IsOk;

constexpr char kDataset[] = "https://data.example/datasets/FI-1";
constexpr char kFrozen[] = "{\"title\":\"Epilepsy\"}";
const std::string kAgreement(64, 'b');

// The node's surroundings: hub, access, catalogue, consent, ledger, spe and the node's own rows.
// Everything here outlives a crash. The crash comes at call number `crash_at`, before or after the
// call had its effect; from then on every call fails until the process is started again.
class World final : public PartStore, public HubDesk, public Approvals, public SiteData {
 public:
  explicit World(auth::TestFederation& federation, const Clock& clock)
      : federation_(federation), clock_(clock) {
    hub_part.id = part().id;
  }

  static NodePart part() {
    NodePart part;
    part.id = "run-1-fi-0123456789ab";
    part.run = "run-1";
    part.dataset = kDataset;
    part.researcher = {"https://login.example", "alice"};
    part.request.application = "APP-1";
    part.request.workflow = TestWorkflow();
    part.request.parameters["REGION"] = "chr1";
    part.created = FromUnixSeconds(auth::kNow);
    return part;
  }

  // --- rows of the node
  Status Add(const Context&, const NodePart& added) override {
    return Do([&] { stored.try_emplace(added.id, added); });
  }
  Status WishCancel(const Context&, const std::string& id) override {
    return Do([&] { stored.at(id).cancel = true; });
  }
  Result<std::vector<std::string>> Open(const Context&) override {
    std::vector<std::string> ids;
    for (const auto& [id, p] : stored) {
      if (!finished) ids.push_back(id);
    }
    return ids;
  }
  Result<NodePart> Find(const Context&, const std::string& id) override {
    GF_TRY(Do([] {}));
    return stored.at(id);
  }
  Result<std::vector<NodePart>> OfRun(const Context&, const std::string&) override {
    return std::vector<NodePart>();
  }
  Result<std::vector<std::string>> ListRuns(const Context&, const std::string&, int) override {
    return std::vector<std::string>();
  }
  Status Save(const Context&, const sql::Lease&, const NodePart& saved) override {
    return Do([&] {
      const bool wish = stored.at(saved.id).cancel;
      stored[saved.id] = saved;
      stored[saved.id].cancel = wish;
    });
  }
  Status Finish(const Context& ctx, const sql::Lease& lease, const NodePart& saved) override {
    GF_TRY(Save(ctx, lease, saved));
    return Do([&] { finished = true; });
  }
  Status Defer(const Context&, const sql::Lease&, std::chrono::milliseconds) override {
    ++waits;
    return Do([] {});
  }

  // --- the hub
  Result<FetchedWork> Fetch(const Context&, const std::vector<std::string>& known) override {
    FetchedWork work;
    for (const std::string& id : known) {
      if (!IsFinal(hub_part.state)) work.known[id] = hub_cancel;
    }
    if (known.empty() && !IsFinal(hub_part.state)) work.fresh.push_back(part());
    return work;
  }
  Status Report(const Context&, const PartReport& report) override {
    if (hub_away) return Error(StatusCode::kUnavailable, "HUB_AWAY", "away");
    Status taken;
    GF_TRY(Do([&] {
      EXPECT_NE(report.state, State::kComplete) << "complete without outputs";
      taken = TakeReport(hub_part, report, clock_.Now());
    }));
    return taken;
  }
  Status Deliver(const Context&, const std::string& id, const std::vector<OutputFile>& files,
                 std::int32_t individuals) override {
    if (hub_away) return Error(StatusCode::kUnavailable, "HUB_AWAY", "away");
    Status taken;
    GF_TRY(Do([&] {
      if (!IsFinal(hub_part.state)) delivered = files;
      taken = TakeReport(hub_part, {id, State::kComplete, "", "", -1, individuals}, clock_.Now());
    }));
    return taken;
  }

  // --- access
  Result<Approval> Get(const Context&, const std::string& application) override {
    GF_TRY(Do([] {}));
    if (!grant.ok()) return grant;
    Approval answer;
    auth::Approval content = approval;
    content.application = application;
    answer.token =
        *auth::MintApproval(signer == nullptr ? federation_.fi.signer : *signer, content);
    answer.decision_sha256 = std::string(64, 'd');
    answer.title = "Epilepsy";
    answer.purpose = "To understand epilepsy.\nIn children.";
    answer.organisation = "University of Porto";
    answer.frozen = kFrozen;
    answer.agreement_sha256 = kAgreement;
    return answer;
  }
  Status CheckLive(const Context&, const std::string&) override {
    GF_TRY(Do([] {}));
    return grant;
  }

  // --- catalogue, consent, ledger
  Result<std::int32_t> ListedVersion(const Context&, const std::string&) override {
    GF_TRY(Do([] {}));
    return 3;
  }
  Result<Cohort> TakeCohort(const Context&, const std::string&, std::int32_t) override {
    GF_TRY(Do([] {}));
    Cohort cohort = {41, permitted, "snapshot-1", std::string(64, 'e'), 120};
    return cohort;
  }
  Result<std::int64_t> AppendEntry(const Context&, const std::string& key,
                                   const std::string& entry) override {
    std::int64_t index = -1;
    bool reused = false;
    GF_TRY(Do([&] {
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].first != key) continue;
        index = static_cast<std::int64_t>(i);
        reused = entries[i].second != entry;
      }
      if (index >= 0) return;
      index = static_cast<std::int64_t>(entries.size());
      entries.emplace_back(key, entry);
    }));
    EXPECT_FALSE(reused) << "the ledger would refuse another entry under the same key";
    return index;
  }

  // --- spe
  Status Create(const TaskOrder& order) {
    Status created;
    GF_TRY(Do([&] {
      EXPECT_EQ(entries.at(static_cast<std::size_t>(order.ledger_index)).first, order.id)
          << "a task without an entry";
      if (!tasks.try_emplace(order.id, order).second)
        created = Error(StatusCode::kAlreadyExists, "TASK_EXISTS", "there");
    }));
    return created;
  }
  Status Cancel(const std::string& id) {
    if (!tasks.contains(id)) return Error(StatusCode::kNotFound, "TASK_NOT_FOUND", "none");
    return Do([&] { canceled.insert(id); });
  }
  Result<std::vector<OutputFile>> Outputs() {
    GF_TRY(Do([] {}));
    return std::vector<OutputFile>{{"allele_counts.tsv", TestTable("")}};
  }
  Result<TaskView> View(const std::string& id) {
    GF_TRY(Do([] {}));
    if (!tasks.contains(id)) return Error(StatusCode::kNotFound, "TASK_NOT_FOUND", "none");
    if (canceled.contains(id)) return TaskView{TaskPhase::kCanceled, "", 0};
    const auto script = scripts.contains(id)
                            ? scripts.at(id)
                            : std::vector<TaskView>{{TaskPhase::kWaiting, "", 0},
                                                    {TaskPhase::kRunning, "", 100},
                                                    {TaskPhase::kInReview, "", 100},
                                                    {TaskPhase::kComplete, "", 100}};
    const std::size_t at = std::min(looks[id]++, script.size() - 1);
    return script[at];
  }

  int calls = 0;
  int crash_at = -1;
  bool dead = false;
  int waits = 0;
  bool hub_away = false;
  bool hub_cancel = false;
  bool finished = false;
  Part hub_part;
  std::map<std::string, NodePart> stored;
  std::vector<OutputFile> delivered;
  Status grant;
  auth::Approval approval;
  crypto::Signer* signer = nullptr;  // null: the country's own
  std::int32_t permitted = 100;
  std::vector<std::pair<std::string, std::string>> entries;
  std::map<std::string, TaskOrder> tasks;
  std::map<std::string, std::vector<TaskView>> scripts;
  std::map<std::string, std::size_t> looks;
  std::set<std::string> canceled;

 private:
  // Each call can be cut before and after its effect.
  template <typename Effect>
  Status Do(Effect effect) {
    GF_TRY(Tick());
    effect();
    return Tick();
  }
  Status Tick() {
    if (calls++ == crash_at) dead = true;
    if (dead) return Error(StatusCode::kCancelled, "CRASHED", "the process is gone");
    return absl::OkStatus();
  }

  auth::TestFederation& federation_;
  const Clock& clock_;
};

// Tasks::Get and Approvals::Get differ only in what they return, so one class cannot be both.
class TasksOf final : public Tasks {
 public:
  explicit TasksOf(World& world) : world_(world) {}
  Status Create(const Context&, const TaskOrder& order) override { return world_.Create(order); }
  Result<TaskView> Get(const Context&, const std::string& id) override { return world_.View(id); }
  Status Cancel(const Context&, const std::string& id) override { return world_.Cancel(id); }
  Result<std::vector<OutputFile>> Outputs(const Context&, const std::string&) override {
    return world_.Outputs();
  }

 private:
  World& world_;
};

class PartWalkTest : public ::testing::Test {
 protected:
  PartWalkTest() {
    world_.approval.issuer = federation_.fi.iss;
    world_.approval.subject = "alice";
    world_.approval.id = "apv-1";
    world_.approval.audience = "urn:genofed:site:fi";
    world_.approval.country = "FI";
    world_.approval.application_sha256 = HexEncode(crypto::Sha256(kFrozen));
    world_.approval.dua_sha256 = kAgreement;
    world_.approval.datasets = {kDataset};
    world_.approval.purposes = {"DUO:0000042"};
    world_.approval.permit_id = "permit-1";
    world_.approval.issued_at = world_.approval.not_before = world_.approval.permit_from =
        clock_.now;
    world_.approval.expires_at = clock_.now + std::chrono::hours(1);
    world_.approval.permit_until = clock_.now + std::chrono::hours(1000);
    policy_.audience = "urn:genofed:site:fi";
    policy_.country = "FI";
    policy_.allowed_workflows = {WorkflowDigest(TestWorkflow())};
  }

  // One claim of the part, as the lease loop makes them.
  Status Once() {
    PartWalk walk(world_, world_, world_, world_, tasks_, trust_, clock_, policy_);
    return walk.Run(Context::Background(), {World::part().id, "me", 1, {}});
  }
  // Claims until the part is done.
  void Walk() {
    ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
    for (int i = 0; i < 100 && !world_.finished; ++i) {
      (void)Once();
      if (world_.dead) {
        world_.dead = false;
        world_.crash_at = -1;
      }
    }
    ASSERT_TRUE(world_.finished);
  }
  NodePart& Stored() { return world_.stored.at(World::part().id); }
  std::string RefusalOf() {
    Walk();
    EXPECT_TRUE(world_.tasks.empty());
    EXPECT_TRUE(world_.entries.empty()) << "nothing is logged for a refused part";
    EXPECT_EQ(world_.hub_part.state, State::kSystemError);
    return world_.hub_part.reason;
  }
  void WalkUntilRunning() {
    ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
    for (int i = 0; i < 10 && Stored().state != State::kRunning; ++i) ASSERT_THAT(Once(), IsOk());
    ASSERT_EQ(Stored().state, State::kRunning);
  }

  auth::TestFederation federation_;
  auth::TrustStore trust_ = federation_.Trust();
  auth::FixedClock clock_;
  World world_{federation_, clock_};
  TasksOf tasks_{world_};
  NodePolicy policy_;
};

TEST_F(PartWalkTest, GoesFromWorkToDeliveredOutputs) {
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_EQ(world_.hub_part.individuals, 100);
  EXPECT_EQ(world_.hub_part.ledger_index, 0);
  ASSERT_EQ(world_.delivered.size(), 1u);
  ASSERT_EQ(world_.tasks.size(), 1u);
  const TaskOrder& order = world_.tasks.begin()->second;
  EXPECT_EQ(order.dataset, kDataset);
  EXPECT_EQ(order.version, 3);
  EXPECT_EQ(order.epoch, 41);
  EXPECT_EQ(order.requester_subject, "alice");
  EXPECT_EQ(order.parameters.at("REGION"), "chr1");
}

TEST_F(PartWalkTest, LogsWhatCitizensAreToldBeforeATaskExists) {
  Walk();
  ASSERT_EQ(world_.entries.size(), 1u);
  GF_ASSERT_OK_AND_ASSIGN(const ledger::Entry entry, ledger::DecodeEntry(world_.entries[0].second));
  EXPECT_EQ(entry.kind, ledger::EntryKind::kRun);
  EXPECT_EQ(entry.Field("project"), "Epilepsy");
  EXPECT_EQ(entry.Field("purpose"), "To understand epilepsy. In children.");
  EXPECT_EQ(entry.Field("organisation"), "University of Porto");
  EXPECT_EQ(entry.Field("application"), "APP-1");
  EXPECT_EQ(entry.Field("application_sha256"), HexEncode(crypto::Sha256(kFrozen)));
  EXPECT_EQ(entry.Field("dataset"), kDataset);
  EXPECT_EQ(entry.Field("version"), "3");
  EXPECT_EQ(entry.Field("run"), "run-1");
  EXPECT_EQ(entry.Field("snapshot"), "snapshot-1");
  EXPECT_EQ(entry.Field("workflow_sha256"), WorkflowDigest(TestWorkflow()));
  EXPECT_EQ(entry.numbers.at("epoch"), 41);
  EXPECT_EQ(entry.numbers.at("slots"), 120);
}

TEST_F(PartWalkTest, HasNoDoubleEffectWhereverItIsKilled) {
  int crashes = 0;
  for (int crash_at = 0;; ++crash_at, ++crashes) {
    SCOPED_TRACE(crash_at);
    World fresh(federation_, clock_);
    fresh.approval = world_.approval;
    fresh.crash_at = crash_at;
    TasksOf tasks(fresh);
    fresh.stored.emplace(World::part().id, World::part());
    for (int i = 0; i < 100 && !fresh.finished; ++i) {
      PartWalk walk(fresh, fresh, fresh, fresh, tasks, trust_, clock_, policy_);
      (void)walk.Run(Context::Background(), {World::part().id, "me", 1, {}});
      fresh.dead = false;
      clock_.now += std::chrono::seconds(1);  // a repeated step must not make another entry
      if (fresh.calls > crash_at) fresh.crash_at = -1;
    }
    ASSERT_TRUE(fresh.finished);
    EXPECT_EQ(fresh.entries.size(), 1u);
    EXPECT_EQ(fresh.tasks.size(), 1u);
    EXPECT_EQ(fresh.delivered.size(), 1u);
    EXPECT_EQ(fresh.hub_part.state, State::kComplete);
    EXPECT_EQ(fresh.hub_part.ledger_index, 0);
    if (fresh.calls < crash_at) break;  // the walk was over before the crash
  }
  EXPECT_GT(crashes, 40);
}

TEST_F(PartWalkTest, IsCanceledCleanlyWhereverItIsKilled) {
  for (int crash_at = 0; crash_at < 100; ++crash_at) {
    SCOPED_TRACE(crash_at);
    World fresh(federation_, clock_);
    fresh.approval = world_.approval;
    fresh.crash_at = crash_at;
    TasksOf tasks(fresh);
    fresh.stored.emplace(World::part().id, World::part());
    auto claim = [&] {
      PartWalk walk(fresh, fresh, fresh, fresh, tasks, trust_, clock_, policy_);
      (void)walk.Run(Context::Background(), {World::part().id, "me", 1, {}});
    };
    while (!fresh.dead && !fresh.finished && fresh.waits < 2) claim();
    if (fresh.finished) break;
    fresh.dead = false;
    fresh.crash_at = -1;
    fresh.stored.begin()->second.cancel = true;
    for (int i = 0; i < 100 && !fresh.finished; ++i) claim();
    ASSERT_TRUE(fresh.finished);
    EXPECT_EQ(fresh.hub_part.state, State::kCanceled);
    for (const auto& [id, order] : fresh.tasks)
      EXPECT_TRUE(fresh.canceled.contains(id)) << "a task was left behind";
    EXPECT_TRUE(fresh.delivered.empty());
  }
}

TEST_F(PartWalkTest, RefusesWithTheReasonOfTheCountry) {
  for (const char* reason : {"APPROVAL_VETOED", "APPROVAL_REVOKED", "APPROVAL_PERMIT_EXPIRED"}) {
    world_.grant = Error(StatusCode::kPermissionDenied, reason, "no");
    world_.stored.clear();
    world_.finished = false;
    world_.hub_part = {};
    world_.hub_part.id = World::part().id;
    EXPECT_EQ(RefusalOf(), reason);
  }
}

TEST_F(PartWalkTest, WaitsAWhileForASignatureThatIsOnItsWay) {
  ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
  world_.grant = Error(StatusCode::kPermissionDenied, "APPROVAL_AGREEMENT_MISSING", "no");
  EXPECT_EQ(Once().code(), StatusCode::kUnavailable);
  clock_.now += std::chrono::seconds(16);
  EXPECT_EQ(RefusalOf(), "APPROVAL_AGREEMENT_MISSING");
}

TEST_F(PartWalkTest, BelievesOnlyTheNationalKey) {
  world_.signer = &federation_.hub.signer;
  EXPECT_EQ(RefusalOf(), "APPROVAL_REFUSED");
}

TEST_F(PartWalkTest, RefusesATokenOfAnotherCountry) {
  world_.signer = &federation_.es.signer;
  world_.approval.issuer = federation_.es.iss;
  world_.approval.country = "ES";
  EXPECT_EQ(RefusalOf(), "APPROVAL_REFUSED");
}

TEST_F(PartWalkTest, RefusesATokenForAnotherNode) {
  world_.approval.audience = "urn:genofed:site:es";
  EXPECT_EQ(RefusalOf(), "APPROVAL_REFUSED");
}

TEST_F(PartWalkTest, RefusesATokenForAnotherPersonThanTheHubNames) {
  world_.approval.subject = "bob";
  EXPECT_EQ(RefusalOf(), "APPROVAL_REFUSED");
}

TEST_F(PartWalkTest, RefusesADatasetThatIsNotApproved) {
  world_.approval.datasets = {"https://data.example/datasets/FI-2"};
  EXPECT_EQ(RefusalOf(), "APPROVAL_REFUSED");
}

TEST_F(PartWalkTest, RefusesAnApplicationThatWasEditedAfterTheDecision) {
  world_.approval.application_sha256 = std::string(64, 'a');
  EXPECT_EQ(RefusalOf(), "APPROVAL_REFUSED");
}

TEST_F(PartWalkTest, RefusesAnotherAgreement) {
  world_.approval.dua_sha256 = std::string(64, 'a');
  EXPECT_EQ(RefusalOf(), "APPROVAL_REFUSED");
}

TEST_F(PartWalkTest, RefusesWorkflowsTheOperatorDidNotList) {
  policy_.allowed_workflows = {WorkflowDigest(TestWorkflow() + "\n")};
  EXPECT_EQ(RefusalOf(), "WORKFLOW_NOT_ALLOWED");
}

TEST_F(PartWalkTest, RefusesParametersTheHubShouldNotHavePassedOn) {
  NodePart part = World::part();
  part.request.parameters["LD_PRELOAD"] = "x";
  world_.stored.emplace(part.id, part);
  EXPECT_EQ(RefusalOf(), "PARAMETER_UNKNOWN");
}

TEST_F(PartWalkTest, RefusesWhenNobodyPermitsTheUse) {
  world_.permitted = 0;
  EXPECT_EQ(RefusalOf(), "NO_PERMITTED_INDIVIDUALS");
}

TEST_F(PartWalkTest, DoesNothingWithoutTheHubsConsentToBegin) {
  ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
  world_.hub_part.state = State::kCanceled;  // its owner was quicker
  Walk();
  EXPECT_TRUE(world_.entries.empty());
  EXPECT_EQ(Stored().state, State::kCanceled);
}

TEST_F(PartWalkTest, EndsTheTaskWhenTheApprovalIsRevoked) {
  WalkUntilRunning();
  world_.grant = Error(StatusCode::kPermissionDenied, "APPROVAL_REVOKED", "no");
  Walk();
  EXPECT_EQ(world_.canceled.size(), 1u);
  EXPECT_EQ(world_.hub_part.state, State::kSystemError);
  EXPECT_EQ(world_.hub_part.reason, "APPROVAL_REVOKED");
  EXPECT_TRUE(world_.delivered.empty());
}

TEST_F(PartWalkTest, DeliversNothingAfterARevocationEvenIfReleased) {
  WalkUntilRunning();
  Stored().stage = Stage::kDelivering;
  world_.grant = Error(StatusCode::kUnavailable, "AWAY", "not known");
  EXPECT_EQ(Once().code(), StatusCode::kUnavailable);
  world_.grant = Error(StatusCode::kPermissionDenied, "APPROVAL_REVOKED", "no");
  Walk();
  EXPECT_TRUE(world_.delivered.empty());
  EXPECT_EQ(world_.hub_part.reason, "APPROVAL_REVOKED");
}

TEST_F(PartWalkTest, EndsTheTaskWhenTheOwnerWishesOrTheHubGaveUp) {
  WalkUntilRunning();
  world_.hub_cancel = true;
  Walk();
  EXPECT_EQ(world_.canceled.size(), 1u);
  EXPECT_EQ(world_.hub_part.state, State::kCanceled);
}

TEST_F(PartWalkTest, EndsTheTaskOfAPartTheHubNoLongerKnows) {
  WalkUntilRunning();
  world_.hub_part.state = State::kSystemError;  // NODE_SILENT
  Walk();
  EXPECT_EQ(world_.canceled.size(), 1u);
  EXPECT_EQ(world_.hub_part.state, State::kSystemError);
}

TEST_F(PartWalkTest, WorksOnWhileTheHubIsAwayAndDeliversLater) {
  WalkUntilRunning();
  world_.hub_away = true;
  for (int i = 0; i < 10; ++i) (void)Once();
  EXPECT_EQ(Stored().stage, Stage::kDelivering);
  EXPECT_FALSE(world_.finished);
  world_.hub_away = false;
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_EQ(world_.tasks.size(), 1u);
}

TEST_F(PartWalkTest, SaysThatOutputsWaitForTheHolder) {
  world_.scripts[World::part().id] = {{TaskPhase::kInReview, "", 100}};
  WalkUntilRunning();
  EXPECT_EQ(world_.hub_part.state, State::kRunning);
  EXPECT_EQ(world_.hub_part.message, "waiting for release by the data holder");
}

TEST_F(PartWalkTest, PassesOnHowTheTaskFailed) {
  world_.scripts[World::part().id] = {{TaskPhase::kExecutorError, "OUT_OF_MEMORY", 100}};
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kExecutorError);
  EXPECT_EQ(world_.hub_part.reason, "OUT_OF_MEMORY");
}

TEST_F(PartWalkTest, LogsAnewWhenTheCohortChangedBeforeTheTaskBegan) {
  world_.scripts[World::part().id] = {{TaskPhase::kSystemError, "COHORT_CHANGED", 0}};
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_EQ(world_.entries.size(), 2u);
  EXPECT_EQ(world_.tasks.size(), 2u);
  EXPECT_EQ(world_.hub_part.ledger_index, 1);
}

}  // namespace
}  // namespace genofed::dispatcher
