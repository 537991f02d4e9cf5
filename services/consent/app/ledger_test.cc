// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/ledger.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "libs/ledger/checkpoint.h"
#include "libs/ledger/fsck.h"
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
    return node_.ledger.Append(node_.ctx, "dispatcher", key, entry);
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
  EXPECT_EQ(node_.ledger.Append(node_.ctx, "access", "a", Denied("x"))->index, 2);
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

// Whoever is broken into can say no more than what was theirs to say.
TEST_F(LedgerTest, EachServiceWritesItsOwnKindsAlone) {
  using ledger::EntryKind;
  const std::map<EntryKind, std::set<std::string>> may = {
      {EntryKind::kGrant, {"access"}},      {EntryKind::kDenied, {"access", "dispatcher"}},
      {EntryKind::kRun, {"dispatcher"}},    {EntryKind::kRelease, {"spe"}},
      {EntryKind::kContact, {"discovery"}}, {EntryKind::kQueryBatch, {"discovery"}},
      {EntryKind::kDataset, {"onboarding"}}, {EntryKind::kAccess, {"discovery"}}};
  for (int kind = 0; kind <= static_cast<int>(EntryKind::kCheckpoint); ++kind) {
    ledger::Entry entry;
    entry.kind = static_cast<EntryKind>(kind);
    entry.time = node_.ledger.EntryTime();
    const auto callers = may.find(entry.kind);
    for (const std::string caller :
         {"access", "discovery", "dispatcher", "gateway", "onboarding", "spe", ""}) {
      const auto appended = node_.ledger.Append(node_.ctx, caller, fmt::format("{}", kind),
                                                *ledger::EncodeEntry(entry));
      // Without its fields an entry of the caller's own may be refused, but for another reason.
      EXPECT_EQ(Reason(appended.status()) == "ENTRY_KIND_RESERVED",
                callers == may.end() || !callers->second.contains(caller))
          << ledger::KindName(entry.kind) << " of " << caller;
    }
  }
}

TEST_F(LedgerTest, GrantsAndBatchesOfQuestionsNameWhatTheyAreAbout) {
  ledger::Entry grant;
  grant.kind = ledger::EntryKind::kGrant;
  grant.time = node_.ledger.EntryTime();
  grant.fields = {{"application", "app-1"}, {"dataset", "GOE-FI-A-1"}, {"outcome", "approved"}};
  ledger::Entry batch = grant;
  batch.kind = ledger::EntryKind::kQueryBatch;
  batch.fields = {{"dataset", "GOE-FI-A-1"},
                  {"since", "2025-12-31T23:00:00Z"},
                  {"audit_sha256", std::string(64, 'a')}};
  batch.numbers = {{"answers", 3}, {"audit_links", 9}};
  for (const auto& [caller, entry] :
       {std::pair<std::string, ledger::Entry>("access", grant), {"discovery", batch}}) {
    const auto append = [&](const ledger::Entry& one) {
      return node_.ledger.Append(node_.ctx, caller, "k", *ledger::EncodeEntry(one));
    };
    for (const auto& [field, value] : entry.fields) {
      ledger::Entry without = entry;
      without.fields.erase(field);
      EXPECT_THAT(append(without), HasReason("ENTRY_INVALID")) << field;
    }
    EXPECT_THAT(append(entry), IsOk());
  }
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
  const auto appended = Append("1", *ledger::EncodeEntry(entry));
  EXPECT_EQ(appended->index, 3) << "behind the registration and two snapshots";
}

TEST_F(LedgerTest, AClockThatJumpsChangesTheTimesOfEntriesAndNothingElse) {
  for (const int days : {0, 400, -800, 3}) {
    node_.clock.Advance(std::chrono::hours(24 * days));
    const auto before = *node_.ledger.Size(node_.ctx);
    const auto appended = Append(std::to_string(days), Denied("x"));
    ASSERT_THAT(appended, IsOk());
    EXPECT_EQ(appended->index, before);
    EXPECT_EQ(Open(appended->checkpoint).size, static_cast<std::uint64_t>(before) + 1);
  }
  Node again(store_);
  EXPECT_EQ(*again.ledger.Checkpoint(again.ctx), *node_.ledger.Checkpoint(node_.ctx));
}

