// SPDX-License-Identifier: Apache-2.0
//
// A published version of a dataset is an immutable snapshot: the segments of its cohort index, each
// of people who were added together, and a table of individuals. An update is a new snapshot that
// shares the segments of the one it goes on from.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/individuals.h"

namespace genofed::onboarding {

// The cohort index of the people who were added together, and whose submission added them.
struct SegmentRef {
  std::string submission;
  std::string index_path;  // below the site's data directory
  std::string manifest_sha256;
  std::int32_t rows = 0;

  bool operator==(const SegmentRef&) const = default;
};

struct Snapshot {
  std::string dataset;
  std::int32_t version = 0;
  std::int32_t base = 0;  // the version it goes on from; 0: none
  std::string assembly;
  std::vector<SegmentRef> segments;  // rows follow one another in this order; none: a Beacon data folder
  std::string individuals_path;      // of a folder, its snapshot (libs/beacon/snapshot.h)
  std::string individuals_sha256;

  std::int32_t rows() const;
  bool is_folder() const { return segments.empty(); }
  bool operator==(const Snapshot&) const = default;
};

// What two snapshots hold, for comparing them.
struct SnapshotContent {
  std::vector<SegmentRef> segments;
  std::vector<genomics::Individual> individuals;  // one for each row

  bool operator==(const SnapshotContent&) const = default;
};

// What turns one snapshot into the next. A version made from its files alone shares nothing with
// the one before: then everything is dropped and added.
struct SnapshotDiff {
  std::size_t segments_kept = 0;  // of the first, from its beginning
  std::vector<SegmentRef> segments_added;
  std::size_t rows_kept = 0;
  std::vector<std::pair<std::int32_t, genomics::Individual>> changed;  // kept rows with other data
  std::vector<genomics::Individual> added;                             // behind the kept rows

  bool operator==(const SnapshotDiff&) const = default;
};

SnapshotDiff Diff(const SnapshotContent& from, const SnapshotContent& to);
// Diff(from, to) applied to `from` gives `to`. InvalidArgument DIFF_INVALID when it does not fit.
Result<SnapshotContent> Apply(const SnapshotContent& from, const SnapshotDiff& diff);

}  // namespace genofed::onboarding
