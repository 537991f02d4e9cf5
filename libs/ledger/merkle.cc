// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/merkle.h"

#include <algorithm>
#include <bit>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::ledger {
namespace {

constexpr std::string_view kLeafPrefix{"\0", 1};
constexpr std::string_view kNodePrefix{"\1", 1};

// The largest power of two below n; n is at least 2.
std::uint64_t Split(std::uint64_t n) { return std::bit_floor(n - 1); }

Status OutOfTree() {
  return Error(StatusCode::kOutOfRange, "TREE_RANGE", "the ledger has no such index or size");
}
Status Wrong(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "PROOF_INVALID", "the Merkle proof does not hold: {}",
               why);
}

// Other sources read files to answer; a tree in memory need not change.
class ConstNodes final : public NodeSource {
 public:
  explicit ConstNodes(const MerkleTree& tree) : tree_(tree) {}
  Result<Hash> Node(unsigned level, std::uint64_t index) override {
    GF_ASSIGN(auto nodes, tree_.Nodes(level, index, 1));
    return nodes[0];
  }

 private:
  const MerkleTree& tree_;
};

}  // namespace

Result<Hash> Hash::FromBytes(std::string_view raw) {
  if (raw.size() != 32) {
    return Error(StatusCode::kInvalidArgument, "HASH_INVALID",
                 "a SHA-256 digest has 32 bytes, not {}", raw.size());
  }
  Hash hash;
  raw.copy(hash.bytes.data(), raw.size());
  return hash;
}

Result<Hash> Hash::FromHex(std::string_view hex) {
  GF_ASSIGN(std::string raw, HexDecode(hex));
  return FromBytes(raw);
}

Result<Hash> Hash::FromBase64(std::string_view base64) {
  GF_ASSIGN(std::string raw, Base64Decode(base64));
  return FromBytes(raw);
}

std::string Hash::Hex() const { return HexEncode(view()); }
std::string Hash::Base64() const { return Base64Encode(view()); }

Hash LeafHash(std::string_view entry) { return {crypto::Sha256Parts({kLeafPrefix, entry})}; }

Hash NodeHash(const Hash& left, const Hash& right) {
  return {crypto::Sha256Parts({kNodePrefix, left.view(), right.view()})};
}

Hash EmptyRoot() { return {crypto::Sha256Parts({})}; }

Hash RootOfNodes(std::span<const Hash> nodes) {
  if (nodes.empty()) return EmptyRoot();
  if (nodes.size() == 1) return nodes[0];
  const std::size_t k = Split(nodes.size());
  return NodeHash(RootOfNodes(nodes.first(k)), RootOfNodes(nodes.subspan(k)));
}

bool IsSubtree(std::uint64_t start, std::uint64_t end) {
  if (start >= end) return start == end;
  const std::uint64_t count = end - start;
  return count > std::uint64_t{1} << 63 ? start == 0 : start % std::bit_ceil(count) == 0;
}

Result<Hash> SubtreeRoot(NodeSource& source, std::uint64_t start, std::uint64_t end) {
  if (start == end) return EmptyRoot();
  if (!IsSubtree(start, end)) return OutOfTree();
  const std::uint64_t count = end - start;
  if (std::has_single_bit(count)) {
    return source.Node(static_cast<unsigned>(std::countr_zero(count)), start / count);
  }
  const std::uint64_t middle = start + Split(count);
  GF_ASSIGN(Hash left, SubtreeRoot(source, start, middle));
  GF_ASSIGN(Hash right, SubtreeRoot(source, middle, end));
  return NodeHash(left, right);
}

Result<Hash> TreeRoot(NodeSource& source, std::uint64_t size) {
  return SubtreeRoot(source, 0, size);
}

Result<Proof> ProveInclusion(NodeSource& source, std::uint64_t index, std::uint64_t size) {
  return ProveSubtreeInclusion(source, index, 0, size);
}

Result<Proof> ProveSubtreeInclusion(NodeSource& source, std::uint64_t index, std::uint64_t start,
                                    std::uint64_t end) {
  if (!IsSubtree(start, end) || index < start || index >= end) return OutOfTree();
  Proof proof;  // collected from the root downwards
  while (end - start > 1) {
    const std::uint64_t middle = start + Split(end - start);
    const bool left = index < middle;
    GF_ASSIGN(Hash sibling,
              left ? SubtreeRoot(source, middle, end) : SubtreeRoot(source, start, middle));
    proof.push_back(sibling);
    (left ? end : start) = middle;
  }
  std::ranges::reverse(proof);
  return proof;
}

Result<Proof> ProveConsistency(NodeSource& source, std::uint64_t old_size, std::uint64_t size) {
  if (old_size > size) return OutOfTree();
  if (old_size == 0) return Proof();
  return ProveSubtreeConsistency(source, 0, old_size, size);
}

Result<Proof> ProveSubtreeConsistency(NodeSource& source, std::uint64_t start, std::uint64_t end,
                                      std::uint64_t size) {
  if (!IsSubtree(start, end) || end > size) return OutOfTree();
  if (start == end) return Proof();
  Proof proof;  // SUBTREE_SUBPROOF of the draft, collected from the root downwards
  std::uint64_t from = 0;
  std::uint64_t to = size;
  bool known = true;  // the verifier has the root of [from, to) once it is [start, end)
  while (from != start || to != end) {
    const std::uint64_t middle = from + Split(to - from);
    const bool left = end <= middle;
    GF_ASSIGN(Hash sibling,
              left ? SubtreeRoot(source, middle, to) : SubtreeRoot(source, from, middle));
    proof.push_back(sibling);
    (left ? to : from) = middle;
    if (!left && start < middle) {  // the subtree reaches over both halves: only its rest is left
      start = middle;
      known = false;
    }
  }
  if (!known) {
    GF_ASSIGN(Hash rest, SubtreeRoot(source, start, end));
    proof.push_back(rest);
  }
  std::ranges::reverse(proof);
  return proof;
}

