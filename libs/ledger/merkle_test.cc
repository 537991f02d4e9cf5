// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/merkle.h"

#include <rapidcheck.h>

#include <filesystem>
#include <nlohmann/json.hpp>

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

// JSON of the vectors: base64, or null, or bytes of another length.
Result<Hash> HashIn(const nlohmann::json& value) {
  return Hash::FromBase64(value.is_string() ? value.get<std::string>() : "");
}

Result<Proof> ProofIn(const nlohmann::json& list) {
  Proof proof;
  if (!list.is_array()) return proof;
  for (const auto& item : list) {
    GF_ASSIGN(Hash hash, HashIn(item));
    proof.push_back(hash);
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

TEST(Merkle, JudgesProofsAsTheReferenceCases) {
  GF_NEED_VECTORS();
  int accepted = 0;
  int refused = 0;
  for (const char* kind : {"inclusion", "consistency"}) {
    bool inclusion = std::string_view(kind) == "inclusion";
    for (const auto& file : std::filesystem::recursive_directory_iterator(
             Vectors() + "/merkle-testdata/testdata/" + kind)) {
      if (file.path().extension() != ".json") continue;
      auto c = nlohmann::json::parse(ReadFile(file.path()).value());
      auto proof = ProofIn(c["proof"]);
      auto first = HashIn(c[inclusion ? "leafHash" : "root1"]);
      auto root = HashIn(c[inclusion ? "root" : "root2"]);
      bool ok = proof.ok() && first.ok() && root.ok();
      // One case compares two equal roots of 12 bytes, which cannot exist here.
      if (!root.ok() && !c["wantErr"].get<bool>()) continue;
      if (ok && inclusion) {
        ok = VerifyInclusion(c["leafIdx"], c["treeSize"], *first, *proof, *root).ok();
      } else if (ok) {
        ok = VerifyConsistency(c["size1"], c["size2"], *first, *root, *proof).ok();
      }
      EXPECT_EQ(ok, !c["wantErr"].get<bool>()) << file.path();
      ++(ok ? accepted : refused);
    }
  }
  EXPECT_GT(accepted, 10);
  EXPECT_GT(refused, 150);
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

// The log that Tessera wrote: its leaves are the hashes in tile/0, its roots are signed.
TEST(Merkle, RecomputesTheGoldenLog) {
  GF_NEED_VECTORS();
  std::string tile = Load("tessera-golden-log/log/tile/0/000.p/15");
  ASSERT_EQ(tile.size(), 15U * 32U);
  // An entry bundle: 16-bit big-endian length and bytes of each entry.
  std::string bundle = Load("tessera-golden-log/log/tile/entries/000.p/15");
  MerkleTree tree;
  for (std::size_t at = 0; at + 2 <= bundle.size();) {
    std::size_t size = static_cast<std::size_t>(static_cast<std::uint8_t>(bundle[at])) * 256 +
                       static_cast<std::uint8_t>(bundle[at + 1]);
    tree.AppendEntry(bundle.substr(at + 2, size));
    EXPECT_EQ(tree.Leaf(tree.size() - 1)->view(), tile.substr(32 * (tree.size() - 1), 32));
    at += 2 + size;
  }
  ASSERT_EQ(tree.size(), 15U);
  EXPECT_EQ(tree.Root().Base64(), "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
}

}  // namespace
}  // namespace genofed::ledger