TEST_F(LedgerTest, SeveralEntriesAreTakenTogetherOrNotAtAll) {
  auto all = [&](std::vector<Ledger::Request> requests) {
    return node_.ledger.AppendAll(node_.ctx, "dispatcher", requests);
  };
  EXPECT_EQ(all({{"a", Denied("x")}, {"b", Denied("y")}})->indices, (std::vector<std::int64_t>{0, 1}));
  // One that is there already keeps its place.
  const auto appended = all({{"c", Denied("z")}, {"a", Denied("x")}, {"d", Denied("z")}});
  ASSERT_THAT(appended, IsOk());
  EXPECT_EQ(appended->indices, (std::vector<std::int64_t>{2, 0, 3}));
  EXPECT_EQ(Open(appended->checkpoint).size, 4u);
  EXPECT_THAT(all({{"e", Denied("z")}, {"a", Denied("other")}}), HasReason("IDEMPOTENCY_KEY_REUSED"));
  EXPECT_THAT(all({{"e", Denied("z")}, {"e", Denied("z")}}), HasReason("IDEMPOTENCY_KEY_INVALID"));
  EXPECT_THAT(all({{"e", Denied("z")}, {"f", "not an entry"}}), HasReason("ENTRY_INVALID"));
  EXPECT_THAT(all({}), HasReason("APPEND_TOO_LARGE"));
  EXPECT_THAT(all(std::vector<Ledger::Request>(Ledger::kMaxAppend + 1)), HasReason("APPEND_TOO_LARGE"));
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), 4);
}

TEST_F(LedgerTest, JobsOfOneGroupFailAlone) {
  auto job = [&](std::vector<std::pair<std::string, std::string>> entries) {
    AppendJob made;
    for (const auto& [key, why] : entries) {
      made.entries.push_back({Denied(why), ledger::LeafHash(Denied(why)), "spe", key, {}});
      made.decoded.push_back(*ledger::DecodeEntry(Denied(why)));
    }
    return made;
  };
  AppendJob first = job({{"a", "x"}, {"b", "y"}}), wrong = job({{"c", "z"}, {"a", "other"}}),
            same = job({{"b", "y"}, {"c", "w"}});
  AppendJob* group[] = {&first, &wrong, &same};
  const auto no_snapshot = [](const std::string&) { return std::optional<SnapshotRow>(); };
  ASSERT_THAT(node_.ledger.Write(node_.ctx, [&](Transaction& tx) { return AddGroup(tx.ledger(), no_snapshot, group); }), IsOk());
  EXPECT_EQ(first.indices, (std::vector<std::int64_t>{0, 1}));
  EXPECT_THAT(wrong.status, HasReason("IDEMPOTENCY_KEY_REUSED"));
  EXPECT_EQ(same.indices, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(*node_.ledger.Size(node_.ctx), 3);
}

// Everything that is served as files is a log that stands for itself.
TEST_F(LedgerTest, ServesItsTiles) {
  for (int i = 0; i < 3; ++i) {
    std::vector<Ledger::Request> requests;
    for (int j = 0; j < 200; ++j) {
      const std::string name = std::to_string(200 * i + j);
      requests.push_back({name, Denied(name)});
    }
    ASSERT_THAT(node_.ledger.AppendAll(node_.ctx, "dispatcher", requests), IsOk());
  }
  struct Served final : ledger::TileSource {
    explicit Served(Node& of) : node(of) {}
    Result<std::string> Read(const std::string& path) override { return node.ledger.Tile(node.ctx, path); }
    Node& node;
  } served(node_);
  const auto checkpoint = Open(*node_.ledger.Checkpoint(node_.ctx));
  ASSERT_EQ(checkpoint.size, 600u);
  const auto report = ledger::Fsck(served, checkpoint.size, checkpoint.root);
  ASSERT_THAT(report, IsOk());
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->files, 7u);
  // Also as it was for an earlier checkpoint.
  EXPECT_THAT(served.Read("tile/entries/001.p/144"), IsOk());
  for (const char* path : {"tile/0/002.p/89", "tile/0/002", "tile/0/003.p/1", "tile/1/000.p/3", "tile/2/000.p/1",
                           "tile/entries/002.p/89", "tile/9/000.p/1"}) {
    EXPECT_THAT(served.Read(path), HasReason("TILE_MISSING")) << path;
  }
  EXPECT_THAT(served.Read("tile/0/0"), HasReason("TILE_PATH_INVALID"));
}

