// SPDX-License-Identifier: Apache-2.0
//
// Beacon data folders ("Beacon Friendly Format"): one JSON file of records for each entry type, named after the model
// (individuals.json, genomicVariations.json, ...), and perhaps ontology.json (parent term -> child terms). Without
// genomicVariations.json the variants come from VCF or BCF files, one for each dataset and named after it.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/beacon/entry_type.h"
#include "libs/core/context.h"
#include "libs/core/finding.h"
#include "libs/core/status.h"

namespace genofed::beacon {

struct FolderLimits {
  std::size_t max_file_bytes = std::size_t{1} << 30;  // also of what all VCF files say, as records
  std::size_t max_record_bytes = std::size_t{32} << 20;
  std::size_t max_depth = 32;
  std::size_t max_records = 2'000'000;  // of all files
  std::size_t max_datasets = 10'000;
};

struct FolderFile {
  std::string name;
  std::filesystem::path path;
};

struct FolderRecord {
  std::string dataset;  // empty: a cohort of the whole folder
  std::string id;
  std::string json;
  std::int32_t row = -1;  // of an individual: where the consent service keeps the person; -1: not asked
};

struct Folder {
  std::array<std::vector<FolderRecord>, kEntryTypes> records;  // by type, in the order of the files
  std::map<std::string, std::vector<std::string>> ontology;
  std::size_t read = 0;       // records of the files
  std::size_t set_aside = 0;  // of these, not used
  std::size_t people_known = 0;  // to the consent service, at least: more than there are rows when some were forgotten

  const std::vector<FolderRecord>& of(EntryType type) const { return records[Index(type)]; }
};

// The entry type that a file of this name holds; none for ontology.json and everything else.
std::optional<EntryType> EntryOfFile(std::string_view name);
// Whether a folder's file is read at all: records, ontology.json, VCF and BCF.
bool IsFolderFile(std::string_view name);

// Reads what can be used. A record that is not an object of its model's shape is set aside, with a warning that names
// file, index and rule ("individuals.json", "[17].sex", MEMBER_MISSING); a file that cannot be read at all is an error.
// Afterwards no record is of an unknown dataset and none is there twice. `findings` never quote values. Status: that of
// `ctx` alone.
Result<Folder> ReadFolder(const Context& ctx, std::span<const FolderFile> files, Findings& findings,
                          const FolderLimits& limits = {});

// The identifiers of the folder's individuals, each once, in their order.
std::vector<std::string> PeopleOf(const Folder& folder);
// Gives individuals their rows, in the order of PeopleOf. Who has none (-1) is left out with everything that is theirs.
void SetRows(Folder& folder, std::span<const std::int32_t> rows);
// Leaves out the people of these rows likewise; the others keep theirs.
void DropRows(Folder& folder, const std::set<std::int32_t>& rows);

}  // namespace genofed::beacon
