// SPDX-License-Identifier: Apache-2.0
//
// What people are shown and owed: their accesses as they truly were, erasure that leaves others' proofs whole, notices,
// and the audit of all of it.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "libs/ledger/receipt.h"
#include "services/consent/app/audit.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-FI-A-1", 1};

class CitizenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA1, {{"p", Says(7)}, {"q", Says(4)}, {"out", Says(0)}}}), IsOk());
  }
  std::vector<MyAccess> Accesses(const std::string& person) {
    auto page = node_.mine.Accesses(node_.ctx, person, 100, "");
    EXPECT_THAT(page, IsOk());
    return page->accesses;
  }
  ledger::Use Verify(const MyAccess& access) {
    auto facts = ledger::VerifyReceipt(access.receipt, node_.ledger.VerifierKey());
    EXPECT_THAT(facts, IsOk());
    return facts->use;
  }
  void Release(const std::string& run) {
    ledger::Entry entry =
        node_.RunEntry(*node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, true)->snapshot, run);
    entry.kind = ledger::EntryKind::kRelease;
    ASSERT_THAT(node_.ledger.Append(node_.ctx, "spe", "release:" + run, *ledger::EncodeEntry(entry)), IsOk());
  }
  MemoryStore store_;
  Node node_{store_};
  Audit audit_{store_, node_.ledger, node_.clock, node_.random};
};

TEST_F(CitizenTest, AnAccessIsASentenceWithItsOutcome) {
  ASSERT_THAT(node_.AppendRun(kA1, "run-1"), IsOk());
  auto access = Accesses("p").at(0);
  EXPECT_EQ(
      SentenceOf(access),
      "Your data were used by \"Heart\" of University on 2026-01-01: DUO:0000006. Outcome: analysed, or begun; no "
      "results have left the node.");
  Release("run-1");
  EXPECT_EQ(OutcomeOf(Accesses("p").at(1)), "analysed; results were checked and left the node");
  EXPECT_TRUE(SentenceOf(Accesses("out").at(1)).starts_with("Your data were not used by \"Heart\""));
}

TEST_F(CitizenTest, ErasureForgetsThePersonAndKeepsEverybodyElsesProofs) {
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(5)), IsOk());
  ASSERT_THAT(node_.AppendRun(kA1, "run-1"), IsOk());
  const auto of_q = Accesses("q").at(0);
  const auto slot = static_cast<std::size_t>(store_.state.subjects.at(node_.pseudonyms.Blinded("p")).slot);
  const std::string secret = store_.state.slot_blocks[0].substr(slot * 32, 32);
  const std::string pseudonym = node_.pseudonyms.InDataset(kA1.dataset, "p");
  std::int32_t place = -1;
  for (const SlotRow& one : store_.state.versions.at(kA1).second) {
    if (one.pseudonym == pseudonym) place = one.slot;
  }
  EXPECT_TRUE(node_.mine.Forgotten(node_.ctx, 0)->rows.empty());
  auto index = node_.mine.Forget(node_.ctx, "p");
  ASSERT_THAT(index, IsOk());
  const auto entry = ledger::DecodeEntry(node_.ledger.List(node_.ctx, *index, 1)->at(0));
  EXPECT_EQ(entry->kind, ledger::EntryKind::kErase);

  // Nothing of the person is left.
  EXPECT_FALSE(store_.state.subjects.contains(node_.pseudonyms.Blinded("p")));
  EXPECT_EQ(store_.state.slot_blocks[0].find(secret), std::string::npos);
  EXPECT_TRUE(store_.state.openings.empty());
  for (const auto& [version, rows] : store_.state.versions) {
    for (const SlotRow& row : rows.second) EXPECT_NE(row.pseudonym, pseudonym);
  }
  EXPECT_TRUE(node_.mine.Get(node_.ctx, "p")->history.empty());
  EXPECT_TRUE(Accesses("p").empty());
  EXPECT_THAT(node_.mine.Forget(node_.ctx, "p"), HasReason("PERSON_UNKNOWN"));

  // Whoever stores more about the person learns the row, and nothing else.
  const auto forgotten = node_.mine.Forgotten(node_.ctx, 0);
  ASSERT_EQ(forgotten->rows.size(), 1u);
  EXPECT_EQ(forgotten->rows[0].dataset, kA1);
  EXPECT_EQ(forgotten->rows[0].slot.slot, place);
  EXPECT_TRUE(forgotten->rows[0].slot.included);
  EXPECT_EQ(forgotten->next, 0);

  // The slot is nobody's, and is not used.
  auto cohort = node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, false);
  EXPECT_EQ(std::ranges::count(cohort->permitted, true), 1);

  // A process that starts now has only what is stored; the proofs of before and after hold.
  Node restarted(store_);
  ASSERT_THAT(restarted.AppendRun(kA1, "run-2"), IsOk());
  for (const char* person : {"q", "out"}) {
    auto page = restarted.mine.Accesses(node_.ctx, person, 10, "");
    ASSERT_THAT(page, IsOk());
    ASSERT_EQ(page->accesses.size(), 2u);
    for (const MyAccess& access : page->accesses) {
      auto facts = ledger::VerifyReceipt(access.receipt, node_.ledger.VerifierKey());
      ASSERT_THAT(facts, IsOk());
      EXPECT_EQ(facts->use, std::string(person) == "q" ? ledger::Use::kUsed : ledger::Use::kNotUsed);
    }
  }
  EXPECT_EQ(Verify(of_q), ledger::Use::kUsed) << "a receipt that was given out before";
}

