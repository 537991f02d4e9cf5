// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/snapshot.h"

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::ledger {
namespace {

constexpr std::string_view kLayout = "m1";
constexpr std::size_t kSecretBytes = 32;

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "SNAPSHOT_INVALID", "snapshot: {}", why);
}

Status CheckShape(std::string_view id, std::size_t slots) {
  if (id.empty() || id.size() > kMaxSnapshotIdBytes || !IsUtf8(id))
    return Invalid("the id needs 1 to 128 bytes of UTF-8");
  if (slots == 0 || slots > kMaxSnapshotSlots)
    return Invalid("the number of slots is out of bounds");
  return absl::OkStatus();
}

}  // namespace

Hash SnapshotSalt(std::string_view subject_secret, std::string_view snapshot_id) {
  return Hash::FromBytes(crypto::HmacSha256(subject_secret, snapshot_id)).value();
}

Hash SnapshotLeaf(std::string_view snapshot_id, std::uint32_t slot, bool permitted,
                  const Hash& salt) {
  std::string input(kLayout);
  input += snapshot_id;
  for (int shift : {24, 16, 8, 0}) input += static_cast<char>((slot >> shift) & 255U);
  input += permitted ? '\x01' : '\x00';
  input += salt.view();
  return LeafHash(input);
}

Result<Snapshot> Snapshot::Build(std::string_view id, const std::vector<bool>& permitted,
                                 std::span<const std::string> secrets) {
  GF_TRY(CheckShape(id, permitted.size()));
  if (secrets.size() != permitted.size()) return Invalid("there must be one secret for each slot");
  Snapshot snapshot(id);
  for (std::uint32_t slot = 0; slot < permitted.size(); ++slot) {
    if (secrets[slot].size() != kSecretBytes) return Invalid("a secret has 32 bytes");
    snapshot.tree_.Append(SnapshotLeaf(id, slot, permitted[slot], SnapshotSalt(secrets[slot], id)));
  }
  return snapshot;
}

Result<Snapshot> Snapshot::FromLeaves(std::string_view id, std::span<const Hash> leaves) {
  GF_TRY(CheckShape(id, leaves.size()));
  Snapshot snapshot(id);
  for (const Hash& leaf : leaves) snapshot.tree_.Append(leaf);
  return snapshot;
}

Result<SnapshotProof> Snapshot::Prove(std::uint32_t slot, bool permitted,
                                      std::string_view secret) const {
  if (secret.size() != kSecretBytes) return Invalid("a secret has 32 bytes");
  SnapshotProof proof{slot, permitted, SnapshotSalt(secret, id_), {}};
  GF_ASSIGN(Hash leaf, tree_.Leaf(slot));
  if (leaf != SnapshotLeaf(id_, slot, permitted, proof.salt))
    return Invalid("the bit or the secret is not that of the slot");
  GF_ASSIGN(proof.path, tree_.InclusionProof(slot, tree_.size()));
  return proof;
}

Status VerifySnapshotProof(std::string_view id, std::uint64_t slots, const Hash& root,
                           const SnapshotProof& proof) {
  return VerifyInclusion(proof.slot, slots,
                         SnapshotLeaf(id, proof.slot, proof.permitted, proof.salt), proof.path,
                         root);
}

}  // namespace genofed::ledger
