// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// Opens and verifies what a publication names below the site's data directory; symbolic links must
// not lead out of it. Errors: InvalidArgument PATH_INVALID, NotFound INDEX_MISSING or
// INDIVIDUALS_MISSING, DataLoss INDEX_CORRUPT or INDIVIDUALS_CORRUPT, FailedPrecondition
// INDEX_MISMATCH when the index is another's.
//
// More than cohort::kMaxSegments segments are merged, into the directory `merged`: as many together
// as the digits of their number in base two say, so that up to 1,000 become at most ten, and a new
// batch of people seldom merges all anew. Segments that name different frequency tables become one,
// whose frequencies are counted among its people: "rarer than" means one thing in a cohort.
class FileCohortOpener final : public CohortOpener {
 public:
  FileCohortOpener(std::filesystem::path data_dir, std::filesystem::path merged)
      : data_dir_(std::move(data_dir)), merged_(std::move(merged)) {}
  Result<std::shared_ptr<const Cohort>> Open(const Publication& publication) override;

 private:
  using Segments = std::vector<std::unique_ptr<cohort::Segment>>;

  Result<Segments> OpenSegments(const Publication& publication) const;
  Result<Segments> Merge(const Publication& publication, Segments segments) const;
  Result<std::unique_ptr<cohort::Segment>> MergeRun(const Publication& publication,
                                                    const Segments& segments, std::size_t begin,
                                                    std::size_t end) const;

  const std::filesystem::path data_dir_;
  const std::filesystem::path merged_;
};

}  // namespace genofed::discovery
