// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/snapshot.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "libs/beacon/json_values.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::beacon {
namespace {

using nlohmann::json;

constexpr char kFormat[] = "genofed-beacon-snapshot-1";
constexpr std::size_t kMaxBytes = std::size_t{8} << 30;

Status Invalid(std::string_view what) { return Error(StatusCode::kDataLoss, "SNAPSHOT_INVALID", "{}", what); }

std::string Header(const Folder& folder, bool test) {
  return json{{"format", kFormat}, {"test", test}, {"ontology", folder.ontology}}.dump(-1, ' ', false,
                                                                                       json::error_handler_t::replace);
}

Status TakeHeader(std::string_view line, Collection::Builder& builder) {
  const json header = json::parse(line, nullptr, false);
  if (!header.is_object() || header.value("format", "") != kFormat) return Invalid("the header is of another format");
  const json* test = Member(header, "test");
  const json* ontology = Member(header, "ontology");
  if (test == nullptr || !test->is_boolean() || ontology == nullptr || !ontology->is_object())
    return Invalid("the header is incomplete");
  std::map<std::string, std::vector<std::string>> children;
  for (const auto& [parent, terms] : ontology->items())
    ForEachText(terms, [&, &name = parent](const std::string& term) { children[name].push_back(term); });
  builder.SetTest(*test);
  builder.SetOntology(Ontology(std::move(children)));
  return absl::OkStatus();
}

Status TakeRecord(std::string_view line, Collection::Builder& builder) {
  const json entry = json::parse(line, nullptr, false);
  const json* type = Member(entry, "type");
  const json* dataset = Member(entry, "dataset");
  const json* record = Member(entry, "record");
  const json* row = Member(entry, "row");
  if (type == nullptr || !type->is_string() || dataset == nullptr || !dataset->is_string() || record == nullptr ||
      row == nullptr || !row->is_number_integer())
    return Invalid("a line is no record");
  const auto of = EntryOfPath(type->get_ref<const std::string&>());
  if (!of) return Invalid("a record is of an unknown type");
  return builder.Add(*of, dataset->get<std::string>(), *record, row->get<std::int32_t>());
}

}  // namespace

Result<std::string> WriteSnapshot(const std::filesystem::path& path, const Folder& folder, bool test) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  crypto::Sha256Stream hash;
  const auto line = [&](std::string text) {
    text += '\n';
    hash.Update(text);
    out << text;
  };
  line(Header(folder, test));
  for (const EntryType type : kAllEntryTypes) {
    for (const FolderRecord& record : folder.of(type)) {
      // The record is JSON already; only its envelope is made here.
      line(fmt::format(R"({{"type":"{}","dataset":{},"row":{},"record":{}}})", Facts(type).path,
                       json(record.dataset).dump(-1, ' ', false, json::error_handler_t::replace), record.row,
                       record.json));
    }
  }
  out.close();
  if (!out) return Error(StatusCode::kUnavailable, "STORAGE_FULL", "the snapshot cannot be written");
  return HexEncode(hash.Finish());
}

Result<Collection> ReadSnapshot(const std::filesystem::path& path, const std::string& sha256) {
  auto text = ReadFile(path, kMaxBytes);
  if (!text.ok()) return Error(StatusCode::kNotFound, "SNAPSHOT_MISSING", "the snapshot cannot be read");
  if (HexEncode(crypto::Sha256(*text)) != sha256)
    return Error(StatusCode::kDataLoss, "SNAPSHOT_CORRUPT", "the snapshot has another SHA-256");
  Collection::Builder builder;
  std::string_view rest = *text;
  for (bool header = true; !rest.empty(); header = false) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return Invalid("the last line is broken off");
    GF_TRY(header ? TakeHeader(rest.substr(0, end), builder) : TakeRecord(rest.substr(0, end), builder));
    rest.remove_prefix(end + 1);
  }
  return builder.Finish();
}

Result<Collection> CollectionOf(const Folder& folder, bool test) {
  Collection::Builder builder;
  builder.SetTest(test);
  builder.SetOntology(Ontology(folder.ontology));
  for (const EntryType type : kAllEntryTypes) {
    for (const FolderRecord& record : folder.of(type))
      GF_TRY(builder.Add(type, record.dataset, json::parse(record.json, nullptr, false), record.row));
  }
  return builder.Finish();
}

}  // namespace genofed::beacon
