// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/snapshot.h"

#include <algorithm>
#include <bit>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::ledger {
namespace {

constexpr std::string_view kLayout = "m1";

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "SNAPSHOT_INVALID", "snapshot: {}", why);
}

Status CheckShape(std::string_view id, std::size_t slots) {
  if (id.empty() || id.size() > kMaxSnapshotIdBytes || !IsUtf8(id))
    return Invalid(fmt::format("the id needs 1 to {} bytes of UTF-8", kMaxSnapshotIdBytes));
  if (slots == 0 || slots > kMaxSnapshotSlots)
    return Invalid("the number of slots is out of bounds");
  return absl::OkStatus();
}

// Appends the way from `index` up to the root over `nodes`.
void AppendPath(std::span<const Hash> nodes, std::size_t index, Proof& path) {
  if (nodes.size() < 2) return;
  const std::size_t k = std::bit_floor(nodes.size() - 1);
  AppendPath(index < k ? nodes.first(k) : nodes.subspan(k), index < k ? index : index - k, path);
  path.push_back(RootOfNodes(index < k ? nodes.subspan(k) : nodes.first(k)));
}

}  // namespace

Hash SnapshotSalt(std::string_view slot_secret, std::string_view snapshot_id) {
  return {crypto::HmacSha256Bytes(slot_secret, snapshot_id)};
}

Hash SnapshotLeaf(std::string_view snapshot_id, std::uint32_t slot, bool permitted,
                  const Hash& salt) {
  std::string input;
  input.reserve(kLayout.size() + snapshot_id.size() + 5 + salt.bytes.size());
  input += kLayout;
  input += snapshot_id;
  for (int shift : {24, 16, 8, 0}) input += static_cast<char>((slot >> shift) & 255U);
  input += permitted ? '\x01' : '\x00';
  input += salt.view();
  return LeafHash(input);
}

std::vector<Hash> Snapshot::Leaves(std::uint32_t block, std::string_view secrets,
                                   const KeptLeaves& kept) const {
  const std::uint32_t first = block * kSnapshotBlock;
  std::vector<Hash> leaves(secrets.size() / kSlotSecretBytes);
  for (std::uint32_t i = 0; i < leaves.size(); ++i) {
    const auto secret = secrets.substr(i * kSlotSecretBytes, kSlotSecretBytes);
    leaves[i] =
        SnapshotLeaf(id_, first + i, permitted_.Contains(first + i), SnapshotSalt(secret, id_));
  }
  for (auto leaf = kept.lower_bound(first);
       leaf != kept.end() && leaf->first - first < leaves.size(); ++leaf)
    leaves[leaf->first - first] = leaf->second;
  return leaves;
}

Result<Snapshot> Snapshot::Build(std::string_view id, SlotSet permitted,
                                 std::span<const std::string> secrets) {
  std::size_t bytes = 0;
  for (const std::string& block : secrets) {
    const bool last = &block == &secrets.back();
    if (block.size() % kSlotSecretBytes != 0 || block.empty() ||
        (last ? block.size() > kSnapshotBlock * kSlotSecretBytes
              : block.size() != kSnapshotBlock * kSlotSecretBytes))
      return Invalid("a block has 1,024 secrets of 32 bytes, the last at most");
    bytes += block.size();
  }
  GF_TRY(CheckShape(id, bytes / kSlotSecretBytes));
  Snapshot snapshot(id);
  snapshot.slots_ = static_cast<std::uint32_t>(bytes / kSlotSecretBytes);
  snapshot.permitted_ = std::move(permitted);
  for (std::uint32_t block = 0; block < secrets.size(); ++block)
    snapshot.blocks_.Append(RootOfNodes(snapshot.Leaves(block, secrets[block], {})));
  return snapshot;
}

Result<Snapshot> Snapshot::FromBlocks(std::string_view id, std::uint32_t slots, SlotSet permitted,
                                      std::span<const Hash> blocks) {
  GF_TRY(CheckShape(id, slots));
  if (blocks.size() != (slots + kSnapshotBlock - 1) / kSnapshotBlock)
    return Invalid("the number of blocks is not that of the slots");
  Snapshot snapshot(id);
  snapshot.slots_ = slots;
  snapshot.permitted_ = std::move(permitted);
  for (const Hash& block : blocks) snapshot.blocks_.Append(block);
  return snapshot;
}

std::span<const Hash> Snapshot::blocks() const {
  return blocks_.Nodes(0, 0, blocks_.size()).value();
}

Result<SnapshotProof> Snapshot::Prove(std::uint32_t slot, std::string_view secrets,
                                      const KeptLeaves& kept) const {
  if (slot >= slots_) return Invalid("it has no such slot");
  if (kept.contains(slot)) return Invalid("the secret of the slot was destroyed");
  const std::uint32_t block = slot / kSnapshotBlock;
  const std::uint32_t place = slot % kSnapshotBlock;
  const std::uint32_t width = std::min(kSnapshotBlock, slots_ - block * kSnapshotBlock);
  if (secrets.size() < width * kSlotSecretBytes) return Invalid("secrets of the block are missing");
  const std::vector<Hash> leaves = Leaves(block, secrets.substr(0, width * kSlotSecretBytes), kept);
  SnapshotProof proof{slot,
                      permitted_.Contains(slot),
                      SnapshotSalt(secrets.substr(place * kSlotSecretBytes, kSlotSecretBytes), id_),
                      {}};
  AppendPath(leaves, place, proof.path);
  GF_ASSIGN(const Hash root, blocks_.Leaf(block));
  if (!VerifyInclusion(place, width, leaves[place], proof.path, root).ok()) {
    return Error(StatusCode::kDataLoss, "SNAPSHOT_BROKEN",
                 "what is stored of a snapshot does not give the root that was logged");
  }
  GF_ASSIGN(const Proof above, blocks_.InclusionProof(block, blocks_.size()));
  proof.path.insert(proof.path.end(), above.begin(), above.end());
  return proof;
}

Status VerifySnapshotProof(std::string_view id, std::uint64_t slots, const Hash& root,
                           const SnapshotProof& proof) {
  return VerifyInclusion(proof.slot, slots,
                         SnapshotLeaf(id, proof.slot, proof.permitted, proof.salt), proof.path,
                         root);
}

}  // namespace genofed::ledger
