// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/domain/run.h"

#include <gtest/gtest.h>

#include "libs/testing/matchers.h"
#include "services/dispatcher/domain/node_part.h"

namespace genofed::dispatcher {
namespace {

using testing::HasReason;
using testing::IsOk;

const Time kNow = FromUnixSeconds(1'800'000'000);

Part PartIn(State state, std::string reason = "") {
  Part part;
  part.id = "p";
  part.site = "fi";
  part.dataset = "GOE-FI-1";
  part.state = state;
  part.reason = std::move(reason);
  part.heard = kNow;
  return part;
}

Run RunOf(std::vector<Part> parts, bool cancel = false) {
  Run run;
  run.parts = std::move(parts);
  run.cancel = cancel;
  return run;
}

TEST(PlanParts, GivesOnePartPerDatasetAtTheNodeOfItsCountry) {
  const std::vector<DatasetDecision> decisions = {{"GOE-FI-1", "FI", true},
                                                  {"GOE-FI-2", "FI", true},
                                                  {"GOE-ES-1", "ES", true},
                                                  {"GOE-DE-1", "DE", false}};
  const auto all = PlanParts("run-1", {}, decisions, kNow);
  ASSERT_THAT(all, IsOk());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all->at(2).site, "es");
  EXPECT_NE(all->at(0).id, all->at(1).id);
  // printf GOE-FI-1 | sha256sum | cut -c-12
  EXPECT_EQ(all->at(0).id, "run-1-fi-5b7aea1a0ee3");
  EXPECT_EQ(PlanParts("run-1", {"GOE-ES-1"}, decisions, kNow)->size(), 1u);
}

TEST(PlanParts, NamesTheFirstDatasetThatIsNotApproved) {
  const std::vector<DatasetDecision> decisions = {{"GOE-FI-1", "FI", true},
                                                  {"GOE-DE-1", "DE", false}};
  for (const char* dataset : {"GOE-DE-1", "GOE-XX-1"}) {
    const auto parts = PlanParts("run-1", {"GOE-FI-1", dataset}, decisions, kNow);
    EXPECT_THAT(parts, HasReason("DATASET_NOT_APPROVED"));
    EXPECT_EQ(parts.status().code(), StatusCode::kFailedPrecondition);
    ASSERT_EQ(Fields(parts.status()).size(), 1u);
    EXPECT_EQ(Fields(parts.status())[0].field, "datasets[1]");
  }
  EXPECT_THAT(PlanParts("run-1", {}, {{"GOE-DE-1", "DE", false}}, kNow),
              HasReason("DATASET_NOT_APPROVED"));
}

TEST(TakeReport, NeverGoesBackwardsAndNeverLeavesAFinalState) {
  constexpr State kAll[] = {State::kQueued,      State::kInitializing, State::kRunning,
                            State::kCanceling,   State::kComplete,     State::kExecutorError,
                            State::kSystemError, State::kCanceled};
  for (const State from : kAll) {
    for (const State to : kAll) {
      Part part = PartIn(from);
      const Status status = TakeReport(part, {"p", to, "", "", -1, 0}, kNow);
      if (IsFinal(from)) {
        EXPECT_EQ(part.state, from);
        EXPECT_EQ(status.ok(), from == to);
      } else {
        EXPECT_TRUE(status.ok());
        EXPECT_EQ(part.state, std::max(from, to));
      }
    }
  }
}

TEST(TakeReport, KeepsWhatWasKnownAndCleansWhatNodesSay) {
  Part part = PartIn(State::kRunning);
  ASSERT_THAT(TakeReport(part,
                         {"p", State::kRunning, "",
                          "a\x01"
                          "b",
                          7, 12},
                         kNow),
              IsOk());
  ASSERT_THAT(
      TakeReport(part, {"p", State::kSystemError, std::string(1000, 'X'), "\xff", -1, 0}, kNow),
      IsOk());
  EXPECT_EQ(part.ledger_index, 7);
  EXPECT_EQ(part.individuals, 12);
  EXPECT_EQ(part.reason.size(), 64u);
  EXPECT_EQ(part.message, "");
}

TEST(RequestCancel, EndsWhatNoNodeHasBegun) {
  auto run = RunOf({PartIn(State::kQueued), PartIn(State::kRunning), PartIn(State::kComplete)});
  RequestCancel(run, kNow);
  EXPECT_EQ(run.parts[0].state, State::kCanceled);
  EXPECT_EQ(run.parts[1].state, State::kRunning);
  EXPECT_EQ(run.parts[2].state, State::kComplete);
  EXPECT_EQ(run.CurrentState(), State::kCanceling);
  EXPECT_FALSE(run.AllPartsEnded());
}

TEST(RequestCancel, LeavesAFinishedRunAlone) {
  auto run = RunOf({PartIn(State::kComplete)});
  run.finished = kNow;
  run.final_state = State::kComplete;
  RequestCancel(run, kNow);
  EXPECT_EQ(run.CurrentState(), State::kComplete);
  EXPECT_FALSE(run.cancel);
}

TEST(CurrentState, IsThatOfTheFurthestPartUntilTheRunIsFinished) {
  EXPECT_EQ(RunOf({PartIn(State::kQueued), PartIn(State::kQueued)}).CurrentState(), State::kQueued);
  EXPECT_EQ(RunOf({PartIn(State::kQueued), PartIn(State::kInitializing)}).CurrentState(),
            State::kInitializing);
  EXPECT_EQ(RunOf({PartIn(State::kQueued), PartIn(State::kSystemError)}).CurrentState(),
            State::kRunning);
  EXPECT_EQ(RunOf({PartIn(State::kComplete)}).CurrentState(), State::kRunning);
}

TEST(ExpireParts, EndsSilentPartsOnly) {
  auto run = RunOf({PartIn(State::kRunning), PartIn(State::kRunning), PartIn(State::kComplete)});
  run.parts[0].heard = run.parts[2].heard = kNow - std::chrono::hours(25);
  EXPECT_TRUE(ExpireParts(run, kNow - std::chrono::hours(24), kNow));
  EXPECT_EQ(run.parts[0].reason, "NODE_SILENT");
  EXPECT_EQ(run.parts[1].state, State::kRunning);
  EXPECT_EQ(run.parts[2].state, State::kComplete);
  EXPECT_FALSE(ExpireParts(run, kNow - std::chrono::hours(24), kNow));
}

TEST(Conclude, FollowsThePartsAndNamesWhatIsMissing) {
  EXPECT_EQ(Conclude(RunOf({PartIn(State::kComplete), PartIn(State::kComplete)})).state,
            State::kComplete);
  const Outcome some =
      Conclude(RunOf({PartIn(State::kComplete), PartIn(State::kSystemError, "APPROVAL_REVOKED")}));
  EXPECT_EQ(some.state, State::kComplete);
  EXPECT_EQ(some.message, "results do not include: fi GOE-FI-1 (APPROVAL_REVOKED)");
  EXPECT_EQ(Conclude(RunOf({PartIn(State::kExecutorError, "OUT_OF_MEMORY")})).state,
            State::kExecutorError);
  EXPECT_EQ(Conclude(RunOf({PartIn(State::kExecutorError), PartIn(State::kSystemError)})).state,
            State::kSystemError);
  EXPECT_EQ(Conclude(RunOf({PartIn(State::kComplete), PartIn(State::kCanceled)}, true)).state,
            State::kCanceled);
}

TEST(Validate, LimitsWhatCallersGive) {
  RunRequest request;
  EXPECT_THAT(Validate(request), HasReason("APPLICATION_MISSING"));
  request.application = "app-1";
  request.parameters["REGION"] = std::string(200, 'x');
  EXPECT_THAT(Validate(request), IsOk());
  for (const std::string& bad :
       {std::string(201, 'x'), std::string("a\nb"), std::string("\xc3\xa4")}) {
    request.parameters["REGION"] = bad;
    EXPECT_THAT(Validate(request), HasReason("PARAMETER_INVALID"));
    EXPECT_EQ(Fields(Validate(request))[0].field, "parameters.REGION");
  }
  request.parameters.clear();
  request.datasets = {"a", "a"};
  EXPECT_THAT(Validate(request), HasReason("DUPLICATE"));
  request.datasets = std::vector<std::string>(101, "a");
  EXPECT_THAT(Validate(request), HasReason("TOO_MANY"));
}

TEST(State, NamesRoundTrip) {
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(*ParseState(StateName(static_cast<State>(i))), static_cast<State>(i));
  EXPECT_FALSE(ParseState("PAUSED").ok());
}

TEST(NodePart, TellsTheHubNoSmallNumbers) {
  NodePart part;
  part.individuals = 4;
  EXPECT_EQ(part.Report().individuals, 0);
  part.individuals = 5;
  EXPECT_EQ(part.Report().individuals, 5);
}

}  // namespace
}  // namespace genofed::dispatcher