TEST_F(CitizenTest, SomebodyWhoWasLeftOutAndIsForgottenIsListedWithoutARow) {
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "out"), IsOk());
  const auto forgotten = node_.mine.Forgotten(node_.ctx, 0);
  ASSERT_EQ(forgotten->rows.size(), 1u);
  EXPECT_EQ(forgotten->rows[0].dataset, kA1);
  EXPECT_FALSE(forgotten->rows[0].slot.included);
}

TEST_F(CitizenTest, WhoWasForgottenIsNotTakenInAgain) {
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "p"), IsOk());
  const std::string blinded = node_.pseudonyms.Blinded("p");
  ASSERT_EQ(store_.state.tombstones, std::set<std::string>{node_.pseudonyms.Tombstone(blinded)});
  EXPECT_EQ(store_.state.tombstones.begin()->find(blinded), std::string::npos);
  const std::size_t people = store_.state.subjects.size();
  const RegisteredSubject left_out{"", -1, true};
  std::int32_t version = 1;
  const auto register_all = [&](std::int32_t base, bool follow_up) {
    RegistrationRequest request{{kA1.dataset, ++version},
                                {{"p", Says(7)}, {"q", Says(4)}, {"out", Says(0)}}};
    request.base_version = base;
    request.follow_up = follow_up;
    auto registration = node_.registrar.Run(node_.ctx, request);
    EXPECT_THAT(registration, IsOk());
    EXPECT_EQ(node_.registrar.Run(node_.ctx, request)->subjects, registration->subjects);
    EXPECT_GE(registration->subjects[1].row, 0);
    EXPECT_FALSE(registration->subjects[2].forgotten) << "left out by consent";
    return registration->subjects[0];
  };
  EXPECT_EQ(register_all(0, false), left_out);
  EXPECT_EQ(register_all(1, false), left_out);
  EXPECT_EQ(register_all(1, true), left_out);
  EXPECT_EQ(store_.state.subjects.size(), people) << "nobody was added";
  EXPECT_FALSE(store_.state.subjects.contains(blinded));
  EXPECT_TRUE(Accesses("p").empty());
  // To refuse again changes nothing; to permit something is a new beginning.
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(0)), IsOk());
  EXPECT_EQ(register_all(0, false), left_out);
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(4)), IsOk());
  EXPECT_GE(register_all(0, false).row, 0);
  EXPECT_TRUE(store_.state.tombstones.empty());
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "p"), IsOk());
  EXPECT_EQ(register_all(0, false), left_out);
}

