// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/merkle.h"

#include <rapidcheck.h>

#include "libs/crypto/hash.h"
#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

MerkleTree TreeOf(std::uint64_t size) {
  MerkleTree tree;
  for (std::uint64_t i = 0; i < size; ++i) tree.AppendEntry("entry-" + std::to_string(i));
  return tree;
}

Proof ParseHexList(std::string_view text) {
  Proof proof;
  for (std::string_view hex : Split(text, ' ')) {
    if (!hex.empty()) proof.push_back(Hash::FromHex(hex).value());
  }
  return proof;
}

TEST(Merkle, HashesAsRfc6962) {
  GF_NEED_VECTORS();
  MerkleTree tree;
  std::vector<std::string> leaves;
  int checked = 0;
  for (const auto& row : Rows("rfc6962-vectors.tsv")) {
    if (row[0] == "leaf_input") leaves.push_back(row.size() > 2 ? HexDecode(row[2]).value() : "");
    if (row[0] == "hash_empty_root") {
      EXPECT_EQ(EmptyRoot().Hex(), row[2]);
    }
    if (row[0] == "hash_leaf") {
      EXPECT_EQ(LeafHash(row[1] == "(empty)" ? "" : "L123456").Hex(), row[2]);
    }
    if (row[0] != "root") continue;
    auto size = static_cast<std::uint64_t>(ParseInt(row[1]).value());
    while (tree.size() < size) tree.AppendEntry(leaves.at(tree.size()));
    EXPECT_EQ(tree.Root().Hex(), row[2]) << size;
    ++checked;
  }
  EXPECT_EQ(checked, 9);
}

TEST(Merkle, Has513KnownRootsAndTheirProofs) {
  GF_NEED_VECTORS();
  MerkleTree tree = TreeOf(513);
  int checked = 0;
  for (const auto& row : Rows("tree-513.tsv")) {
    std::vector<std::string_view> args = Split(row[1], ',');
    auto first = static_cast<std::uint64_t>(ParseInt(args[0]).value());
    if (row[0] == "root") {
      EXPECT_EQ(tree.Root(first)->Hex(), row[2]) << first;
    } else {
      auto second = static_cast<std::uint64_t>(ParseInt(args[1]).value());
      Proof expected = ParseHexList(row.size() > 2 ? row[2] : "");
      EXPECT_EQ(row[0] == "inclusion" ? tree.InclusionProof(first, second).value()
                                      : tree.ConsistencyProof(first, second).value(),
                expected)
          << row[0] << row[1];
    }
    ++checked;
  }
  EXPECT_EQ(checked, 534);
}

// The appendix "Subtree Test Vectors" of draft-ietf-plants-merkle-tree-certs: every subtree of a
// tree of 130 one-byte leaves, in one digest.
TEST(Merkle, ProvesSubtreesAsTheDraft) {
  GF_NEED_VECTORS();
  constexpr std::uint64_t kLeaves = 130;
  MerkleTree tree;
  for (std::uint64_t i = 0; i < kLeaves; ++i)
    tree.AppendEntry(std::string(1, static_cast<char>(i)));
  auto hex = [](const Proof& proof) {
    std::string text;
    for (const Hash& hash : proof) text += " " + hash.Hex();
    return text + "\n";
  };
  std::string roots, inclusion, consistency;
  for (std::uint64_t end = 0; end <= kLeaves; ++end) {
    for (std::uint64_t start = 0; start <= end; ++start) {
      if (!IsSubtree(start, end)) continue;
      roots += fmt::format("[{}, {}) {}\n", start, end, SubtreeRoot(tree, start, end)->Hex());
      for (std::uint64_t i = start; i < end; ++i) {
        inclusion += fmt::format("{} [{}, {})", i, start, end) +
                     hex(ProveSubtreeInclusion(tree, i, start, end).value());
      }
    }
  }
  for (std::uint64_t size = 0; size <= kLeaves; ++size) {
    for (std::uint64_t end = 0; end <= size; ++end) {
      for (std::uint64_t start = 0; start <= end; ++start) {
        if (!IsSubtree(start, end)) continue;
        const Proof proof = ProveSubtreeConsistency(tree, start, end, size).value();
        consistency += fmt::format("[{}, {}) {}", start, end, size) + hex(proof);
        EXPECT_TRUE(VerifySubtreeConsistency(start, end, size,
                                             SubtreeRoot(tree, start, end).value(),
                                             tree.Root(size).value(), proof)
                        .ok());
      }
    }
  }
  std::vector<std::string> wanted;
  for (const auto& row : Rows("rfc6962-vectors.tsv")) {
    if (row[0] == "subtree_rolling") wanted.push_back(row[2]);
  }
  ASSERT_EQ(wanted.size(), 3U);
  EXPECT_EQ(HexEncode(crypto::Sha256(roots)), wanted[0]);
  EXPECT_EQ(HexEncode(crypto::Sha256(inclusion)), wanted[1]);
  EXPECT_EQ(HexEncode(crypto::Sha256(consistency)), wanted[2]);
}

