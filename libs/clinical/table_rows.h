// SPDX-License-Identifier: Apache-2.0
// Internal to libs/clinical: the rows of a table, behind its header.
#pragma once

#include <string>
#include <vector>

#include "libs/clinical/collector.h"
#include "libs/clinical/csv_reader.h"

namespace genofed::clinical {

// Gives each row to `source` as a record of `out`, and reports where the reading breaks off. A source has fields(), the
// names of its columns, and TakeRow(row).
template <typename Source>
void TakeRows(CsvReader& reader, Source& source, Collector& out) {
  std::vector<std::string> row;
  for (;;) {
    const auto outcome = reader.Next(row);
    if (outcome == CsvReader::Outcome::kEnd) return;
    Record record;
    record.line = static_cast<std::uint32_t>(reader.line());
    record.fields = source.fields();
    out.BeginRecord(record);
    if (outcome == CsvReader::Outcome::kBroken) {
      // What no CSV has tells that the whole file is something else.
      const bool no_text = reader.code() == "ENCODING_NOT_UTF8" || reader.code() == "CSV_BINARY";
      return out.Add(no_text ? Severity::kError : Severity::kWarning, reader.code(), reader.line(), "", reader.message());
    }
    source.TakeRow(row);
  }
}

}  // namespace genofed::clinical
