// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/snapshot.h"

#include <algorithm>
#include <numeric>

namespace genofed::onboarding {
namespace {

std::int64_t Rows(const SegmentRef* begin, const SegmentRef* end) {
  return std::accumulate(begin, end, std::int64_t{0},
                         [](std::int64_t sum, const SegmentRef& segment) { return sum + segment.rows; });
}

}  // namespace

std::int32_t Snapshot::rows() const {
  return static_cast<std::int32_t>(Rows(segments.data(), segments.data() + segments.size()));
}

SnapshotDiff Diff(const SnapshotContent& from, const SnapshotContent& to) {
  SnapshotDiff diff;
  auto [kept, first_new] =
      std::mismatch(from.segments.begin(), from.segments.end(), to.segments.begin(), to.segments.end());
  // Rows mean the same people only when all segments of the first are still there.
  const bool goes_on = kept == from.segments.end() && to.individuals.size() >= from.individuals.size();
  diff.segments_kept = goes_on ? from.segments.size() : 0;
  diff.rows_kept = goes_on ? from.individuals.size() : 0;
  auto offset = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
  diff.segments_added.assign(to.segments.begin() + offset(diff.segments_kept), to.segments.end());
  for (std::size_t row = 0; row < diff.rows_kept; ++row) {
    if (from.individuals[row] != to.individuals[row]) {
      diff.changed.emplace_back(static_cast<std::int32_t>(row), to.individuals[row]);
    }
  }
  diff.added.assign(to.individuals.begin() + offset(diff.rows_kept), to.individuals.end());
  return diff;
}

Result<SnapshotContent> Apply(const SnapshotContent& from, const SnapshotDiff& diff) {
  auto misfit = [] {
    return Error(StatusCode::kInvalidArgument, "DIFF_INVALID", "the diff is of another snapshot");
  };
  if (diff.segments_kept > from.segments.size() || diff.rows_kept > from.individuals.size()) return misfit();
  SnapshotContent to = from;
  to.segments.resize(diff.segments_kept);
  to.segments.insert(to.segments.end(), diff.segments_added.begin(), diff.segments_added.end());
  to.individuals.resize(diff.rows_kept);
  for (const auto& [row, individual] : diff.changed) {
    if (row < 0 || static_cast<std::size_t>(row) >= diff.rows_kept) return misfit();
    to.individuals[static_cast<std::size_t>(row)] = individual;
  }
  to.individuals.insert(to.individuals.end(), diff.added.begin(), diff.added.end());
  return to;
}

}  // namespace genofed::onboarding