// Withdrawals may be among what is missing: nothing that permissions decide is answered.
TEST_F(LedgerTest, AFrozenLedgerSaysNothingOfPermissions) {
  const DatasetVersion dataset{"GOE-FI-A-1", 1};
  ASSERT_THAT(node_.registrar.Run(node_.ctx, {dataset, {{"p", Says(7)}}}), IsOk());
  const auto run = node_.AppendRun(dataset, "run-1");
  ASSERT_THAT(run, IsOk());
  ASSERT_TRUE(node_.cohorts.CheckRun(node_.ctx, run->index)->unchanged);
  node_.ledger.Freeze("a witness has seen more of it");
  EXPECT_THAT(node_.ledger.Epoch(node_.ctx), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(node_.ledger.Epoch(node_.ctx), HasCode(StatusCode::kUnavailable));
  for (const bool with_snapshot : {false, true}) {
    EXPECT_THAT(node_.cohorts.Run(node_.ctx, dataset, Permission::kAlleleFrequency, with_snapshot),
                HasReason("LEDGER_FROZEN"));
  }
  EXPECT_THAT(node_.cohorts.OfRun(node_.ctx, dataset, run->index), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(node_.cohorts.CheckRun(node_.ctx, run->index), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(node_.mine.Set(node_.ctx, "p", Bits(0)), HasReason("LEDGER_FROZEN"));
  // It can still be looked at.
  EXPECT_THAT(node_.ledger.Checkpoint(node_.ctx), IsOk());
  EXPECT_THAT(node_.ledger.Tile(node_.ctx, "tile/entries/000.p/2"), IsOk());
  EXPECT_THAT(node_.mine.Accesses(node_.ctx, "p", 10, ""), IsOk());
}

// Somebody with the database changes what an entry says, and nothing else.
class RewrittenEntryTest : public LedgerTest {
 protected:
  void SetUp() override {
    ASSERT_THAT(node_.registrar.Run(node_.ctx, {kDataset, {{"p", Says(7)}}}), IsOk());
    for (int i = 0; i < 300; ++i) ASSERT_THAT(Append(std::to_string(i), Denied("x")), IsOk());
    const auto run = node_.AppendRun(kDataset, "run-1");
    ASSERT_THAT(run, IsOk());
    run_ = run->index;
    ASSERT_THAT(node_.ledger.Tile(node_.ctx, "tile/entries/000"), IsOk());
  }
  void Rewrite(std::int64_t index, const std::string& from, const std::string& to) {
    std::string& entry = store_.state.ledger.at(static_cast<std::size_t>(index)).first.entry;
    const std::size_t at = entry.find(from);
    ASSERT_NE(at, std::string::npos) << entry;
    entry.replace(at, from.size(), to);
  }
  std::int64_t run_ = 0;
  const DatasetVersion kDataset{"GOE-FI-A-1", 1};
};

TEST_F(RewrittenEntryTest, IsNotServedAndFreezesTheLedger) {
  Rewrite(7, "\"x\"", "\"y\"");
  EXPECT_THAT(node_.ledger.Tile(node_.ctx, "tile/entries/001.p/46"), IsOk());
  EXPECT_THAT(node_.ledger.List(node_.ctx, 8, 100), IsOk());
  EXPECT_TRUE(node_.ledger.Damage().empty()) << "nobody has read it yet";
  EXPECT_THAT(node_.ledger.Tile(node_.ctx, "tile/entries/000"), HasReason("LEDGER_DAMAGED"));
  EXPECT_THAT(node_.ledger.List(node_.ctx, 0, 100), HasReason("LEDGER_DAMAGED"));
  EXPECT_EQ(node_.ledger.Damage(), "entry 7 is not the one that was appended");
  EXPECT_THAT(Append("more", Denied("x")), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(node_.ledger.Epoch(node_.ctx), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(node_.ledger.Tile(node_.ctx, "tile/entries/001.p/46"), IsOk());
}

TEST_F(RewrittenEntryTest, DecidesNothing) {
  Rewrite(run_, "Heart", "Liver");
  EXPECT_THAT(node_.mine.Accesses(node_.ctx, "p", 10, ""), HasReason("LEDGER_DAMAGED"));
  Node again(store_);
  EXPECT_THAT(again.cohorts.CheckRun(node_.ctx, run_), HasReason("LEDGER_DAMAGED"));
  Node other(store_);
  EXPECT_THAT(other.cohorts.OfRun(node_.ctx, kDataset, run_), HasReason("LEDGER_DAMAGED"));
}

TEST_F(RewrittenEntryTest, IsMissedWhenItIsGone) {
  store_.state.ledger.erase(store_.state.ledger.begin() + 7);
  EXPECT_THAT(node_.ledger.Tile(node_.ctx, "tile/entries/000"), HasReason("LEDGER_DAMAGED"));
  EXPECT_EQ(node_.ledger.Damage(), "entry 7 is missing");
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
