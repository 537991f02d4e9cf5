// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/my_consent.h"

#include <gtest/gtest.h>

#include <set>

#include "libs/ledger/receipt.h"
#include "services/consent/app/change_log.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasCode;
using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-FI-A-1", 1};
const DatasetVersion kB1{"GOE-FI-B-1", 1};

class MyConsentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1, {{"in", Says(7)}, {"out", Says(0)}, {"counted", Says(1)}}}),
                IsOk());
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kB1, {{"in", Says(4)}, {"other", Says(4)}}}), IsOk());
  }
  std::vector<MyAccess> Accesses(const std::string& person) {
    auto page = node_.mine.Accesses(node_.ctx, person, 0, "");
    EXPECT_THAT(page, IsOk());
    return page->accesses;
  }
  // What the receipt says to somebody who has nothing but the node's key.
  ledger::Use Verify(const MyAccess& access) {
    auto facts = ledger::VerifyReceipt(access.receipt, node_.ledger.VerifierKey());
    EXPECT_THAT(facts, IsOk());
    EXPECT_EQ(facts->entry, access.entry);
    return facts->use;
  }
  MemoryStore store_;
  Node node_{store_};
};

TEST_F(MyConsentTest, ShowsWhatTheHolderRecorded) {
  auto mine = node_.mine.Get(node_.ctx, "in");
  EXPECT_EQ(mine->permissions, PermissionSet::All());
  EXPECT_EQ(mine->history.size(), 2u);
  EXPECT_FALSE(mine->history[0].by_subject);
  EXPECT_EQ(mine->history[0].ledger_index, 2) << "behind the two of the first registration";
  EXPECT_EQ(mine->datasets, (std::vector<std::string>{"GOE-FI-A-1", "GOE-FI-B-1"}));
  EXPECT_TRUE(node_.mine.Get(node_.ctx, "out")->datasets.empty());
}

TEST_F(MyConsentTest, AStrangerSeesNothing) {
  auto mine = node_.mine.Get(node_.ctx, "stranger");
  ASSERT_THAT(mine, IsOk());
  EXPECT_TRUE(mine->permissions.empty());
  ASSERT_THAT(node_.AppendRun(kA1, "run-1"), IsOk());
  EXPECT_TRUE(Accesses("stranger").empty());
  EXPECT_THAT(node_.mine.Get(node_.ctx, ""), HasCode(StatusCode::kPermissionDenied));
  EXPECT_FALSE(store_.state.subjects.contains(node_.pseudonyms.Blinded("stranger")));
}

TEST_F(MyConsentTest, WithdrawalIsEffectiveLoggedAndRepeatable) {
  const std::int64_t before = *node_.ledger.Epoch(node_.ctx);
  auto changed = node_.mine.Set(node_.ctx, "in", PermissionSet());
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->epoch, before + 1);
  auto again = node_.mine.Set(node_.ctx, "in", PermissionSet());
  EXPECT_EQ(again->epoch, changed->epoch);
  EXPECT_EQ(again->ledger_index, changed->ledger_index);
  auto cohort = node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, false);
  EXPECT_EQ(cohort->epoch, changed->epoch);
  EXPECT_EQ(cohort->permitted, std::vector<bool>(2, false));
  auto mine = node_.mine.Get(node_.ctx, "in");
  EXPECT_TRUE(mine->permissions.empty());
  EXPECT_TRUE(mine->history[0].by_subject);
  EXPECT_EQ(mine->history[0].ledger_index, changed->ledger_index);
}

