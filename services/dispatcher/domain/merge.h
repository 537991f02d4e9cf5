// SPDX-License-Identifier: Apache-2.0
//
// From the released tables of nodes to one table. Counts add up; a row that a node does not have, or
// has left out because a count was small, adds nothing, and the column at the end says so: `nodes`,
// how many nodes contributed to the row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/dispatcher/domain/workflow.h"

namespace genofed::dispatcher {

struct NodeTable {
  std::string site;  // tables of the same site count as one node
  std::string content;
};

// Whether `content` is a table of this declaration: the header (keys, then counts), the same cells
// in every row, counts of 1 to 15 digits or NA, no key twice, every line ended by "\n".
// InvalidArgument OUTPUT_INVALID names the line.
Status CheckTable(const TableOutput& output, std::string_view content);

// Columns: keys, counts, derived (6 significant digits, NA when the denominator is 0), nodes. Rows
// are ordered by the keys from first to last: "chrom" 1..22, X, Y, M, others; "pos" as
// a number; the rest as bytes. The order of `tables` has no influence. Errors: OUTPUT_INVALID,
// naming the site; OUTPUT_OVERFLOW.
Result<std::string> MergeTables(const TableOutput& output, const std::vector<NodeTable>& tables);

}  // namespace genofed::dispatcher
