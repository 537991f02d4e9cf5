// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "services/consent/app/witness_ports.h"

namespace genofed::consent {

// For tests: keeps the contract of witness_ports.h in memory.
class MemoryWitnessStore final : public WitnessStore {
 public:
  Result<std::optional<WitnessedLog>> Find(const Context&, const std::string& origin) override {
    const auto found = logs.find(origin);
    return found == logs.end() ? std::nullopt : std::optional(found->second);
  }
  Result<bool> Replace(const Context&, const std::optional<ledger::WitnessedTree>& before,
                       const WitnessedLog& after) override {
    const auto found = logs.find(after.origin);
    if (before.has_value() != (found != logs.end())) return false;
    if (before && found->second.tree != *before) return false;
    logs[after.origin] = after;
    return true;
  }
  Result<std::vector<WitnessedLog>> All(const Context&) override {
    std::vector<WitnessedLog> all;
    for (const auto& [origin, log] : logs) all.push_back(log);
    return all;
  }
  Result<bool> AddAlarm(const Context&, const LedgerAlarm& alarm) override {
    for (const LedgerAlarm& old : alarms) {
      if (old.origin == alarm.origin && old.reason == alarm.reason && old.known == alarm.known &&
          old.seen == alarm.seen) {
        return false;
      }
    }
    alarms.insert(alarms.begin(), alarm);
    return true;
  }
  Result<std::vector<LedgerAlarm>> Alarms(const Context&, int limit) override {
    std::vector<LedgerAlarm> some = alarms;
    if (some.size() > static_cast<std::size_t>(limit)) some.resize(static_cast<std::size_t>(limit));
    return some;
  }

  std::map<std::string, WitnessedLog> logs;
  std::vector<LedgerAlarm> alarms;
};

}  // namespace genofed::consent
