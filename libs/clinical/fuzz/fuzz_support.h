// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "libs/clinical/harmonise.h"

namespace genofed::clinical {

// Whatever was read: rows are in order and each once, and a record is used, set aside, or left out.
inline void CheckOutcome(Collector& collector) {
  const auto rows = Harmonise(collector);
  std::set<std::string> subjects;
  for (const HarmonisedRow& row : rows) {
    GF_CHECK(subjects.empty() || *subjects.rbegin() < row.subject);
    GF_CHECK(subjects.insert(row.subject).second && IsIdentifier(row.subject));
    for (const std::string& term : row.hpo_absent) {
      GF_CHECK(std::find(row.hpo_present.begin(), row.hpo_present.end(), term) == row.hpo_present.end());
    }
  }
  for (const FileFacts& file : collector.files()) {
    GF_CHECK(file.accepted + file.quarantined <= static_cast<std::int64_t>(file.records.size()));
    GF_CHECK(!file.rejected || file.accepted == 0);
  }
  const std::string table = WriteTable(rows);
  GF_CHECK(static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n')) == rows.size() + 1);
}

}  // namespace genofed::clinical
