// SPDX-License-Identifier: Apache-2.0
//
// Reading parts of an encrypted file: only the segments that hold them are fetched, and each is
// authenticated before a byte of it is handed out (crypt4gh.tex section "Decryption").
//
// Parts prove nothing about the whole: that segments were dropped, swapped or repeated is noticed
// only by checking all of a body against its Manifest.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "libs/core/status.h"
#include "libs/crypt4gh/edit_list.h"
#include "libs/crypt4gh/key.h"
#include "libs/crypt4gh/stream.h"

namespace genofed::crypt4gh {

// Fills `out` with the bytes of the body from `offset` on. Must fill all of it or return an error.
using ReadBody = std::function<Status(std::uint64_t offset, std::span<char> out)>;

// Reads by pread(2), so that several readers can share `fd` (borrowed); the body starts at
// `body_offset` of the file. Error: CRYPT4GH_BODY_INVALID (DataLoss) when the file ends early.
ReadBody FileBody(int fd, std::uint64_t body_offset);

// Not thread safe; several readers of one file are independent.
class RangeReader {
 public:
  // `body_size`: of the whole body; take it from the Manifest where there is one. Errors: those of
  // OpenHeader and PlainSize.
  static Result<RangeReader> Create(std::string_view header, const SecretKey& key,
                                    std::uint64_t body_size, ReadBody read);
  RangeReader(RangeReader&&) noexcept;
  RangeReader& operator=(RangeReader&&) noexcept;
  ~RangeReader();

  // Of the file as its readers see it: after the edit list of its header.
  std::uint64_t size() const;

  // Hands the bytes [begin, end) of it to the sink in pieces of at most a segment; bytes behind the
  // end of the file are left out. Errors: RANGE_INVALID (InvalidArgument), CRYPT4GH_SEGMENT_INVALID
  // (DataLoss), and those of `read` and the sink. On an error, what the sink has is right but not
  // all.
  Status Read(ByteRange range, const Sink& sink);

 private:
  struct State;
  explicit RangeReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace genofed::crypt4gh
