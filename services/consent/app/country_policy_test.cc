// SPDX-License-Identifier: Apache-2.0
//
// The country's policy at work: who is in a cohort, for which purpose, and when that changes by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "libs/ledger/receipt.h"
#include "services/consent/app/apply_policy.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-ES-A-1", 1};
constexpr char kHealth[] = "DUO:0000006";
constexpr char kStatutory[] = "EHDS:53-1-a";

Policy Spain() {
  auto policy = ParsePolicy(R"json({"policy": "ES-1", "country": "ES", "rules": [
    {"permissions": ["SEC"], "purposes": ["DUO:0000006"], "model": "opt-out", "legal_basis": "EHDS Art. 71(1)"},
    {"permissions": ["SEC"], "purposes": ["EHDS:53-1-a"], "model": "statutory",
     "legal_basis": "Ley 1/2026, art. 5"}]})json");
  GF_CHECK(policy.ok());
  return *std::move(policy);
}

class PolicyAtWork : public ::testing::Test {
 protected:
  explicit PolicyAtWork(Policy policy = Spain()) : node_(store_, std::move(policy)) {}
  // Who is in, in the order of persons.
  std::map<std::string, bool> Permitted(const Use& use) {
    auto cohort = node_.cohorts.Run(node_.ctx, kA1, use, false, true);
    EXPECT_THAT(cohort, IsOk());
    std::map<std::string, bool> permitted;
    for (const char* person : {"silent", "yes", "no"}) {
      const std::string pseudonym = node_.pseudonyms.InDataset(kA1.dataset, person);
      for (std::size_t row = 0; row < cohort->pseudonyms.size(); ++row) {
        if (cohort->pseudonyms[row] == pseudonym) permitted[person] = cohort->permitted[row];
      }
    }
    return permitted;
  }
  void Register() {
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1, {{"silent", Silence()}, {"yes", Says(4)}, {"no", Says(0)}}}),
                IsOk());
  }
  MemoryStore store_;
  Node node_;
};

class OptIn : public PolicyAtWork {
 protected:
  OptIn() : PolicyAtWork(Policy()) {}
};

using People = std::map<std::string, bool>;

TEST_F(PolicyAtWork, SilencePermitsWhatTheCountryOptedOutOf) {
  Register();
  EXPECT_EQ(Permitted({Permission::kSecondaryUse, kHealth}), (People{{"silent", true}, {"yes", true}, {"no", false}}));
  EXPECT_EQ(Permitted(Permission::kSecondaryUse), (People{{"silent", false}, {"yes", true}, {"no", false}}));
  EXPECT_EQ(Permitted({Permission::kSecondaryUse, "DUO:0000011"}),
            (People{{"silent", false}, {"yes", true}, {"no", false}}));
  EXPECT_EQ(Permitted({Permission::kSecondaryUse, kStatutory}),
            (People{{"silent", true}, {"yes", true}, {"no", true}}));
  EXPECT_THAT(node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, "health"}, false),
              HasReason("PURPOSE_INVALID"));
}

TEST_F(OptIn, SilenceIsLeftOut) {
  Register();
  EXPECT_EQ(Permitted({Permission::kSecondaryUse, kHealth}), (People{{"yes", true}}));
}

TEST_F(PolicyAtWork, AStatutoryUseIsSeenByThoseWhoObjected) {
  Register();
  auto cohort = node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, kStatutory}, true);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(cohort->snapshot->id, "GOE-ES-A-1/1/SEC/1/EHDS:53-1-a");
  ASSERT_THAT(node_.ledger.Append(node_.ctx, "dispatcher", "run",
                                  *ledger::EncodeEntry(node_.RunEntry(*cohort->snapshot, "run"))),
              IsOk());
  auto page = node_.mine.Accesses(node_.ctx, "no", 0, "");
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->accesses.size(), 1u);
  EXPECT_TRUE(page->accesses[0].used);
  EXPECT_EQ(page->accesses[0].model, "statutory");
  EXPECT_EQ(page->accesses[0].legal_basis, "Ley 1/2026, art. 5");
  auto facts = ledger::VerifyReceipt(page->accesses[0].receipt, node_.ledger.VerifierKey());
  EXPECT_EQ(facts->use, ledger::Use::kUsed);
  auto mine = node_.mine.Get(node_.ctx, "no");
  ASSERT_EQ(mine->decisions.size(), 5u);
  EXPECT_EQ(mine->decisions[2].decision.basis, Basis::kDenied);
  EXPECT_EQ(mine->decisions[4].decision.basis, Basis::kStatute);
  EXPECT_EQ(mine->decisions[4].legal_basis, "Ley 1/2026, art. 5");
  EXPECT_TRUE(mine->permissions.empty()) << "what was said is one thing, what follows another";
}

