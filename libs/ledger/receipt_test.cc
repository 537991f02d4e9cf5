// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/receipt.h"

#include <rapidcheck.h>

#include "libs/ledger/checkpoint.h"
#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

constexpr char kTime[] = "2026-01-31T12:00:00Z";
constexpr std::uint32_t kSlots = 11;

// A small ledger whose entry 5 is about a snapshot in which the even slots are permitted.
class ReceiptTest : public ::testing::Test {
 protected:
  ReceiptTest() {
    std::vector<std::uint32_t> even;
    for (std::uint32_t i = 0; i < kSlots; ++i) {
      if (i % 2 == 0) even.push_back(i);
      secrets_ += LeafHash(std::to_string(i)).view();
    }
    snapshot_.emplace(Snapshot::Build("fi-wgs/3/sec/7", SlotSet(even), {{secrets_}}).value());
  }

  Entry AccessEntry(EntryKind kind) const {
    Entry entry;
    entry.kind = kind;
    entry.time = kTime;
    entry.fields = {{"project", "p1"},
                    {"snapshot", snapshot_->id()},
                    {"snapshot_root", snapshot_->root().Hex()}};
    entry.numbers = {{"slots", kSlots}, {"epoch", 7}};
    return entry;
  }

  Receipt Make(const Entry& entry, std::optional<std::uint32_t> slot) const {
    Receipt receipt;
    receipt.entry = EncodeEntry(entry).value();
    MerkleTree tree;
    for (int i = 0; i < 5; ++i) tree.AppendEntry("other-" + std::to_string(i));
    receipt.index = tree.AppendEntry(receipt.entry);
    for (int i = 0; i < 7; ++i) tree.AppendEntry("later-" + std::to_string(i));
    receipt.proof = tree.InclusionProof(receipt.index, tree.size()).value();
    receipt.origin = kLogName;
    receipt.checkpoint = SignCheckpoint({kLogName, tree.size(), tree.Root(), {}}, log_).value();
    if (slot) receipt.snapshot = snapshot_->Prove(*slot, secrets_).value();
    return receipt;
  }

  NoteSigner log_ = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  std::string secrets_;
  std::optional<Snapshot> snapshot_;
};

TEST_F(ReceiptTest, SaysUsedAndNotUsed) {
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    auto facts = VerifyReceipt(FormatReceipt(Make(AccessEntry(EntryKind::kRun), slot)), kLogKey);
    ASSERT_TRUE(facts.ok()) << Describe(facts.status());
    EXPECT_EQ(facts->use, slot % 2 == 0 ? Use::kUsed : Use::kNotUsed);
    EXPECT_EQ(facts->in_snapshot, slot % 2 == 0);
    EXPECT_EQ(facts->slot, slot);
    EXPECT_EQ(facts->entry, AccessEntry(EntryKind::kRun));
    EXPECT_EQ(facts->time, kTime);
    EXPECT_EQ(facts->origin, kLogName);
    EXPECT_EQ(facts->index, 5U);
    EXPECT_EQ(facts->tree_size, 13U);
  }
}

TEST_F(ReceiptTest, ADeniedAccessUsedNobody) {
  auto facts =
      VerifyReceipt(FormatReceipt(Make(AccessEntry(EntryKind::kDenied), 0)), kLogKey).value();
  EXPECT_EQ(facts.use, Use::kNotUsed);
  EXPECT_EQ(facts.in_snapshot, true);
  facts = VerifyReceipt(FormatReceipt(Make(AccessEntry(EntryKind::kSnapshot), 0)), kLogKey).value();
  EXPECT_EQ(facts.use, Use::kNotApplicable);
}

