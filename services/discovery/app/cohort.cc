// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/cohort.h"

namespace genofed::discovery {

using genomics::Sex;

Cohort::Cohort(std::string dataset, std::int32_t version, genomics::SegmentedIndex index,
               const std::vector<genomics::Individual>& individuals,
               std::vector<std::uint32_t> batches)
    : dataset_(std::move(dataset)),
      version_(version),
      batches_(std::move(batches)),
      index_(std::move(index)),
      terms_(genomics::TermBitmaps::Build(individuals)),
      female_(genomics::RowsOfSex(individuals, Sex::kFemale)),
      male_(genomics::RowsOfSex(individuals, Sex::kMale)) {}

std::uint32_t Cohort::Released(std::int64_t least) const {
  const std::vector<std::uint32_t> whole = {rows()};
  std::uint32_t released = 0;
  std::int64_t waiting = 0;
  for (std::uint32_t batch : batches_.empty() ? whole : batches_) {
    waiting += batch;
    if (waiting < least) continue;
    released += static_cast<std::uint32_t>(waiting);
    waiting = 0;
  }
  return released;
}

genomics::Bitmap Cohort::WithTerm(std::string_view term) const {
  if (female_.size() != rows()) return genomics::Bitmap(rows());  // no individuals were published
  if (term == genomics::SexTerm(Sex::kFemale)) return female_;
  if (term == genomics::SexTerm(Sex::kMale)) return male_;
  return terms_.Get(term);
}

}  // namespace genofed::discovery