TEST_F(CitizenTest, TheWholeLogNamesNobody) {
  for (const char* person : {"p", "q", "out"}) ASSERT_THAT(node_.mine.Set(node_.ctx, person, Bits(6)), IsOk());
  ASSERT_THAT(node_.AppendRun(kA1, "run-1"), IsOk());
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "p"), IsOk());
  std::string log;
  const auto entries = node_.ledger.List(node_.ctx, 0, 1000);
  for (const std::string& entry : *entries) log += entry + "\n";
  for (const char* person : {"p", "q", "out"}) {
    EXPECT_EQ(log.find(node_.pseudonyms.Blinded(person)), std::string::npos);
    EXPECT_EQ(log.find(node_.pseudonyms.InDataset(kA1.dataset, person)), std::string::npos);
    EXPECT_EQ(log.find("\"" + std::string(person) + "\""), std::string::npos);
  }
}

TEST_F(CitizenTest, ARunIsCheckedAgainstWithdrawalsOnly) {
  auto run = node_.AppendRun(kA1, "run-1");
  ASSERT_THAT(run, IsOk());
  EXPECT_TRUE(node_.cohorts.CheckRun(node_.ctx, run->index)->unchanged);
  ASSERT_THAT(node_.mine.Set(node_.ctx, "out", Bits(4)), IsOk());
  EXPECT_TRUE(node_.cohorts.CheckRun(node_.ctx, run->index)->unchanged) << "nobody of the cohort";
  ASSERT_THAT(node_.mine.Set(node_.ctx, "q", Bits(0)), IsOk());
  const std::int64_t size = *node_.ledger.Size(node_.ctx);
  for (int i = 0; i < 2; ++i) {
    auto check = node_.cohorts.CheckRun(node_.ctx, run->index);
    ASSERT_THAT(check, IsOk());
    EXPECT_FALSE(check->unchanged);
    EXPECT_TRUE(check->cancel) << "without a policy that says otherwise";
  }
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), size + 1) << "logged once";
  EXPECT_THAT(node_.cohorts.CheckRun(node_.ctx, 0), HasReason("RUN_ENTRY_UNKNOWN"));
}

TEST_F(CitizenTest, NoticesReachThePeopleConcerned) {
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {{"GOE-FI-B-1", 1}, {{"b", Says(7)}}}), IsOk());
  NoticeRow notice;
  notice.idempotency_key = "k1";
  notice.title = "A disk was lost";
  notice.what_happened = "A backup disk was lost on its way.";
  notice.consequences = "None are known: it was encrypted.";
  notice.measures = "The keys were changed.";
  notice.contact = "dpo@example.fi";
  notice.datasets = {"GOE-FI-B-1"};
  auto published = audit_.Publish(node_.ctx, notice);
  ASSERT_THAT(published, IsOk());
  EXPECT_EQ(published->people, 1);
  EXPECT_EQ(audit_.Publish(node_.ctx, notice)->id, published->id) << "once";
  EXPECT_EQ(node_.mine.Notices(node_.ctx, "b")->size(), 1u);
  EXPECT_TRUE(node_.mine.Notices(node_.ctx, "p")->empty());
  // Nobody is passed over in silence, nor left with words that were corrected.
  NoticeRow wider = notice;
  wider.datasets.push_back("GOE-FI-A-1");
  EXPECT_THAT(audit_.Publish(node_.ctx, wider), HasReason("NOTICE_KEY_REUSED"));
  for (std::string NoticeRow::*field : {&NoticeRow::title, &NoticeRow::what_happened, &NoticeRow::consequences,
                                        &NoticeRow::measures, &NoticeRow::contact}) {
    NoticeRow corrected = notice;
    corrected.*field = "something else";
    EXPECT_THAT(audit_.Publish(node_.ctx, corrected), HasReason("NOTICE_KEY_REUSED"));
  }
  notice.idempotency_key = "k2";
  notice.datasets.clear();
  ASSERT_THAT(node_.mine.Set(node_.ctx, "choice", Bits(0)), IsOk());
  ASSERT_THAT(node_.mine.Forget(node_.ctx, "q"), IsOk());
  EXPECT_EQ(audit_.Publish(node_.ctx, notice)->people, 4)
      << "everybody who is known: p, out, b, choice";
  EXPECT_EQ(node_.mine.Notices(node_.ctx, "b")->size(), 2u);
  // Who has no row is concerned as well: their consents, and who they are, are held.
  for (const char* person : {"p", "out", "choice"})
    EXPECT_EQ(node_.mine.Notices(node_.ctx, person)->size(), 1u) << person;
  EXPECT_TRUE(node_.mine.Notices(node_.ctx, "stranger")->empty());
  notice.idempotency_key = "k3";
  notice.datasets = {kA1.dataset};
  EXPECT_EQ(audit_.Publish(node_.ctx, notice)->people, 1) << "p: q was forgotten, out has no row";
  notice.consequences.clear();
  EXPECT_THAT(audit_.Publish(node_.ctx, notice), HasReason("NOTICE_INVALID"));
}