// Who may ask, and how often somebody asked, is no use of anybody's data.
TEST_F(ReceiptTest, GrantsAndBatchesOfQuestionsAreNoUse) {
  for (const EntryKind kind : {EntryKind::kGrant, EntryKind::kQueryBatch}) {
    EXPECT_EQ(VerifyReceipt(FormatReceipt(Make(AccessEntry(kind), 0)), kLogKey).value().use,
              Use::kNotApplicable);
    Entry plain;
    plain.kind = kind;
    plain.time = kTime;
    plain.fields = {{"dataset", "fi-wgs"}};
    EXPECT_EQ(VerifyReceipt(FormatReceipt(Make(plain, std::nullopt)), kLogKey).value().use,
              Use::kNotApplicable);
  }
}

TEST_F(ReceiptTest, IsATlogProofForOthers) {
  const NoteVerifier log = NoteVerifier::Parse(kLogKey).value();
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    const Receipt receipt = Make(AccessEntry(EntryKind::kRun), slot);
    const std::string proof = FormatReceiptAsTlogProof(receipt);
    EXPECT_TRUE(proof.starts_with("c2sp.org/tlog-proof@v1\nextra "));
    auto facts = VerifyTlogReceipt(proof, receipt.entry, log);
    ASSERT_TRUE(facts.ok()) << Describe(facts.status());
    EXPECT_EQ(facts->use, slot % 2 == 0 ? Use::kUsed : Use::kNotUsed);
    EXPECT_EQ(facts->index, 5U);
    EXPECT_EQ(Reason(VerifyTlogReceipt(proof, receipt.entry + " ", log).status()), "PROOF_INVALID");
    Receipt other = receipt;
    other.snapshot->permitted = !other.snapshot->permitted;
    EXPECT_EQ(
        Reason(VerifyTlogReceipt(FormatReceiptAsTlogProof(other), receipt.entry, log).status()),
        "PROOF_INVALID");
  }
  // Without a snapshot's proof it vouches for the entry, and for nothing about anybody.
  Receipt bare = Make(AccessEntry(EntryKind::kRun), std::nullopt);
  auto facts = VerifyTlogReceipt(FormatReceiptAsTlogProof(bare), bare.entry, log);
  ASSERT_TRUE(facts.ok()) << Describe(facts.status());
  EXPECT_EQ(facts->use, Use::kNotApplicable);
  EXPECT_FALSE(facts->in_snapshot.has_value());
}

TEST_F(ReceiptTest, OtherEntriesNeedNoSnapshot) {
  Entry entry;
  entry.kind = EntryKind::kConsentWithdraw;
  entry.time = kTime;
  auto facts = VerifyReceipt(FormatReceipt(Make(entry, std::nullopt)), kLogKey);
  ASSERT_TRUE(facts.ok()) << Describe(facts.status());
  EXPECT_EQ(facts->use, Use::kNotApplicable);
  EXPECT_FALSE(facts->in_snapshot.has_value());
}

TEST_F(ReceiptTest, ASnapshotProofCanNeitherBeDroppedNorAdded) {
  EXPECT_EQ(
      Reason(VerifyReceipt(FormatReceipt(Make(AccessEntry(EntryKind::kRun), std::nullopt)), kLogKey)
                 .status()),
      "RECEIPT_INVALID");
  Entry entry;
  entry.time = kTime;
  EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(Make(entry, 3)), kLogKey).status()),
            "RECEIPT_INVALID");
}

