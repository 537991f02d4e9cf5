// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: the bytes of a file that is plain, bgzipped or gzipped.
#pragma once

#include <cstddef>
#include <memory>

#include "libs/core/status.h"

struct BGZF;
struct hFILE;

namespace genofed::genomics {

// NOT_VCF: the file is of another kind.
Status NotVcf(std::string_view what);

class BgzfStream {
 public:
  enum class Kind { kText, kBcf };

  // Takes ownership of `fd`, which may be a pipe, and finds out what it holds by its first bytes.
  // Errors: NOT_VCF, TRUNCATED_BGZIP (no end-of-file block), READ_FAILED.
  static Result<std::unique_ptr<BgzfStream>> Open(int fd);
  ~BgzfStream();

  Kind kind() const { return kind_; }
  bool plain_gzip() const { return plain_gzip_; }
  // Reads up to `size` bytes; 0 at the end. Errors: TRUNCATED_BGZIP, CORRUPT_BGZIP_BLOCK.
  Result<std::size_t> Read(char* out, std::size_t size);

 private:
  BgzfStream(BGZF* file, Kind kind, bool plain_gzip)
      : file_(file), kind_(kind), plain_gzip_(plain_gzip) {}

  BGZF* file_;
  Kind kind_;
  bool plain_gzip_;
};

}  // namespace genofed::genomics
