// SPDX-License-Identifier: Apache-2.0
//
// The receipt a citizen downloads: one ledger entry, the proof that it is in the node's ledger,
// and, for an entry about the use of a cohort, the proof whether this citizen's data was in it; for
// one about what several people permit, the proof what it says of this one. It verifies offline
// with nothing but the node's published verifier key, here or in any program with SHA-256 and
// Ed25519.
//
// A JSON object, two-space indented, members in byte order, no final newline; hashes in padded
// base64:
//   {
//     "checkpoint": "<signed note>",   the node's signature over origin, tree size and root
//     "entry": "<canonical JSON>",     exactly the bytes that were hashed (entry.h)
//     "format": "genofed-receipt/v1",
//     "group": {                       exactly when the entry has the commitment "group" (group.h)
//       "key": "<32 bytes>", "path": ["<hash>", ...], "payload": "<text>", "place": 3, "size": 9
//     },
//     "index": 12,                     place of the entry in the ledger
//     "origin": "node.fi.1mg.example/ledger",
//     "proof": ["<hash>", ...],        inclusion of the entry, RFC 6962, from the leaf upwards
//     "snapshot": {                    exactly when the entry names a snapshot (snapshot.h)
//       "bit": 1, "path": ["<hash>", ...], "salt": "<hash>", "slot": 4
//     }
//   }
// Other bytes for the same content are refused, so that a receipt is a receipt or it is not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/ledger/entry.h"
#include "libs/ledger/group.h"
#include "libs/ledger/merkle.h"
#include "libs/ledger/note.h"
#include "libs/ledger/snapshot.h"

namespace genofed::ledger {

inline constexpr std::size_t kMaxReceiptBytes = 1U << 20;

struct Receipt {
  std::string origin;
  std::string entry;  // canonical bytes
  std::uint64_t index = 0;
  Proof proof;
  std::string checkpoint;  // signed note
  std::optional<SnapshotProof> snapshot;
  std::optional<GroupProof> group = {};
};

std::string FormatReceipt(const Receipt& receipt);

// The same for programs that know nothing of genofed: a tlog-proof (tlog_proof.h), beside which the
// entry's bytes are kept. Its extra data are the member "snapshot" or "group" as canonical JSON, if
// there is one: with it the bit or the text follows from the entry, which the log vouches for.
std::string FormatReceiptAsTlogProof(const Receipt& receipt);

// What the receipt says about the citizen's data in this entry.
enum class Use {
  kNotApplicable,  // the entry is not about an access (consent, policy ...)
  kNotUsed,        // the citizen was not in the snapshot, or the access was denied
  kUsed,           // a run or release over a snapshot that contains the citizen
};

struct ReceiptFacts {
  Use use = Use::kNotApplicable;
  std::optional<bool> in_snapshot;  // absent when the entry names no snapshot
  std::optional<std::uint32_t> slot;  // whose bit that is: the same in all receipts of a person
  std::optional<std::string> said;    // of a group: what the entry commits to of this person
  Entry entry;
  std::string time;  // of the entry
  std::string origin;
  std::uint64_t index = 0;
  std::uint64_t tree_size = 0;
};

// Verifies everything. `log` is the node's verifier key, obtained independently of the receipt.
// When witnesses are given, the checkpoint must carry a valid cosignature of at least
// `needed_witnesses` of them. Errors: RECEIPT_INVALID, ENTRY_INVALID, PROOF_INVALID, and those of
// OpenCheckpoint and CheckCosignatures.
Result<ReceiptFacts> VerifyReceipt(std::string_view json_text, const NoteVerifier& log,
                                   std::span<const NoteVerifier> witnesses = {},
                                   std::size_t needed_witnesses = 0);
// The same of a tlog-proof and its entry. Extra data that are not a snapshot's or a group's are
// left alone, and so is an entry that names one then.
Result<ReceiptFacts> VerifyTlogReceipt(std::string_view tlog_proof, std::string_view entry,
                                       const NoteVerifier& log,
                                       std::span<const NoteVerifier> witnesses = {},
                                       std::size_t needed_witnesses = 0);
// With keys as text ("name+hash+key").
Result<ReceiptFacts> VerifyReceipt(std::string_view json_text, std::string_view log_vkey);

}  // namespace genofed::ledger