TEST_F(CitizenTest, TheAuditSearchesPagesAndExports) {
  for (int i = 0; i < 5; ++i) ASSERT_THAT(node_.AppendRun(kA1, "run-" + std::to_string(i)), IsOk());
  AuditQuery query;
  query.kind = "run";
  query.organisation = "University";
  auto page = audit_.Search(node_.ctx, query, std::numeric_limits<std::int64_t>::max(), 2);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->entries.size(), 2u);
  EXPECT_EQ(page->entries[0].row.run, "run-4");
  page = audit_.Search(node_.ctx, query, page->next, 10);
  ASSERT_EQ(page->entries.size(), 3u);
  EXPECT_EQ(page->entries[2].row.run, "run-0");
  EXPECT_EQ(page->next, -1);
  auto exported = audit_.Export(node_.ctx, query, 0, 3);
  EXPECT_EQ(exported->entries[0].row.run, "run-0");
  exported = audit_.Export(node_.ctx, query, exported->next, 3);
  EXPECT_EQ(exported->entries.back().row.run, "run-4");
  query.project = "Another";
  EXPECT_TRUE(audit_.Search(node_.ctx, query, 1000, 2)->entries.empty());
  query.project.clear();
  query.from = node_.clock.Now() + std::chrono::hours(1);
  EXPECT_TRUE(audit_.Search(node_.ctx, query, 1000, 2)->entries.empty());
}

TEST_F(CitizenTest, ReleasesMustBeInTheLedger) {
  ASSERT_THAT(node_.AppendRun(kA1, "run-1"), IsOk());
  const auto release = [&](const std::string& run, std::int64_t counter) {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kKeyEvent;
    entry.time = node_.ledger.EntryTime();
    entry.fields = {{"run", run}, {"outcome", "keys-released"}};
    entry.numbers = {{"releases", counter}};
    return node_.ledger.Write(node_.ctx, [&](Transaction& tx) {
      return node_.ledger.Add(tx, "consent", fmt::format("{}:{}", run, counter), entry).status();
    });
  };
  EXPECT_TRUE(audit_.Reconcile(node_.ctx)->accounted);
  store_.state.releases = 2;
  auto result = audit_.Reconcile(node_.ctx);
  EXPECT_FALSE(result->accounted) << "two headers left, and the ledger knows of none";
  ASSERT_THAT(release("run-1", 2), IsOk());
  result = audit_.Reconcile(node_.ctx);
  EXPECT_TRUE(result->accounted) << result->problems.front();
  EXPECT_EQ(result->logged, 2);
  ASSERT_THAT(release("run-unknown", 3), IsOk());
  store_.state.releases = 3;
  EXPECT_FALSE(audit_.Reconcile(node_.ctx)->accounted);
}

