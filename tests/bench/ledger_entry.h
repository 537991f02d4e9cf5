// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "libs/core/clock.h"
#include "libs/ledger/entry.h"

namespace genofed::bench {

// Canonical bytes of an entry of 500 bytes, made now, another for each number.
inline std::string MakeLedgerEntry(std::uint64_t number) {
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kDenied;
  entry.time = FormatRfc3339(std::chrono::floor<std::chrono::seconds>(SystemClock().Now()));
  entry.fields = {{"application", "APP-BENCH-1"},
                  {"application_sha256", std::string(64, 'a')},
                  {"dataset", "GOE-FI-BENCH-1"},
                  {"decision_sha256", std::string(64, 'b')},
                  {"organisation", "University of Helsinki"},
                  {"project", "Benchmark"},
                  {"reason", "CONSENT_WITHDRAWN"},
                  {"run", fmt::format("run-{:012}", number)}};
  return ledger::EncodeEntry(entry).value();
}

}  // namespace genofed::bench
