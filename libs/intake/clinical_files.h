// SPDX-License-Identifier: Apache-2.0
//
// Reads clinical files of any format into one collector.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "libs/clinical/collector.h"
#include "libs/clinical/csv_mapping.h"
#include "libs/clinical/fhir.h"
#include "libs/intake/detect.h"

namespace genofed::intake {

// Not thread-safe. Borrows both.
class ClinicalFiles {
 public:
  ClinicalFiles(const clinical::CsvMapping& mapping, clinical::Collector& out) : mapping_(mapping), out_(out) {}

  // Reads a file that Detect takes for kJson, kOmop or kCsv; findings call it `name`. `set` names the export that an
  // OMOP table belongs to: its person_id are those of the other tables of the set. Returns the collector's number of it.
  std::uint32_t Read(const std::filesystem::path& path, std::string name, const Detection& detection,
                     const std::string& set);
  // When all are read. Adds the error PERSON_TABLE_MISSING to the tables of a set without one.
  void Finish();

 private:
  struct Table {
    std::uint32_t number;  // of the collector
    const clinical::OmopTable* table;
  };

  void RequirePersons(const std::vector<Table>& tables);

  const clinical::CsvMapping& mapping_;
  clinical::Collector& out_;
  clinical::FhirReader fhir_;
  std::map<std::string, std::vector<Table>> omop_sets_;
};

}  // namespace genofed::intake
