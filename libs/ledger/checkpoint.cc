// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/checkpoint.h"

#include "libs/core/strings.h"

namespace genofed::ledger {
namespace {

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "CHECKPOINT_INVALID", "not a ledger checkpoint: {}",
               why);
}

}  // namespace

std::string FormatCheckpoint(const Checkpoint& checkpoint) {
  std::string text =
      fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, checkpoint.root.Base64());
  for (const std::string& line : checkpoint.extensions) text += line + "\n";
  return text;
}

Result<Checkpoint> ParseCheckpoint(std::string_view text) {
  if (!text.ends_with('\n')) return Invalid("it does not end with a newline");
  text.remove_suffix(1);
  std::vector<std::string_view> lines = Split(text, '\n');
  if (lines.size() < 3) return Invalid("it has fewer than three lines");
  for (std::string_view line : lines) {
    if (line.empty()) return Invalid("it has an empty line");
  }
  Checkpoint checkpoint;
  checkpoint.origin = lines[0];
  GF_ASSIGN(std::int64_t size, ParseInt(lines[1]));
  if (size < 0 || std::to_string(size) != lines[1])
    return Invalid("its size is not a plain decimal number");
  checkpoint.size = static_cast<std::uint64_t>(size);
  GF_ASSIGN(checkpoint.root, Hash::FromBase64(lines[2]));
  checkpoint.extensions.assign(lines.begin() + 3, lines.end());
  return checkpoint;
}

Result<std::string> SignCheckpoint(const Checkpoint& checkpoint, const NoteSigner& log) {
  if (checkpoint.origin != log.verifier().name())
    return Invalid("its origin is not the name of the signing key");
  Note note{FormatCheckpoint(checkpoint), {}};
  GF_TRY(ParseCheckpoint(note.text));
  GF_TRY(log.Sign(note));
  return FormatNote(note);
}

Result<std::string> CosignCheckpoint(std::string_view note, const NoteSigner& witness,
                                     std::int64_t time_seconds) {
  GF_ASSIGN(Note parsed, ParseNote(note));
  GF_TRY(ParseCheckpoint(parsed.text));
  GF_TRY(witness.Sign(parsed, time_seconds));
  return FormatNote(parsed);
}

Result<Checkpoint> OpenCheckpoint(std::string_view note, const NoteVerifier& log) {
  GF_ASSIGN(Note parsed, ParseNote(note));
  GF_TRY(log.Verify(parsed));
  GF_ASSIGN(Checkpoint checkpoint, ParseCheckpoint(parsed.text));
  if (checkpoint.origin != log.name()) return Invalid("it is of another ledger");
  return checkpoint;
}

Status CheckCosignatures(std::string_view note, std::span<const NoteVerifier> witnesses,
                         std::size_t needed) {
  GF_ASSIGN(const Note parsed, ParseNote(note));
  std::size_t count = 0;
  for (const NoteVerifier& witness : witnesses) {
    const Status status = witness.Verify(parsed).status();
    if (status.ok()) {
      ++count;
    } else if (Reason(status) != "NOTE_UNSIGNED") {
      return status;
    }
  }
  if (count >= needed) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "WITNESSES_MISSING",
               "{} of {} needed witnesses cosigned", count, needed);
}

}  // namespace genofed::ledger
