// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: any of plain VCF, bgzipped VCF and BCF as a sequence of bounded VCF
// text lines. One parser then serves all three, and a hostile file meets our limits before htslib's
// parser.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::genomics {

class LineSource {
 public:
  virtual ~LineSource() = default;

  // Only regular files: htslib's own path handling would follow http:, s3: and the like.
  // Errors: NOT_VCF, TRUNCATED_BGZIP (no end-of-file block), FILE_FAILED.
  static Result<std::unique_ptr<LineSource>> OpenPath(const std::filesystem::path& path);
  // Takes ownership of `fd`, which may be a pipe. A missing end-of-file block shows at the end
  // only.
  static Result<std::unique_ptr<LineSource>> OpenFd(int fd);

  // The next line without its end, valid until the next call; false at the end of the file.
  // Errors: TRUNCATED_BGZIP, CORRUPT_BGZIP_BLOCK, LINE_TOO_LONG, MALFORMED_RECORD (BCF).
  virtual Result<bool> Next(std::string_view* line) = 0;
  // 1-based number of the line last returned; for BCF as its text form would count it.
  virtual std::uint64_t line_number() const = 0;
};

}  // namespace genofed::genomics
