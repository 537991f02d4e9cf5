// SPDX-License-Identifier: Apache-2.0
//
// From the bytes that a client is to have of a plaintext, to the pieces of an encrypted file: whole segments of the
// body, and the edit list that trims what comes out of them (crypt4gh.tex section 2.2.4).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libs/core/status.h"

namespace genofed::gateway {

struct PlainRange {  // [begin, end)
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SealedPieces {
  // Lengths over the plaintext of the joined segments: discard, keep, discard, keep ...; then nothing is kept.
  std::vector<std::uint64_t> edit_list;
  // Bytes of the body, ascending, each of whole segments and of at most kMaxPieceBytes.
  std::vector<PlainRange> body;
};

// About 256 MiB: htsget.md asks for blocks of less than 1 GB.
inline constexpr std::uint64_t kMaxPieceSegments = 4096;

// `ranges` ascend, lie apart from one another and within the plaintext; only the last segment of a body is shorter than
// the others. Joined behind a header with the edit list, the pieces decrypt to exactly the ranges. Errors:
// PLAN_INVALID (Internal) for other ranges.
Result<SealedPieces> PlanPieces(std::span<const PlainRange> ranges, std::uint64_t plain_size);
// All of a body, without an edit list.
std::vector<PlainRange> WholeBody(std::uint64_t body_size);

}  // namespace genofed::gateway