TEST_F(PolicyAtWork, ARunKeepsItsPurpose) {
  Register();
  auto cohort = node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, kHealth}, true);
  auto run = node_.ledger.Append(node_.ctx, "dispatcher", "run",
                                 *ledger::EncodeEntry(node_.RunEntry(*cohort->snapshot, "run")));
  ASSERT_THAT(run, IsOk());
  auto again = node_.cohorts.OfRun(node_.ctx, kA1, run->index);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->permitted, cohort->permitted);
  EXPECT_THAT(node_.cohorts.OfRun(node_.ctx, {"GOE-ES-B-1", 1}, run->index), HasReason("RUN_ENTRY_UNKNOWN"));
  EXPECT_THAT(node_.cohorts.OfRun(node_.ctx, kA1, 0), HasReason("RUN_ENTRY_UNKNOWN")) << "a snapshot is no run";
}

// The person permits research of not-for-profit organisations with an ethics approval.
class Conditions : public OptIn {
 protected:
  void SetUp() override {
    Register();
    Statement choice{Bits(7), {}, {}, {}};
    choice.conditions = {"DUO:0000045", "DUO:0000021"};
    ASSERT_THAT(node_.mine.Set(node_.ctx, "yes", choice), IsOk());
  }
  bool Used(std::vector<std::string> met) {
    return Permitted({Permission::kSecondaryUse, kHealth, std::move(met)})["yes"];
  }
  const std::vector<std::string> both_ = {"DUO:0000045", "DUO:0000021"};
};

TEST_F(Conditions, ArePartOfTheQuestion) {
  EXPECT_FALSE(Used({}));
  EXPECT_FALSE(Used({"DUO:0000045"}));
  EXPECT_TRUE(Used(both_));
  EXPECT_TRUE(Used({"DUO:0000021", "DUO:0000046", "DUO:0000045", "DUO:0000021"}));
  EXPECT_TRUE(Permitted(Permission::kSubjectLevelQuery)["yes"]) << "counts have no project";
  for (const char* code : {"DUO:0000028", "DUO:0000022=fi", "DUO:0000006", "EX:1", ""}) {
    EXPECT_THAT(
        node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, kHealth, {code}}, false),
        HasReason("CONDITION_INVALID"))
        << code;
  }
}

TEST_F(Conditions, ARunKeepsThemAndIsCheckedByThem) {
  const auto with =
      node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, kHealth, both_}, true);
  const auto without =
      node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, kHealth}, true);
  ASSERT_THAT(with, IsOk());
  ASSERT_THAT(without, IsOk());
  EXPECT_EQ(with->epoch, without->epoch);
  EXPECT_EQ(with->snapshot->id, without->snapshot->id + "+DUO:0000021+DUO:0000045");
  EXPECT_NE(with->snapshot->root, without->snapshot->root);
  const auto logged =
      ledger::DecodeEntry(node_.ledger.List(node_.ctx, with->snapshot->ledger_index, 1)->at(0));
  EXPECT_EQ(logged->Field("conditions"), "DUO:0000021 DUO:0000045");
  const auto run = node_.ledger.Append(
      node_.ctx, "dispatcher", "run", *ledger::EncodeEntry(node_.RunEntry(*with->snapshot, "run")));
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(node_.cohorts.OfRun(node_.ctx, kA1, run->index)->permitted, with->permitted);
  // Somebody else's change begins an epoch, in which everybody is judged anew.
  ASSERT_THAT(node_.mine.Set(node_.ctx, "no", Bits(1)), IsOk());
  EXPECT_TRUE(node_.cohorts.CheckRun(node_.ctx, run->index)->unchanged);
  EXPECT_THAT(store_.Read(node_.ctx,
                          [&](Transaction& tx) {
                            return CheckUnchanged(tx, node_.rules, with->snapshot->id, kA1);
                          }),
              IsOk());
  // Another condition, which this project was never said to meet.
  Statement choice{Bits(7), {}, {}, {}};
  choice.conditions = {"DUO:0000046"};
  ASSERT_THAT(node_.mine.Set(node_.ctx, "yes", choice), IsOk());
  EXPECT_FALSE(node_.cohorts.CheckRun(node_.ctx, run->index)->unchanged);
}

