// SPDX-License-Identifier: Apache-2.0
//
// What witnessing needs: a memory of other ledgers, and ways to the sites that keep them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/ledger/witness.h"

namespace genofed::consent {

// The newest checkpoint of a ledger that this site cosigned.
struct WitnessedLog {
  std::string origin;
  ledger::WitnessedTree tree;
  std::string checkpoint;  // signed note, with this site's cosignature
  Time at;
};

// A ledger was caught, by this site's own eyes.
struct LedgerAlarm {
  std::string origin;
  std::string reason;  // LEDGER_FORKED, LEDGER_ROLLED_BACK, LEDGER_BEHIND
  std::string detail;
  std::string known;  // what was held against it: signed notes
  std::string seen;
  Time at;
};

class WitnessStore {
 public:
  virtual ~WitnessStore() = default;
  virtual Result<std::optional<WitnessedLog>> Find(const Context& ctx,
                                                   const std::string& origin) = 0;
  // Puts `after` in the place of exactly `before` (nothing: there was none), in one step and
  // durably; false when something else is there by now.
  virtual Result<bool> Replace(const Context& ctx,
                               const std::optional<ledger::WitnessedTree>& before,
                               const WitnessedLog& after) = 0;
  virtual Result<std::vector<WitnessedLog>> All(const Context& ctx) = 0;
  // False when the same was raised before: same ledger, reason and notes.
  virtual Result<bool> AddAlarm(const Context& ctx, const LedgerAlarm& alarm) = 0;
  virtual Result<std::vector<LedgerAlarm>> Alarms(const Context& ctx,
                                                  int limit) = 0;  // newest first
};

// Another site, by its public address. An HTTP answer of any status is an answer.
class LedgerPeerClient {
 public:
  struct Answer {
    int status = 0;
    std::string body;
  };
  virtual ~LedgerPeerClient() = default;
  virtual Result<Answer> AddCheckpoint(const Context& ctx, const std::string& body) = 0;
  // The newest checkpoint that it cosigned of the ledger whose origin has this SHA-256 (hex).
  virtual Result<Answer> WitnessedCheckpoint(const Context& ctx,
                                             const std::string& origin_sha256) = 0;
  // A file of its ledger: "checkpoint", "tile/0/000" ...
  virtual Result<Answer> LedgerFile(const Context& ctx, const std::string& path) = 0;
};

}  // namespace genofed::consent
