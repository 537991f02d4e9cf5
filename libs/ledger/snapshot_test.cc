// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/snapshot.h"

#include <rapidcheck.h>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

std::vector<std::string> Secrets(std::size_t count) {
  std::vector<std::string> secrets;
  for (std::size_t i = 0; i < count; ++i)
    secrets.push_back(std::string(LeafHash(std::to_string(i)).view()));
  return secrets;
}

// Root and leaf calculated with Python's hashlib and hmac from the layout in the header: id
// "fi-1/af/7", K_0..K_2 = 32 bytes 0x00, 0x01, 0x02, bits 1 0 1.
TEST(Snapshot, HasTheDocumentedLayout) {
  std::vector<std::string> secrets = {std::string(32, '\0'), std::string(32, '\1'),
                                      std::string(32, '\2')};
  auto snapshot = Snapshot::Build("fi-1/af/7", {true, false, true}, secrets).value();
  EXPECT_EQ(SnapshotLeaf("fi-1/af/7", 1, false, SnapshotSalt(secrets[1], "fi-1/af/7")).Hex(),
            "ca79a08e3bea25bf113a2f976cf13646bcb5bc022f3d0e9ff2b671e94016272c");
  EXPECT_EQ(snapshot.root().Hex(),
            "f5a930d766a5a6102c25c5656c3d9e1a5a13d075ea66ca2aea5b7b71d1168df8");
}

TEST(Snapshot, ProvesMembershipAndNonMembership) {
  for (std::uint32_t slots : {1U, 2U, 7U, 8U, 100U}) {
    std::vector<std::string> secrets = Secrets(slots);
    std::vector<bool> bits;
    for (std::uint32_t i = 0; i < slots; ++i) bits.push_back(i % 3 == 0);
    auto snapshot = Snapshot::Build("s", bits, secrets).value();
    EXPECT_EQ(snapshot.slots(), slots);
    for (std::uint32_t i = 0; i < slots; ++i) {
      SnapshotProof proof = snapshot.Prove(i, bits[i], secrets[i]).value();
      EXPECT_EQ(proof.permitted, bits[i]);
      EXPECT_TRUE(VerifySnapshotProof("s", slots, snapshot.root(), proof).ok()) << i;
      proof.permitted = !proof.permitted;
      EXPECT_EQ(Reason(VerifySnapshotProof("s", slots, snapshot.root(), proof)), "PROOF_INVALID")
          << i;
    }
  }
}

TEST(Snapshot, CannotProveTheOppositeOrForAnother) {
  auto secrets = Secrets(4);
  auto snapshot = Snapshot::Build("s", {true, false, true, false}, secrets).value();
  EXPECT_EQ(Reason(snapshot.Prove(0, false, secrets[0]).status()), "SNAPSHOT_INVALID");
  EXPECT_EQ(Reason(snapshot.Prove(0, true, secrets[1]).status()), "SNAPSHOT_INVALID");
  EXPECT_FALSE(snapshot.Prove(4, true, secrets[0]).ok());
}

TEST(Snapshot, ErasureKeepsTheProofsOfOthers) {
  auto secrets = Secrets(5);
  auto snapshot = Snapshot::Build("s", {true, true, false, true, true}, secrets).value();
  std::vector<Hash> leaves;
  for (std::uint32_t i = 0; i < 5; ++i)
    leaves.push_back(SnapshotLeaf("s", i, i != 2, SnapshotSalt(secrets[i], "s")));
  secrets[3].clear();  // the secret is destroyed, its leaf was kept
  auto rebuilt = Snapshot::FromLeaves("s", leaves).value();
  EXPECT_EQ(rebuilt.root(), snapshot.root());
  EXPECT_TRUE(rebuilt.Prove(2, false, secrets[2]).ok());
  EXPECT_FALSE(rebuilt.Prove(3, true, secrets[3]).ok());
}

TEST(Snapshot, RefusesBadInput) {
  auto secrets = Secrets(2);
  EXPECT_FALSE(Snapshot::Build("", {true, true}, secrets).ok());
  EXPECT_FALSE(Snapshot::Build(std::string(129, 'a'), {true, true}, secrets).ok());
  EXPECT_FALSE(Snapshot::Build("s", {true}, secrets).ok());
  EXPECT_FALSE(Snapshot::Build("s", {}, {}).ok());
  secrets[1] = "short";
  EXPECT_FALSE(Snapshot::Build("s", {true, true}, secrets).ok());
}

TEST(Snapshot, SameBitsLookDifferentInEachSnapshot) {
  auto secrets = Secrets(1);
  EXPECT_NE(SnapshotSalt(secrets[0], "a"), SnapshotSalt(secrets[0], "b"));
  EXPECT_NE(Snapshot::Build("a", {true}, secrets)->root(),
            Snapshot::Build("b", {true}, secrets)->root());
}

TEST(Snapshot, AnyChangeOfAProofIsNoticed) {
  auto secrets = Secrets(33);
  auto snapshot = Snapshot::Build("s", std::vector<bool>(33, true), secrets).value();
  EXPECT_TRUE(rc::check([&](std::uint32_t which, std::uint8_t bit, std::uint32_t other) {
    std::uint32_t slot = which % 33;
    SnapshotProof proof = snapshot.Prove(slot, true, secrets[slot]).value();
    SnapshotProof salted = proof;
    salted.salt.bytes[bit % 32] =
        static_cast<char>(salted.salt.bytes[bit % 32] ^ (1 << (bit / 32)));
    RC_ASSERT(!VerifySnapshotProof("s", 33, snapshot.root(), salted).ok());
    SnapshotProof moved = proof;
    moved.slot = other;
    RC_ASSERT(other == slot || !VerifySnapshotProof("s", 33, snapshot.root(), moved).ok());
    RC_ASSERT(!VerifySnapshotProof("t", 33, snapshot.root(), proof).ok());
    proof.path[which % proof.path.size()].bytes[bit % 32] ^= 1;
    RC_ASSERT(!VerifySnapshotProof("s", 33, snapshot.root(), proof).ok());
  }));
}

}  // namespace
}  // namespace genofed::ledger
