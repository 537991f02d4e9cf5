// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "libs/clinical/csv_source.h"
#include "libs/clinical/fuzz/fuzz_support.h"
#include "libs/clinical/omop_source.h"
#include "libs/core/strings.h"

// A table: of OMOP when its header says so, else of people. The first byte picks the mapping.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::clinical;
  static const CsvMapping built_in = CsvMapping::BuiltIn();
  static const CsvMapping other = *CsvMapping::Parse(
      R"({"columns":{"subject":"a","birth_date":"b"},"features":{"c":"HP:0001250"},"date_format":"DD.MM.YYYY","list_separator":"|"})");
  if (size < 1) return 0;
  const CsvMapping& mapping = data[0] % 2 == 0 ? built_in : other;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Collector collector(Terminology::Embedded(), *genofed::ParseRfc3339("2025-06-01T12:00:00Z"));
  collector.BeginFile("fuzz");
  std::istringstream in(text);
  const std::size_t end = text.find('\n');
  std::vector<std::string> header;
  for (std::string_view name : genofed::Split(std::string_view(text).substr(0, end), ',')) header.emplace_back(name);
  if (const OmopTable* table = FindOmopTable(header)) ReadOmopSource(in, *table, "set", mapping, collector);
  else ReadCsvSource(in, mapping, collector);
  CheckOutcome(collector);
  return 0;
}
