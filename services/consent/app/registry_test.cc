// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/registry.h"

#include <gtest/gtest.h>

#include "libs/ledger/receipt.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-FI-A-1", 1};

class FakeRegistry final : public RegistrySource {
 public:
  Result<RegistryPull> Pull(const Context&, std::optional<Time> since, const Sink& sink) override {
    asked_since = since;
    for (const RegistryEntry& entry : entries) GF_TRY(sink(entry));
    GF_TRY(answer);
    return RegistryPull{now, 0, complete};
  }
  std::vector<RegistryEntry> entries;
  std::optional<Time> asked_since;
  Status answer;
  Time now{};
  bool complete = true;
};

RegistryEntry Entry(const std::string& id, const std::string& person, int permits, int refused = 0) {
  return {id, person, true, {Bits(permits), {}, {}, {}}, Bits(refused), {}, false};
}

class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1, {{"p", Says(7)}, {"q", Silence()}, {"r", Says(4)}}}), IsOk());
    ASSERT_THAT(SetUpRegistries(node_.ctx, node_.ledger, node_.rules, {"national"}), IsOk());
    source_.now = node_.clock.Now();
  }
  std::int64_t Epoch() { return *node_.ledger.Epoch(node_.ctx); }
  // How many permit secondary use.
  int Permitted() {
    auto cohort = node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, false);
    EXPECT_THAT(cohort, IsOk());
    return static_cast<int>(std::ranges::count(cohort->permitted, true));
  }
  MemoryStore store_;
  Node node_{store_};
  FakeRegistry source_;
  Registry registry_{{"national", std::chrono::hours(1), std::chrono::minutes(5), std::chrono::hours(24)},
                     source_,
                     store_,
                     node_.ledger,
                     node_.pseudonyms,
                     node_.rules,
                     node_.random};
};

TEST_F(RegistryTest, UntilItIsHeardNothingIsPermitted) {
  EXPECT_EQ(Permitted(), 0);
  source_.answer = Error(StatusCode::kUnavailable, "FHIR_SERVER_ERROR", "503");
  EXPECT_THAT(registry_.RunOnce(node_.ctx), HasReason("FHIR_SERVER_ERROR"));
  EXPECT_EQ(Permitted(), 0);
  EXPECT_EQ(registry_.State(node_.ctx)->last_error, "FHIR_SERVER_ERROR");
  source_.answer = absl::OkStatus();
  EXPECT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 2);
}

TEST_F(RegistryTest, ItsRefusalWinsAndItsPermissionCounts) {
  source_.entries = {Entry("c1", "p", 0, 4), Entry("c2", "q", 4), Entry("c3", "stranger", 4)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 1) << "p refused, r by the holder; q was left out of the dataset";
  auto mine = node_.mine.Get(node_.ctx, "p");
  EXPECT_EQ(mine->decisions[2].decision.basis, Basis::kDenied);
  EXPECT_EQ(mine->history[0].registry, "national");
  EXPECT_EQ(registry_.State(node_.ctx)->records, 3);
  // Somebody who was not known here is, when they come.
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {{"GOE-FI-B-1", 1}, {{"stranger", Silence()}}}), IsOk());
  auto other = node_.cohorts.Run(node_.ctx, {"GOE-FI-B-1", 1}, Permission::kSecondaryUse, false);
  EXPECT_EQ(other->permitted, std::vector<bool>{true});
}

TEST_F(RegistryTest, OnlyAChangeBeginsAnEpoch) {
  source_.entries = {Entry("c1", "p", 0, 4)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  const std::int64_t before = Epoch();
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Epoch(), before);
  EXPECT_EQ(source_.asked_since, source_.now - std::chrono::minutes(5)) << "reaches back behind the watermark";
  source_.entries = {Entry("c1", "p", 4)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Epoch(), before + 1);
  EXPECT_EQ(Permitted(), 2);
  source_.entries[0].counts = false;
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(registry_.State(node_.ctx)->records, 0);
  EXPECT_EQ(Permitted(), 2) << "the holder's record is what is left";
}

TEST_F(RegistryTest, WhatAFullPullDoesNotShowIsGone) {
  source_.entries = {Entry("c1", "p", 0, 7), Entry("c2", "r", 0, 7)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 0);
  source_.entries.pop_back();
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 0) << "an incremental pull says nothing about others";
  node_.clock.Advance(std::chrono::hours(24));
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_FALSE(source_.asked_since.has_value());
  EXPECT_EQ(Permitted(), 1);
}

