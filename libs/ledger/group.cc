// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/group.h"

#include "libs/crypto/hash.h"

namespace genofed::ledger {
namespace {

MerkleTree TreeOf(std::span<const Hash> commitments) {
  MerkleTree tree;
  for (const Hash& commitment : commitments) tree.AppendEntry(commitment.view());
  return tree;
}

}  // namespace

Hash GroupRoot(std::span<const Hash> commitments) { return TreeOf(commitments).Root(); }

Result<GroupProof> ProveGroup(std::span<const Hash> commitments, std::uint64_t place) {
  GroupProof proof{place, commitments.size(), {}, {}, {}};
  GF_ASSIGN(proof.path, TreeOf(commitments).InclusionProof(place, commitments.size()));
  return proof;
}

Status VerifyGroup(const GroupProof& proof, const Hash& root) {
  return VerifyInclusion(proof.place, proof.size,
                         LeafHash(crypto::HmacSha256(proof.key, proof.payload)), proof.path, root);
}

}  // namespace genofed::ledger
