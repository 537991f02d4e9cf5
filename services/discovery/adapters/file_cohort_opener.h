// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <mutex>
#include <span>
#include <string>

#include "libs/cohort/shards.h"
#include "services/discovery/adapters/segment_store.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// What variants do and how frequent they are (cohort::Annotations), and the digest by which what
// was made with the table is known.
struct AnnotationTable {
  std::filesystem::path path;  // empty: none
  std::string sha256;

  // NotFound FILE_FAILED.
  static Result<AnnotationTable> Find(std::filesystem::path path);
};

// Where a process keeps segments below `data_dir`, which need not be there. Processes of one
// machine share what one of them made; but of a divided genome with a store each shard brings its
// own tiles into a directory of its own. Directories of other divisions are removed, as nobody
// would look after them.
Result<std::filesystem::path> SegmentsDirectory(const std::filesystem::path& data_dir,
                                                const cohort::Shard& shard, bool stored);

// Opens and verifies what a publication names below the site's data directory; symbolic links must
// not lead out of it. Errors: InvalidArgument PATH_INVALID, NotFound INDEX_MISSING or
// INDIVIDUALS_MISSING, DataLoss INDEX_CORRUPT or INDIVIDUALS_CORRUPT, FailedPrecondition
// INDEX_MISMATCH when the index is another's, ANNOTATIONS_UNUSABLE; Unavailable INDEX_BUSY while
// something else is being made.
//
// Questions are not asked of the index that ingest wrote for each batch of people, but of segments
// that are made of it with the annotations, in the directory `derived`, once: named by what they
// are made of, so another table makes others, and all segments of a cohort mean the same by "rarer
// than". More than cohort::kMaxSegments batches go together, as many as the digits of their number
// in base two say: up to 1,000 become at most ten segments, and a new batch seldom makes all anew.
//
// With a store, a segment that is not here is brought from there, and made only where that fails;
// of a divided genome only the tiles of the shard are brought.
class FileCohortOpener final : public CohortOpener {
 public:
  // Of a divided genome all tiles are made, and those of `shard` opened.
  FileCohortOpener(std::filesystem::path data_dir, std::filesystem::path derived,
                   AnnotationTable table = {}, SegmentStore* store = nullptr,
                   const cohort::Shard& shard = {})
      : data_dir_(std::move(data_dir)),
        derived_(std::move(derived)),
        table_(std::move(table)),
        store_(store),
        shard_(shard) {}
  Result<std::shared_ptr<const Cohort>> Open(const Publication& publication) override;
  // What was written in the last ten minutes may be of another replica, which knows more, and
  // stays. Tells the store, which does the same there. Unavailable DATA_DIR_MISSING, and nothing is
  // removed, while the data directory lacks what the indices lie in: a disk that is not mounted.
  Status Sweep(const std::vector<Publication>& wanted) override;

 private:
  // People who were added together, and where ingest wrote their index.
  struct Batch {
    std::filesystem::path directory;
    std::string manifest_sha256;
    std::uint32_t n_people = 0;
  };
  Result<std::vector<Batch>> FindBatches(const Publication& publication) const;
  // Batches that become one segment, in the order of rows; and where that lies.
  static std::vector<std::span<const Batch>> Runs(std::span<const Batch> batches);
  std::filesystem::path DirectoryOf(std::span<const Batch> run) const;
  // `bytes`: of the cohort so far.
  Result<std::unique_ptr<cohort::Segment>> OpenRun(std::span<const Batch> batches,
                                                   std::uint64_t& bytes);
  Status Derive(std::span<const Batch> batches, const std::filesystem::path& directory) const;
  void RemoveUnfinished(const std::filesystem::path& directory) const;

  const std::filesystem::path data_dir_;
  const std::filesystem::path derived_;
  const AnnotationTable table_;
  SegmentStore* const store_;  // borrowed; null: none
  const cohort::Shard shard_;
  std::timed_mutex deriving_;  // takes memory and both cores: one at a time
};

}  // namespace genofed::discovery