TEST_F(Conditions, AsManyAsAProjectMayStateMakeARun) {
  std::vector<std::string> met;
  for (int i = 0; i < 20; ++i)
    met.push_back(fmt::format("DUO:0000027={:02}{}", i, std::string(25, 'x')));
  ASSERT_TRUE(AreFew(met));
  met[0] += "x";
  ASSERT_FALSE(AreFew(met)) << "there are no more";
  met[0].pop_back();
  const DatasetVersion longest{std::string(64, 'D'), std::numeric_limits<std::int32_t>::max()};
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {longest, {{"yes", Says(7)}}}), IsOk());
  store_.state.epoch = std::int64_t{1} << 52;  // as large as an entry can say
  const Use use{Permission::kSecondaryUse, std::string(8, 'X') + ":" + std::string(20, '1'), met};
  Node restarted(store_, node_.policy);
  const auto cohort = restarted.cohorts.Run(node_.ctx, longest, use, true);
  ASSERT_THAT(cohort, IsOk());
  const auto entry = ledger::EncodeEntry(restarted.RunEntry(*cohort->snapshot, "run"));
  ASSERT_THAT(entry, IsOk());
  ASSERT_THAT(restarted.ledger.Append(node_.ctx, "dispatcher", "run", *entry), IsOk());
  const auto page = restarted.mine.Accesses(node_.ctx, "yes", 0, "");
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(ledger::VerifyReceipt(page->accesses.at(0).receipt, node_.ledger.VerifierKey()),
              IsOk());
}

TEST_F(Conditions, AreToldInWords) {
  const auto cohort =
      node_.cohorts.Run(node_.ctx, kA1, {Permission::kSecondaryUse, kHealth, both_}, true);
  ASSERT_THAT(node_.ledger.Append(node_.ctx, "dispatcher", "run",
                                  *ledger::EncodeEntry(node_.RunEntry(*cohort->snapshot, "run"))),
              IsOk());
  const auto page = node_.mine.Accesses(node_.ctx, "yes", 0, "");
  ASSERT_EQ(page->accesses.size(), 1u);
  EXPECT_TRUE(page->accesses[0].used);
  EXPECT_EQ(page->accesses[0].conditions, (std::vector<std::string>{"DUO:0000021", "DUO:0000045"}));
  EXPECT_NE(SentenceOf(page->accesses[0])
                .find("The access committee accepted that the project has the approval of an "
                      "ethics committee; is done "
                      "by a not-for-profit organisation. Outcome:"),
            std::string::npos)
      << SentenceOf(page->accesses[0]);
  const auto facts = ledger::VerifyReceipt(page->accesses[0].receipt, node_.ledger.VerifierKey());
  EXPECT_EQ(facts->use, ledger::Use::kUsed);
}

TEST_F(OptIn, WhatExpiresEndsAtOnceAndBeginsAnEpoch) {
  Statement until_noon = Says(7);
  until_noon.until = node_.clock.Now() + std::chrono::hours(1);
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1, {{"yes", until_noon}, {"no", Says(1)}}}), IsOk());
  auto before = node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, true);
  ASSERT_THAT(before, IsOk());
  ASSERT_THAT(node_.cohorts.KeepTime(node_.ctx), IsOk());
  EXPECT_EQ(*node_.ledger.Epoch(node_.ctx), before->epoch) << "nothing has ended yet";
  const auto unchanged = [&] {
    return store_.Read(node_.ctx, [&](Transaction& tx) -> Status {
      return CheckUnchanged(tx, node_.rules, before->snapshot->id, kA1);
    });
  };
  EXPECT_THAT(unchanged(), IsOk());
  node_.clock.Advance(std::chrono::hours(1));
  EXPECT_THAT(unchanged(), HasReason("COHORT_CHANGED")) << "before anybody began another epoch";
  EXPECT_EQ(Permitted(Permission::kSecondaryUse), (People{{"yes", false}, {"no", false}}));
  EXPECT_EQ(*node_.ledger.Epoch(node_.ctx), before->epoch + 1);
  auto after = node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, true);
  EXPECT_NE(after->snapshot->id, before->snapshot->id);
  EXPECT_THAT(unchanged(), HasReason("COHORT_CHANGED"));
  // A clock that goes back brings nobody back.
  node_.clock.Advance(-std::chrono::hours(1));
  EXPECT_EQ(Permitted(Permission::kSecondaryUse), (People{{"yes", false}, {"no", false}}));
}