TEST_F(RegistryTest, WhatAFailedFullPullHasSeenIsNotSeenByTheNext) {
  source_.entries = {Entry("c1", "p", 0, 7), Entry("c2", "r", 0, 7)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  node_.clock.Advance(std::chrono::hours(24));
  // More than a batch, so that some of it counts before the error.
  for (int i = 0; i < 2000; ++i) {
    source_.entries.push_back(Entry(fmt::format("x{}", i), fmt::format("x{}", i), 4));
  }
  source_.answer = Error(StatusCode::kUnavailable, "FHIR_SERVER_ERROR", "503");
  EXPECT_THAT(registry_.RunOnce(node_.ctx), HasReason("FHIR_SERVER_ERROR"));
  // In between c1 is deleted there.
  source_.entries = {Entry("c2", "r", 0, 7)};
  source_.answer = absl::OkStatus();
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 1);
}

TEST_F(RegistryTest, AConsentThatNoLongerTellsOfWhomItIsStaysTheirs) {
  source_.entries = {Entry("c1", "p", 0, 7), Entry("c2", "r", 4)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 1);
  node_.clock.Advance(std::chrono::hours(24));
  source_.entries = {Entry("c1", "", 0, 7), Entry("c2", "", 0, 4), Entry("c3", "", 0, 7)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 0) << "what it says now counts, too";
  EXPECT_EQ(registry_.State(node_.ctx)->records, 2) << "of whom c3 is was never known";
}

TEST_F(RegistryTest, ADeathIsTakenBackByWhoSaysThatThePersonLives) {
  source_.entries = {Entry("c1", "p", 4)};
  source_.entries[0].who.died_at = node_.clock.Now();
  const auto died = [&] {
    return store_.state.subjects.at(node_.pseudonyms.Blinded("p")).who.died_at.has_value();
  };
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_TRUE(died());
  source_.entries[0].who = {};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_TRUE(died()) << "silence takes nothing back";
  const std::int64_t before = Epoch();
  source_.entries[0].lives = true;
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_FALSE(died());
  EXPECT_EQ(Epoch(), before + 1);
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Epoch(), before + 1);
}

TEST_F(RegistryTest, AnExceptionFromADenialIsRefusedWhenItIsOver) {
  RegistryEntry entry = Entry("c1", "p", 4);
  entry.says.from = node_.clock.Now() + std::chrono::minutes(10);
  entry.says.until = node_.clock.Now() + std::chrono::minutes(20);
  entry.refuses_outside = true;
  source_.entries = {entry};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 1) << "though p's holder permits it";
  node_.clock.Advance(std::chrono::minutes(10));
  EXPECT_EQ(Permitted(), 2);
  node_.clock.Advance(std::chrono::minutes(10));
  EXPECT_EQ(Permitted(), 1);
  EXPECT_EQ(registry_.State(node_.ctx)->records, 1);
  source_.entries[0].refuses_outside = false;
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 2);
}

TEST_F(RegistryTest, APullWithNamelessRecordsRemovesNothing) {
  source_.entries = {Entry("c1", "p", 0, 7)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  node_.clock.Advance(std::chrono::hours(24));
  source_.entries.clear();
  source_.complete = false;
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 1);
}

TEST_F(RegistryTest, SilenceOfTheRegistryClosesAndItsReturnOpens) {
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 2);
  const std::int64_t before = Epoch();
  node_.clock.Advance(std::chrono::hours(1) + std::chrono::seconds(1));
  ASSERT_THAT(registry_.KeepFresh(node_.ctx), IsOk());
  EXPECT_EQ(Epoch(), before + 1);
  EXPECT_EQ(Permitted(), 0);
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 2);
}

