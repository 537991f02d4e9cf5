// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: from sample columns of a file to rows of a cohort.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libs/genomics/genotype_scan.h"
#include "libs/genomics/normalise.h"

namespace genofed::genomics {

class RowMapper {
 public:
  // `column_of_row` has a column for each row, or -1: that row is missing in every record.
  RowMapper(std::size_t n_columns, std::span<const std::int32_t> column_of_row);

  std::size_t n_rows() const { return n_rows_; }
  // The calls of rows, ascending; valid until the next call. `calls` ascend by column.
  std::span<const Call> Map(std::span<const Call> calls);

 private:
  std::size_t n_rows_;
  std::vector<std::int32_t> row_of_column_;  // -1: nobody's
  std::vector<Call> absent_;                 // of rows without a column
  bool identical_ = true;                    // row i is column i, and there are no others
  bool ascending_ = true;                    // rows ascend with columns
  std::vector<Call> mapped_;
  std::vector<std::uint16_t> by_row_;  // scratch for records with many calls; zeros between calls
};

// Who of `calls` (by row) carries an allele; see CarrierSets.
void CarriersOf(std::span<const Call> calls, std::int8_t allele, CarrierSets& sets);

}  // namespace genofed::genomics
