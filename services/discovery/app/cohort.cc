// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/cohort.h"

namespace genofed::discovery {

using genomics::Sex;

Cohort::Cohort(std::string dataset, std::int32_t version, genomics::SegmentedIndex index,
               const std::vector<genomics::Individual>& individuals)
    : dataset_(std::move(dataset)),
      version_(version),
      index_(std::move(index)),
      terms_(genomics::TermBitmaps::Build(individuals)),
      female_(genomics::RowsOfSex(individuals, Sex::kFemale)),
      male_(genomics::RowsOfSex(individuals, Sex::kMale)) {}

genomics::Bitmap Cohort::WithTerm(std::string_view term) const {
  if (female_.size() != rows()) return genomics::Bitmap(rows());  // no individuals were published
  if (term == genomics::SexTerm(Sex::kFemale)) return female_;
  if (term == genomics::SexTerm(Sex::kMale)) return male_;
  return terms_.Get(term);
}

}  // namespace genofed::discovery
