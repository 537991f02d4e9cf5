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

// A growing tree held in memory: about 64 bytes per leaf. Appending is amortised O(1), everything
// else O(log^2 n). Every earlier size stays available. Not thread safe.
class MerkleTree {
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

 private:
  Hash Subtree(std::uint64_t begin, std::uint64_t end) const;
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

}  // namespace genofed::ledger
