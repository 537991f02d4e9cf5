// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/edit_list.h"

#include <algorithm>
#include <limits>

namespace genofed::crypt4gh {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

constexpr std::uint64_t kMaxPlainSize = std::uint64_t{1} << 62;

std::uint64_t AddSaturated(std::uint64_t a, std::uint64_t b) {
  return b > kUnlimited - a ? kUnlimited : a + b;
}

// Appends a range that does not begin before the last one; merges it when they touch.
void Append(std::vector<ByteRange>& ranges, ByteRange next) {
  if (next.begin >= next.end) return;
  if (!ranges.empty() && next.begin <= ranges.back().end) {
    ranges.back().end = std::max(ranges.back().end, next.end);
  } else {
    ranges.push_back(next);
  }
}

// The list that keeps exactly `kept` of `size` bytes.
EditList ListKeeping(std::span<const ByteRange> kept, std::uint64_t size) {
  if (kept.empty()) return size == 0 ? EditList{} : EditList{0, 0};
  if (kept.size() == 1 && kept[0] == ByteRange{0, size}) return {};
  EditList list;
  std::uint64_t at = 0;
  for (const ByteRange& range : kept) {
    list.push_back(range.begin - at);
    if (range.end != kUnlimited) list.push_back(range.size());
    at = range.end;
  }
  return list;
}

}  // namespace

std::vector<ByteRange> KeptRanges(const EditList& list, std::uint64_t size) {
  std::vector<ByteRange> kept;
  if (list.empty()) {
    Append(kept, {0, size});
    return kept;
  }
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < list.size(); i += 2) {
    at = AddSaturated(at, list[i]);
    std::uint64_t end = i + 1 < list.size() ? AddSaturated(at, list[i + 1]) : kUnlimited;
    Append(kept, {at, std::min(end, size)});
    at = end;
  }
  return kept;
}

std::uint64_t TotalSize(std::span<const ByteRange> ranges) {
  std::uint64_t total = 0;
  for (const ByteRange& range : ranges) total += range.size();
  return total;
}

EditList Compose(const EditList& first, const EditList& second) {
  if (second.empty()) return first;
  // The size of the file does not matter: both lists hold for one without an end.
  auto selected = Select(KeptRanges(first, kUnlimited), KeptRanges(second, kUnlimited));
  GF_CHECK(selected.ok());
  return ListKeeping(*selected, kUnlimited);
}

std::uint64_t BodySize(std::uint64_t plain_size) {
  std::uint64_t rest = plain_size % kSegmentBytes;
  return plain_size / kSegmentBytes * kSealedSegmentBytes +
         (rest == 0 ? 0 : rest + (kSealedSegmentBytes - kSegmentBytes));
}

Result<std::uint64_t> PlainSize(std::uint64_t body_size) {
  std::uint64_t rest = body_size % kSealedSegmentBytes;
  constexpr std::uint64_t kFrame = kSealedSegmentBytes - kSegmentBytes;
  if (rest != 0 && rest < kFrame) {
    return Error(StatusCode::kDataLoss, "CRYPT4GH_BODY_INVALID",
                 "the body ends inside the nonce and MAC of a segment");
  }
  return body_size / kSealedSegmentBytes * kSegmentBytes + (rest == 0 ? 0 : rest - kFrame);
}

Result<std::vector<ByteRange>> Select(std::span<const ByteRange> ranges,
                                      std::span<const ByteRange> wanted) {
  std::vector<ByteRange> sorted(wanted.begin(), wanted.end());
  std::ranges::sort(sorted, {}, &ByteRange::begin);
  std::vector<ByteRange> merged;
  for (const ByteRange& range : sorted) {
    if (range.end < range.begin)
      return Error(StatusCode::kInvalidArgument, "RANGE_INVALID", "a range ends before it begins");
    Append(merged, range);
  }
  // Both lists ascend: one walk over them.
  std::vector<ByteRange> selected;
  std::uint64_t offset = 0;  // of *range in the concatenation
  auto want = merged.begin();
  for (const ByteRange& range : ranges) {
    std::uint64_t end = offset + range.size();
    while (want != merged.end() && want->begin < end) {
      Append(selected, {range.begin + (std::max(want->begin, offset) - offset),
                        range.begin + (std::min(want->end, end) - offset)});
      if (want->end > end) break;  // goes on in the next range
      ++want;
    }
    offset = end;
  }
  return selected;
}

Result<RangePlan> PlanRange(std::uint64_t plain_size, std::span<const ByteRange> ranges,
                            const EditList& edit_list) {
  if (plain_size > kMaxPlainSize)
    return Error(StatusCode::kInvalidArgument, "RANGE_INVALID", "no file is that large");
  GF_ASSIGN(std::vector<ByteRange> kept, Select(KeptRanges(edit_list, plain_size), ranges));
  RangePlan plan;
  plan.plain_size = TotalSize(kept);
  std::vector<ByteRange> runs;  // of whole segments, as ranges of the plaintext
  for (const ByteRange& range : kept) {
    std::uint64_t end = (range.end - 1) / kSegmentBytes * kSegmentBytes + kSegmentBytes;
    Append(runs, {range.begin / kSegmentBytes * kSegmentBytes, std::min(end, plain_size)});
  }
  std::uint64_t sent = 0;  // plaintext of the runs before
  auto range = kept.begin();
  std::vector<ByteRange> kept_of_sent;
  for (const ByteRange& run : runs) {
    plan.body.push_back({BodySize(run.begin), BodySize(run.end)});
    for (; range != kept.end() && range->begin < run.end; ++range)
      Append(kept_of_sent, {range->begin - run.begin + sent, range->end - run.begin + sent});
    sent += run.size();
  }
  plan.body_size = TotalSize(plan.body);
  plan.edit_list = ListKeeping(kept_of_sent, sent);
  return plan;
}

}  // namespace genofed::crypt4gh
