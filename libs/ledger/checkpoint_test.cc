// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/checkpoint.h"

#include <rapidcheck.h>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

MerkleTree TreeOf300() {
  MerkleTree tree;
  for (int i = 0; i < 300; ++i) tree.AppendEntry("entry-" + std::to_string(i));
  return tree;
}

TEST(Checkpoint, MakesTheCosignedVectorByteForByte) {
  GF_NEED_VECTORS();
  NoteSigner log = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  NoteSigner witness = CountingSigner(kWitnessName, SignatureType::kCosignature, 0x20);
  std::string signed_note = SignCheckpoint({kLogName, 300, TreeOf300().Root(), {}}, log).value();
  EXPECT_EQ(CosignCheckpoint(signed_note, witness, 1767225600).value(),
            Load("cosigned/checkpoint"));
}

TEST(Checkpoint, OpensTheCosignedVector) {
  GF_NEED_VECTORS();
  std::string note = Load("cosigned/checkpoint");
  auto checkpoint = OpenCheckpoint(note, NoteVerifier::Parse(kLogKey).value());
  ASSERT_TRUE(checkpoint.ok()) << Describe(checkpoint.status());
  EXPECT_EQ(checkpoint->origin, kLogName);
  EXPECT_EQ(checkpoint->size, 300U);
  EXPECT_EQ(checkpoint->root, TreeOf300().Root());
  EXPECT_EQ(NoteVerifier::Parse(kWitnessKey)->Verify(ParseNote(note).value()).value(), 1767225600);
}

TEST(Checkpoint, GoldenLogIsConsistentInAllPairs) {
  GF_NEED_VECTORS();
  auto log = NoteVerifier::Parse(kGoldenKey).value();
  std::string tile = Load("tessera-golden-log/log/tile/0/000.p/15");
  MerkleTree tree;
  for (std::size_t i = 0; i < 15; ++i)
    tree.Append(Hash::FromBytes(tile.substr(32 * i, 32)).value());
  std::vector<Checkpoint> all;
  for (std::uint64_t size = 0; size <= 15; ++size) {
    auto checkpoint =
        OpenCheckpoint(Load("tessera-golden-log/log/checkpoint." + std::to_string(size)), log);
    ASSERT_TRUE(checkpoint.ok()) << size << ": " << Describe(checkpoint.status());
    EXPECT_EQ(checkpoint->size, size);
    EXPECT_EQ(checkpoint->root, tree.Root(size).value());
    all.push_back(*checkpoint);
  }
  for (const Checkpoint& a : all) {
    for (const Checkpoint& b : all) {
      auto proof = tree.ConsistencyProof(a.size, b.size);
      if (a.size > b.size) {
        EXPECT_FALSE(proof.ok());
      } else {
        EXPECT_TRUE(VerifyConsistency(a.size, b.size, a.root, b.root, *proof).ok())
            << a.size << " " << b.size;
      }
    }
  }
}

TEST(Checkpoint, RefusesOtherForms) {
  std::string root = EmptyRoot().Base64();
  EXPECT_TRUE(ParseCheckpoint("a\n0\n" + root + "\n").ok());
  EXPECT_EQ(ParseCheckpoint("a\n0\n" + root + "\nextension\n")->extensions,
            std::vector<std::string>{"extension"});
  for (std::string bad : {std::string(), std::string("a\n0\n"), "a\n0\n" + root,
                          "\n0\n" + root + "\n", "a\n00\n" + root + "\n", "a\n+1\n" + root + "\n",
                          "a\n-1\n" + root + "\n", "a\n9223372036854775808\n" + root + "\n",
                          "a\n0\n" + root.substr(4) + "\n", "a\n0\n" + root + "\n\n"}) {
    EXPECT_FALSE(ParseCheckpoint(bad).ok()) << bad;
  }
}

TEST(Checkpoint, OriginsMustBeThatOfTheKey) {
  NoteSigner log = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  EXPECT_EQ(Reason(SignCheckpoint({"other.example", 1, {}, {}}, log).status()),
            "CHECKPOINT_INVALID");
  Note note{"other.example\n0\n" + EmptyRoot().Base64() + "\n", {}};
  ASSERT_TRUE(log.Sign(note).ok());
  EXPECT_EQ(Reason(OpenCheckpoint(FormatNote(note), log.verifier()).status()),
            "CHECKPOINT_INVALID");
  NoteSigner impostor = CountingSigner(kLogName, SignatureType::kEd25519, 7);
  std::string forged = SignCheckpoint({kLogName, 1, {}, {}}, impostor).value();
  EXPECT_EQ(Reason(OpenCheckpoint(forged, log.verifier()).status()), "NOTE_UNSIGNED");
}

TEST(Checkpoint, AnyChangedByteIsNoticed) {
  NoteSigner log = CountingSigner(kLogName, SignatureType::kEd25519, 0);
  std::string note = SignCheckpoint({kLogName, 300, TreeOf300().Root(), {}}, log).value();
  for (std::size_t at = 0; at < note.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit)
      EXPECT_FALSE(OpenCheckpoint(Flip(note, at, bit), log.verifier()).ok()) << at;
  }
}

}  // namespace
}  // namespace genofed::ledger
