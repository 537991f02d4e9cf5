// SPDX-License-Identifier: Apache-2.0
//
// People of whom one entry tells together. The entry's only commitment is "group": the root of a
// Merkle tree over commitments of entry.h, one a person. So each of them can be shown their own
// part of it, an entry costs the same for a thousand people as for one, and nobody can tell who
// they are, nor how many.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "libs/ledger/entry.h"
#include "libs/ledger/merkle.h"

namespace genofed::ledger {

inline constexpr char kGroupCommitment[] = "group";
inline constexpr std::size_t kMaxGroup = 1024;  // people of one entry

// One person's part: what opens the commitment, and where that stands.
struct GroupProof {
  std::uint64_t place = 0;
  std::uint64_t size = 0;
  std::string key;  // 32 bytes
  std::string payload;
  Proof path;
};

Hash GroupRoot(std::span<const Hash> commitments);
// Without key and payload. Errors: TREE_RANGE.
Result<GroupProof> ProveGroup(std::span<const Hash> commitments, std::uint64_t place);
// Errors: PROOF_INVALID.
Status VerifyGroup(const GroupProof& proof, const Hash& root);

}  // namespace genofed::ledger
