// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/snapshot.h"

#include <rapidcheck.h>

#include <map>
#include <set>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

// As they are stored: block after block.
std::vector<std::string> Secrets(std::uint32_t count) {
  std::vector<std::string> blocks((count + kSnapshotBlock - 1) / kSnapshotBlock);
  for (std::uint32_t i = 0; i < count; ++i)
    blocks[i / kSnapshotBlock] += LeafHash(std::to_string(i)).view();
  return blocks;
}

std::string SecretOf(const std::vector<std::string>& secrets, std::uint32_t slot) {
  return secrets[slot / kSnapshotBlock].substr(slot % kSnapshotBlock * kSlotSecretBytes,
                                               kSlotSecretBytes);
}

SlotSet Slots(std::vector<std::uint32_t> slots) { return SlotSet(slots); }

// Of the slots below `count`, those that `permitted` picks.
template <typename F>
SlotSet Pick(std::uint32_t count, F permitted) {
  std::vector<std::uint32_t> slots;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (permitted(i)) slots.push_back(i);
  }
  return SlotSet(slots);
}

Result<SnapshotProof> Prove(const Snapshot& snapshot, const std::vector<std::string>& secrets,
                            std::uint32_t slot, const Snapshot::KeptLeaves& kept = {}) {
  return snapshot.Prove(slot, secrets[slot / kSnapshotBlock], kept);
}

// Root and leaf calculated with Python's hashlib and hmac from the layout in the header: id
// "fi-1/af/7", K_0..K_2 = 32 bytes 0x00, 0x01, 0x02, bits 1 0 1.
TEST(Snapshot, HasTheDocumentedLayout) {
  const std::string secrets = std::string(32, '\0') + std::string(32, '\1') + std::string(32, '\2');
  auto snapshot = Snapshot::Build("fi-1/af/7", Slots({0, 2}), {{secrets}}).value();
  EXPECT_EQ(
      SnapshotLeaf("fi-1/af/7", 1, false, SnapshotSalt(std::string(32, '\1'), "fi-1/af/7")).Hex(),
      "ca79a08e3bea25bf113a2f976cf13646bcb5bc022f3d0e9ff2b671e94016272c");
  EXPECT_EQ(snapshot.root().Hex(),
            "f5a930d766a5a6102c25c5656c3d9e1a5a13d075ea66ca2aea5b7b71d1168df8");
}

// Blocks are how it is calculated and stored, not what it is: the plain tree over all leaves.
TEST(Snapshot, IsThePlainTreeOverItsLeaves) {
  for (std::uint32_t slots : {1U, 2U, 7U, 1023U, 1024U, 1025U, 2048U, 2049U, 5000U}) {
    const auto secrets = Secrets(slots);
    auto snapshot =
        Snapshot::Build("s", Pick(slots, [](auto i) { return i % 3 == 0; }), secrets).value();
    EXPECT_EQ(snapshot.slots(), slots);
    MerkleTree plain;
    for (std::uint32_t i = 0; i < slots; ++i)
      plain.Append(SnapshotLeaf("s", i, i % 3 == 0, SnapshotSalt(SecretOf(secrets, i), "s")));
    EXPECT_EQ(snapshot.root(), plain.Root()) << slots;
    for (std::uint32_t i : {0U, slots / 2, slots - 1})
      EXPECT_EQ(Prove(snapshot, secrets, i)->path, plain.InclusionProof(i, slots).value())
          << slots << " " << i;
    auto stored =
        Snapshot::FromBlocks("s", slots, SlotSet::Parse(snapshot.permitted().Serialise()).value(),
                             snapshot.blocks())
            .value();
    EXPECT_EQ(stored.root(), snapshot.root());
    EXPECT_EQ(stored.permitted(), snapshot.permitted());
  }
}

TEST(Snapshot, CannotProveTheOppositeOrForAnother) {
  auto secrets = Secrets(4);
  auto snapshot = Snapshot::Build("s", Slots({0, 2}), secrets).value();
  EXPECT_EQ(Reason(snapshot.Prove(4, secrets[0]).status()), "SNAPSHOT_INVALID");
  EXPECT_EQ(Reason(snapshot.Prove(0, secrets[0].substr(0, 96)).status()), "SNAPSHOT_INVALID");
  // Other bits or secrets than those of the root give no proof at all.
  const auto other = Snapshot::FromBlocks("s", 4, Slots({0, 1, 2}), snapshot.blocks()).value();
  EXPECT_EQ(Reason(other.Prove(1, secrets[0]).status()), "SNAPSHOT_BROKEN");
  EXPECT_EQ(Reason(snapshot.Prove(0, Flip(secrets[0], 40)).status()), "SNAPSHOT_BROKEN");
}

TEST(Snapshot, RefusesBadInput) {
  auto secrets = Secrets(1030);
  EXPECT_FALSE(Snapshot::Build("", Slots({}), secrets).ok());
  EXPECT_TRUE(Snapshot::Build(std::string(1024, 'a'), Slots({}), secrets).ok());
  EXPECT_FALSE(Snapshot::Build(std::string(1025, 'a'), Slots({}), secrets).ok());
  EXPECT_FALSE(Snapshot::Build("s", Slots({}), {}).ok());
  EXPECT_FALSE(Snapshot::Build("s", Slots({}), {{secrets[1], secrets[0]}}).ok())
      << "a short block in front";
  EXPECT_FALSE(Snapshot::Build("s", Slots({}), {{secrets[0] + secrets[1]}}).ok()) << "a long block";
  secrets[1] += "short";
  EXPECT_FALSE(Snapshot::Build("s", Slots({}), secrets).ok());
  const auto snapshot = Snapshot::Build("s", Slots({}), Secrets(1030)).value();
  EXPECT_FALSE(Snapshot::FromBlocks("s", 1024, Slots({}), snapshot.blocks()).ok());
  EXPECT_FALSE(Snapshot::FromBlocks("s", 2049, Slots({}), snapshot.blocks()).ok());
}

