// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/core/status.h"

namespace genofed::discovery {

// The cohort index of the people who were added together.
struct Segment {
  std::string index_path;
  std::string manifest_sha256;

  bool operator==(const Segment&) const = default;
};

inline constexpr std::size_t kMaxSegments = 1000;

// A dataset version whose index lies at this site. Paths are below the site's data directory.
struct Publication {
  std::string dataset;
  std::int32_t version = 0;
  std::string assembly;           // "GRCh38"
  std::vector<Segment> segments;  // rows follow one another in this order
  std::string individuals_path;   // empty: none
  std::string individuals_sha256;

  bool operator==(const Publication&) const = default;
};

// InvalidArgument naming the field. `country` is the site's own: datasets of others are not
// published here.
Status Validate(const Publication& publication, const std::string& country);

// A relative path that stays below where it starts: no "..", no ".", no empty part, no backslash or
// NUL.
bool IsPathBelow(std::string_view path);

}  // namespace genofed::discovery
