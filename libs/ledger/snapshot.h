// SPDX-License-Identifier: Apache-2.0
//
// Cohort snapshots: which subjects of a dataset version permit a use at one consent epoch, as one
// root in the ledger. Every subject has a fixed slot, permitted or not, so both membership and
// non-membership can be shown to that subject, and the salts keep everybody else from learning or
// guessing a bit.
//
// Slot i (0 <= i < slots) is leaf i of an RFC 6962 tree with `slots` leaves. Its leaf hash is
//   SHA256( 0x00 || "m1" || snapshot_id || be32(i) || bit || salt )
//     "m1"         2 bytes, ASCII, the version of this layout
//     snapshot_id  its UTF-8 bytes, 1 to 128 of them, no terminator
//     be32(i)      4 bytes, most significant first
//     bit          1 byte: 0x01 permitted, 0x00 not
//     salt         32 bytes: HMAC-SHA256(key = K_i, message = snapshot_id)
// and a node is SHA256(0x01 || left || right). All lengths but the id's are fixed, so no two slots
// share an input. K_i is the subject's 32-byte secret. After K_i is destroyed (erasure) the kept
// leaf hash still stands in the tree, and the proofs of all others hold.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/ledger/merkle.h"

namespace genofed::ledger {

inline constexpr std::uint32_t kMaxSnapshotSlots = 1U << 26;
inline constexpr std::size_t kMaxSnapshotIdBytes = 128;

// r_i of a subject for one snapshot.
Hash SnapshotSalt(std::string_view subject_secret, std::string_view snapshot_id);
Hash SnapshotLeaf(std::string_view snapshot_id, std::uint32_t slot, bool permitted,
                  const Hash& salt);

struct SnapshotProof {
  std::uint32_t slot = 0;
  bool permitted = false;
  Hash salt;
  Proof path;
};

// The tree of one snapshot; immutable, about 64 bytes per slot. Holds neither bits nor secrets.
class Snapshot {
 public:
  // One bit and one 32-byte secret per slot. Errors: SNAPSHOT_INVALID.
  static Result<Snapshot> Build(std::string_view id, const std::vector<bool>& permitted,
                                std::span<const std::string> secrets);
  // From leaf hashes made with SnapshotLeaf, some of them perhaps kept from before an erasure.
  static Result<Snapshot> FromLeaves(std::string_view id, std::span<const Hash> leaves);

  const std::string& id() const { return id_; }
  std::uint32_t slots() const { return static_cast<std::uint32_t>(tree_.size()); }
  Hash root() const { return tree_.Root(); }
  // The proof for the subject in `slot`. Errors: SNAPSHOT_INVALID when bit and secret are not those
  // of the slot.
  Result<SnapshotProof> Prove(std::uint32_t slot, bool permitted, std::string_view secret) const;

 private:
  explicit Snapshot(std::string_view id) : id_(id) {}
  std::string id_;
  MerkleTree tree_;
};

// Whether the slot has this bit in the snapshot with this id, number of slots and root. Errors:
// PROOF_INVALID.
Status VerifySnapshotProof(std::string_view id, std::uint64_t slots, const Hash& root,
                           const SnapshotProof& proof);

}  // namespace genofed::ledger
