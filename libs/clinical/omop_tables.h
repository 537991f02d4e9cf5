// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::clinical {

enum class OmopType : std::uint8_t { kInteger, kFloat, kDate, kDateTime, kText };

struct OmopField {
  std::string_view name;
  bool required = false;
  OmopType type = OmopType::kText;
};

// A table of the OMOP Common Data Model 5.4 (github.com/OHDSI/CommonDataModel, OMOP_CDMv5.4_Field_Level.csv).
struct OmopTable {
  std::string_view name;
  std::span<const OmopField> fields;  // empty for a table that is not used here
};

// The table with this header, or null. A header belongs to the table whose key columns it has.
const OmopTable* FindOmopTable(const std::vector<std::string>& header);
std::span<const OmopTable> UsedOmopTables();

}  // namespace genofed::clinical
