// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/ledger.h"

#include <gtest/gtest.h>

#include "libs/ledger/checkpoint.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasCode;
using testing::HasReason;
using testing::IsOk;

class LedgerTest : public ::testing::Test {
 protected:
  std::string Denied(const std::string& why) const {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kDenied;
    entry.time = node_.ledger.EntryTime();
    entry.fields = {{"reason", why}};
    return *ledger::EncodeEntry(entry);
  }
  Result<Ledger::Appended> Append(const std::string& key, const std::string& entry) {
    return node_.ledger.Append(node_.ctx, "spe", key, entry);
  }
  ledger::Checkpoint Open(const std::string& note) const {
    return *ledger::OpenCheckpoint(note, *ledger::NoteVerifier::Parse(node_.ledger.VerifierKey()));
  }

  MemoryStore store_;
  Node node_{store_};
};

TEST_F(LedgerTest, StartsWithASignedEmptyTree) {
  auto checkpoint = Open(*node_.ledger.Checkpoint(node_.ctx));
  EXPECT_EQ(checkpoint.origin, kOrigin);
  EXPECT_EQ(checkpoint.size, 0u);
  EXPECT_EQ(checkpoint.root, ledger::EmptyRoot());
}

TEST_F(LedgerTest, ACheckpointCoversTheEntryBeforeTheCallerHears) {
  auto appended = Append("a", Denied("x"));
  ASSERT_THAT(appended, IsOk());
  EXPECT_EQ(appended->index, 0);
  EXPECT_EQ(Open(appended->checkpoint).root, ledger::LeafHash(Denied("x")));
}

TEST_F(LedgerTest, TheSameKeyReturnsTheFirstIndexForEachCaller) {
  ASSERT_EQ(Append("a", Denied("x"))->index, 0);
  ASSERT_EQ(Append("b", Denied("x"))->index, 1);
  EXPECT_EQ(Append("a", Denied("x"))->index, 0);
  EXPECT_THAT(Append("a", Denied("y")), HasReason("IDEMPOTENCY_KEY_REUSED"));
  EXPECT_EQ(node_.ledger.Append(node_.ctx, "dispatcher", "a", Denied("x"))->index, 2);
  EXPECT_THAT(Append("", Denied("x")), HasReason("IDEMPOTENCY_KEY_INVALID"));
}

TEST_F(LedgerTest, RefusesWhatIsNotCanonicalOrNotTheCallersToSay) {
  EXPECT_THAT(Append("a", Denied("x") + " "), HasReason("ENTRY_INVALID"));
  ledger::Entry entry;
  entry.time = node_.ledger.EntryTime();
  for (auto kind : {ledger::EntryKind::kConsentSet, ledger::EntryKind::kConsentWithdraw,
                    ledger::EntryKind::kSnapshot, ledger::EntryKind::kErase}) {
    entry.kind = kind;
    EXPECT_THAT(Append("a", *ledger::EncodeEntry(entry)), HasReason("ENTRY_KIND_RESERVED"));
  }
  entry.kind = ledger::EntryKind::kDenied;
  entry.time = "2026-01-01T00:06:00Z";  // the clock stands at midnight
  EXPECT_THAT(Append("a", *ledger::EncodeEntry(entry)), HasReason("ENTRY_INVALID"));
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), 0);
}

TEST_F(LedgerTest, ARunNamesASnapshotThatWasTakenForSecondaryUse) {
  const DatasetVersion dataset{"GOE-FI-A-1", 1};
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {dataset, {{"p", Says(7)}, {"q", Says(1)}}}), IsOk());
  auto cohort = node_.cohorts.Run(node_.ctx, dataset, Permission::kSecondaryUse, true);
  ASSERT_THAT(cohort, IsOk());
  ledger::Entry entry = node_.RunEntry(*cohort->snapshot, "run-1");
  ledger::Entry other = entry;
  other.fields["snapshot_root"] = std::string(64, '0');
  EXPECT_THAT(Append("1", *ledger::EncodeEntry(other)), HasReason("SNAPSHOT_UNKNOWN"));
  other = entry;
  other.numbers["slots"] = 1;
  EXPECT_THAT(Append("1", *ledger::EncodeEntry(other)), HasReason("SNAPSHOT_UNKNOWN"));
  other = entry;
  other.fields["version"] = "2";
  EXPECT_THAT(Append("1", *ledger::EncodeEntry(other)), HasReason("SNAPSHOT_UNKNOWN"));
  other = entry;
  other.fields.erase("run");
  EXPECT_THAT(Append("1", *ledger::EncodeEntry(other)), HasReason("ENTRY_INVALID"));
  auto frequencies = node_.cohorts.Run(node_.ctx, dataset, Permission::kAlleleFrequency, true);
  EXPECT_THAT(Append("1", *ledger::EncodeEntry(node_.RunEntry(*frequencies->snapshot, "run-1"))),
              HasReason("SNAPSHOT_UNFIT"));
  EXPECT_EQ(Append("1", *ledger::EncodeEntry(entry))->index, 2);
}

TEST_F(LedgerTest, FindsOutWhatALostCommitDid) {
  ASSERT_THAT(Append("a", Denied("x")), IsOk());
  store_.lose_after_commit = true;
  EXPECT_THAT(Append("b", Denied("y")), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(Open(*node_.ledger.Checkpoint(node_.ctx)).size, 2u);
  store_.lose_before_commit = true;
  EXPECT_THAT(Append("c", Denied("z")), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(Open(*node_.ledger.Checkpoint(node_.ctx)).size, 2u);
  EXPECT_EQ(Append("c", Denied("z"))->index, 2);
  // A restart sees the same tree.
  Node again(store_);
  EXPECT_EQ(*again.ledger.Checkpoint(again.ctx), *node_.ledger.Checkpoint(node_.ctx));
}

TEST_F(LedgerTest, AnEpochWhoseCommitWasLostIsSeen) {
  store_.lose_after_commit = true;
  EXPECT_THAT(node_.mine.Set(node_.ctx, "p", PermissionSet::All()),
              HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(*node_.ledger.Epoch(node_.ctx), 1);
  EXPECT_EQ(node_.mine.Set(node_.ctx, "p", PermissionSet::All())->ledger_index, 0);
}

TEST_F(LedgerTest, EarlierCheckpointsArePrefixes) {
  std::vector<ledger::Checkpoint> checkpoints;
  for (int i = 0; i < 9; ++i)
    checkpoints.push_back(Open(Append(std::to_string(i), Denied(std::to_string(i)))->checkpoint));
  for (const auto& earlier : checkpoints) {
    auto proof = node_.ledger.Consistency(node_.ctx, static_cast<std::int64_t>(earlier.size), 9);
    ASSERT_THAT(proof, IsOk());
    EXPECT_THAT(
        ledger::VerifyConsistency(earlier.size, 9, earlier.root, checkpoints.back().root, *proof),
        IsOk());
  }
  EXPECT_THAT(node_.ledger.Consistency(node_.ctx, 3, 10), HasReason("TREE_RANGE"));
  EXPECT_THAT(node_.ledger.Consistency(node_.ctx, -1, 3), HasReason("TREE_RANGE"));
  EXPECT_EQ(node_.ledger.List(node_.ctx, 2, 3)->size(), 3u);
  EXPECT_EQ(node_.ledger.List(node_.ctx, 2, 3)->at(0), Denied("2"));
  EXPECT_TRUE(node_.ledger.List(node_.ctx, 9, 3)->empty());
  EXPECT_THAT(node_.ledger.List(node_.ctx, -1, 3), HasReason("TREE_RANGE"));
}

}  // namespace
}  // namespace genofed::consent
