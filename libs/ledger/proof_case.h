// SPDX-License-Identifier: Apache-2.0
//
// Judges proofs that somebody else made, in the form of the test cases of transparency-dev/merkle
// (testdata/): a JSON object with hashes in base64, which says by its members what it is:
//   inclusion             leafIdx, treeSize, root, leafHash, proof
//   consistency           size1, size2, root1, root2, proof
//   subtree inclusion     leafIdx, start, end, root, leafHash, proof
//   subtree consistency   start, end, size, root1, root2, proof
// with a "name", or else a "desc", to call it by. "proof" may be null when empty. Other members,
// "wantErr" among them, are not looked at.
#pragma once

#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::ledger {

inline constexpr std::size_t kMaxProofCaseBytes = 1U << 20;

struct ProofVerdict {
  std::string name;  // of the case; empty without one
  Status status;     // OK: the proof holds. Errors: PROOF_CASE_INVALID, PROOF_INVALID
};

// As strict as the reference implementation: also a proof between the empty tree and another is
// refused, since it says nothing.
ProofVerdict JudgeProofCase(std::string_view json_text);

}  // namespace genofed::ledger
