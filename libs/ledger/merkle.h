// SPDX-License-Identifier: Apache-2.0
//
// The Merkle tree of RFC 6962 section 2.1 over SHA-256: roots, inclusion and consistency proofs.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::ledger {

// A SHA-256 digest.
struct Hash {
  std::array<char, 32> bytes{};

  static Result<Hash> FromBytes(std::string_view raw);  // exactly 32 bytes
  static Result<Hash> FromHex(std::string_view hex);
  static Result<Hash> FromBase64(std::string_view base64);
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
  std::string Hex() const;
  std::string Base64() const;
  friend auto operator<=>(const Hash&, const Hash&) = default;
};

using Proof = std::vector<Hash>;  // from the leaf upwards

Hash LeafHash(std::string_view entry);               // SHA256(0x00 || entry)
Hash NodeHash(const Hash& left, const Hash& right);  // SHA256(0x01 || left || right)
Hash EmptyRoot();                                    // SHA256("")

// The root over nodes of one height, each a complete subtree; the last may be an incomplete one.
Hash RootOfNodes(std::span<const Hash> nodes);

// Where the roots of complete subtrees come from: memory or tiles.
class NodeSource {
 public:
  virtual ~NodeSource() = default;
  // The root over the leaves [index * 2^level, (index + 1) * 2^level), all of them in the tree.
  virtual Result<Hash> Node(unsigned level, std::uint64_t index) = 0;
};

// Of the tree with the first `size` leaves that `source` can answer for. Errors: TREE_RANGE
// (OutOfRange) when an index lies outside of the tree, and those of the source.
Result<Hash> TreeRoot(NodeSource& source, std::uint64_t size);
Result<Proof> ProveInclusion(NodeSource& source, std::uint64_t index, std::uint64_t size);
Result<Proof> ProveConsistency(NodeSource& source, std::uint64_t old_size, std::uint64_t size);

// Subtrees (draft-ietf-plants-merkle-tree-certs section 4): the leaves [start, end), where start is
// a multiple of the smallest power of two that is not below end - start, or equal to end.
bool IsSubtree(std::uint64_t start, std::uint64_t end);
Result<Hash> SubtreeRoot(NodeSource& source, std::uint64_t start, std::uint64_t end);
Result<Proof> ProveSubtreeInclusion(NodeSource& source, std::uint64_t index, std::uint64_t start,
                                    std::uint64_t end);
Result<Proof> ProveSubtreeConsistency(NodeSource& source, std::uint64_t start, std::uint64_t end,
                                      std::uint64_t size);

// A growing tree held in memory: about 64 bytes per leaf. Appending is amortised O(1), everything
// else O(log^2 n). Every earlier size stays available. Not thread safe.
class MerkleTree final : public NodeSource {
 public:
  std::uint64_t size() const { return levels_[0].size(); }
  // Returns the index of the new leaf.
  std::uint64_t Append(const Hash& leaf);
  std::uint64_t AppendEntry(std::string_view entry) { return Append(LeafHash(entry)); }

  Hash Root() const;
  // Errors: TREE_RANGE (OutOfRange) when a size or index lies outside of the tree.
  Result<Hash> Leaf(std::uint64_t index) const;
  Result<Hash> Root(std::uint64_t size) const;
  Result<Proof> InclusionProof(std::uint64_t index, std::uint64_t size) const;
  Result<Proof> ConsistencyProof(std::uint64_t old_size, std::uint64_t size) const;
  Result<Hash> Node(unsigned level, std::uint64_t index) override;
  // `count` roots of one level side by side, from `index` on. Errors: TREE_RANGE.
  Result<std::span<const Hash>> Nodes(unsigned level, std::uint64_t index,
                                      std::uint64_t count) const;

 private:
  // levels_[k][i] is the root over the leaves [i * 2^k, (i + 1) * 2^k).
  std::vector<std::vector<Hash>> levels_{1};
};

// Whether the leaf is at `index` of the tree with this size and root (RFC 9162 section 2.1.3.2).
// Errors: PROOF_INVALID (InvalidArgument).
Status VerifyInclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                       std::span<const Hash> proof, const Hash& root);

// Whether the tree with `root` starts with the whole tree of `old_root` (RFC 9162 section 2.1.4.2).
// Everything is consistent with the empty tree, with an empty proof and EmptyRoot() as `old_root`.
// Errors: PROOF_INVALID.
Status VerifyConsistency(std::uint64_t old_size, std::uint64_t size, const Hash& old_root,
                         const Hash& root, std::span<const Hash> proof);

// Whether the leaf is at `index` of the subtree [start, end) with this root. Errors: PROOF_INVALID.
Status VerifySubtreeInclusion(std::uint64_t index, std::uint64_t start, std::uint64_t end,
                              const Hash& leaf, std::span<const Hash> proof, const Hash& root);
// Whether the subtree [start, end) with `subtree_root` is part of the tree with `root`. An empty
// subtree is part of every tree, with an empty proof and EmptyRoot(). Errors: PROOF_INVALID.
Status VerifySubtreeConsistency(std::uint64_t start, std::uint64_t end, std::uint64_t size,
                                const Hash& subtree_root, const Hash& root,
                                std::span<const Hash> proof);

}  // namespace genofed::ledger
