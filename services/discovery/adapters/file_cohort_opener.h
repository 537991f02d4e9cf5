// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// Opens and verifies what a publication names below the site's data directory; symbolic links must
// not lead out of it. Errors: InvalidArgument PATH_INVALID, NotFound INDEX_MISSING or
// INDIVIDUALS_MISSING, DataLoss INDEX_CORRUPT or INDIVIDUALS_CORRUPT, FailedPrecondition
// INDEX_MISMATCH when the index is another's.
class FileCohortOpener final : public CohortOpener {
 public:
  explicit FileCohortOpener(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}
  Result<std::shared_ptr<const Cohort>> Open(const Publication& publication) override;

 private:
  const std::filesystem::path data_dir_;
};

}  // namespace genofed::discovery
