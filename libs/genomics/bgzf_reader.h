// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: the bytes of a plain, bgzipped or gzipped file as one sliding window.
// Whole BGZF blocks (SAM specification, section 4.1) are inflated by libdeflate straight into the
// window and their CRC is checked; nothing is copied afterwards but the part of a record that a
// window ends with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "libs/core/status.h"

struct libdeflate_decompressor;
struct z_stream_s;

namespace genofed::genomics {

// The empty block that ends every bgzipped file (section 4.1.2).
inline constexpr std::string_view kBgzfEnd(
    "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0\x42\x43\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0", 28);

// NOT_VCF: the file is of another kind.
Status NotVcf(std::string_view what);

// Not thread-safe. Memory: the window, which is about twice the largest Fill() and at least half a
// megabyte.
class BgzfReader {
 public:
  enum class Kind { kText, kBcf };

  // Only regular files. Errors: READ_FAILED, NOT_VCF, and those of Open.
  static Result<std::unique_ptr<BgzfReader>> OpenPath(const std::filesystem::path& path);
  // Takes ownership of `fd`, which may be a pipe, and finds out what it holds by its first bytes.
  // Errors: NOT_VCF (another compression), TRUNCATED_BGZIP (no end-of-file block; of a pipe that
  // shows at the end), CORRUPT_BGZIP_BLOCK, READ_FAILED.
  static Result<std::unique_ptr<BgzfReader>> Open(int fd);
  ~BgzfReader();
  BgzfReader(const BgzfReader&) = delete;
  BgzfReader& operator=(const BgzfReader&) = delete;

  Kind kind() const { return kind_; }
  bool plain_gzip() const { return format_ == Format::kGzip; }
  // What was read and not consumed. Valid until the next Fill.
  std::string_view window() const { return {buffer_.get() + begin_, end_ - begin_}; }
  // Reads until the window has `bytes`, or the file ends: then it is shorter.
  Status Fill(std::size_t bytes);
  void Consume(std::size_t bytes) { begin_ += bytes; }

 private:
  enum class Format { kPlain, kBgzf, kGzip };

  explicit BgzfReader(int fd);
  Status Detect();
  void Reserve(std::size_t bytes);
  Status ReadRaw(bool* more);
  Status Append();
  Status AppendPlain();
  Status AppendBlock();
  Status AppendGzip();
  Status InflateBlock(const unsigned char* block, std::size_t header, std::size_t size);

  int fd_;
  Format format_ = Format::kPlain;
  Kind kind_ = Kind::kText;
  bool at_end_ = false;
  bool last_block_was_empty_ = false;
  libdeflate_decompressor* inflater_;
  std::unique_ptr<z_stream_s> gzip_;
  bool in_gzip_member_ = false;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::unique_ptr<unsigned char[]> raw_;  // compressed bytes
  std::size_t raw_begin_ = 0;
  std::size_t raw_end_ = 0;
};

}  // namespace genofed::genomics
