// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/cli/commands/session.h"

namespace genofed::cli {

struct WatchOptions {
  std::string log;
  std::string key;
  std::vector<std::string> witness_keys;
  std::size_t witnesses = 0;
  std::string state;  // file
  double interval_seconds = 1;
  bool once = false;
};

// Follows a ledger: every checkpoint must be signed, contain the one before it, and be what the
// tiles say. Returns kRejected at the first that is not, after printing both.
int WatchLedger(const Target& target, const WatchOptions& options);

}  // namespace genofed::cli
