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
  json header = {{"format", kFormat}, {"test", test}, {"ontology", folder.ontology}};
  if (folder.people_known > 0) header["people_known"] = folder.people_known;
  return header.dump(-1, ' ', false, json::error_handler_t::replace);
}

// What a snapshot says, line by line.
class Taker {
 public:
  virtual ~Taker() = default;
  virtual void Header(bool test, std::map<std::string, std::vector<std::string>> ontology,
                      std::size_t people_known) = 0;
  virtual Status Record(EntryType type, std::string dataset, const json& record, std::int32_t row) = 0;
};

Status TakeHeader(std::string_view line, Taker& taker) {
  const json header = json::parse(line, nullptr, false);
  if (!header.is_object() || header.value("format", "") != kFormat) return Invalid("the header is of another format");
  const json* test = Member(header, "test");
  const json* ontology = Member(header, "ontology");
  if (test == nullptr || !test->is_boolean() || ontology == nullptr || !ontology->is_object())
    return Invalid("the header is incomplete");
  std::map<std::string, std::vector<std::string>> children;
  for (const auto& [parent, terms] : ontology->items())
    ForEachText(terms, [&, &name = parent](const std::string& term) { children[name].push_back(term); });
  taker.Header(*test, std::move(children), header.value("people_known", std::size_t{0}));
  return absl::OkStatus();
}

Status TakeRecord(std::string_view line, Taker& taker) {
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
  return taker.Record(*of, dataset->get<std::string>(), *record, row->get<std::int32_t>());
}

Status Take(const std::filesystem::path& path, const std::string& sha256, Taker& taker) {
  auto text = ReadFile(path, kMaxBytes);
  if (!text.ok()) return Error(StatusCode::kNotFound, "SNAPSHOT_MISSING", "the snapshot cannot be read");
  if (HexEncode(crypto::Sha256(*text)) != sha256)
    return Error(StatusCode::kDataLoss, "SNAPSHOT_CORRUPT", "the snapshot has another SHA-256");
  std::string_view rest = *text;
  for (bool header = true; !rest.empty(); header = false) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return Invalid("the last line is broken off");
    GF_TRY(header ? TakeHeader(rest.substr(0, end), taker) : TakeRecord(rest.substr(0, end), taker));
    rest.remove_prefix(end + 1);
  }
  return absl::OkStatus();
}

class ToCollection final : public Taker {
 public:
  void Header(bool test, std::map<std::string, std::vector<std::string>> ontology,
              std::size_t people_known) override {
    builder.SetTest(test);
    builder.SetOntology(Ontology(std::move(ontology)));
    builder.SetPeopleKnown(people_known);
  }
  Status Record(EntryType type, std::string dataset, const json& record, std::int32_t row) override {
    return builder.Add(type, dataset, record, row);
  }
  Collection::Builder builder;
};

class ToFolder final : public Taker {
 public:
  void Header(bool is_test, std::map<std::string, std::vector<std::string>> ontology,
              std::size_t people_known) override {
    test = is_test;
    folder.ontology = std::move(ontology);
    folder.people_known = people_known;
  }
  Status Record(EntryType type, std::string dataset, const json& record, std::int32_t row) override {
    const json* id = Member(record, Facts(type).id_field);
    folder.records[Index(type)].push_back({std::move(dataset), id != nullptr && id->is_string() ? id->get<std::string>() : "",
                                           record.dump(-1, ' ', false, json::error_handler_t::replace), row});
    return absl::OkStatus();
  }
  Folder folder;
  bool test = false;
};

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
  ToCollection taker;
  GF_TRY(Take(path, sha256, taker));
  return taker.builder.Finish();
}

Result<std::string> WriteWithout(const std::filesystem::path& from, const std::string& sha256,
                                 const std::set<std::int32_t>& rows, const std::filesystem::path& to) {
  ToFolder taker;
  GF_TRY(Take(from, sha256, taker));
  DropRows(taker.folder, rows);
  return WriteSnapshot(to, taker.folder, taker.test);
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
