// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints (c2sp.org/tlog-checkpoint): a log's promise of its size and root, as a signed note.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/ledger/merkle.h"
#include "libs/ledger/note.h"

namespace genofed::ledger {

struct Checkpoint {
  std::string origin;  // for example "node.fi.1mg.example/ledger"; also the name of the log's key
  std::uint64_t size = 0;
  Hash root;
  std::vector<std::string> extensions;  // lines after the root; ours have none
};

std::string FormatCheckpoint(const Checkpoint& checkpoint);
// The text of a note, unsigned. Errors: CHECKPOINT_INVALID.
Result<Checkpoint> ParseCheckpoint(std::string_view text);

// The signed note. The signer's name must be the origin. The caller sees to it that a log never
// signs two checkpoints that are not consistent. Errors: CHECKPOINT_INVALID.
Result<std::string> SignCheckpoint(const Checkpoint& checkpoint, const NoteSigner& log);
// Adds a witness's cosignature to a signed checkpoint that the witness has checked.
Result<std::string> CosignCheckpoint(std::string_view note, const NoteSigner& witness,
                                     std::int64_t time_seconds);

// The checkpoint in a note, after verifying the log's signature and that the origin is the log's
// name. Errors: NOTE_INVALID, NOTE_UNSIGNED, NOTE_SIGNATURE_INVALID, CHECKPOINT_INVALID.
Result<Checkpoint> OpenCheckpoint(std::string_view note, const NoteVerifier& log);

// Whether at least `needed` of the witnesses cosigned the note, and none of them wrongly. Errors:
// WITNESSES_MISSING (PermissionDenied), NOTE_INVALID, NOTE_SIGNATURE_INVALID.
Status CheckCosignatures(std::string_view note, std::span<const NoteVerifier> witnesses,
                         std::size_t needed);

}  // namespace genofed::ledger
