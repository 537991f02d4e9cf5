// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/registrar.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>
#include <set>
#include <utility>

#include "libs/ledger/receipt.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-FI-A-1", 1};
const DatasetVersion kA2{"GOE-FI-A-1", 2};

class RegistrarTest : public ::testing::Test {
 protected:
  Result<Registration> Register(const DatasetVersion& dataset,
                                const std::vector<SubjectConsent>& subjects) {
    return node_.registrar.Run(node_.ctx, {dataset, subjects});
  }
  MemoryStore store_;
  Node node_{store_};
};

TEST_F(RegistrarTest, RowsAreRanksOfPseudonymsAmongTheIncluded) {
  auto registration =
      Register(kA1, {{"p", Says(7)}, {"q", Says(0)}, {"r", Says(1)}, {"s", Says(4)}});
  ASSERT_THAT(registration, IsOk());
  const auto& subjects = registration->subjects;
  ASSERT_EQ(subjects.size(), 4u);
  EXPECT_EQ(subjects[1].row, -1);
  EXPECT_EQ(subjects[1].pseudonym, "");
  std::map<std::string, int> by_pseudonym = {{subjects[0].pseudonym, subjects[0].row},
                                             {subjects[2].pseudonym, subjects[2].row},
                                             {subjects[3].pseudonym, subjects[3].row}};
  int rank = 0;
  for (const auto& [pseudonym, row] : by_pseudonym) EXPECT_EQ(row, rank++) << pseudonym;
  EXPECT_EQ(registration->epoch, 1);
}

TEST_F(RegistrarTest, RepeatsItsAnswerInTheOrderAsked) {
  auto first = Register(kA1, {{"p", Says(7)}, {"q", Says(0)}});
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(0)), IsOk());
  auto again = Register(kA1, {{"q", Says(0)}, {"p", Says(7)}});
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->subjects[1].pseudonym, first->subjects[0].pseudonym);
  EXPECT_EQ(again->subjects[0].row, -1);
  EXPECT_EQ(again->epoch, first->epoch);
  EXPECT_THAT(Register(kA1, {{"p", Says(7)}}), HasReason("VERSION_REGISTERED"));
  EXPECT_THAT(Register(kA1, {{"p", Says(7)}, {"q", Says(1)}}), HasReason("VERSION_REGISTERED"));
}

TEST_F(RegistrarTest, OwnWithdrawalWinsOverTheHolder) {
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(0)), IsOk());
  auto registration = Register(kA1, {{"p", Says(7)}, {"q", Says(7)}});
  EXPECT_EQ(registration->subjects[0].row, -1);
  EXPECT_EQ(registration->subjects[1].row, 0);
}

// However many people, an entry for every thousand; and none for what was said before.
TEST_F(RegistrarTest, WhatHoldersSayIsLoggedInGroups) {
  std::vector<SubjectConsent> people;
  for (int i = 0; i < 1100; ++i)
    people.push_back({"person-" + std::to_string(i), Says(i == 7 ? 0 : 7)});
  ASSERT_THAT(Register(kA1, people), IsOk());
  ASSERT_EQ(*node_.ledger.Size(node_.ctx), 3) << "two groups who permit, and one who refuse";
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::string bytes = node_.ledger.List(node_.ctx, i, 1)->at(0);
    const auto entry = ledger::DecodeEntry(bytes);
    EXPECT_EQ(entry->kind,
              i < 2 ? ledger::EntryKind::kConsentSet : ledger::EntryKind::kConsentWithdraw);
    EXPECT_EQ(entry->Field("version"), "1");
    EXPECT_EQ(entry->numbers.at("epoch"), 1);
    EXPECT_EQ(entry->commitments.size(), 1u);
  }
  ASSERT_THAT(Register(kA2, people), IsOk());
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), 3) << "nothing new";
  const auto mine = node_.mine.Get(node_.ctx, "person-1099");
  EXPECT_THAT(ledger::VerifyReceipt(mine->history.at(0).receipt, node_.ledger.VerifierKey()),
              IsOk());
}

// A guardian's permission that a holder handed in ends when the person comes of age.
TEST_F(RegistrarTest, WhatAGuardianPermittedLapses) {
  SubjectConsent child{"child", Says(7), {node_.clock.Now() + std::chrono::hours(24), {}, false}};
  child.says.by_guardian = true;
  ASSERT_THAT(Register(kA1, {child, {"p", Says(7)}}), IsOk());
  const auto permitted = [&] {
    return std::ranges::count(
        node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, false)->permitted, true);
  };
  EXPECT_EQ(permitted(), 2);
  node_.clock.Advance(std::chrono::hours(24));
  EXPECT_EQ(permitted(), 1);
}

TEST_F(RegistrarTest, PseudonymsLastOverVersions) {
  auto first = Register(kA1, {{"p", Says(7)}});
  auto second = Register(kA2, {{"q", Says(7)}, {"p", Says(7)}});
  EXPECT_EQ(first->subjects[0].pseudonym, second->subjects[1].pseudonym);
}

