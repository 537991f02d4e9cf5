// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libs/genomics/bitmap.h"
#include "libs/genomics/individuals.h"
#include "libs/genomics/segmented_index.h"

namespace genofed::discovery {

// An opened dataset version: the index and what is known of its people, row by row. Immutable, for
// any number of threads.
class Cohort {
 public:
  // `individuals` has one entry for each row of the index, or none at all. `batches`: how many rows
  // were added together, first to last; empty: all at once.
  Cohort(std::string dataset, std::int32_t version, genomics::SegmentedIndex index,
         const std::vector<genomics::Individual>& individuals,
         std::vector<std::uint32_t> batches = {});

  const std::string& dataset() const { return dataset_; }
  std::int32_t version() const { return version_; }
  genomics::Assembly assembly() const { return index_.assembly(); }
  std::uint32_t rows() const { return index_.n_people(); }
  const genomics::SegmentedIndex& index() const { return index_; }
  const genomics::TermBitmaps& terms() const { return terms_; }
  // Rows from the first on that are counted when people are let in by at least `least` at a time:
  // whole batches, and of the last ones only if enough have come together.
  std::uint32_t Released(std::int64_t least) const;

  // People to whom a term applies: a sex (NCIT:C16576, NCIT:C20197) or an observed phenotype or
  // diagnosis, as recorded. Nobody for a term that is not known.
  genomics::Bitmap WithTerm(std::string_view term) const;

 private:
  std::string dataset_;
  std::int32_t version_;
  std::vector<std::uint32_t> batches_;
  genomics::SegmentedIndex index_;
  genomics::TermBitmaps terms_;
  genomics::Bitmap female_;
  genomics::Bitmap male_;
};

}  // namespace genofed::discovery
