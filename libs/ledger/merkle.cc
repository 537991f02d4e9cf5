// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/merkle.h"

#include <bit>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::ledger {
namespace {

Hash ToHash(std::string_view digest) {
  Hash hash;
  GF_CHECK(digest.copy(hash.bytes.data(), hash.bytes.size()) == hash.bytes.size());
  return hash;
}

// The largest power of two below n; n is at least 2.
std::uint64_t Split(std::uint64_t n) { return std::bit_floor(n - 1); }

Status OutOfTree() {
  return Error(StatusCode::kOutOfRange, "TREE_RANGE", "the ledger has no such index or size");
}
Status Wrong(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "PROOF_INVALID", "the Merkle proof does not hold: {}",
               why);
}

}  // namespace

Result<Hash> Hash::FromBytes(std::string_view raw) {
  if (raw.size() != 32) {
    return Error(StatusCode::kInvalidArgument, "HASH_INVALID",
                 "a SHA-256 digest has 32 bytes, not {}", raw.size());
  }
  return ToHash(raw);
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

Hash LeafHash(std::string_view entry) {
  std::string input(1, '\0');
  input += entry;
  return ToHash(crypto::Sha256(input));
}

Hash NodeHash(const Hash& left, const Hash& right) {
  std::array<char, 65> input;
  input[0] = 1;
  left.view().copy(&input[1], 32);
  right.view().copy(&input[33], 32);
  return ToHash(crypto::Sha256({input.data(), input.size()}));
}

Hash EmptyRoot() { return ToHash(crypto::Sha256("")); }

std::uint64_t MerkleTree::Append(const Hash& leaf) {
  levels_[0].push_back(leaf);
  for (std::size_t k = 0; levels_[k].size() % 2 == 0; ++k) {
    if (k + 1 == levels_.size()) levels_.emplace_back();
    const std::vector<Hash>& level = levels_[k];
    levels_[k + 1].push_back(NodeHash(level[level.size() - 2], level.back()));
  }
  return size() - 1;
}

// The root over the leaves [begin, end), where begin is a multiple of the smallest power of two >=
// end - begin.
Hash MerkleTree::Subtree(std::uint64_t begin, std::uint64_t end) const {
  if (begin == end) return EmptyRoot();
  std::uint64_t count = end - begin;
  if (std::has_single_bit(count)) {
    return levels_[static_cast<std::size_t>(std::countr_zero(count))][begin / count];
  }
  std::uint64_t k = Split(count);
  return NodeHash(Subtree(begin, begin + k), Subtree(begin + k, end));
}

Hash MerkleTree::Root() const { return Subtree(0, size()); }

Result<Hash> MerkleTree::Leaf(std::uint64_t index) const {
  if (index >= size()) return OutOfTree();
  return levels_[0][index];
}

Result<Hash> MerkleTree::Root(std::uint64_t at_size) const {
  if (at_size > size()) return OutOfTree();
  return Subtree(0, at_size);
}

Result<Proof> MerkleTree::InclusionProof(std::uint64_t index, std::uint64_t at_size) const {
  if (at_size > size() || index >= at_size) return OutOfTree();
  Proof proof;  // collected from the root downwards
  std::uint64_t begin = 0;
  std::uint64_t end = at_size;
  while (end - begin > 1) {
    std::uint64_t middle = begin + Split(end - begin);
    if (index < middle) {
      proof.push_back(Subtree(middle, end));
      end = middle;
    } else {
      proof.push_back(Subtree(begin, middle));
      begin = middle;
    }
  }
  return Proof(proof.rbegin(), proof.rend());
}

Result<Proof> MerkleTree::ConsistencyProof(std::uint64_t old_size, std::uint64_t at_size) const {
  if (at_size > size() || old_size > at_size) return OutOfTree();
  Proof proof;  // SUBPROOF of RFC 6962 section 2.1.2, collected from the root downwards
  if (old_size == 0 || old_size == at_size) return proof;
  std::uint64_t begin = 0;
  std::uint64_t end = at_size;
  while (end != old_size) {
    std::uint64_t middle = begin + Split(end - begin);
    if (old_size <= middle) {
      proof.push_back(Subtree(middle, end));
      end = middle;
    } else {
      proof.push_back(Subtree(begin, middle));
      begin = middle;
    }
  }
  // The old tree itself is known to the verifier; any other complete subtree is not.
  if (begin != 0) proof.push_back(Subtree(begin, end));
  return Proof(proof.rbegin(), proof.rend());
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
  if (old_size == size || old_size == 0) {
    if (!proof.empty()) return Wrong("it should be empty");
    bool same =
        (old_size != size || old_root == root) && (old_size != 0 || old_root == EmptyRoot());
    return same ? absl::OkStatus() : Wrong("the roots differ");
  }
  if (proof.empty()) return Wrong("it is empty");
  // A complete old tree is itself the first node, and is then left out of the proof.
  bool complete = std::has_single_bit(old_size);
  Hash old_hash = complete ? old_root : proof[0];
  Hash new_hash = old_hash;
  std::uint64_t fn = old_size - 1;
  std::uint64_t sn = size - 1;
  int shift = std::countr_one(fn);
  fn >>= shift;
  sn >>= shift;
  for (const Hash& node : proof.subspan(complete ? 0 : 1)) {
    if (sn == 0) return Wrong("it is too long");
    if ((fn & 1) != 0 || fn == sn) {
      old_hash = NodeHash(node, old_hash);
      new_hash = NodeHash(node, new_hash);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      new_hash = NodeHash(new_hash, node);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Wrong("it is too short");
  if (old_hash != old_root || new_hash != root) return Wrong("it leads to another root");
  return absl::OkStatus();
}

}  // namespace genofed::ledger
