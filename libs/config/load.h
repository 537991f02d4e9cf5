// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "genofed/config/v1/config.pb.h"
#include "libs/core/status.h"

namespace genofed::config {

// What the command line said about configuration.
struct Sources {
  std::vector<std::string> files;  // --config, later wins
  std::vector<std::string> sets;   // --set path=value, wins over everything
};

// Defaults, then files, then environment variables GENOFED_<BLOCK>_<FIELD>
// (GENOFED_DISCOVERY_MINIMUM_COUNT=10), then
// --set. Errors name the file and the key. Checks what every service needs; each service checks its
// own block.
Result<v1::SiteConfig> Load(const Sources& sources);

// Parses one JSON document with // comments into `config`. What it says wins over what is there:
// objects are merged member by member, everything else is replaced, lists as a whole.
Status MergeJson(std::string_view origin, std::string_view json, v1::SiteConfig* config);

// The secret's value; `path` names the configuration key in errors, "{service}" in file names
// becomes `service`.
Result<std::string> ReadSecret(const v1::Secret& secret, std::string_view path,
                               std::string_view service = "");

// Replaces "{service}".
std::string ForService(std::string text, std::string_view service);

// A duration field with its default.
std::chrono::milliseconds DurationOr(bool has, const google::protobuf::Duration& value,
                                     std::chrono::milliseconds fallback);

// The configuration as JSON, for /configz. Secrets are references only, so nothing has to be
// removed.
std::string ToJson(const v1::SiteConfig& config);

}  // namespace genofed::config
