// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/discovery/app/frequency_ports.h"

namespace genofed::discovery {

// A table that is in a store, and the digest of its text. Errors: those of TableStore and
// ParseTable.
struct StoredTable {
  std::string digest;
  FrequencyTable table;

  TableName Name() const;
};
Result<StoredTable> ReadTable(TableStore& store, const std::string& digest);
// Writes its text; the pages are there already.
Result<StoredTable> WriteTable(TableStore& store, FrequencyTable table);

// All sites of one megabase.
Result<std::vector<TableSite>> ReadSites(TableStore& store, const FrequencyTable& table,
                                         const std::string& contig, std::uint32_t megabase);

// Whether all of its pages are there; what is in them is seen when they are read.
bool IsWhole(TableStore& store, const FrequencyTable& table);

// Drops tables and pages to which no name leads.
Status Sweep(TableStore& store);

}  // namespace genofed::discovery