TEST_F(CitizenTest, EntriesAreComparedWithTheTreeOnceADay) {
  const auto run = node_.AppendRun(kA1, "run-1");
  ASSERT_THAT(run, IsOk());
  EXPECT_THAT(audit_.Sweep(node_.ctx), IsOk());
  ASSERT_THAT(node_.AppendRun(kA1, "run-2"), IsOk());
  EXPECT_THAT(audit_.Sweep(node_.ctx), IsOk());
  std::string& entry = store_.state.ledger.at(static_cast<std::size_t>(run->index)).first.entry;
  entry.replace(entry.find("Heart"), 5, "Liver");
  EXPECT_THAT(audit_.Sweep(node_.ctx), IsOk()) << "it was good a moment ago";
  node_.clock.Advance(std::chrono::hours(24));
  EXPECT_THAT(audit_.Sweep(node_.ctx), HasReason("LEDGER_DAMAGED"));
  EXPECT_EQ(node_.ledger.Damage(),
            fmt::format("entry {} is not the one that was appended", run->index));
  EXPECT_THAT(audit_.Reconcile(node_.ctx), HasReason("LEDGER_FROZEN"));
  AuditQuery query;
  query.kind = "run";
  EXPECT_THAT(audit_.Search(node_.ctx, query, 10, 10), HasReason("LEDGER_DAMAGED"));
  EXPECT_THAT(audit_.Export(node_.ctx, query, 0, 10), HasReason("LEDGER_DAMAGED"));
  // A new process looks at everything.
  Node again(store_);
  Audit after_a_start(store_, again.ledger, again.clock, again.random);
  EXPECT_THAT(after_a_start.Sweep(node_.ctx), HasReason("LEDGER_DAMAGED"));
}

// A memory store, and something that happens just before each writing transaction.
struct InterruptedStore final : Store {
  Status Read(const Context& ctx, const Body& body) override { return inner.Read(ctx, body); }
  Status Write(const Context& ctx, const Body& body) override {
    if (before_write) before_write();
    return inner.Write(ctx, body);
  }
  Status Append(const Context& ctx, const AppendBody& body) override { return inner.Append(ctx, body); }
  Status WriteAside(const Context& ctx, const Body& body) override {
    return inner.WriteAside(ctx, body);
  }
  MemoryStore inner;
  std::function<void()> before_write;
};

TEST(Reconciliation, WritersWaitOnlyForWhatIsNew) {
  InterruptedStore store;
  Node node(store);
  Audit audit(store, node.ledger, node.clock, node.random);
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}}}), IsOk());
  ASSERT_THAT(node.AppendRun(kA1, "run-1"), IsOk());
  const auto release = [&](std::int64_t counter) {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kKeyEvent;
    entry.time = node.ledger.EntryTime();
    entry.fields = {{"run", "run-1"}, {"outcome", "keys-released"}};
    entry.numbers = {{"releases", counter}};
    ASSERT_THAT(
        node.ledger.Write(
            node.ctx,
            [&](Transaction& tx) -> Status {
              GF_TRY(tx.headers().CountReleases(1));
              return node.ledger.Add(tx, "consent", std::to_string(counter), entry).status();
            }),
        IsOk());
  };
  const auto rename = [&](const std::string& run) {
    for (AuditRow& row : store.inner.state.audit) {
      if (row.releases == 1) row.run = run;
    }
  };
  release(1);
  ASSERT_THAT(CatchUp(node.ctx, store, node.ledger), IsOk());
  // What is wrong only while the lock is held is not seen: nothing old is looked at there.
  store.before_write = [&] { rename("unknown"); };
  EXPECT_TRUE(audit.Reconcile(node.ctx)->accounted);
  store.before_write = nullptr;
  release(2);
  EXPECT_TRUE(audit.Reconcile(node.ctx)->accounted) << "what was good is not looked at again";
  EXPECT_EQ(audit.Reconcile(node.ctx)->logged, 2);
  node.clock.Advance(std::chrono::hours(24));
  EXPECT_FALSE(audit.Reconcile(node.ctx)->accounted) << "but once a day";
  EXPECT_FALSE(audit.Reconcile(node.ctx)->accounted) << "and while there is a problem";
  rename("run-1");
  EXPECT_TRUE(audit.Reconcile(node.ctx)->accounted);
  release(4);
  EXPECT_FALSE(audit.Reconcile(node.ctx)->accounted);
  // A new process looks at everything.
  rename("unknown");
  Audit again(store, node.ledger, node.clock, node.random);
  EXPECT_EQ(again.Reconcile(node.ctx)->problems.size(), 2u);
}

