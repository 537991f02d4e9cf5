// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/witness.h"

#include "libs/core/strings.h"
#include "libs/ledger/proof_lines.h"

namespace genofed::ledger {
namespace {

constexpr std::string_view kOld = "old ";

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "ADD_CHECKPOINT_INVALID",
               "not an add-checkpoint request: {}", why);
}
Status Forked(std::string_view why) {
  return Error(StatusCode::kFailedPrecondition, "CHECKPOINT_FORKED",
               "the checkpoint does not contain what was cosigned before: {}", why);
}

}  // namespace

std::string FormatAddCheckpoint(const AddCheckpoint& request) {
  std::string body = fmt::format("{}{}\n", kOld, request.old_size);
  for (const Hash& hash : request.proof) body += hash.Base64() + "\n";
  return body + "\n" + request.checkpoint;
}

Result<AddCheckpoint> ParseAddCheckpoint(std::string_view body) {
  if (body.size() > 2 * kMaxNoteBytes) return Invalid("it is too long");
  AddCheckpoint request;
  const auto line = TakeLine(body);
  if (!line || !line->starts_with(kOld) ||
      !ParseDecimal(line->substr(kOld.size()), &request.old_size)) {
    return Invalid("its first line is not 'old <size>'");
  }
  auto proof = TakeProofLines(body);
  if (!proof)
    return Invalid("its proof is not at most 63 lines of base64 hashes and an empty line");
  request.proof = *std::move(proof);
  request.checkpoint = body;
  GF_ASSIGN(const Note note, ParseNote(body));
  GF_TRY(ParseCheckpoint(note.text));
  return request;
}

Result<Checkpoint> JudgeAddCheckpoint(const AddCheckpoint& request, const NoteVerifier& log,
                                      const std::optional<WitnessedTree>& known) {
  const auto opened = OpenCheckpoint(request.checkpoint, log);
  if (!opened.ok()) {
    return Error(StatusCode::kPermissionDenied, "CHECKPOINT_UNSIGNED", "{}",
                 Message(opened.status()));
  }
  if (request.old_size > opened->size) {
    return Error(StatusCode::kInvalidArgument, "OLD_SIZE_INVALID",
                 "the old size is larger than the checkpoint's");
  }
  const WitnessedTree before = known.value_or(WitnessedTree{0, EmptyRoot()});
  if (request.old_size != before.size) {
    return Error(StatusCode::kAborted, "CHECKPOINT_CONFLICT", "the last cosigned size is {}",
                 before.size);
  }
  const Status consistent =
      VerifyConsistency(before.size, opened->size, before.root, opened->root, request.proof);
  if (!consistent.ok()) return Forked(Message(consistent));
  return *opened;
}

Result<std::string> Cosignature(const Checkpoint& checkpoint, const NoteSigner& witness,
                                std::int64_t time_seconds) {
  Note note{FormatCheckpoint(checkpoint), {}};
  GF_TRY(witness.Sign(note, time_seconds));
  return FormatNote(note).substr(note.text.size() + 1);
}

Result<std::string> AddCosignature(std::string_view checkpoint, std::string_view lines,
                                   const NoteVerifier& witness) {
  GF_ASSIGN(Note note, ParseNote(checkpoint));
  GF_ASSIGN(Note answered, ParseNote(note.text + "\n" + std::string(lines)));
  GF_TRY(witness.Verify(answered));
  for (NoteSignature& signature : answered.signatures) {
    if (signature.name == witness.name() && signature.key_id == witness.key_id())
      note.signatures.push_back(std::move(signature));
  }
  return FormatNote(note);
}

int WitnessHttpStatus(const Status& status) {
  const std::string reason = Reason(status);
  if (reason == "CHECKPOINT_UNSIGNED") return 403;
  if (reason == "LOG_UNKNOWN") return 404;
  if (reason == "CHECKPOINT_CONFLICT") return 409;
  if (reason == "CHECKPOINT_FORKED") return 422;
  return status.code() == StatusCode::kInvalidArgument ? 400 : 503;
}

}  // namespace genofed::ledger
