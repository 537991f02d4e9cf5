// SPDX-License-Identifier: Apache-2.0
//
// What an htsget 1.3 client asks for (samtools/hts-specs htsget.md; it prevails over its OpenAPI
// file).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/http/message.h"

namespace genofed::gateway {

struct HtsgetRegion {
  std::string reference;
  std::int64_t start = 0;  // 0-based, half open
  std::optional<std::int64_t> end;
};

struct HtsgetRequest {
  bool header_only = false;
  std::vector<HtsgetRegion> regions;   // none: the whole file
  std::vector<std::string> passports;  // of a POST; beyond the standard, as in DRS
};

inline constexpr std::size_t kMaxHtsgetRegions = 100;

// A GET's query or a POST's body, for variants. Tags and fields may be named and are not filtered
// by. InvalidArgument with the reasons UNSUPPORTED_FORMAT (also for BCF: the objects are VCF),
// INVALID_RANGE, INVALID_INPUT.
Result<HtsgetRequest> ParseHtsgetRequest(const http::Request& request);

}  // namespace genofed::gateway
