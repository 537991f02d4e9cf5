// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/app/part_walk.h"

#include <gtest/gtest.h>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/ledger/entry.h"
#include "libs/testing/matchers.h"
#include "services/dispatcher/app/fake_node.h"
#include "services/dispatcher/app/fetch_work.h"
#include "services/dispatcher/domain/workflow.h"

namespace genofed::dispatcher {
namespace {

using testing::HasReason;
using testing::IsOk;

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
    world_.approval.client_certificate_sha256 = std::string(43, 'C');
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
    return walk.Run(Context::Background(), {FakeNode::part().id, "me", 1, {}});
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
  NodePart& Stored() { return world_.stored.at(FakeNode::part().id); }
  // The reason of the first walk, or of another part like it.
  std::string RefusalOf() {
    world_.stored.erase(FakeNode::part().id);
    return RefusalOfStored();
  }
  std::string RefusalOfStored() {
    world_.finished = false;
    world_.hub_part = {};
    world_.hub_part.id = FakeNode::part().id;
    Walk();
    EXPECT_TRUE(world_.tasks.empty());
    EXPECT_EQ(Entries(ledger::EntryKind::kRun).size(), 0u) << "no run is logged for a refused part";
    EXPECT_EQ(world_.hub_part.state, State::kSystemError);
    return world_.hub_part.reason;
  }
  std::vector<ledger::Entry> Entries(ledger::EntryKind kind) const {
    std::vector<ledger::Entry> found;
    for (const auto& [key, bytes] : world_.entries) {
      const auto entry = ledger::DecodeEntry(bytes);
      EXPECT_THAT(entry, IsOk());
      if (entry->kind == kind) found.push_back(*entry);
    }
    return found;
  }
  std::vector<ledger::Entry> Denied() const { return Entries(ledger::EntryKind::kDenied); }
  void WalkUntilRunning() {
    ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
    for (int i = 0; i < 10 && Stored().state != State::kRunning; ++i) ASSERT_THAT(Once(), IsOk());
    ASSERT_EQ(Stored().state, State::kRunning);
  }