std::uint64_t MerkleTree::Append(const Hash& leaf) {
  levels_[0].push_back(leaf);
  for (std::size_t k = 0; levels_[k].size() % 2 == 0; ++k) {
    if (k + 1 == levels_.size()) levels_.emplace_back();
    const std::vector<Hash>& level = levels_[k];
    levels_[k + 1].push_back(NodeHash(level[level.size() - 2], level.back()));
  }
  return size() - 1;
}

Result<std::span<const Hash>> MerkleTree::Nodes(unsigned level, std::uint64_t index,
                                                std::uint64_t count) const {
  if (level >= levels_.size() || index > levels_[level].size() ||
      count > levels_[level].size() - index) {
    return OutOfTree();
  }
  return std::span(levels_[level]).subspan(index, count);
}

Result<Hash> MerkleTree::Node(unsigned level, std::uint64_t index) {
  return ConstNodes(*this).Node(level, index);
}

Hash MerkleTree::Root() const { return Root(size()).value(); }

Result<Hash> MerkleTree::Leaf(std::uint64_t index) const {
  GF_ASSIGN(auto leaves, Nodes(0, index, 1));
  return leaves[0];
}

Result<Hash> MerkleTree::Root(std::uint64_t at_size) const {
  ConstNodes nodes(*this);
  return TreeRoot(nodes, at_size);
}

Result<Proof> MerkleTree::InclusionProof(std::uint64_t index, std::uint64_t at_size) const {
  ConstNodes nodes(*this);
  return ProveInclusion(nodes, index, at_size);
}

Result<Proof> MerkleTree::ConsistencyProof(std::uint64_t old_size, std::uint64_t at_size) const {
  if (at_size > size()) return OutOfTree();
  ConstNodes nodes(*this);
  return ProveConsistency(nodes, old_size, at_size);
}

Status VerifyInclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                       std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return Wrong("the index lies outside of the tree");
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Hash hash = leaf;
  for (const Hash& sibling : proof) {
    if (sn == 0) return Wrong("it is too long");
    if ((fn & 1) != 0 || fn == sn) {
      hash = NodeHash(sibling, hash);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      hash = NodeHash(hash, sibling);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Wrong("it is too short");
  if (hash != root) return Wrong("it leads to another root");
  return absl::OkStatus();
}

Status VerifyConsistency(std::uint64_t old_size, std::uint64_t size, const Hash& old_root,
                         const Hash& root, std::span<const Hash> proof) {
  if (old_size > size) return Wrong("the older tree is larger");
  if (size == 0 && root != EmptyRoot()) return Wrong("the roots differ");
  return VerifySubtreeConsistency(0, old_size, size, old_root, root, proof);
}

Status VerifySubtreeInclusion(std::uint64_t index, std::uint64_t start, std::uint64_t end,
                              const Hash& leaf, std::span<const Hash> proof, const Hash& root) {
  if (!IsSubtree(start, end)) return Wrong("there is no such subtree");
  if (index < start) return Wrong("the index lies outside of the subtree");
  return VerifyInclusion(index - start, end - start, leaf, proof, root);
}

// Section 4.4.3 of the draft; with start 0 the procedure of RFC 9162 section 2.1.4.2.
Status VerifySubtreeConsistency(std::uint64_t start, std::uint64_t end, std::uint64_t size,
                                const Hash& subtree_root, const Hash& root,
                                std::span<const Hash> proof) {
  if (end > size) return Wrong("the subtree ends outside of the tree");
  if (start == end) {
    if (!proof.empty()) return Wrong("it should be empty");
    return subtree_root == EmptyRoot() ? absl::OkStatus() : Wrong("the roots differ");
  }
  if (!IsSubtree(start, end)) return Wrong("there is no such subtree");
  std::uint64_t fn = start;
  std::uint64_t sn = end - 1;
  std::uint64_t tn = size - 1;
  auto up = [&] {
    fn >>= 1;
    sn >>= 1;
    tn >>= 1;
  };
  const bool at_the_end = sn == tn;
  while (fn != sn && (at_the_end || (sn & 1) != 0)) up();
  // A complete subtree is itself the first node, and is then left out of the proof.
  const bool complete = fn == sn;
  if (!complete && proof.empty()) return Wrong("it is empty");
  Hash old_hash = complete ? subtree_root : proof[0];
  Hash new_hash = old_hash;
  for (const Hash& node : proof.subspan(complete ? 0 : 1)) {
    if (tn == 0) return Wrong("it is too long");
    if ((sn & 1) != 0 || sn == tn) {
      if (fn < sn) old_hash = NodeHash(node, old_hash);
      new_hash = NodeHash(node, new_hash);
      while ((sn & 1) == 0) up();
    } else {
      new_hash = NodeHash(new_hash, node);
    }
    up();
  }
  if (tn != 0) return Wrong("it is too short");
  if (old_hash != subtree_root || new_hash != root) return Wrong("it leads to another root");
  return absl::OkStatus();
}

}  // namespace genofed::ledger
