// SPDX-License-Identifier: Apache-2.0
//
// Cohort snapshots: which of a node's people permit a use of a dataset version at one consent
// epoch, as one root in the ledger. Everybody has a fixed slot, permitted or not, so both
// membership and non-membership can be shown to that person, and the salts keep everybody else from
// learning or guessing a bit.
//
// Slot i (0 <= i < slots) is leaf i of an RFC 6962 tree with `slots` leaves. Its leaf hash is
//   SHA256( 0x00 || "m1" || snapshot_id || be32(i) || bit || salt )
//     "m1"         2 bytes, ASCII, the version of this layout
//     snapshot_id  its UTF-8 bytes, 1 to 1,024 of them, no terminator
//     be32(i)      4 bytes, most significant first
//     bit          1 byte: 0x01 permitted, 0x00 not
//     salt         32 bytes: HMAC-SHA256(key = K_i, message = snapshot_id)
// and a node is SHA256(0x01 || left || right). All lengths but the id's are fixed, so no two slots
// share an input. K_i is the slot's 32-byte secret. After K_i is destroyed (erasure) the kept leaf
// hash still stands in the tree, and the proofs of all others hold.
//
// What is stored of a snapshot is who is permitted and the root of each block of 1,024 slots: a
// proof hashes one block, whatever the number of slots.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/ledger/merkle.h"
#include "libs/ledger/slot_set.h"

namespace genofed::ledger {

inline constexpr std::uint32_t kMaxSnapshotSlots = 1U << 26;
inline constexpr std::size_t kMaxSnapshotIdBytes = 1024;
inline constexpr std::uint32_t kSnapshotBlock = 1024;  // slots
inline constexpr std::size_t kSlotSecretBytes = 32;

// r_i of a slot for one snapshot.
Hash SnapshotSalt(std::string_view slot_secret, std::string_view snapshot_id);
Hash SnapshotLeaf(std::string_view snapshot_id, std::uint32_t slot, bool permitted,
                  const Hash& salt);

struct SnapshotProof {
  std::uint32_t slot = 0;
  bool permitted = false;
  Hash salt;
  Proof path;
};

// One snapshot; immutable. Holds who is permitted, and no secrets.
class Snapshot {
 public:
  using KeptLeaves = std::map<std::uint32_t, Hash>;  // by slot

  // `secrets` has, for each block, the secrets of its slots one after another; only the last may be
  // shorter. Errors: SNAPSHOT_INVALID.
  static Result<Snapshot> Build(std::string_view id, SlotSet permitted,
                                std::span<const std::string> secrets);
  // From what is stored. Errors: SNAPSHOT_INVALID.
  static Result<Snapshot> FromBlocks(std::string_view id, std::uint32_t slots, SlotSet permitted,
                                     std::span<const Hash> blocks);

  const std::string& id() const { return id_; }
  std::uint32_t slots() const { return slots_; }
  const SlotSet& permitted() const { return permitted_; }
  std::span<const Hash> blocks() const;
  Hash root() const { return blocks_.Root(); }

  // The proof for `slot`, from the secrets of its block. `kept` are leaves of slots whose secrets
  // were destroyed. Errors: SNAPSHOT_INVALID (no such slot, or its own leaf is a kept one),
  // DataLoss SNAPSHOT_BROKEN when all of it does not give the block's root.
  Result<SnapshotProof> Prove(std::uint32_t slot, std::string_view secrets,
                              const KeptLeaves& kept = {}) const;

 private:
  explicit Snapshot(std::string_view id) : id_(id) {}
  std::vector<Hash> Leaves(std::uint32_t block, std::string_view secrets,
                           const KeptLeaves& kept) const;

  std::string id_;
  std::uint32_t slots_ = 0;
  SlotSet permitted_;
  MerkleTree blocks_;  // its leaves are the roots of the blocks
};

// Whether the slot has this bit in the snapshot with this id, number of slots and root. Errors:
// PROOF_INVALID.
Status VerifySnapshotProof(std::string_view id, std::uint64_t slots, const Hash& root,
                           const SnapshotProof& proof);

}  // namespace genofed::ledger
