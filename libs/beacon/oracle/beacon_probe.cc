// SPDX-License-Identifier: Apache-2.0
//
// Answers requests on standard input from a data folder, one JSON object a line: what oracle/compare.py checks against
// an answer that it works out by itself. {"entry", "parent", "id", "body"} -> {"sets": {dataset: [identifiers]}} or
// {"error"}.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libs/beacon/folder.h"
#include "libs/beacon/search.h"
#include "libs/beacon/snapshot.h"

namespace genofed::beacon {
namespace {

using nlohmann::json;

json Answer(const Collection& collection, const json& line) {
  Target target;
  target.type = EntryOfPath(line.at("entry").get<std::string>()).value();
  if (line.contains("parent")) target.parent = EntryOfPath(line["parent"].get<std::string>());
  target.id = line.value("id", "");
  const auto request = ParseRequest(target, line.at("body").dump());
  if (!request.ok()) return {{"error", Reason(request.status())}};
  const Found found = Search(Context::Background(), collection, *request,
                             genomics::Bitmap(collection.people(), true), Look::kAll)
                          .value();
  json sets = json::object();
  if (IsCollection(target.type)) {
    found.rows.ForEach([&](std::uint32_t row) { sets[""].push_back(collection.records(target.type)[row].id); });
    return {{"sets", sets}};
  }
  for (std::uint32_t dataset = 0; dataset < collection.datasets().size(); ++dataset) {
    json& ids = sets[collection.datasets()[dataset].id] = json::array();
    for (const std::uint32_t row : RowsOf(collection, target.type, found.rows, dataset))
      ids.push_back(collection.records(target.type)[row].id);
  }
  return {{"sets", sets}};
}

int Run(const char* directory) {
  std::vector<FolderFile> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    files.push_back({entry.path().filename().string(), entry.path()});
  Findings findings;
  const auto folder = ReadFolder(Context::Background(), files, findings);
  if (!folder.ok() || findings.has_error()) return 2;
  for (const Finding& finding : findings.Take())
    std::fprintf(stderr, "%s %s %s %s\n", finding.code.c_str(), finding.file.c_str(), finding.field.c_str(),
                 finding.message.c_str());
  const auto collection = CollectionOf(*folder, false);
  if (!collection.ok()) return 2;
  for (std::string line; std::getline(std::cin, line);)
    std::cout << Answer(*collection, json::parse(line)).dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace genofed::beacon

int main(int argc, char** argv) { return argc == 2 ? genofed::beacon::Run(argv[1]) : 2; }