// What everybody is shown, against what was done: recomputed from the raw events, person by person.
TEST(CitizenProperty, EverybodysViewIsTheTruthAlsoAfterErasures) {
  EXPECT_TRUE(rc::check([] {
    MemoryStore store;
    Node node(store);
    std::map<std::string, PermissionSet> now;
    std::set<std::string> in_dataset, erased;
    std::map<std::string, std::set<std::string>> used;  // run to people
    std::vector<SubjectConsent> subjects;
    for (int i = 0; i < 5; ++i) {
      const std::string person = "person-" + std::to_string(i);
      const int bits = *rc::gen::inRange(0, 8);
      subjects.push_back({person, Says(bits)});
      now[person] = Bits(bits);
      if (bits != 0) in_dataset.insert(person);
    }
    RC_ASSERT(node.registrar.Run(node.ctx, {kA1, subjects}).ok());
    // Somebody who is in another dataset only, and is shown that nobody used them.
    RC_ASSERT(node.registrar.Run(node.ctx, {{"GOE-FI-B-1", 1}, {{"elsewhere", Says(7)}}}).ok());
    const auto steps = *rc::gen::resize(15, rc::gen::container<std::vector<std::pair<int, int>>>(
                                                rc::gen::pair(rc::gen::inRange(0, 10), rc::gen::inRange(0, 40))));
    int runs = 0;
    for (const auto& [what, value] : steps) {
      const std::string person = "person-" + std::to_string(value % 5);
      if (what < 4) {
        const std::string run = "run-" + std::to_string(runs++);
        RC_ASSERT(node.AppendRun(kA1, run).ok());
        for (const std::string& one : in_dataset) {
          if (!erased.contains(one) && now[one].Has(Permission::kSecondaryUse)) used[run].insert(one);
        }
      } else if (what < 9 && !erased.contains(person)) {
        now[person] = Bits(value / 5);
        RC_ASSERT(node.mine.Set(node.ctx, person, now[person]).ok());
      } else if (what == 9 && !erased.contains(person)) {
        RC_ASSERT(node.mine.Forget(node.ctx, person).ok());
        erased.insert(person);
      }
    }
    Node restarted(store);
    for (int i = 0; i < 6; ++i) {
      const std::string person = i == 5 ? "elsewhere" : "person-" + std::to_string(i);
      auto page = restarted.mine.Accesses(node.ctx, person, 100, "");
      RC_ASSERT(page.ok());
      RC_ASSERT(page->accesses.size() ==
                (erased.contains(person) ? 0u : std::min<std::size_t>(100, static_cast<std::size_t>(runs))));
      for (const MyAccess& access : page->accesses) {
        const bool truth = used[access.entry.Field("run")].contains(person);
        RC_ASSERT(access.used == truth);
        auto facts = ledger::VerifyReceipt(access.receipt, restarted.ledger.VerifierKey());
        RC_ASSERT(facts.ok());
        RC_ASSERT((facts->use == ledger::Use::kUsed) == truth);
      }
    }
  }));
}

}  // namespace
}  // namespace genofed::consent
