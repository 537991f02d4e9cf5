// SPDX-License-Identifier: Apache-2.0
#include "libs/intake/clinical_files.h"

#include <algorithm>
#include <fstream>

#include "libs/clinical/csv_source.h"
#include "libs/clinical/json_source.h"
#include "libs/clinical/omop_source.h"

namespace genofed::intake {

std::uint32_t ClinicalFiles::Read(const std::filesystem::path& path, std::string name, const Detection& detection,
                                  const std::string& set) {
  const std::uint32_t number = out_.BeginFile(std::move(name));
  if (detection.kind == FileKind::kJson) {
    clinical::ReadJsonSource(path, fhir_, out_);
    return number;
  }
  std::ifstream in(path, std::ios::binary);
  if (detection.kind == FileKind::kCsv) {
    clinical::ReadCsvSource(in, mapping_, out_);
    return number;
  }
  GF_CHECK(detection.kind == FileKind::kOmop);
  std::vector<Table>& tables = omop_sets_[set];
  tables.push_back({number, detection.omop_table});
  out_.files()[number].set = tables.front().number;
  clinical::ReadOmopSource(in, *detection.omop_table, set, mapping_, out_);
  return number;
}

void ClinicalFiles::Finish() {
  for (const auto& [set, tables] : omop_sets_) RequirePersons(tables);
}

// Without the table of persons nobody knows whom the others are about.
void ClinicalFiles::RequirePersons(const std::vector<Table>& tables) {
  const bool any = std::any_of(tables.begin(), tables.end(), [](const Table& file) { return file.table->name == "person"; });
  for (const Table& file : tables) {
    clinical::FileFacts& facts = out_.files()[file.number];
    if (any || file.table->fields.empty() || facts.rejected) continue;
    facts.rejected = true;
    facts.findings.Add({Severity::kError, "PERSON_TABLE_MISSING", facts.name, 0, "person_id",
                        "hand over the table person of the same export together with this one"});
  }
}

}  // namespace genofed::intake
