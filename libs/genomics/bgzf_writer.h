// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: bgzip (SAM specification, section 4.1) by libdeflate.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "libs/core/status.h"

struct libdeflate_compressor;

namespace genofed::genomics {

// Takes the next bytes of output; they are valid only during the call. An error ends the stream.
using ByteSink = std::function<Status(std::string_view bytes)>;

// Same bytes in, same bytes out, whatever the pieces they come in. Not thread-safe.
class BgzfWriter {
 public:
  static constexpr std::size_t kBlockBytes =
      0xff00;  // as bgzip: also what cannot be compressed fits 64 KiB

  explicit BgzfWriter(ByteSink sink);
  ~BgzfWriter();
  BgzfWriter(const BgzfWriter&) = delete;
  BgzfWriter& operator=(const BgzfWriter&) = delete;

  Status Write(std::string_view bytes);
  // What comes next begins a block.
  Status Flush() { return size_ > 0 ? WriteBlock() : absl::OkStatus(); }
  // The next `bytes` will not go over the end of a block, if they fit one at all.
  Status FlushUnlessFits(std::size_t bytes) {
    return size_ + bytes > kBlockBytes ? Flush() : absl::OkStatus();
  }
  // Writes what is left and the end-of-file block. Call once.
  Status Finish();

 private:
  Status WriteBlock();

  ByteSink sink_;
  libdeflate_compressor* deflater_;
  std::unique_ptr<char[]> plain_;
  std::unique_ptr<char[]> block_;
  std::size_t size_ = 0;
};

}  // namespace genofed::genomics
