// SPDX-License-Identifier: Apache-2.0
//
// multipart/form-data (RFC 7578, RFC 2046 section 5.1), as WES RunWorkflow uses it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::http {

struct MultipartPart {
  std::string name;
  std::optional<std::string> file_name;  // passed SafeRelativePath
  std::string content_type;              // without parameters, lower case; "text/plain" when not given
  std::string body;
};

struct MultipartLimits {
  std::size_t max_parts = 128;
  std::size_t max_part_bytes = std::size_t{32} << 20;
  std::size_t max_header_bytes = 8U << 10;  // of one part
};

// `content_type` is the request's header with its boundary. InvalidArgument MULTIPART_* for everything malformed:
// missing or bad boundary, no final delimiter, parts without a name, unsafe file names, transfer encodings;
// BODY_TOO_LARGE beyond a limit.
Result<std::vector<MultipartPart>> ParseMultipart(std::string_view content_type, std::string_view body,
                                                  const MultipartLimits& limits = {});

// A relative path that stays below the directory it is used in: "main.cwl", "tools/sort.cwl". Refuses absolute paths,
// empty, "." and ".." segments, back slashes, drive letters, control characters, names longer than 255 bytes.
Result<std::string> SafeRelativePath(std::string_view path);

}  // namespace genofed::http
