// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/htsget_ticket.h"

#include <algorithm>

#include "libs/crypt4gh/stream.h"

namespace genofed::gateway {
namespace {

using crypt4gh::kSealedSegmentBytes;
using crypt4gh::kSegmentBytes;

constexpr std::uint64_t kOverhead = kSealedSegmentBytes - kSegmentBytes;

std::uint64_t BodySize(std::uint64_t plain_size) {
  return plain_size + (plain_size + kSegmentBytes - 1) / kSegmentBytes * kOverhead;
}

// Adds a segment behind those that are there, to the last piece if that goes on and is not full.
void AddSegment(std::uint64_t segment, std::uint64_t body_size, std::vector<PlainRange>& pieces) {
  const PlainRange bytes{segment * kSealedSegmentBytes, std::min((segment + 1) * kSealedSegmentBytes, body_size)};
  if (!pieces.empty() && pieces.back().end == bytes.begin &&
      bytes.begin - pieces.back().begin < kMaxPieceSegments * kSealedSegmentBytes) {
    pieces.back().end = bytes.end;
  } else {
    pieces.push_back(bytes);
  }
}

}  // namespace

Result<SealedPieces> PlanPieces(std::span<const PlainRange> ranges, std::uint64_t plain_size) {
  SealedPieces out;
  const std::uint64_t body_size = BodySize(plain_size);
  std::uint64_t segments = 0;  // taken so far
  std::uint64_t last = 0;      // the last one taken, if any
  std::uint64_t behind = 0;    // of the previous range
  std::uint64_t edited = 0;    // plaintext of the taken segments that the edit list speaks of
  for (const PlainRange& range : ranges) {
    if (range.begin >= range.end || range.end > plain_size || range.begin < behind)
      return Error(StatusCode::kInternal, "PLAN_INVALID", "the ranges of a plan are out of order");
    behind = range.end;
    const std::uint64_t first = range.begin / kSegmentBytes;
    const std::uint64_t final = (range.end - 1) / kSegmentBytes;
    for (std::uint64_t segment = first; segment <= final; ++segment) {
      if (segments > 0 && segment <= last) continue;  // shared with the previous range
      AddSegment(segment, body_size, out.body);
      last = segment;
      ++segments;
    }
    // Segments of a range follow one another, so its last one is the last of all taken.
    const std::uint64_t start_of_final = (segments - 1) * kSegmentBytes;
    const std::uint64_t keep_end = start_of_final + (range.end - final * kSegmentBytes);
    const std::uint64_t keep = range.end - range.begin;
    const std::uint64_t keep_begin = keep_end - keep;
    out.edit_list.push_back(keep_begin - edited);
    out.edit_list.push_back(keep);
    edited = keep_end;
  }
  return out;
}

std::vector<PlainRange> WholeBody(std::uint64_t body_size) {
  std::vector<PlainRange> pieces;
  for (std::uint64_t segment = 0; segment * kSealedSegmentBytes < body_size; ++segment)
    AddSegment(segment, body_size, pieces);
  return pieces;
}

}  // namespace genofed::gateway