Policy OfAge(int years) {
  auto policy = ParsePolicy(
      fmt::format(R"({{"policy": "ES-AGE-{}", "country": "ES", "rules": [], "adult_age": {}}})", years, years));
  GF_CHECK(policy.ok());
  return *std::move(policy);
}

// Born on 29 February 2012: 16 years old on that day of 2028, and 18 on 1 March of 2030.
TEST(AdultAge, IsTheCountrysAndMayChange) {
  MemoryStore store;
  Statement by_guardian = Says(4);
  by_guardian.by_guardian = true;
  const Circumstances who{{}, {}, false, *ParseRfc3339("2012-02-29T00:00:00Z")};
  const auto permitted = [&](Node& node, const char* at) -> bool {
    node.clock.Set(*ParseRfc3339(at));
    GF_CHECK(node.cohorts.KeepTime(node.ctx).ok());
    return node.cohorts.Run(node.ctx, kA1, Permission::kSecondaryUse, false)->permitted[0];
  };
  {
    Node node(store, OfAge(16));
    ASSERT_THAT(ApplyPolicy(node.ctx, node.ledger, node.rules), IsOk());
    ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"child", by_guardian, who}}}), IsOk());
    EXPECT_TRUE(permitted(node, "2028-02-28T23:59:59Z"));
    EXPECT_FALSE(permitted(node, "2028-02-29T00:00:00Z"));
    EXPECT_EQ(node.mine.Get(node.ctx, "child")->decisions[2].decision.basis, Basis::kLapsed);
  }
  // The country raises the age: it counts for who was registered before, too.
  Node node(store, OfAge(18));
  node.clock.Set(*ParseRfc3339("2028-02-29T00:00:00Z"));
  ASSERT_THAT(ApplyPolicy(node.ctx, node.ledger, node.rules), IsOk());
  EXPECT_TRUE(permitted(node, "2030-02-28T23:59:59Z"));
  EXPECT_FALSE(permitted(node, "2030-03-01T00:00:00Z"));
  // What the person says themselves does not lapse.
  ASSERT_THAT(node.mine.Set(node.ctx, "child", Bits(4)), IsOk());
  EXPECT_TRUE(permitted(node, "2030-03-02T00:00:00Z"));
}

TEST_F(OptIn, ComingOfAgeAsksAgain) {
  Statement by_guardian = Says(4);
  by_guardian.by_guardian = true;
  const Time birthday = node_.clock.Now() + std::chrono::hours(24);
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1, {{"yes", by_guardian, {birthday, {}, false}}, {"no", Says(4)}}}),
              IsOk());
  EXPECT_TRUE(Permitted(Permission::kSecondaryUse)["yes"]);
  node_.clock.Set(birthday);
  ASSERT_THAT(node_.cohorts.KeepTime(node_.ctx), IsOk());
  EXPECT_EQ(*node_.ledger.Epoch(node_.ctx), 2);
  EXPECT_FALSE(Permitted(Permission::kSecondaryUse)["yes"]);
  EXPECT_EQ(node_.mine.Get(node_.ctx, "yes")->decisions[2].decision.basis, Basis::kLapsed);
  ASSERT_THAT(node_.mine.Set(node_.ctx, "yes", Bits(4)), IsOk());
  EXPECT_TRUE(Permitted(Permission::kSecondaryUse)["yes"]);
}

