// SPDX-License-Identifier: Apache-2.0
//
// Proofs that an entry is in a log, as text that verifies offline (c2sp.org/tlog-proof@v1): the
// index, the inclusion proof, and the checkpoint with the cosignatures of witnesses.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/ledger/checkpoint.h"

namespace genofed::ledger {

inline constexpr std::string_view kTlogProofHeader = "c2sp.org/tlog-proof@v1";

struct TlogProof {
  std::optional<std::string> extra;  // opaque; nothing vouches for it
  std::uint64_t index = 0;
  Proof proof;
  std::string checkpoint;  // signed note
};

std::string FormatTlogProof(const TlogProof& proof);
// The form only. Errors: TLOG_PROOF_INVALID.
Result<TlogProof> ParseTlogProof(std::string_view text);

// Verifies that a leaf is in the log: the log's signature, `needed_witnesses` cosignatures of
// `witnesses` (none of theirs may be wrong), and the inclusion. Returns the checkpoint. Errors:
// PROOF_INVALID, WITNESSES_MISSING, and those of OpenCheckpoint.
Result<Checkpoint> VerifyTlogProof(const TlogProof& proof, const Hash& leaf,
                                   const NoteVerifier& log,
                                   std::span<const NoteVerifier> witnesses = {},
                                   std::size_t needed_witnesses = 0);

}  // namespace genofed::ledger
