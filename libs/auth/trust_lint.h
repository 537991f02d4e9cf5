// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::auth {

struct LintFinding {
  enum class Severity { kError, kWarning };
  Severity severity = Severity::kWarning;
  std::string path;     // "issuers[2].datasets"
  std::string message;  // what, and what to do
};

// What a careful colleague would say about a trust file: everything that keeps it from loading (as an error, the first
// one), and what loads but is probably not meant: names nobody reads, keys that never count, visas that can never be
// accepted for want of a jku, expressions that match foreign datasets, one key for two issuers, too much power in one
// hand. Looks at the text only.
std::vector<LintFinding> LintTrustFile(std::string_view text);

}  // namespace genofed::auth
