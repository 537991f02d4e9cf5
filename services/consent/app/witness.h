// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libs/ledger/note.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/witness_ports.h"

namespace genofed::consent {

// This site as a witness of other ledgers (c2sp.org/tlog-witness): it cosigns a checkpoint only if
// it contains everything that it cosigned before, and raises an alarm if one does not. Thread-safe.
class Witness {
 public:
  struct Options {
    ledger::NoteSigner signer;  // type kCosignature
    std::vector<ledger::NoteVerifier> logs;
    bool log_checkpoints = false;  // write what was cosigned into this site's own ledger (the hub)
    std::function<void(const LedgerAlarm&)> on_alarm;  // told once of each
  };
  Witness(Options options, WitnessStore& store, Ledger& ledger, const Clock& clock);

  // POST add-checkpoint: the answer of the protocol, with its HTTP status.
  struct Answer {
    int status = 200;
    std::string content_type;
    std::string body;
  };
  Result<Answer> AddCheckpoint(const Context& ctx, const std::string& body);

  // GET <SHA-256 of the origin in hex>/checkpoint. Errors: LOG_UNKNOWN.
  Result<std::string> Checkpoint(const Context& ctx, const std::string& origin_sha256);

  struct Overview {
    std::vector<WitnessedLog> logs;
    std::vector<LedgerAlarm> alarms;  // newest first
  };
  Result<Overview> List(const Context& ctx);
  std::string VerifierKey() const { return options_.signer.verifier().ToString(); }

  // Raises an alarm about this site's own ledger when its rows were changed under it. Whether it
  // did.
  Result<bool> AccuseOwn(const Context& ctx);
  // Keeps an alarm that was raised elsewhere at this site.
  Status Raise(const Context& ctx, LedgerAlarm alarm);
  // What this site cosigned last of a ledger.
  Result<std::optional<WitnessedLog>> Known(const Context& ctx, const std::string& origin) {
    return store_.Find(ctx, origin);
  }

 private:
  const ledger::NoteVerifier* FindLog(const std::string& origin) const;
  // The cosignature lines, once the checkpoint is remembered and, at the hub, logged.
  Result<std::string> Cosign(const Context& ctx, const ledger::AddCheckpoint& request,
                             const ledger::NoteVerifier& log);
  Status AccuseIfForked(const Context& ctx, const ledger::AddCheckpoint& request,
                        const ledger::NoteVerifier& log, const std::optional<WitnessedLog>& known);
  Status Log(const Context& ctx, const ledger::Checkpoint& checkpoint, const std::string& note,
             const ledger::NoteVerifier& log);

  const Options options_;
  WitnessStore& store_;
  Ledger& ledger_;
  const Clock& clock_;
};

}  // namespace genofed::consent
