// SPDX-License-Identifier: Apache-2.0
//
// Signed notes (c2sp.org/signed-note): a text and signature lines under it. Two Ed25519 signature
// types: that of a log (0x01) and the timestamped cosignature of a witness (0x04,
// c2sp.org/tlog-cosignature).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/crypto/key.h"

namespace genofed::ledger {

inline constexpr std::size_t kMaxNoteBytes = 256U << 10;
inline constexpr std::size_t kMaxNoteSignatures = 64;

struct NoteSignature {
  std::string name;
  std::uint32_t key_id = 0;
  std::string signature;  // raw, without the key id
};

struct Note {
  std::string text;  // ends with a newline
  std::vector<NoteSignature> signatures;
};

// Checks the form only, no signature. Errors: NOTE_INVALID.
Result<Note> ParseNote(std::string_view text);
std::string FormatNote(const Note& note);

enum class SignatureType : std::uint8_t {
  kEd25519 = 0x01,      // over the text
  kCosignature = 0x04,  // over "cosignature/v1\ntime <seconds>\n" and the text
};

// A trusted public key with its name. Immutable, cheap to copy.
class NoteVerifier {
 public:
  // From "name+hash+key" (hash: 8 hex digits of the key id; key: base64 of the type byte and the
  // 32-byte key). Errors: VERIFIER_KEY_INVALID.
  static Result<NoteVerifier> Parse(std::string_view vkey);
  static Result<NoteVerifier> Create(std::string_view name, SignatureType type,
                                     crypto::Ed25519PublicKey key);

  const std::string& name() const { return name_; }
  std::uint32_t key_id() const { return key_id_; }
  SignatureType type() const { return type_; }
  std::string ToString() const;  // what Parse reads

  // Whether the note carries a valid signature of this key. Returns the time of a cosignature
  // (POSIX seconds), 0 for the other type. Errors: NOTE_UNSIGNED (PermissionDenied: no signature of
  // this key), NOTE_SIGNATURE_INVALID (PermissionDenied: one that does not verify).
  Result<std::int64_t> Verify(const Note& note) const;

 private:
  NoteVerifier(std::string name, SignatureType type, crypto::Ed25519PublicKey key);
  std::string name_;
  SignatureType type_;
  crypto::Ed25519PublicKey key_;
  std::uint32_t key_id_;
};

// The private side. Immutable.
class NoteSigner {
 public:
  static Result<NoteSigner> Create(std::string_view name, SignatureType type,
                                   crypto::Ed25519Key key);

  const NoteVerifier& verifier() const { return verifier_; }
  // Adds this key's signature. `time_seconds` is used by cosignatures only and must then be
  // positive. Errors: NOTE_INVALID for a text that a note cannot hold, or a cosignature without a
  // time.
  Status Sign(Note& note, std::int64_t time_seconds = 0) const;

 private:
  NoteSigner(NoteVerifier verifier, crypto::Ed25519Key key);
  NoteVerifier verifier_;
  crypto::Ed25519Key key_;
};

}  // namespace genofed::ledger