// The clock was ahead when the registry was heard last, and is right again: nobody knows how long
// ago that was.
TEST_F(RegistryTest, AClockThatWasSetBackMakesItStaleAndAsksForEverything) {
  node_.clock.Advance(std::chrono::hours(24 * 30));
  source_.now = node_.clock.Now();
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 2);
  node_.clock.Advance(-std::chrono::hours(24 * 30));
  ASSERT_THAT(registry_.KeepFresh(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 0) << "a success of the future is none";
  source_.entries = {Entry("c1", "p", 0, 7)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_FALSE(source_.asked_since.has_value()) << "everything is asked for";
  EXPECT_EQ(Permitted(), 1);
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_TRUE(source_.asked_since.has_value());
}

TEST_F(RegistryTest, WhatItSaysIsInTheLedgerAndInPeoplesHistories) {
  const auto last = [&] { return *ledger::DecodeEntry(store_.state.ledger.back().first.entry); };
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(last().Field("reason"), "registry national is heard again");
  source_.entries = {Entry("c1", "p", 0, 4), Entry("c2", "q", 4), Entry("c3", "r", 4)};
  const auto before = static_cast<std::int64_t>(store_.state.ledger.size());
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  ASSERT_EQ(static_cast<std::int64_t>(store_.state.ledger.size()), before + 2);
  EXPECT_EQ(last().kind, ledger::EntryKind::kConsentWithdraw);
  EXPECT_EQ(last().Field("reason"), "registry national");
  const auto said = [&](const std::string& person) {
    const auto mine = node_.mine.Get(node_.ctx, person);
    const auto facts = ledger::VerifyReceipt(mine->history[0].receipt, node_.ledger.VerifierKey());
    EXPECT_THAT(facts, IsOk());
    EXPECT_EQ(mine->history[0].ledger_index, static_cast<std::int64_t>(facts->index));
    return facts->said->substr(facts->said->find(' ') + 1);
  };
  EXPECT_EQ(said("p"), "none refuses SEC");
  EXPECT_EQ(said("q"), "SEC");
  EXPECT_EQ(said("r"), "SEC");
  // Changed, over, and gone from a full pull.
  source_.entries = {Entry("c1", "p", 4), Entry("c2", "q", 4), Entry("c3", "r", 4)};
  source_.entries[1].counts = false;
  node_.clock.Advance(std::chrono::minutes(30));
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(said("p"), "SEC");
  EXPECT_EQ(said("q"), "not in force any more");
  EXPECT_TRUE(node_.mine.Get(node_.ctx, "q")->history[0].permissions.empty());
  source_.entries.resize(1);
  node_.clock.Advance(std::chrono::hours(24));
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(said("r"), "not in force any more");
  // What did not change is said as well.
  for (const int permits : {2, 0}) {
    source_.entries = {Entry("c1", "p", permits, 4)};
    ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
    EXPECT_EQ(said("p"), permits == 2 ? "SLQ; none refuses SEC" : "none refuses SEC");
  }
  // Whoever it is about never stands in the ledger.
  for (const auto& [stored, entry] : store_.state.ledger) {
    for (const char* person : {"p", "q", "r"})
      EXPECT_EQ(stored.entry.find(node_.pseudonyms.Blinded(person)), std::string::npos);
  }
  ASSERT_THAT(SetUpRegistries(node_.ctx, node_.ledger, node_.rules, {}), IsOk());
  EXPECT_EQ(last().Field("reason"), "registries that count: none");
}

// Of somebody whose Consent became another's, and of a Consent about somebody else, both are told.
TEST_F(RegistryTest, AConsentThatIsAboutSomebodyElseNowIsNewsToBoth) {
  source_.entries = {Entry("c1", "p", 0, 4)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  source_.entries = {Entry("c1", "r", 0, 4)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(node_.mine.Get(node_.ctx, "p")->history[0].group->words, "not in force any more");
  EXPECT_EQ(node_.mine.Get(node_.ctx, "r")->history[0].group->words, "none refuses SEC");
}

TEST_F(RegistryTest, ARegistryThatIsNotConfiguredAnyMoreIsForgotten) {
  source_.entries = {Entry("c1", "p", 0, 7)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_EQ(Permitted(), 1);
  ASSERT_THAT(SetUpRegistries(node_.ctx, node_.ledger, node_.rules, {}), IsOk());
  EXPECT_EQ(Permitted(), 2);
  EXPECT_THAT(registry_.RunOnce(node_.ctx), HasReason("REGISTRY_UNKNOWN"));
}

TEST_F(RegistryTest, WhoWasForgottenStaysSoWhateverItSays) {
  source_.entries = {Entry("c1", "p", 7), Entry("c2", "q", 4)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "p"), IsOk());
  const std::size_t people = store_.state.subjects.size();
  const std::int64_t before = Epoch();
  node_.clock.Advance(std::chrono::hours(24));
  source_.entries.push_back(Entry("c3", "p", 0, 7));
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_FALSE(source_.asked_since.has_value()) << "everything was pulled";
  EXPECT_EQ(store_.state.subjects.size(), people);
  EXPECT_FALSE(store_.state.subjects.contains(node_.pseudonyms.Blinded("p")));
  EXPECT_EQ(registry_.State(node_.ctx)->records, 1);
  EXPECT_EQ(Epoch(), before);
  // Who comes back by themselves is heard of again.
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(4)), IsOk());
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_FALSE(source_.asked_since.has_value()) << "what has not changed is not in any other pull";
  EXPECT_EQ(registry_.State(node_.ctx)->records, 3);
}

TEST_F(RegistryTest, TheIdentifierIsKeptNowhere) {
  source_.entries = {Entry("c1", "person-in-clear", 4)};
  ASSERT_THAT(registry_.RunOnce(node_.ctx), IsOk());
  EXPECT_FALSE(store_.state.subjects.contains("person-in-clear"));
  EXPECT_TRUE(store_.state.subjects.contains(node_.pseudonyms.Blinded("person-in-clear")));
}

}  // namespace
}  // namespace genofed::consent