TEST_F(MyConsentTest, TheLedgerHoldsCommitmentsOnly) {
  auto changed = node_.mine.Set(node_.ctx, "in", Bits(5));
  const std::string bytes = node_.ledger.List(node_.ctx, changed->ledger_index, 1)->at(0);
  auto entry = ledger::DecodeEntry(bytes);
  EXPECT_EQ(entry->kind, ledger::EntryKind::kConsentSet);
  EXPECT_TRUE(entry->fields.empty());
  const std::string blinded = node_.pseudonyms.Blinded("in");
  EXPECT_EQ(bytes.find(blinded), std::string::npos);
  const std::string opening = store_.state.openings.at({changed->ledger_index, "subject"});
  EXPECT_TRUE(ledger::Opens(entry->commitments.at("subject"), opening.substr(0, 32), blinded));
  const std::string granted = store_.state.openings.at({changed->ledger_index, "permissions"});
  EXPECT_TRUE(ledger::Opens(entry->commitments.at("permissions"), granted.substr(0, 32),
                            "AF,SEC refuses SLQ"));
  auto withdrawn = node_.mine.Set(node_.ctx, "in", Bits(0));
  EXPECT_EQ(
      ledger::DecodeEntry(node_.ledger.List(node_.ctx, withdrawn->ledger_index, 1)->at(0))->kind,
      ledger::EntryKind::kConsentWithdraw);
}

// What is committed to must be what was chosen, and nothing else.
TEST_F(MyConsentTest, DifferentChoicesHaveDifferentWords) {
  std::vector<Statement> choices(15, Says(4));
  choices[1].form = "urn:form|1";
  choices[2].form = "urn:form|2";
  choices[3].organisation = "urn:form|1";
  choices[4].form = "a\" of organisation \"b";
  choices[5].form = "a";
  choices[5].organisation = "b";
  choices[6].recontact = true;
  choices[7].recontact = false;
  choices[8].incidental_findings = true;
  choices[9].by_guardian = true;
  choices[10].purposes = {"DUO:0000006"};
  choices[11].conditions = {"DUO:0000045"};
  choices[12].until = node_.clock.Now();
  choices[13].form = std::string("a\0b", 3);
  choices[14].form = "a\\x00b";
  std::set<std::string> words;
  for (const Statement& choice : choices) words.insert(WordsOf(choice));
  EXPECT_EQ(words.size(), choices.size());
  EXPECT_EQ(WordsOf(choices[13]).find('\0'), std::string::npos) << "PostgreSQL has no such text";
}

// What a holder recorded is in the ledger as well, and each of its people can show what it says of
// them.
TEST_F(MyConsentTest, ReceiptsProveWhatOthersSaid) {
  for (const auto& [person, words] :
       {std::pair("in", "AF,SLQ,SEC"), {"out", "none refuses AF,SLQ,SEC"}}) {
    const auto mine = node_.mine.Get(node_.ctx, person);
    const MyChange& first = mine->history.back();
    const auto facts = ledger::VerifyReceipt(first.receipt, node_.ledger.VerifierKey());
    ASSERT_THAT(facts, IsOk());
    EXPECT_EQ(facts->said, node_.pseudonyms.Blinded(person) + " " + words);
    EXPECT_EQ(static_cast<std::int64_t>(facts->index), first.ledger_index);
    EXPECT_EQ(facts->entry.Field("dataset"), kA1.dataset);
    EXPECT_EQ(facts->entry.kind == ledger::EntryKind::kConsentWithdraw,
              std::string(person) == "out");
    const auto openings = node_.mine.Openings(node_.ctx, person);
    EXPECT_EQ(openings->back().payload, *facts->said);
  }
  ASSERT_THAT(node_.mine.Set(node_.ctx, "in", Bits(0)), IsOk());
  EXPECT_THAT(ledger::VerifyReceipt(node_.mine.Get(node_.ctx, "in")->history[0].receipt,
                                    node_.ledger.VerifierKey()),
              IsOk());
  // Nobody knows it any more of whom was forgotten; the others' receipts hold.
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "out"), IsOk());
  EXPECT_TRUE(node_.mine.Get(node_.ctx, "out")->history.empty());
  for (const Change& change : store_.state.changes)
    EXPECT_NE(change.group.value_or(GroupPlace()).words, "none refuses AF,SLQ,SEC");
  EXPECT_THAT(ledger::VerifyReceipt(node_.mine.Get(node_.ctx, "counted")->history[0].receipt,
                                    node_.ledger.VerifierKey()),
              IsOk());
}

