// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/tlog_proof.h"

#include "libs/core/strings.h"
#include "libs/ledger/proof_lines.h"

namespace genofed::ledger {
namespace {

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "TLOG_PROOF_INVALID", "not a {}: {}", kTlogProofHeader,
               why);
}

}  // namespace

std::string FormatTlogProof(const TlogProof& proof) {
  std::string text = fmt::format("{}\n", kTlogProofHeader);
  if (proof.extra) text += fmt::format("extra {}\n", Base64Encode(*proof.extra));
  text += fmt::format("index {}\n", proof.index);
  for (const Hash& hash : proof.proof) text += hash.Base64() + "\n";
  return text + "\n" + proof.checkpoint;
}

Result<TlogProof> ParseTlogProof(std::string_view text) {
  if (text.size() > 2 * kMaxNoteBytes) return Invalid("it is too long");
  TlogProof proof;
  if (TakeLine(text) != kTlogProofHeader) return Invalid("another first line");
  auto line = TakeLine(text);
  if (line && line->starts_with("extra ")) {
    auto extra = Base64Decode(line->substr(6));
    if (!extra.ok()) return Invalid("its extra data are not base64");
    proof.extra = *std::move(extra);
    line = TakeLine(text);
  }
  if (!line || !line->starts_with("index ") || !ParseDecimal(line->substr(6), &proof.index))
    return Invalid("it has no index line");
  auto hashes = TakeProofLines(text);
  if (!hashes) return Invalid("its proof is not lines of base64 hashes and an empty line");
  proof.proof = *std::move(hashes);
  proof.checkpoint = text;
  GF_TRY(ParseNote(proof.checkpoint));
  return proof;
}

Result<Checkpoint> VerifyTlogProof(const TlogProof& proof, const Hash& leaf,
                                   const NoteVerifier& log, std::span<const NoteVerifier> witnesses,
                                   std::size_t needed_witnesses) {
  GF_ASSIGN(Checkpoint checkpoint, OpenCheckpoint(proof.checkpoint, log));
  GF_TRY(CheckCosignatures(proof.checkpoint, witnesses, needed_witnesses));
  GF_TRY(VerifyInclusion(proof.index, checkpoint.size, leaf, proof.proof, checkpoint.root));
  return checkpoint;
}

}  // namespace genofed::ledger