TEST(Snapshot, SameBitsLookDifferentInEachSnapshot) {
  auto secrets = Secrets(1);
  EXPECT_NE(SnapshotSalt(secrets[0], "a"), SnapshotSalt(secrets[0], "b"));
  EXPECT_NE(Snapshot::Build("a", Slots({0}), secrets)->root(),
            Snapshot::Build("b", Slots({0}), secrets)->root());
}

// Every proof with one bit of it changed, and with another slot, id or size.
void ExpectEveryChangeNoticed(const Snapshot& snapshot, const SnapshotProof& proof) {
  const auto holds = [&](const SnapshotProof& changed) {
    return VerifySnapshotProof(snapshot.id(), snapshot.slots(), snapshot.root(), changed).ok();
  };
  RC_ASSERT(holds(proof));
  SnapshotProof changed = proof;
  changed.permitted = !changed.permitted;
  RC_ASSERT(!holds(changed));
  for (int bit = 0; bit < 32; ++bit) {
    changed = proof;
    changed.slot ^= 1U << bit;
    RC_ASSERT(!holds(changed));
  }
  for (std::size_t bit = 0; bit < 256; ++bit) {
    const auto flip = [&](Hash& hash) {
      hash.bytes[bit / 8] = static_cast<char>(hash.bytes[bit / 8] ^ (1 << (bit % 8)));
    };
    changed = proof;
    flip(changed.salt);
    RC_ASSERT(!holds(changed));
    for (std::size_t i = 0; i < proof.path.size(); ++i) {
      changed = proof;
      flip(changed.path[i]);
      RC_ASSERT(!holds(changed));
    }
    Hash root = snapshot.root();
    flip(root);
    RC_ASSERT(!VerifySnapshotProof(snapshot.id(), snapshot.slots(), root, proof).ok());
  }
  changed = proof;
  changed.path.emplace_back();
  RC_ASSERT(!holds(changed));
  RC_ASSERT(
      !VerifySnapshotProof(snapshot.id() + "x", snapshot.slots(), snapshot.root(), proof).ok());
}

TEST(SnapshotProperty, EverybodysProofHoldsAndNoChangedOneDoes) {
  EXPECT_TRUE(rc::check([] {
    const auto slots = *rc::gen::inRange<std::uint32_t>(1, 3000);
    const auto seed = *rc::gen::arbitrary<std::uint32_t>();
    const auto permits = [&](std::uint32_t i) {
      return LeafHash(fmt::format("{}/{}", seed, i)).bytes[0] > 0;
    };
    const auto secrets = Secrets(slots);
    const auto snapshot = Snapshot::Build("s", Pick(slots, permits), secrets).value();
    // Every slot of some snapshots, and some of the larger ones: each costs a block.
    const std::uint32_t step = slots < 200 ? 1 : slots / 30;
    for (std::uint32_t i = 0; i < slots; i += step) {
      const SnapshotProof proof = Prove(snapshot, secrets, i).value();
      RC_ASSERT(proof.permitted == permits(i));
      RC_ASSERT(VerifySnapshotProof("s", slots, snapshot.root(), proof).ok());
    }
    ExpectEveryChangeNoticed(snapshot, Prove(snapshot, secrets, seed % slots).value());
  }));
}

TEST(SnapshotProperty, ErasuresLeaveEverybodyElsesProofs) {
  EXPECT_TRUE(rc::check([] {
    const auto slots = *rc::gen::inRange<std::uint32_t>(1, 2100);
    const auto some =
        *rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, slots));
    const std::set<std::uint32_t> erased(some.begin(), some.end());
    const SlotSet permitted = Pick(slots, [](auto i) { return i % 5 < 2; });
    auto secrets = Secrets(slots);
    const auto before = Snapshot::Build("s", permitted, secrets).value();
    std::map<std::uint32_t, SnapshotProof> given;
    const std::uint32_t step = slots < 100 ? 1 : slots / 20;
    for (std::uint32_t i = 0; i < slots; i += step) given[i] = Prove(before, secrets, i).value();
    Snapshot::KeptLeaves kept;
    for (const std::uint32_t slot : erased) {
      kept[slot] = SnapshotLeaf("s", slot, permitted.Contains(slot),
                                SnapshotSalt(SecretOf(secrets, slot), "s"));
      secrets[slot / kSnapshotBlock].replace(slot % kSnapshotBlock * kSlotSecretBytes,
                                             kSlotSecretBytes,
                                             LeafHash(fmt::format("new {}", slot)).view());
    }
    const auto stored = Snapshot::FromBlocks("s", slots, permitted, before.blocks()).value();
    for (const auto& [slot, proof] : given) {
      RC_ASSERT(VerifySnapshotProof("s", slots, before.root(), proof).ok());
      const auto again = Prove(stored, secrets, slot, kept);
      if (erased.contains(slot)) {
        RC_ASSERT(Reason(again.status()) == "SNAPSHOT_INVALID");
        continue;
      }
      RC_ASSERT(again->path == proof.path);
      RC_ASSERT(VerifySnapshotProof("s", slots, before.root(), *again).ok());
    }
  }));
}

}  // namespace
}  // namespace genofed::ledger
