// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/publication.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/genomics/variant.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {
namespace {

Status CheckFile(std::string_view field, const std::string& path, std::string_view hash_field,
                 const std::string& hash) {
  if (!IsPathBelow(path)) {
    return InvalidField(field, "PATH_INVALID", "must be a path below the site's data directory");
  }
  auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (hash.size() != 64 || !std::all_of(hash.begin(), hash.end(), is_hex)) {
    return InvalidField(hash_field, "SHA256_INVALID", "must be 64 lower-case hex digits");
  }
  return absl::OkStatus();
}

}  // namespace

bool IsPathBelow(std::string_view path) {
  if (path.empty() || path.size() > 1024) return false;
  if (path.find('\\') != std::string_view::npos || path.find('\0') != std::string_view::npos)
    return false;
  auto parts = Split(path, '/');
  return std::none_of(parts.begin(), parts.end(), [](std::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
}

Status Validate(const Publication& publication, const std::string& country) {
  if (!DatasetNamesCountry(publication.dataset, country)) {
    return InvalidField("dataset.dataset", "COUNTRY_MISMATCH",
                        "this node answers for datasets of {} only", country);
  }
  if (publication.version < 1)
    return InvalidField("dataset.version", "VERSION_INVALID", "counts from 1");
  auto assembly = genomics::ParseAssembly(publication.assembly);
  if (!assembly || genomics::AssemblyName(*assembly) != publication.assembly) {
    return InvalidField("assembly", "ASSEMBLY_UNKNOWN", "must be GRCh37 or GRCh38");
  }
  if (publication.segments.empty() || publication.segments.size() > kMaxSegments) {
    return InvalidField("segments", "SEGMENTS_INVALID", "must be 1 to {}", kMaxSegments);
  }
  for (const Segment& segment : publication.segments) {
    GF_TRY(CheckFile("segments.index_path", segment.index_path, "segments.manifest_sha256",
                     segment.manifest_sha256));
  }
  if (publication.individuals_path.empty()) return absl::OkStatus();
  return CheckFile("individuals_path", publication.individuals_path, "individuals_sha256",
                   publication.individuals_sha256);
}

}  // namespace genofed::discovery
