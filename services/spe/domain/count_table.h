// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/spe/domain/airlock.h"

namespace genofed::spe {

// Why a table was not understood; `code` is empty if it was. Codes: BAD_HEADER, BAD_DECLARATION,
// WRONG_CELL_COUNT, BAD_KEY, DUPLICATE_KEY, NOT_A_COUNT, PART_EXCEEDS_WHOLE, TOO_MANY_CELLS,
// NO_LINE_END.
struct TableProblem {
  std::string_view code;
  std::int64_t line = 0;
};

// A table of tab-separated values with the columns of a declaration: text keys, then counts.
class CountTable {
 public:
  struct Row {
    std::vector<std::string_view> keys;
    std::vector<std::int64_t> counts;
    bool left_out = false;
  };

  // Both `declaration` and the content given to Parse must outlive the table.
  explicit CountTable(const OutputDeclaration& declaration) : declaration_(declaration) {}

  TableProblem Parse(std::string_view content, std::int64_t max_cells, std::size_t max_key_chars);
  const std::vector<Row>& rows() const { return rows_; }
  // Marks the rows that rules 5 and 6 of airlock.h leave out; returns how many. Idempotent.
  std::int64_t LeaveOutSmallCounts(std::int64_t minimum);
  // The table anew, without those rows and from what was understood: nothing that was not parsed
  // survives. Rows keep their order.
  std::string Format() const;

 private:
  std::string_view FindWholes();
  std::string_view ParseRow(std::string_view line, std::size_t max_key_chars);
  bool HasSmallCount(const Row& row, std::int64_t minimum) const;
  std::string Header() const;

  const OutputDeclaration& declaration_;
  std::vector<int> wholes_;  // for each count column the index of the column it is part of, or -1
  std::vector<Row> rows_;
};

}  // namespace genofed::spe