  auth::TestFederation federation_;
  auth::FixedTrust trust_{federation_.Trust()};
  auth::FixedClock clock_;
  FakeNode world_{federation_, clock_};
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
  EXPECT_EQ(entry.Field("decision_sha256"), std::string(64, 'd'));
  EXPECT_EQ(entry.Field("version"), "3");
  EXPECT_EQ(entry.Field("run"), "run-1");
  EXPECT_EQ(entry.Field("snapshot"), "snapshot-1");
  EXPECT_EQ(entry.Field("workflow_sha256"), WorkflowDigest(TestWorkflow()));
  EXPECT_EQ(entry.numbers.at("epoch"), 41);
  EXPECT_EQ(entry.numbers.at("slots"), 120);
}

TEST_F(PartWalkTest, TheCohortIsOfTheConditionsThatTheCountrySignedAndOfNoOthers) {
  world_.beside = {"DUO:0000045", "DUO:0000046"};  // whatever is said beside the token
  world_.approval.accepted_conditions = {"DUO:0000021"};
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_EQ(world_.met, std::vector<std::string>{"DUO:0000021"});
}

TEST_F(PartWalkTest, WithoutAcceptedConditionsTheCohortIsOfNone) {
  world_.beside = {"DUO:0000045"};
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_TRUE(world_.met.empty());
}

TEST_F(PartWalkTest, ConditionsByAnotherKeyOpenNothing) {
  world_.approval.accepted_conditions = {"DUO:0000045"};
  world_.signer = &federation_.hub.signer;
  EXPECT_EQ(RefusalOf(), "APPROVAL_REFUSED");
  EXPECT_TRUE(world_.met.empty());
}

TEST_F(PartWalkTest, HasNoDoubleEffectWhereverItIsKilled) {
  int crashes = 0;
  for (int crash_at = 0;; ++crash_at, ++crashes) {
    SCOPED_TRACE(crash_at);
    FakeNode fresh(federation_, clock_);
    fresh.approval = world_.approval;
    fresh.crash_at = crash_at;
    TasksOf tasks(fresh);
    fresh.stored.emplace(FakeNode::part().id, FakeNode::part());
    for (int i = 0; i < 100 && !fresh.finished; ++i) {
      PartWalk walk(fresh, fresh, fresh, fresh, tasks, trust_, clock_, policy_);
      (void)walk.Run(Context::Background(), {FakeNode::part().id, "me", 1, {}});
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
    FakeNode fresh(federation_, clock_);
    fresh.approval = world_.approval;
    fresh.crash_at = crash_at;
    TasksOf tasks(fresh);
    fresh.stored.emplace(FakeNode::part().id, FakeNode::part());
    auto claim = [&] {
      PartWalk walk(fresh, fresh, fresh, fresh, tasks, trust_, clock_, policy_);
      (void)walk.Run(Context::Background(), {FakeNode::part().id, "me", 1, {}});
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
    EXPECT_EQ(RefusalOf(), reason);
    EXPECT_EQ(Denied().back().Field("reason"), reason);
  }
  EXPECT_EQ(Denied().size(), 3u);
}

TEST_F(PartWalkTest, ARefusalIsInTheLedgerOnceWhereverItIsKilled) {
  world_.permitted = 0;
  Walk();
  ASSERT_EQ(Denied().size(), 1u);
  const ledger::Entry entry = Denied()[0];
  EXPECT_EQ(entry.Field("reason"), "NO_PERMITTED_INDIVIDUALS");
  EXPECT_EQ(entry.Field("application"), "APP-1");
  EXPECT_EQ(entry.Field("dataset"), kDataset);
  EXPECT_EQ(entry.Field("version"), "3");
  EXPECT_EQ(entry.Field("run"), "run-1");
  const int calls = world_.calls;
  const Time began = clock_.now;
  for (int at = 0; at < calls; ++at) {
    clock_.now = began;
    FakeNode fresh(federation_, clock_);
    fresh.approval = world_.approval;
    fresh.permitted = 0;
    fresh.crash_at = at;
    TasksOf tasks(fresh);
    for (int i = 0; i < 100 && !fresh.finished; ++i) {
      clock_.now += std::chrono::minutes(20);  // and into another hour
      (void)FetchWork(Context::Background(), fresh, fresh, clock_.now);
      PartWalk walk(fresh, fresh, fresh, fresh, tasks, trust_, clock_, policy_);
      (void)walk.Run(Context::Background(), {FakeNode::part().id, "me", 1, {}});
      if (fresh.dead) {
        fresh.dead = false;
        fresh.crash_at = -1;
      }
      if (fresh.hub_part.state == State::kSystemError) {
        EXPECT_EQ(fresh.entries.size(), 1u) << "the hub hears after the ledger, killed at " << at;
      }
    }
    EXPECT_EQ(fresh.entries.size(), 1u) << "killed at " << at;
  }
}

// A hub that asks without end does not fill the log.
TEST_F(PartWalkTest, TheSameRefusalIsLoggedOnceAnHour) {
  world_.grant = Error(StatusCode::kPermissionDenied, "APPROVAL_VETOED", "no");
  for (int i = 0; i < 5; ++i) {
    clock_.now += std::chrono::seconds(1);
    EXPECT_EQ(RefusalOf(), "APPROVAL_VETOED");
  }
  EXPECT_EQ(Denied().size(), 1u);
  clock_.now += std::chrono::hours(1);
  EXPECT_EQ(RefusalOf(), "APPROVAL_VETOED");
  EXPECT_EQ(Denied().size(), 2u);
}

TEST_F(PartWalkTest, WhatTheHubMakesUpIsNotNamed) {
  ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
  world_.grant = Error(StatusCode::kNotFound, "APPLICATION_UNKNOWN", "no");
  clock_.now += std::chrono::seconds(16);  // it may be on its way
  EXPECT_EQ(RefusalOfStored(), "APPLICATION_UNKNOWN");
  EXPECT_TRUE(Denied().empty());
  world_.grant = Error(StatusCode::kPermissionDenied, "APPROVAL_VETOED", "no");
  world_.unlisted = Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no");
  EXPECT_EQ(RefusalOf(), "APPROVAL_VETOED");
  ASSERT_EQ(Denied().size(), 1u);
  EXPECT_EQ(Denied()[0].Field("dataset"), "");
}

TEST_F(PartWalkTest, ARefusalStandsWhenTheLedgerTakesNothing) {
  world_.permitted = 0;
  world_.ledger_refusal = Error(StatusCode::kUnavailable, "AWAY", "no");
  ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
  EXPECT_EQ(Once().code(), StatusCode::kUnavailable);
  EXPECT_NE(world_.hub_part.state, State::kSystemError) << "nobody hears yet";
  world_.ledger_refusal = Error(StatusCode::kFailedPrecondition, "LEDGER_FROZEN", "no");
  Walk();
  EXPECT_EQ(world_.hub_part.reason, "NO_PERMITTED_INDIVIDUALS");
}

// A title is what people wrote: 20,000 bytes and several lines of it.
TEST_F(PartWalkTest, WhatAnApplicationSaysOfItselfAlwaysFitsIntoTheEntry) {
  world_.title = "Epilepsy\nin " + std::string(20'000, 'x');
  Walk();
  ASSERT_EQ(Entries(ledger::EntryKind::kRun).size(), 1u);
  EXPECT_TRUE(Entries(ledger::EntryKind::kRun)[0].Field("project").starts_with("Epilepsy in xxx"));
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
}

TEST_F(PartWalkTest, TakesNoPartThatIsNamedAsATryOfAnother) {
  for (const char* id : {"run-1-fi-0123456789ab.2", "", "../x", "RUN"}) {
    world_.odd_id = id;
    if (world_.odd_id.empty()) world_.odd_id = std::string(129, 'x');
    ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
    EXPECT_TRUE(world_.stored.empty()) << id;
  }
}

TEST_F(PartWalkTest, WaitsAWhileForASignatureThatIsOnItsWay) {
  ASSERT_THAT(FetchWork(Context::Background(), world_, world_, clock_.now), IsOk());
  world_.grant = Error(StatusCode::kPermissionDenied, "APPROVAL_AGREEMENT_MISSING", "no");
  EXPECT_EQ(Once().code(), StatusCode::kUnavailable);
  clock_.now += std::chrono::seconds(16);
  EXPECT_EQ(RefusalOfStored(), "APPROVAL_AGREEMENT_MISSING");
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
  NodePart part = FakeNode::part();
  part.request.parameters["LD_PRELOAD"] = "x";
  world_.stored.emplace(part.id, part);
  EXPECT_EQ(RefusalOfStored(), "PARAMETER_UNKNOWN");
  EXPECT_TRUE(Denied().empty()) << "a mistake is no refusal";
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
  ASSERT_EQ(Denied().size(), 1u);
  EXPECT_EQ(Denied()[0].Field("reason"), "APPROVAL_REVOKED");
}

TEST_F(PartWalkTest, EndsTheTaskWhenTheDatasetIsRevoked) {
  WalkUntilRunning();
  auth::RevocationList revoked;
  revoked.Add({auth::RevocationKind::kDataset, std::string(kDataset), ""});
  const auth::FixedTrust heard(
      federation_.Trust().With(std::make_shared<const auth::RevocationList>(revoked)));
  for (int i = 0; i < 10 && !world_.finished; ++i) {
    PartWalk walk(world_, world_, world_, world_, tasks_, heard, clock_, policy_);
    (void)walk.Run(Context::Background(), {FakeNode::part().id, "me", 1, {}});
  }
  EXPECT_EQ(world_.canceled.size(), 1u);
  EXPECT_EQ(world_.hub_part.reason, "DATASET_REVOKED");
}

TEST_F(PartWalkTest, AsksOnceMoreWhenItsCertificateWasRenewedMeanwhile) {
  world_.approval.client_certificate_sha256 = std::string(43, 'A');
  world_.create_refusals = 1;
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_EQ(world_.entries.size(), 1u);
}

TEST_F(PartWalkTest, ARefusalThatStaysIsAnAnswer) {
  world_.create_refusals = 2;
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kSystemError);
  EXPECT_EQ(world_.hub_part.reason, "APPROVAL_REFUSED");
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
  world_.scripts[FakeNode::part().id] = {{TaskPhase::kInReview, "", 100}};
  WalkUntilRunning();
  EXPECT_EQ(world_.hub_part.state, State::kRunning);
  EXPECT_EQ(world_.hub_part.message, "waiting for release by the data holder");
}

TEST_F(PartWalkTest, PassesOnHowTheTaskFailed) {
  world_.scripts[FakeNode::part().id] = {{TaskPhase::kExecutorError, "OUT_OF_MEMORY", 100}};
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kExecutorError);
  EXPECT_EQ(world_.hub_part.reason, "OUT_OF_MEMORY");
}

TEST_F(PartWalkTest, LogsAnewWhenTheCohortChangedBeforeTheTaskBegan) {
  world_.scripts[FakeNode::part().id] = {{TaskPhase::kSystemError, "COHORT_CHANGED", 0}};
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_EQ(world_.entries.size(), 2u);
  EXPECT_EQ(world_.tasks.size(), 2u);
  EXPECT_EQ(world_.hub_part.ledger_index, 1);
}

TEST_F(PartWalkTest, BeginsAgainWhenSomebodyWithdrawsWhileTheTaskRuns) {
  const std::string first = FakeNode::part().id;
  world_.scripts[first] = {{TaskPhase::kRunning, "", 100}};
  WalkUntilRunning();
  EXPECT_TRUE(world_.canceled.empty());
  world_.withdrawn.insert(0);
  Walk();
  EXPECT_EQ(world_.canceled, std::set<std::string>{first});
  EXPECT_EQ(world_.entries.size(), 2u) << "the second run has its own entry";
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_EQ(world_.hub_part.ledger_index, 1);
}

TEST_F(PartWalkTest, WhatAHubThatShutsTheNodeOutWasToldIsToldAgain) {
  world_.scripts[FakeNode::part().id] = {{TaskPhase::kRunning, "", 100}};
  WalkUntilRunning();
  world_.scripts[FakeNode::part().id] = {{TaskPhase::kComplete, "", 100}};
  world_.shut_out = true;
  EXPECT_EQ(Once().code(), StatusCode::kPermissionDenied);
  world_.shut_out = false;
  Walk();
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_FALSE(world_.delivered.empty());
}

TEST_F(PartWalkTest, DoesNotDeliverWhatWasReleasedBeforeSomebodyWithdrew) {
  world_.scripts[FakeNode::part().id] = {{TaskPhase::kComplete, "", 100}};
  world_.withdrawn.insert(0);
  Walk();
  EXPECT_EQ(world_.entries.size(), 2u) << "run again without them";
  EXPECT_EQ(world_.hub_part.state, State::kComplete);
  EXPECT_EQ(world_.hub_part.ledger_index, 1);
}

}  // namespace
}  // namespace genofed::dispatcher
