// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: any of plain VCF, bgzipped VCF and BCF as a sequence of bounded VCF
// text lines. One parser then serves all three, and a hostile file meets our limits before
// anybody's parser.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::genomics {

// A million samples with 64 bytes each. Longer lines are an attack or another kind of file.
inline constexpr std::size_t kMaxLine = 64U << 20;

class BgzfReader;

class LineSource {
 public:
  virtual ~LineSource() = default;

  // Only regular files: htslib's own path handling would follow http:, s3: and the like.
  // Errors: NOT_VCF, TRUNCATED_BGZIP (no end-of-file block), CORRUPT_BCF, BAD_HEADER, READ_FAILED.
  static Result<std::unique_ptr<LineSource>> OpenPath(const std::filesystem::path& path);
  // Takes ownership of `fd`, which may be a pipe. A missing end-of-file block shows at the end
  // only.
  static Result<std::unique_ptr<LineSource>> OpenFd(int fd);
  static Result<std::unique_ptr<LineSource>> Open(std::unique_ptr<BgzfReader> reader);

  // The next line without its end, valid until the next call; false at the end of the file.
  // Errors: NOT_VCF, TRUNCATED_BGZIP, CORRUPT_BGZIP_BLOCK, LINE_TOO_LONG, CORRUPT_BCF.
  virtual Result<bool> Next(std::string_view* line) = 0;
  // 1-based number of the line last returned; for BCF as its text form would count it.
  virtual std::uint64_t line_number() const = 0;

  // Compressed with gzip, but not in bgzip blocks.
  bool plain_gzip() const { return plain_gzip_; }
  // The text began with the UTF-8 byte order mark, which was skipped. Known after the first line.
  bool byte_order_mark() const { return byte_order_mark_; }
  // The line last returned was the last one and had no line end.
  bool unterminated() const { return unterminated_; }
  // The line last returned is the bytes of a BCF record that cannot be written as text.
  bool undecodable() const { return undecodable_; }

 protected:
  bool plain_gzip_ = false;
  bool byte_order_mark_ = false;
  bool unterminated_ = false;
  bool undecodable_ = false;
};

}  // namespace genofed::genomics
