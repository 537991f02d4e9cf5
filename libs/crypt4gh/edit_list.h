// SPDX-License-Identifier: Apache-2.0
//
// Edit lists (crypt4gh.tex section "Edit List") and what they are for: sending parts of an
// encrypted file without decrypting it. Segments are sent whole; the edit list tells the reader
// what to leave out. It is no access control: who has the data key can read all of every segment
// sent.
//
// Pure functions; offsets and sizes are bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libs/core/status.h"

namespace genofed::crypt4gh {

inline constexpr std::uint64_t kSegmentBytes = 65536;
inline constexpr std::uint64_t kSealedSegmentBytes = kSegmentBytes + 28;  // with nonce and MAC

// Half open: [begin, end).
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// Byte counts over the plaintext: discard, keep, discard, keep ...; after an odd count the rest is
// kept, after an even one it is discarded. The empty list edits nothing. Counts that reach beyond
// the end of the plaintext are no error.
using EditList = std::vector<std::uint64_t>;

// What `list` keeps of a plaintext of `size` bytes: ascending, none empty, none touching the next.
std::vector<ByteRange> KeptRanges(const EditList& list, std::uint64_t size);
std::uint64_t TotalSize(std::span<const ByteRange> ranges);

// The list that edits as `first` and then, counting over what `first` left, as `second`.
EditList Compose(const EditList& first, const EditList& second);

// How many bytes of body a plaintext of this size has, and the other way round. Error:
// CRYPT4GH_BODY_INVALID (DataLoss) for a size that no body has: it ends inside the frame of a
// segment.
std::uint64_t BodySize(std::uint64_t plain_size);
Result<std::uint64_t> PlainSize(std::uint64_t body_size);

// Which parts of a body to send so that their reader gets some ranges of the plaintext.
struct RangePlan {
  std::vector<ByteRange> body;   // whole segments, ascending; sent one after the other
  EditList edit_list;            // over these; empty when all of them is kept
  std::uint64_t body_size = 0;   // all of `body`
  std::uint64_t plain_size = 0;  // what the reader gets
};

// Plans for ranges of what a reader of the file sees, that is after `edit_list`, the one that its
// header has (see ReencryptRange). `plain_size` is the size of the plaintext before any edit. The
// ranges may come in any order and overlap; every byte is sent once and in the order of the file.
// They are cut at the end of the file. Error: RANGE_INVALID (InvalidArgument) for a range that ends
// before it begins, or a file of more than 2^62 bytes.
Result<RangePlan> PlanRange(std::uint64_t plain_size, std::span<const ByteRange> ranges,
                            const EditList& edit_list = {});

// The parts of `ranges` (ascending, disjoint) at these offsets of their concatenation. `wanted`:
// as for PlanRange. For readers of parts.
Result<std::vector<ByteRange>> Select(std::span<const ByteRange> ranges,
                                      std::span<const ByteRange> wanted);

}  // namespace genofed::crypt4gh