TEST_F(MyConsentTest, ReceiptsProveUseAndNonUse) {
  ASSERT_THAT(node_.AppendRun(kA1, "run-1"), IsOk());
  auto used = Accesses("in");
  ASSERT_EQ(used.size(), 1u);
  EXPECT_TRUE(used[0].used);
  EXPECT_EQ(Verify(used[0]), ledger::Use::kUsed);
  // Left out at onboarding, and in the dataset but not for this use.
  for (const char* person : {"out", "counted"}) {
    auto not_used = Accesses(person);
    ASSERT_EQ(not_used.size(), 1u);
    EXPECT_FALSE(not_used[0].used);
    EXPECT_EQ(Verify(not_used[0]), ledger::Use::kNotUsed) << person;
  }
  // Never offered to this dataset.
  auto elsewhere = Accesses("other");
  ASSERT_EQ(elsewhere.size(), 1u);
  EXPECT_FALSE(elsewhere[0].used);
  EXPECT_EQ(Verify(elsewhere[0]), ledger::Use::kNotUsed);
}

TEST_F(MyConsentTest, WhoComesLaterHasProofsOfThePastWhereThereWasASlot) {
  ASSERT_THAT(node_.AppendRun(kA1, "run-1"), IsOk());
  std::vector<SubjectConsent> later;
  for (int i = 0; i < 1200; ++i) later.push_back({"later-" + std::to_string(i), Says(7)});
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {{"GOE-FI-C-1", 1}, later}), IsOk());
  int proven = 0;
  for (std::size_t i = 0; i < later.size(); i += 12) {
    const auto accesses = Accesses(later[i].person_identifier);
    ASSERT_EQ(accesses.size(), 1u);
    EXPECT_FALSE(accesses[0].used);
    if (accesses[0].receipt.empty()) continue;
    EXPECT_EQ(Verify(accesses[0]), ledger::Use::kNotUsed);
    ++proven;
  }
  EXPECT_GT(proven, 0);
  EXPECT_LT(proven, 100);
}

TEST_F(MyConsentTest, AWithdrawalDoesNotChangeThePast) {
  ASSERT_THAT(node_.AppendRun(kA1, "run-1"), IsOk());
  ASSERT_THAT(node_.mine.Set(node_.ctx, "in", PermissionSet()), IsOk());
  ASSERT_THAT(node_.AppendRun(kA1, "run-2"), IsOk());
  auto accesses = Accesses("in");
  ASSERT_EQ(accesses.size(), 2u);
  EXPECT_EQ(accesses[0].entry.Field("run"), "run-2");
  EXPECT_EQ(Verify(accesses[0]), ledger::Use::kNotUsed);
  EXPECT_EQ(accesses[1].entry.Field("run"), "run-1");
  EXPECT_EQ(Verify(accesses[1]), ledger::Use::kUsed);
}

TEST_F(MyConsentTest, PagesNewestFirst) {
  for (int i = 0; i < 5; ++i) ASSERT_THAT(node_.AppendRun(kA1, "run-" + std::to_string(i)), IsOk());
  std::vector<std::string> runs;
  std::string token;
  do {
    auto page = node_.mine.Accesses(node_.ctx, "in", 2, token);
    ASSERT_THAT(page, IsOk());
    for (const auto& access : page->accesses) runs.push_back(access.entry.Field("run"));
    token = page->next_page_token;
  } while (!token.empty());
  EXPECT_EQ(runs, (std::vector<std::string>{"run-4", "run-3", "run-2", "run-1", "run-0"}));
  EXPECT_THAT(node_.mine.Accesses(node_.ctx, "in", 2, "x"), HasReason("PAGE_TOKEN_INVALID"));
}

}  // namespace
}  // namespace genofed::consent
