// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/witness.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::consent {
namespace {

constexpr int kMaxAlarms = 100;
constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kSize[] = "text/x.tlog.size";

std::int64_t Seconds(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// The note with the signatures of one key alone.
Result<std::string> SignedBy(const std::string& note, const ledger::NoteVerifier& key) {
  GF_ASSIGN(ledger::Note parsed, ledger::ParseNote(note));
  std::erase_if(parsed.signatures, [&](const ledger::NoteSignature& s) {
    return s.name != key.name() || s.key_id != key.key_id();
  });
  return ledger::FormatNote(parsed);
}

}  // namespace

Witness::Witness(Options options, WitnessStore& store, Ledger& ledger, const Clock& clock)
    : options_(std::move(options)), store_(store), ledger_(ledger), clock_(clock) {}

const ledger::NoteVerifier* Witness::FindLog(const std::string& origin) const {
  const auto found = std::ranges::find(options_.logs, origin, &ledger::NoteVerifier::name);
  return found == options_.logs.end() ? nullptr : &*found;
}

Result<Witness::Answer> Witness::AddCheckpoint(const Context& ctx, const std::string& body) {
  const auto request = ledger::ParseAddCheckpoint(body);
  Status refused = request.status();
  if (refused.ok()) {
    const auto note = ledger::ParseNote(request->checkpoint);
    const std::string origin = ledger::ParseCheckpoint(note->text)->origin;
    const ledger::NoteVerifier* log = FindLog(origin);
    if (log != nullptr) {
      auto lines = Cosign(ctx, *request, *log);
      if (lines.ok()) return Answer{200, kText, *std::move(lines)};
      refused = lines.status();
      if (Reason(refused) == "CHECKPOINT_CONFLICT") {
        GF_ASSIGN(const auto known, store_.Find(ctx, origin));
        return Answer{409, kSize, fmt::format("{}\n", known ? known->tree.size : 0)};
      }
    } else {
      refused =
          Error(StatusCode::kNotFound, "LOG_UNKNOWN", "no ledger {} is witnessed here", origin);
    }
  }
  const int status = ledger::WitnessHttpStatus(refused);
  if (status >= 500) return refused;
  return Answer{status, kText, Message(refused) + "\n"};
}

Result<std::string> Witness::Cosign(const Context& ctx, const ledger::AddCheckpoint& request,
                                    const ledger::NoteVerifier& log) {
  GF_ASSIGN(const auto known, store_.Find(ctx, log.name()));
  const auto before = known ? std::optional(known->tree) : std::nullopt;
  const auto checkpoint = ledger::JudgeAddCheckpoint(request, log, before);
  if (!checkpoint.ok()) {
    GF_TRY(AccuseIfForked(ctx, request, log, known));
    return checkpoint.status();
  }
  GF_ASSIGN(std::string lines,
            ledger::Cosignature(*checkpoint, options_.signer, Seconds(clock_.Now())));
  GF_ASSIGN(const std::string note, SignedBy(request.checkpoint, log));
  // First remembered, then logged, then told: a checkpoint that anybody holds is in both places.
  GF_ASSIGN(const bool replaced,
            store_.Replace(
                ctx, before,
                {log.name(), {checkpoint->size, checkpoint->root}, note + lines, clock_.Now()}));
  if (!replaced)
    return Error(StatusCode::kAborted, "CHECKPOINT_CONFLICT", "another request came first");
  if (options_.log_checkpoints) GF_TRY(Log(ctx, *checkpoint, note, log));
  return lines;
}

// Two signed roots of one size are a proof that stands by itself. A growth that is not proven is
// none: whoever holds a checkpoint can send it with a wrong proof. LedgerPeer::Watch looks at the
// tiles.
Status Witness::AccuseIfForked(const Context& ctx, const ledger::AddCheckpoint& request,
                               const ledger::NoteVerifier& log,
                               const std::optional<WitnessedLog>& known) {
  const auto seen = ledger::OpenCheckpoint(request.checkpoint, log);
  if (!known || !seen.ok() || seen->size != known->tree.size || seen->root == known->tree.root)
    return absl::OkStatus();
  // Without what others may have added: the same proof is kept once.
  GF_ASSIGN(std::string note, SignedBy(request.checkpoint, log));
  return Raise(ctx, {log.name(), "LEDGER_FORKED",
                     fmt::format("two roots are signed for {} entries", seen->size),
                     known->checkpoint, std::move(note), clock_.Now()});
}

Status Witness::Log(const Context& ctx, const ledger::Checkpoint& checkpoint,
                    const std::string& note, const ledger::NoteVerifier& log) {
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kCheckpoint;
  entry.time = ledger_.EntryTime();
  entry.fields = {
      {"log", log.name()}, {"log_root", checkpoint.root.Hex()}, {"checkpoint", Base64Encode(note)}};
  entry.numbers = {{"log_size", static_cast<std::int64_t>(checkpoint.size)}};
  const std::string key =
      fmt::format("checkpoint:{}:{}:{}", log.name(), checkpoint.size, checkpoint.root.Hex());
  return ledger_.Write(
      ctx, [&](Transaction& tx) { return ledger_.Add(tx, "consent", key, entry).status(); });
}

Result<std::string> Witness::Checkpoint(const Context& ctx, const std::string& origin_sha256) {
  for (const ledger::NoteVerifier& log : options_.logs) {
    if (HexEncode(crypto::Sha256(log.name())) != origin_sha256) continue;
    GF_ASSIGN(const auto known, store_.Find(ctx, log.name()));
    if (known) return known->checkpoint;
  }
  return Error(StatusCode::kNotFound, "LOG_UNKNOWN",
               "no ledger whose origin has this digest was cosigned here");
}

Result<Witness::Overview> Witness::List(const Context& ctx) {
  Overview overview;
  GF_ASSIGN(overview.logs, store_.All(ctx));
  GF_ASSIGN(overview.alarms, store_.Alarms(ctx, kMaxAlarms));
  return overview;
}

Result<bool> Witness::AccuseOwn(const Context& ctx) {
  const Status touched = ledger_.CheckTouched(ctx);
  std::string damage = ledger_.Damage();
  if (damage.empty()) {
    GF_TRY(touched);
    return false;
  }
  GF_ASSIGN(std::string known, ledger_.Checkpoint(ctx));
  GF_TRY(Raise(ctx, {ledger_.verifier().name(), "LEDGER_DAMAGED", std::move(damage),
                     std::move(known), "", clock_.Now()}));
  return true;
}

Status Witness::Raise(const Context& ctx, LedgerAlarm alarm) {
  GF_ASSIGN(const bool is_new, store_.AddAlarm(ctx, alarm));
  if (is_new && options_.on_alarm) options_.on_alarm(alarm);
  return absl::OkStatus();
}

}  // namespace genofed::consent
