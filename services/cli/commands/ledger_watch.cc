// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/ledger_watch.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "libs/core/file.h"
#include "services/cli/commands/ledger_log.h"

namespace genofed::cli {
namespace {

// A finding about the log itself, in contrast to a failure to look at it.
Status Alarm(std::string_view reason, std::string message) {
  return MakeError(StatusCode::kDataLoss, reason, std::move(message));
}
bool IsAlarm(const Status& status) { return status.code() == StatusCode::kDataLoss; }

// A tile that is missing or none hides what was signed as well as another content: a log that could
// be silent would never be caught.
Status OfTiles(const Status& status) {
  const bool hidden =
      status.code() == StatusCode::kNotFound || status.code() == StatusCode::kInvalidArgument;
  return hidden ? Alarm("LEDGER_DAMAGED", Message(status)) : status;
}

Status CheckSuccessor(Log& log, const Promise& now, const std::optional<Promise>& before) {
  const ledger::Checkpoint& next = now.checkpoint;
  if (before) {
    const ledger::Checkpoint& last = before->checkpoint;
    if (next.size < last.size) {
      return Alarm("LEDGER_ROLLED_BACK",
                   fmt::format("it has {} entries and had {}", next.size, last.size));
    }
    if (next.size == last.size && next.root != last.root)
      return Alarm("LEDGER_FORKED", fmt::format("two roots are signed for size {}", next.size));
  }
  ledger::TileTree tree(*log.source, next.size);
  const auto root = ledger::TreeRoot(tree, next.size);
  if (!root.ok()) return OfTiles(root.status());
  if (*root != next.root)
    return Alarm("LEDGER_DAMAGED", "its tiles do not lead to the root of its checkpoint");
  if (!before || before->checkpoint.size == next.size) return absl::OkStatus();
  const auto proof = ledger::ProveConsistency(tree, before->checkpoint.size, next.size);
  if (!proof.ok()) return OfTiles(proof.status());
  const Status consistent = ledger::VerifyConsistency(before->checkpoint.size, next.size,
                                                      before->checkpoint.root, next.root, *proof);
  if (consistent.ok()) return absl::OkStatus();
  return Alarm("LEDGER_FORKED", fmt::format("its {} entries do not begin with the {} that it had",
                                            next.size, before->checkpoint.size));
}

void Print(const Target& target, const Promise& now, const std::optional<Promise>& before) {
  const ledger::Checkpoint& next = now.checkpoint;
  if (target.json) {
    Json line = {{"origin", next.origin}, {"size", next.size}, {"root", next.root.Hex()}};
    if (before) line["consistent_with"] = before->checkpoint.size;
    std::printf("%s\n", line.dump().c_str());
  } else {
    std::printf("%s size %llu root %s%s\n", next.origin.c_str(),
                static_cast<unsigned long long>(next.size), next.root.Hex().c_str(),
                before ? fmt::format(", contains {}", before->checkpoint.size).c_str() : "");
  }
  std::fflush(stdout);
}

Result<std::optional<Promise>> ReadState(const std::string& file, const ledger::NoteVerifier& key) {
  std::error_code failed;
  if (file.empty() || !std::filesystem::exists(file, failed)) return std::optional<Promise>();
  Promise promise;
  GF_ASSIGN(promise.note, ReadFile(file, ledger::kMaxNoteBytes));
  GF_ASSIGN(promise.checkpoint, ledger::OpenCheckpoint(promise.note, key));
  return std::optional(std::move(promise));
}

Status LookOnce(const Target& target, const WatchOptions& options, Log& log,
                const ledger::NoteVerifier& key, const std::vector<ledger::NoteVerifier>& witnesses,
                std::optional<Promise>& last) {
  auto now = ReadPromise(log, key);
  if (!now.ok()) {
    const bool unsigned_note = now.status().code() == StatusCode::kPermissionDenied ||
                               now.status().code() == StatusCode::kInvalidArgument;
    return unsigned_note ? Alarm("CHECKPOINT_INVALID", Message(now.status())) : now.status();
  }
  if (!now->has_value())
    return Error(StatusCode::kNotFound, "CHECKPOINT_MISSING", "the ledger has no checkpoint");
  const Promise& next = **now;
  // The same checkpoint may have been kept without its cosignatures being asked for.
  const bool unchanged = last && next.note == last->note;
  Status checked = unchanged ? absl::OkStatus() : CheckSuccessor(log, next, last);
  if (checked.ok() && options.witnesses > 0) {
    checked = ledger::CheckCosignatures(next.note, witnesses, options.witnesses);
    if (!checked.ok()) checked = Alarm(Reason(checked), Message(checked));
  }
  if (IsAlarm(checked)) {
    std::printf("%s%s%s", last ? "last:\n" : "", last ? last->note.c_str() : "",
                fmt::format("{}now:\n{}", last ? "\n" : "", next.note).c_str());
  }
  GF_TRY(checked);
  if (unchanged) return absl::OkStatus();
  const bool grown = !last || next.checkpoint.size != last->checkpoint.size;
  if (grown) Print(target, next, last);
  if (!options.state.empty()) GF_TRY(WriteFileAtomically(options.state, next.note));
  last = next;
  return absl::OkStatus();
}

}  // namespace

int WatchLedger(const Target& target, const WatchOptions& options) {
  const auto key = ReadVerifierKey(options.key);
  if (!key.ok()) return Fail(key.status()), kUsage;
  const auto witnesses = ReadVerifierKeys(options.witness_keys);
  if (!witnesses.ok()) return Fail(witnesses.status()), kUsage;
  auto last = ReadState(options.state, *key);
  if (!last.ok()) return Fail(last.status()), kUsage;
  auto log = OpenLog(target, options.log);
  if (!log.ok()) return Fail(log.status()), kUsage;
  while (true) {
    const Status looked = LookOnce(target, options, *log, *key, *witnesses, *last);
    if (IsAlarm(looked)) {
      std::fprintf(stderr, "ALARM: %s: %s (%s)\n", log->name.c_str(), Message(looked).c_str(),
                   Reason(looked).c_str());
      return kRejected;
    }
    if (!looked.ok()) Fail(looked);
    if (options.once) return looked.ok() ? kOk : kFailed;
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_seconds));
  }
}

}  // namespace genofed::cli