TEST(Merkle, EveryProofOfSmallTreesVerifiesAndNoOther) {
  MerkleTree tree = TreeOf(20);
  for (std::uint64_t size = 1; size <= tree.size(); ++size) {
    Hash root = tree.Root(size).value();
    for (std::uint64_t i = 0; i < size; ++i) {
      Proof proof = tree.InclusionProof(i, size).value();
      for (std::uint64_t claimed = 0; claimed <= size; ++claimed) {
        EXPECT_EQ(VerifyInclusion(claimed, size, tree.Leaf(i).value(), proof, root).ok(),
                  claimed == i);
      }
    }
    for (std::uint64_t old = 0; old <= size; ++old) {
      Proof proof = tree.ConsistencyProof(old, size).value();
      EXPECT_TRUE(VerifyConsistency(old, size, tree.Root(old).value(), root, proof).ok())
          << old << "," << size;
    }
  }
}

TEST(Merkle, RefusesWhatIsNotInTheTree) {
  MerkleTree tree = TreeOf(5);
  EXPECT_EQ(Reason(tree.Root(6).status()), "TREE_RANGE");
  EXPECT_EQ(Reason(tree.Leaf(5).status()), "TREE_RANGE");
  EXPECT_EQ(Reason(tree.InclusionProof(5, 5).status()), "TREE_RANGE");
  EXPECT_EQ(Reason(tree.InclusionProof(0, 6).status()), "TREE_RANGE");
  EXPECT_EQ(Reason(tree.ConsistencyProof(4, 3).status()), "TREE_RANGE");
  EXPECT_EQ(Reason(VerifyConsistency(3, 5, tree.Root(3).value(), tree.Root(), {})),
            "PROOF_INVALID");
}

TEST(Merkle, AnyChangedBitOfAProofIsRefused) {
  MerkleTree tree = TreeOf(300);
  EXPECT_TRUE(rc::check([&tree](std::uint64_t a, std::uint64_t b, std::uint64_t which,
                                std::uint8_t bit) {
    std::uint64_t size = 2 + a % 299;
    std::uint64_t index = b % size;
    Hash root = tree.Root(size).value();
    auto flip = [&](Proof proof) {
      char& byte = proof[which % proof.size()].bytes[bit % 32];
      byte = static_cast<char>(byte ^ (1 << (bit / 32)));
      return proof;
    };
    Proof inclusion = tree.InclusionProof(index, size).value();
    RC_ASSERT(!VerifyInclusion(index, size, tree.Leaf(index).value(), flip(inclusion), root).ok());
    Proof consistency = tree.ConsistencyProof(index, size).value();
    if (!consistency.empty()) {
      RC_ASSERT(
          !VerifyConsistency(index, size, tree.Root(index).value(), root, flip(consistency)).ok());
    }
  }));
}

}  // namespace
}  // namespace genofed::ledger