TEST_F(RegistrarTest, ALaterRecordOfTheHolderHoldsForEarlierVersions) {
  ASSERT_THAT(Register(kA1, {{"p", Says(7)}}), IsOk());
  ASSERT_THAT(Register(kA2, {{"p", Says(1)}}), IsOk());
  EXPECT_FALSE(node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, false)->permitted[0]);
}

TEST_F(RegistrarTest, KeepsNoIdentifierAndRefusesBadInput) {
  EXPECT_THAT(Register(kA1, {}), HasReason("SUBJECTS_INVALID"));
  EXPECT_THAT(Register(kA1, {{"p", Says(1)}, {"p", Says(1)}}), HasReason("SUBJECTS_INVALID"));
  EXPECT_THAT(Register(kA1, {{"", Says(1)}}), HasReason("SUBJECTS_INVALID"));
  EXPECT_THAT(Register({"A", 0}, {{"p", Says(1)}}), HasReason("DATASET_INVALID"));
  EXPECT_THAT(node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, false),
              HasReason("DATASET_UNKNOWN"));
  ASSERT_THAT(Register(kA1, {{"person-in-clear", Says(1)}}), IsOk());
  EXPECT_FALSE(store_.state.subjects.contains("person-in-clear"));
  EXPECT_EQ(store_.state.subjects.begin()->first.size(), 64u);
}

TEST_F(RegistrarTest, ASnapshotIsLoggedOncePerEpoch) {
  ASSERT_THAT(Register(kA1, {{"p", Says(7)}, {"q", Says(0)}}), IsOk());
  const std::int64_t before = *node_.ledger.Size(node_.ctx);
  auto first = node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, true);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->rows, 1);
  EXPECT_EQ(first->snapshot->slots, 1024) << "it does not tell how many people there are";
  auto again = node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, true);
  EXPECT_EQ(again->snapshot->id, first->snapshot->id);
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), before + 1);
  EXPECT_FALSE(
      node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, false)->snapshot.has_value());
  ASSERT_THAT(node_.mine.Set(node_.ctx, "z", Bits(7)), IsOk());
  auto later = node_.cohorts.Run(node_.ctx, kA1, Permission::kSecondaryUse, true);
  EXPECT_NE(later->snapshot->root, first->snapshot->root);  // the same bits look different
}

// A store in which something happens after each read.
class Meddling final : public Store {
 public:
  explicit Meddling(Store& store) : store_(store) {}
  Status Read(const Context& ctx, const Body& body) override {
    GF_TRY(store_.Read(ctx, body));
    if (after_read) after_read();
    return absl::OkStatus();
  }
  Status Write(const Context& ctx, const Body& body) override { return store_.Write(ctx, body); }
  Status Append(const Context& ctx, const AppendBody& body) override { return store_.Append(ctx, body); }
  Status WriteAside(const Context& ctx, const Body& body) override { return store_.WriteAside(ctx, body); }
  std::function<void()> after_read;

 private:
  Store& store_;
};

TEST(RegistrarMeddledTest, ASnapshotIsOfItsEpochWhateverHappensMeanwhile) {
  for (const int changes : {1, 1000}) {  // 1000: with each attempt
    MemoryStore inner;
    Node node(inner);
    ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}, {"q", Says(7)}}}), IsOk());
    Meddling store(inner);
    Node reader(store);
    int left = changes;
    std::vector<std::pair<std::int64_t, bool>> said;  // epoch, whether p permits
    store.after_read = [&] {
      if (left-- <= 0) return;
      const bool permits = left % 2 == 1;
      said.emplace_back(node.mine.Set(node.ctx, "p", Bits(permits ? 7 : 0))->epoch, permits);
    };
    auto cohort = reader.cohorts.Run(node.ctx, kA1, Permission::kSecondaryUse, true);
    ASSERT_THAT(cohort, IsOk());
    ASSERT_EQ(said.size(), changes == 1 ? 1u : 3u);
    EXPECT_EQ(cohort->epoch, said.back().first);
    EXPECT_EQ(cohort->snapshot->epoch, cohort->epoch);
    EXPECT_EQ(std::ranges::count(cohort->permitted, true), said.back().second ? 2 : 1);
    const auto& stored = inner.state.snapshots.at(cohort->snapshot->id).second;
    EXPECT_EQ(stored.permitted().size(), said.back().second ? 2U : 1U);
    EXPECT_EQ(stored.root(), cohort->snapshot->root);
    EXPECT_EQ(inner.state.snapshots.size(), 1u);
  }
}

