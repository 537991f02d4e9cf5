// SPDX-License-Identifier: Apache-2.0
//
// The witness protocol (c2sp.org/tlog-witness): a log asks for a cosignature of its newest
// checkpoint, and the witness gives one only for what contains everything it cosigned before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/ledger/checkpoint.h"

namespace genofed::ledger {

// The body of POST <prefix>/add-checkpoint.
struct AddCheckpoint {
  std::uint64_t old_size = 0;
  Proof proof;             // from old_size to the checkpoint's size
  std::string checkpoint;  // signed note
};

std::string FormatAddCheckpoint(const AddCheckpoint& request);
// The form only. Errors: ADD_CHECKPOINT_INVALID.
Result<AddCheckpoint> ParseAddCheckpoint(std::string_view body);

// What a witness remembers of a log: the largest tree it cosigned.
struct WitnessedTree {
  std::uint64_t size = 0;
  Hash root;
  friend bool operator==(const WitnessedTree&, const WitnessedTree&) = default;
};

// Judges a request for the log whose key is `log`. `known` is absent when nothing of the log was
// cosigned yet. Returns the checkpoint to remember, durably and before it is cosigned. Errors, in
// the words of the protocol's HTTP statuses:
//   CHECKPOINT_UNSIGNED (403)   not signed by the log
//   OLD_SIZE_INVALID    (400)   larger than the checkpoint
//   CHECKPOINT_CONFLICT (409)   old size is not the known one; the caller answers the known size
//   CHECKPOINT_FORKED   (422)   not a tree that contains the known one: signed proof of
//   misbehaviour,
//                               unless only the proof is at fault
Result<Checkpoint> JudgeAddCheckpoint(const AddCheckpoint& request, const NoteVerifier& log,
                                      const std::optional<WitnessedTree>& known);

// The signature lines with which a witness answers. Errors: those of NoteSigner::Sign.
Result<std::string> Cosignature(const Checkpoint& checkpoint, const NoteSigner& witness,
                                std::int64_t time_seconds);
// The checkpoint with those of the lines that are valid cosignatures of `witness` in addition.
// Errors: NOTE_UNSIGNED when none is, NOTE_SIGNATURE_INVALID.
Result<std::string> AddCosignature(std::string_view checkpoint, std::string_view lines,
                                   const NoteVerifier& witness);

// The HTTP status of an error of ParseAddCheckpoint and JudgeAddCheckpoint.
int WitnessHttpStatus(const Status& status);

}  // namespace genofed::ledger