// Nine people of whom an entry tells together: each is shown their part, and nobody another's.
TEST_F(ReceiptTest, EachOfAGroupIsShownTheirPart) {
  SystemRandom random;
  std::vector<Commitment> people;
  std::vector<Hash> commitments;
  for (int i = 0; i < 9; ++i) {
    people.push_back(Commit("person-" + std::to_string(i), random));
    commitments.push_back(people.back().value);
  }
  Entry entry;
  entry.kind = EntryKind::kConsentSet;
  entry.time = kTime;
  entry.commitments = {{kGroupCommitment, GroupRoot(commitments)}};
  const NoteVerifier log = NoteVerifier::Parse(kLogKey).value();
  for (std::uint64_t i = 0; i < 9; ++i) {
    Receipt receipt = Make(entry, std::nullopt);
    receipt.group = ProveGroup(commitments, i).value();
    receipt.group->key = people[i].key;
    receipt.group->payload = "person-" + std::to_string(i);
    for (const auto& facts :
         {VerifyReceipt(FormatReceipt(receipt), kLogKey),
          VerifyTlogReceipt(FormatReceiptAsTlogProof(receipt), receipt.entry, log)}) {
      ASSERT_TRUE(facts.ok()) << Describe(facts.status());
      EXPECT_EQ(facts->said, "person-" + std::to_string(i));
      EXPECT_EQ(facts->use, Use::kNotApplicable);
    }
    Receipt liar = receipt;
    liar.group->payload = "person-x";
    EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(liar), kLogKey).status()), "PROOF_INVALID");
    liar = receipt;
    liar.group->key = people[(i + 1) % 9].key;
    EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(liar), kLogKey).status()), "PROOF_INVALID");
    liar = receipt;
    liar.group.reset();
    EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(liar), kLogKey).status()), "RECEIPT_INVALID");
  }
}

TEST_F(ReceiptTest, ALiarIsNoticed) {
  Receipt honest = Make(AccessEntry(EntryKind::kRun), 4);
  Receipt liar = honest;
  liar.snapshot->permitted = false;
  EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(liar), kLogKey).status()), "PROOF_INVALID");
  liar = honest;
  liar.entry = EncodeEntry(AccessEntry(EntryKind::kDenied)).value();
  EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(liar), kLogKey).status()), "PROOF_INVALID");
  liar = honest;
  liar.origin = "node.es.example/ledger";
  EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(liar), kLogKey).status()), "RECEIPT_INVALID");
  EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(honest), kGoldenKey).status()), "NOTE_UNSIGNED");
  EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(honest), "nonsense").status()),
            "VERIFIER_KEY_INVALID");
}

TEST_F(ReceiptTest, WitnessesCountOnlyWhenAskedFor) {
  NoteSigner witness = CountingSigner(kWitnessName, SignatureType::kCosignature, 0x20);
  Receipt receipt = Make(AccessEntry(EntryKind::kRun), 4);
  std::vector<NoteVerifier> witnesses = {witness.verifier()};
  EXPECT_EQ(Reason(VerifyReceipt(FormatReceipt(receipt), log_.verifier(), witnesses, 1).status()),
            "WITNESSES_MISSING");
  receipt.checkpoint = CosignCheckpoint(receipt.checkpoint, witness, 1767225600).value();
  EXPECT_TRUE(VerifyReceipt(FormatReceipt(receipt), log_.verifier(), witnesses, 1).ok());
  EXPECT_TRUE(VerifyReceipt(FormatReceipt(receipt), log_.verifier()).ok());
}

TEST_F(ReceiptTest, AnyChangedByteIsNoticed) {
  std::string text = FormatReceipt(Make(AccessEntry(EntryKind::kRun), 4));
  ASSERT_TRUE(VerifyReceipt(text, kLogKey).ok());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit)
      EXPECT_FALSE(VerifyReceipt(Flip(text, at, bit), kLogKey).ok()) << at;
    EXPECT_FALSE(VerifyReceipt(text.substr(0, at), kLogKey).ok()) << at;
  }
  EXPECT_FALSE(VerifyReceipt(text + "\n", kLogKey).ok());
}

TEST_F(ReceiptTest, ArbitraryBytesNeverCrash) {
  EXPECT_TRUE(
      rc::check([](const std::string& bytes) { RC_ASSERT(!VerifyReceipt(bytes, kLogKey).ok()); }));
  EXPECT_FALSE(VerifyReceipt(std::string(100'000, '['), kLogKey).ok());
  EXPECT_FALSE(VerifyReceipt(std::string(kMaxReceiptBytes + 1, ' '), kLogKey).ok());
}

}  // namespace
}  // namespace genofed::ledger
