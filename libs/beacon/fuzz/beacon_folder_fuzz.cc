// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "libs/beacon/search.h"
#include "libs/beacon/snapshot.h"
#include "libs/core/file.h"

// The same bytes as every file of a folder. Whatever was read makes a collection that answers queries.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed;
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("beacon-fuzz-" + std::to_string(::getpid()));
  if (!WriteFileAtomically(path, std::string_view(reinterpret_cast<const char*>(data), size)).ok()) return 0;
  std::vector<beacon::FolderFile> files = {{"ontology.json", path}};
  for (const beacon::EntryType type : beacon::kAllEntryTypes)
    files.push_back({std::string(beacon::Facts(type).model) + ".json", path});
  Findings findings;
  auto folder = beacon::ReadFolder(Context::Background(), files, findings);
  GF_CHECK(folder.ok() && folder->set_aside <= folder->read);
  if (findings.has_error()) return 0;
  beacon::SetRows(*folder, std::vector<std::int32_t>(beacon::PeopleOf(*folder).size(), 0));
  const auto collection = beacon::CollectionOf(*folder, false);
  GF_CHECK(collection.ok());
  for (const beacon::EntryType type : beacon::kAllEntryTypes) {
    const auto request = beacon::ParseRequest(
        {type, std::nullopt, ""}, R"({"query": {"filters": ["A:1"], "requestParameters": {"geneId": "A"}}})");
    GF_CHECK(beacon::Search(Context::Background(), *collection, *request,
                            genomics::Bitmap(collection->people(), true), beacon::Look::kAll)
                 .ok());
  }
  return 0;
}
