// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/note.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::ledger {
namespace {

constexpr std::string_view kSignaturePrefix = "\xE2\x80\x94 ";  // em dash and space
constexpr std::size_t kTimeBytes = 8;

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "NOTE_INVALID", "not a signed note: {}", why);
}
Status InvalidKey(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "VERIFIER_KEY_INVALID", "not a note verifier key: {}",
               why);
}

// Names are schema-less URLs here: visible ASCII, which contains no Unicode space.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 255 &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '+'; });
}

bool IsText(std::string_view text) {
  return IsUtf8(text) && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 && c != '\n';
         });
}

template <typename T>
std::string BigEndian(T value) {
  std::string out;
  for (std::size_t i = sizeof(T); i-- > 0;) out += static_cast<char>((value >> (8 * i)) & 255U);
  return out;
}

std::uint64_t FromBigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char c : bytes) value = (value << 8) | static_cast<std::uint8_t>(c);
  return value;
}

std::string KeyBytes(SignatureType type, const crypto::Ed25519PublicKey& key) {
  return std::string(1, static_cast<char>(type)) + key.raw();
}

std::string CosignedText(std::string_view text, std::int64_t seconds) {
  return fmt::format("cosignature/v1\ntime {}\n{}", seconds, text);
}

Result<NoteSignature> ParseSignature(std::string_view line) {
  if (!line.starts_with(kSignaturePrefix)) return Invalid("a signature line has another form");
  line.remove_prefix(kSignaturePrefix.size());
  std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0)
    return Invalid("a signature line has another form");
  std::string_view name = line.substr(0, space);
  if (name.find('+') != std::string_view::npos) return Invalid("a key name contains a plus");
  GF_ASSIGN(std::string bytes, Base64Decode(line.substr(space + 1)));
  if (bytes.size() < 5) return Invalid("a signature is too short");
  return NoteSignature{
      std::string(name),
      static_cast<std::uint32_t>(FromBigEndian(std::string_view(bytes).substr(0, 4))),
      bytes.substr(4)};
}

}  // namespace

Result<Note> ParseNote(std::string_view text) {
  if (text.size() > kMaxNoteBytes) return Invalid("it is too long");
  if (!IsText(text)) return Invalid("it is not UTF-8 or has control characters");
  std::size_t blank = text.rfind("\n\n");
  if (blank == std::string_view::npos || !text.ends_with('\n'))
    return Invalid("it has no signatures");
  Note note;
  note.text = text.substr(0, blank + 1);
  std::string_view lines = text.substr(blank + 2);
  if (lines.empty()) return Invalid("it has no signatures");
  lines.remove_suffix(1);
  for (std::string_view line : Split(lines, '\n')) {
    if (note.signatures.size() == kMaxNoteSignatures) return Invalid("it has too many signatures");
    GF_ASSIGN(NoteSignature signature, ParseSignature(line));
    note.signatures.push_back(std::move(signature));
  }
  return note;
}

std::string FormatNote(const Note& note) {
  std::string out = note.text + "\n";
  for (const NoteSignature& s : note.signatures) {
    out += fmt::format("{}{} {}\n", kSignaturePrefix, s.name,
                       Base64Encode(BigEndian(s.key_id) + s.signature));
  }
  return out;
}

NoteVerifier::NoteVerifier(std::string name, SignatureType type, crypto::Ed25519PublicKey key)
    : name_(std::move(name)), type_(type), key_(std::move(key)) {
  std::string digest = crypto::Sha256(name_ + "\n" + KeyBytes(type_, key_));
  key_id_ = static_cast<std::uint32_t>(FromBigEndian(std::string_view(digest).substr(0, 4)));
}

Result<NoteVerifier> NoteVerifier::Create(std::string_view name, SignatureType type,
                                          crypto::Ed25519PublicKey key) {
  if (!IsName(name)) return InvalidKey("the name is empty, too long or has forbidden characters");
  return NoteVerifier(std::string(name), type, std::move(key));
}

Result<NoteVerifier> NoteVerifier::Parse(std::string_view vkey) {
  // The key is base64, which may itself contain plus signs.
  std::size_t first = vkey.find('+');
  std::size_t second = first == std::string_view::npos ? first : vkey.find('+', first + 1);
  if (second == std::string_view::npos) return InvalidKey("it is not name+hash+key");
  GF_ASSIGN(std::string bytes, Base64Decode(vkey.substr(second + 1)));
  if (bytes.size() != 1 + crypto::Ed25519PublicKey::kBytes)
    return InvalidKey("the key has another length");
  auto type = static_cast<SignatureType>(bytes[0]);
  if (type != SignatureType::kEd25519 && type != SignatureType::kCosignature)
    return InvalidKey("unknown type of key");
  GF_ASSIGN(auto key, crypto::Ed25519PublicKey::FromRaw(std::string_view(bytes).substr(1)));
  GF_ASSIGN(NoteVerifier verifier, Create(vkey.substr(0, first), type, std::move(key)));
  if (verifier.ToString() != vkey) return InvalidKey("its hash does not match its name and key");
  return verifier;
}

std::string NoteVerifier::ToString() const {
  return fmt::format("{}+{:08x}+{}", name_, key_id_, Base64Encode(KeyBytes(type_, key_)));
}

Result<std::int64_t> NoteVerifier::Verify(const Note& note) const {
  bool found = false;
  std::int64_t time = 0;
  for (const NoteSignature& s : note.signatures) {
    if (s.name != name_ || s.key_id != key_id_) continue;
    bool valid = false;
    if (type_ == SignatureType::kEd25519) {
      valid = key_.Verify(note.text, s.signature);
    } else if (s.signature.size() == kTimeBytes + crypto::Ed25519PublicKey::kSignatureBytes) {
      std::string_view bytes = s.signature;
      time = static_cast<std::int64_t>(FromBigEndian(bytes.substr(0, kTimeBytes)));
      valid = time > 0 && key_.Verify(CosignedText(note.text, time), bytes.substr(kTimeBytes));
    }
    if (!valid) {
      return Error(StatusCode::kPermissionDenied, "NOTE_SIGNATURE_INVALID",
                   "the signature of {} does not verify", name_);
    }
    found = true;
  }
  if (!found)
    return Error(StatusCode::kPermissionDenied, "NOTE_UNSIGNED", "the note is not signed by {}",
                 name_);
  return time;
}

NoteSigner::NoteSigner(NoteVerifier verifier, crypto::Ed25519Key key)
    : verifier_(std::move(verifier)), key_(std::move(key)) {}

Result<NoteSigner> NoteSigner::Create(std::string_view name, SignatureType type,
                                      crypto::Ed25519Key key) {
  GF_ASSIGN(auto verifier, NoteVerifier::Create(name, type, key.public_key()));
  return NoteSigner(std::move(verifier), std::move(key));
}

Status NoteSigner::Sign(Note& note, std::int64_t time_seconds) const {
  if (!note.text.ends_with('\n') || !IsText(note.text))
    return Invalid("the text does not end with a newline");
  std::string signature;
  if (verifier_.type() == SignatureType::kEd25519) {
    signature = key_.Sign(note.text);
  } else {
    if (time_seconds <= 0) return Invalid("a cosignature needs a time");
    signature = BigEndian(static_cast<std::uint64_t>(time_seconds)) +
                key_.Sign(CosignedText(note.text, time_seconds));
  }
  note.signatures.push_back({verifier_.name(), verifier_.key_id(), std::move(signature)});
  return absl::OkStatus();
}

}  // namespace genofed::ledger