TEST_F(OptIn, APersonMayLimitTheirChoice) {
  Register();
  Statement choice{Bits(7), {}, {}, {}};
  choice.purposes = {kHealth};
  choice.recontact = true;
  choice.until = node_.clock.Now() + std::chrono::hours(1);
  ASSERT_THAT(node_.mine.Set(node_.ctx, "yes", choice), IsOk());
  EXPECT_TRUE(Permitted({Permission::kSecondaryUse, kHealth})["yes"]);
  EXPECT_FALSE(Permitted({Permission::kSecondaryUse, "DUO:0000011"})["yes"]);
  EXPECT_FALSE(Permitted(Permission::kSecondaryUse)["yes"]);
  auto mine = node_.mine.Get(node_.ctx, "yes");
  EXPECT_EQ(mine->permissions, Bits(7));
  const auto own = std::ranges::find(mine->statements, Source::kOwn, &SourcedStatement::source);
  ASSERT_NE(own, mine->statements.end());
  EXPECT_EQ(own->says.recontact, true);
  choice.until = node_.clock.Now();
  EXPECT_THAT(node_.mine.Set(node_.ctx, "yes", choice), HasReason("CHOICE_INVALID"));
  choice.until.reset();
  choice.permits = Bits(1);
  EXPECT_THAT(node_.mine.Set(node_.ctx, "yes", choice), HasReason("CHOICE_INVALID"));
}

// The end of a permission is no permission of everything else, in a country that opted for opt-out.
TEST_F(PolicyAtWork, WhatAPersonDidNotPermitIsRefusedWithoutAnEnd) {
  Register();
  Statement choice{Bits(4), {}, {}, {}};
  choice.purposes = {"DUO:0000011"};
  choice.until = node_.clock.Now() + std::chrono::hours(1);
  ASSERT_THAT(node_.mine.Set(node_.ctx, "yes", choice), IsOk());
  EXPECT_TRUE(Permitted({Permission::kSecondaryUse, "DUO:0000011"})["yes"]);
  EXPECT_FALSE(Permitted({Permission::kSecondaryUse, kHealth})["yes"]);
  node_.clock.Advance(std::chrono::hours(1));
  EXPECT_FALSE(Permitted({Permission::kSecondaryUse, "DUO:0000011"})["yes"]);
  EXPECT_FALSE(Permitted({Permission::kSecondaryUse, kHealth})["yes"]);
  EXPECT_TRUE(Permitted({Permission::kSecondaryUse, kStatutory})["yes"]);
  const auto mine = node_.mine.Get(node_.ctx, "yes");
  EXPECT_TRUE(mine->permissions.empty());
  EXPECT_EQ(mine->decisions[3].use.purpose, kHealth);
  EXPECT_EQ(mine->decisions[3].decision.basis, Basis::kDenied);
}

TEST_F(PolicyAtWork, AChoiceThatHasNotBegunPermitsNothingYet) {
  Register();
  Statement choice{Bits(4), {}, {}, {}};
  choice.from = node_.clock.Now() + std::chrono::hours(1);
  for (const char* person : {"no", "silent"}) {
    ASSERT_THAT(node_.mine.Set(node_.ctx, person, choice), IsOk());
    EXPECT_FALSE(Permitted({Permission::kSecondaryUse, kHealth})[person]) << person;
    EXPECT_TRUE(node_.mine.Get(node_.ctx, person)->permissions.empty());
  }
  node_.clock.Advance(std::chrono::hours(1));
  EXPECT_EQ(Permitted({Permission::kSecondaryUse, kHealth}),
            (People{{"silent", true}, {"yes", true}, {"no", true}}));
  choice.from = *choice.from + std::chrono::hours(1);
  choice.until = *choice.from;
  EXPECT_THAT(node_.mine.Set(node_.ctx, "no", choice), HasReason("CHOICE_INVALID"));
}

TEST_F(PolicyAtWork, AnotherPolicyIsLoggedAndBeginsAnEpoch) {
  ASSERT_THAT(ApplyPolicy(node_.ctx, node_.ledger, node_.rules), IsOk());
  ASSERT_THAT(ApplyPolicy(node_.ctx, node_.ledger, node_.rules), IsOk());
  EXPECT_EQ(*node_.ledger.Epoch(node_.ctx), 1);
  const auto entries = node_.ledger.List(node_.ctx, 0, 10);
  ASSERT_EQ(entries->size(), 1u);
  const auto entry = ledger::DecodeEntry(entries->at(0));
  EXPECT_EQ(entry->kind, ledger::EntryKind::kPolicy);
  EXPECT_EQ(entry->Field("policy_sha256"), node_.policy.sha256);
}

}  // namespace
}  // namespace genofed::consent