TEST_F(RegistrarTest, EverybodyHasASlotAtRandomAndForGood) {
  std::vector<SubjectConsent> people;
  for (int i = 0; i < 1100; ++i) people.push_back({"person-" + std::to_string(i), Says(7)});
  ASSERT_THAT(Register(kA1, people), IsOk());
  const auto slots = [&] {
    std::vector<std::int32_t> found;
    for (const SubjectConsent& person : people)
      found.push_back(
          store_.state.subjects.at(node_.pseudonyms.Blinded(person.person_identifier)).slot);
    return found;
  };
  const auto before = slots();
  EXPECT_EQ(std::set(before.begin(), before.end()).size(), before.size());
  EXPECT_EQ(store_.state.slot_blocks.size(), 2u);
  EXPECT_EQ(store_.state.free_slots.size(), 2048u - 1100u);
  // In random order: the chance of so many rising or falling neighbours is below 10^-9.
  int rising = 0;
  for (std::size_t i = 1; i < before.size(); ++i) rising += before[i] > before[i - 1] ? 1 : 0;
  EXPECT_GT(rising, 450);
  EXPECT_LT(rising, 650);

  ASSERT_THAT(node_.mine.Forget(node_.ctx, "person-0"), IsOk());
  ASSERT_THAT(node_.mine.Set(node_.ctx, "person-0", Bits(7)), IsOk());
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {kA2, {{"new", Says(7)}}, 1}), IsOk());
  const auto after = slots();
  EXPECT_TRUE(std::equal(before.begin() + 1, before.end(), after.begin() + 1));
  EXPECT_FALSE(std::ranges::count(before, after[0])) << "who comes again is somebody else";
  EXPECT_FALSE(store_.state.free_slots.contains(before[0]))
      << "the slot of somebody who was forgotten stays theirs";
}

TEST_F(RegistrarTest, AVersionGoesOnFromItsBase) {
  auto first = Register(kA1, {{"p", Says(7)}, {"q", Says(0)}, {"r", Says(1)}});
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(node_.mine.Set(node_.ctx, "p", Bits(0)), IsOk());  // keeps the row, masked
  auto second = node_.registrar.Run(
      node_.ctx, {kA2, {{"s", Says(7)}, {"q", Says(4)}, {"p", Says(7)}, {"t", Says(0)}}, 1});
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->subjects[2], first->subjects[0]);  // p, by the same row
  EXPECT_EQ(second->subjects[3].row, -1);
  std::set<std::int32_t> added = {second->subjects[0].row, second->subjects[1].row};
  EXPECT_EQ(added, (std::set<std::int32_t>{2, 3}));
  EXPECT_EQ(second->subjects[0].pseudonym < second->subjects[1].pseudonym,
            second->subjects[0].row < second->subjects[1].row);
  auto cohort = node_.cohorts.Run(node_.ctx, kA2, Permission::kAlleleFrequency, true, true);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(cohort->rows, 4);
  EXPECT_FALSE(cohort->permitted[static_cast<std::size_t>(first->subjects[0].row)]);
  EXPECT_EQ(cohort->pseudonyms[static_cast<std::size_t>(first->subjects[2].row)],
            first->subjects[2].pseudonym);
  EXPECT_THAT(Register(kA2, {{"s", Says(7)}}), HasReason("VERSION_REGISTERED"));
}

TEST_F(RegistrarTest, FollowUpDataAddNobody) {
  ASSERT_THAT(Register(kA1, {{"p", Says(7)}, {"out", Says(0)}}), IsOk());
  auto second = node_.registrar.Run(
      node_.ctx, {kA2, {{"p", Says(1)}, {"stranger", Says(7)}, {"out", Says(7)}}, 1, true});
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->subjects[0].row, 0);
  EXPECT_EQ(second->subjects[1].row, -1);
  EXPECT_EQ(second->subjects[2].row, -1) << "there are no genotypes of them";
  EXPECT_EQ(store_.state.subjects.size(), 2u) << "a stranger is not registered";
  auto cohort = node_.cohorts.Run(node_.ctx, kA2, Permission::kSecondaryUse, true);
  EXPECT_EQ(cohort->rows, 1);
  EXPECT_FALSE(cohort->permitted[0]) << "the new consent holds";
}

TEST_F(RegistrarTest, ABaseIsAnEarlierVersionThatExists) {
  EXPECT_THAT(node_.registrar.Run(node_.ctx, {kA2, {{"p", Says(7)}}, 1}),
              HasReason("BASE_INVALID"));
  ASSERT_THAT(Register(kA1, {{"p", Says(7)}}), IsOk());
  EXPECT_THAT(node_.registrar.Run(node_.ctx, {kA2, {{"p", Says(7)}}, 2}),
              HasReason("BASE_INVALID"));
  EXPECT_THAT(node_.registrar.Run(node_.ctx, {kA2, {{"p", Says(7)}}, 0, true}),
              HasReason("BASE_INVALID"));
}

TEST(RegistrarProperty, CohortsFollowWhatWasSaid) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint32_t>& steps) {
    MemoryStore store;
    Node node(store);
    Truth model(node);
    for (std::uint32_t step : steps) {
      std::string wrong = model.Apply(step * 2654435761U);
      if (!wrong.empty()) RC_FAIL(wrong);
    }
  }));
}

}  // namespace
}  // namespace genofed::consent
