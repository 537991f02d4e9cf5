// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/folder.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/beacon/folder_vcf.h"
#include "libs/beacon/json_split.h"
#include "libs/beacon/json_values.h"
#include "libs/beacon/variant_query.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"

namespace genofed::beacon {
namespace {

using nlohmann::json;

constexpr std::string_view kOntologyFile = "ontology.json";
constexpr std::size_t kMaxId = 256;

bool IsVcf(std::string_view name) {
  return name.ends_with(".vcf") || name.ends_with(".vcf.gz") || name.ends_with(".bcf");
}

std::string_view StemOf(std::string_view name) {
  return name.ends_with(".json") ? name.substr(0, name.size() - 5) : std::string_view();
}

// What a model requires of a member beside being there.
enum class Shape { kText, kTerm };
struct Required {
  EntryType type;
  const char* member;
  Shape shape;
};
// required of models/json/beacon-v2-default-model/*/defaultSchema.json; identifiers and variation are judged apart.
constexpr Required kRequired[] = {
    {EntryType::kIndividual, "sex", Shape::kTerm},
    {EntryType::kBiosample, "biosampleStatus", Shape::kTerm},
    {EntryType::kBiosample, "sampleOriginType", Shape::kTerm},
    {EntryType::kRun, "biosampleId", Shape::kText},
    {EntryType::kRun, "runDate", Shape::kText},
    {EntryType::kAnalysis, "analysisDate", Shape::kText},
    {EntryType::kAnalysis, "pipelineName", Shape::kText},
    {EntryType::kDataset, "name", Shape::kText},
    {EntryType::kCohort, "name", Shape::kText},
    {EntryType::kCohort, "cohortType", Shape::kText},
};

bool IsText(const json* value) {
  return value != nullptr && value->is_string() && !value->get_ref<const std::string&>().empty();
}

bool IsTerm(const json* value) {
  if (value == nullptr || !value->is_object() || !IsText(Member(*value, "id"))) return false;
  const auto& id = Member(*value, "id")->get_ref<const std::string&>();
  const auto colon = id.find(':');
  return colon != std::string::npos && colon >= 2 && colon + 1 < id.size();
}

// VRS types its coordinates; older folders leave that out.
void CompleteLocation(json& record) {
  json* location = nullptr;
  if (const json* variation = Member(record, "variation");
      variation != nullptr && Member(*variation, "location") != nullptr)
    location = &record["variation"]["location"];
  if (location == nullptr || !location->is_object() || !location->contains("interval")) return;
  if (!location->contains("type")) (*location)["type"] = "SequenceLocation";
  json& interval = (*location)["interval"];
  if (!interval.is_object()) return;
  if (!interval.contains("type")) interval["type"] = "SequenceInterval";
  for (const char* name : {"start", "end"}) {
    if (!interval.contains(name)) continue;
    json& value = interval[name];
    if (value.is_number_integer())
      value = {{"type", "Number"}, {"value", value}};
    else if (value.is_object() && !value.contains("type"))
      value["type"] = "Number";
  }
}

std::string Dump(const json& record) {
  return record.dump(-1, ' ', false, json::error_handler_t::replace);
}

class Reader {
 public:
  Reader(const Context& ctx, Findings& findings, const FolderLimits& limits)
      : ctx_(ctx), findings_(findings), limits_(limits) {}

  Result<Folder> Run(std::span<const FolderFile> files) {
    for (const FolderFile& file : files) {
      GF_TRY(ctx_.Alive());
      if (StemOf(file.name).empty()) continue;
      if (const auto type = EntryOfFile(file.name))
        GF_TRY(ReadRecords(*type, file));
      else if (file.name == kOntologyFile)
        ReadOntology(file);
    }
    GF_TRY(ReadVcfs(files));
    NameDatasets();
    for (const EntryType type : kAllEntryTypes) Place(type);
    for (const EntryType type : {EntryType::kBiosample, EntryType::kRun, EntryType::kAnalysis, EntryType::kVariant})
      CheckLinks(type);
    if (folder_.of(EntryType::kDataset).empty())
      findings_.Add({Severity::kError, "NO_RECORDS", "", 0, "", "the folder holds no records that could be used"});
    return std::move(folder_);
  }

 private:
  // A record until it is known of which dataset it is.
  struct Draft {
    std::string file;
    std::size_t index;
    std::string id;
    std::string dataset;
    json record;
  };

  void Add(Severity severity, std::string code, const std::string& file, std::string field, std::string message) {
    findings_.Add({severity, std::move(code), file, 0, std::move(field), std::move(message)});
  }
  void SetAside(const std::string& file, std::size_t index, std::string_view member, std::string code,
                std::string message) {
    ++folder_.set_aside;
    Add(Severity::kWarning, std::move(code), file, fmt::format("[{}]{}{}", index, member.empty() ? "" : ".", member),
        std::move(message));
  }

  Status TooManyRecords() const {
    return Error(StatusCode::kInvalidArgument, "TOO_MANY_RECORDS",
                 "a folder has at most {} records", limits_.max_records);
  }

  Status ReadRecords(EntryType type, const FolderFile& file) {
    const auto text = ReadFile(file.path, limits_.max_file_bytes);
    if (!text.ok()) {
      Add(Severity::kError, "FILE_FAILED", file.name, "",
          fmt::format("cannot be read, or has more than {} MiB", limits_.max_file_bytes >> 20U));
      return absl::OkStatus();
    }
    Status stopped;
    const Status walked = ForEachElement(*text, [&](std::size_t index, std::string_view element) -> Status {
      if (index % 1024 == 0) stopped = ctx_.Alive();
      GF_TRY(stopped);
      if (++folder_.read > limits_.max_records) return TooManyRecords();
      TakeRecord(type, file.name, index, element);
      return absl::OkStatus();
    });
    GF_TRY(stopped);
    if (!walked.ok()) Add(Severity::kError, Reason(walked), file.name, "", Message(walked));
    return absl::OkStatus();
  }

  void TakeRecord(EntryType type, const std::string& file, std::size_t index, std::string_view element) {
    auto parsed =
        crypto::ParseStrictJson(element, {.max_bytes = limits_.max_record_bytes, .max_depth = limits_.max_depth});
    if (!parsed.ok()) return SetAside(file, index, "", Reason(parsed.status()), Message(parsed.status()));
    if (!parsed->is_object()) return SetAside(file, index, "", "NOT_AN_OBJECT", "a record is an object");
    json record = *std::move(parsed);
    record.erase("_id");  // a MongoDB export has them
    const std::string id_field(Facts(type).id_field);
    if (!IsText(Member(record, id_field)) || Member(record, id_field)->get_ref<const std::string&>().size() > kMaxId)
      return SetAside(file, index, id_field, "ID_MISSING", fmt::format("must be a string of 1 to {} bytes", kMaxId));
    for (const Required& required : kRequired) {
      if (required.type != type) continue;
      const json* member = Member(record, required.member);
      if (member == nullptr) return SetAside(file, index, required.member, "MEMBER_MISSING", "the model requires it");
      if (required.shape == Shape::kTerm ? !IsTerm(member) : !IsText(member))
        return SetAside(file, index, required.member, "MEMBER_INVALID",
                        required.shape == Shape::kTerm ? "must be an ontology term: an object with a CURIE as id"
                                                       : "must be a string that is not empty");
    }
    if (type == EntryType::kVariant) {
      CompleteLocation(record);
      if (const auto facts = ReadVariantFacts(record); !facts.ok()) {
        const auto fields = Fields(facts.status());
        return SetAside(file, index, fields.empty() ? "variation" : fields.front().field, Reason(facts.status()),
                        fields.empty() ? Message(facts.status()) : fields.front().description);
      }
    }
    const json* dataset = Member(record, "datasetId");
    std::string id = record[id_field].get<std::string>();
    std::string of = type == EntryType::kDataset ? id : IsText(dataset) ? dataset->get<std::string>() : "";
    drafts_[Index(type)].push_back({file, index, std::move(id), std::move(of), std::move(record)});
  }

  // Genotypes and allele counts, where the variants did not come as records already.
  Status ReadVcfs(std::span<const FolderFile> files) {
    auto& variants = drafts_[Index(EntryType::kVariant)];
    const bool given = !variants.empty();
    const std::size_t others = folder_.read;  // records of other types
    std::size_t bytes = 0;
    Status full;  // why no more is taken
    const auto take = [&](const std::string& file, std::uint64_t line, json record) -> Status {
      if (others + variants.size() >= limits_.max_records) return full = TooManyRecords();
      // They are held like genomicVariations.json, and a small file may unpack to much.
      bytes += Dump(record).size();
      if (bytes > limits_.max_file_bytes)
        return full = Error(StatusCode::kInvalidArgument, "RECORDS_TOO_LARGE",
                            "the variants of a folder's VCF files are more than {} MiB of records",
                            limits_.max_file_bytes >> 20U);
      std::string id = record["variantInternalId"].get<std::string>(),
                  dataset = record["datasetId"].get<std::string>();
      variants.push_back({file, line, std::move(id), std::move(dataset), std::move(record)});
      return absl::OkStatus();
    };
    for (const FolderFile& file : files) {
      GF_TRY(ctx_.Alive());
      if (!IsVcf(file.name)) continue;
      if (given) {
        Add(Severity::kNote, "FILE_NOT_USED", file.name, "", "the variants are taken from genomicVariations.json");
        continue;
      }
      GF_ASSIGN(const VcfRecords counts, ReadFolderVcf(ctx_, file.name, file.path, findings_,
                                                       [&](std::uint64_t line, json record) {
                                                         return take(file.name, line,
                                                                     std::move(record));
                                                       }));
      folder_.read += counts.read;
      folder_.set_aside += counts.set_aside;
      if (full.ok() && folder_.read > limits_.max_records) {
        full = TooManyRecords();
        Add(Severity::kError, Reason(full), file.name, "", Message(full));
      }
      if (!full.ok()) break;
    }
    return absl::OkStatus();
  }

  void ReadOntology(const FolderFile& file) {
    const auto wrong = [&](std::string message) {
      Add(Severity::kError, "ONTOLOGY_INVALID", file.name, "", std::move(message));
    };
    const auto text = ReadFile(file.path, limits_.max_file_bytes);
    if (!text.ok()) return wrong("cannot be read");
    const auto parsed = crypto::ParseStrictJson(*text, {.max_bytes = limits_.max_file_bytes, .max_depth = 3});
    if (!parsed.ok()) return wrong(Message(parsed.status()));
    if (!parsed->is_object()) return wrong("must be an object of parent terms");
    for (const auto& [parent, children] : parsed->items()) {
      if (!children.is_array() ||
          !std::all_of(children.begin(), children.end(), [](const json& c) { return c.is_string(); }))
        return wrong("the children of a term must be a list of strings");
      folder_.ontology[parent] = children.get<std::vector<std::string>>();
    }
  }

  // A folder of one dataset need not name it in each record; one that is named and not described gets a description.
  void NameDatasets() {
    auto& described = drafts_[Index(EntryType::kDataset)];
    std::set<std::string> names;
    for (const Draft& draft : described) names.insert(draft.id);
    const std::size_t given = described.size();
    std::set<std::string> undescribed;
    bool nameless = false;
    for (const EntryType type : kAllEntryTypes) {
      for (const Draft& draft : drafts_[Index(type)]) {
        nameless = nameless || (draft.dataset.empty() && type != EntryType::kCohort);
        if (!draft.dataset.empty() && !names.contains(draft.dataset)) undescribed.insert(draft.dataset);
      }
    }
    if (names.empty() && undescribed.empty() && nameless) undescribed.insert("dataset");
    for (const std::string& name : undescribed) {
      if (given > 0)
        Add(Severity::kWarning, "DATASET_NOT_DESCRIBED", "datasets.json", "",
            "records are of a dataset that is not described here");
      described.push_back({"datasets.json", described.size(), name, name, {{"id", name}, {"name", name}}});
      names.insert(name);
    }
    if (described.size() > limits_.max_datasets) {
      Add(Severity::kError, "TOO_MANY_DATASETS", "datasets.json", "", fmt::format("at most {}", limits_.max_datasets));
      described.clear();
    }
    if (names.size() == 1) only_ = *names.begin();
  }

  void Place(EntryType type) {
    auto& ids = ids_[Index(type)];
    for (Draft& draft : drafts_[Index(type)]) {
      if (draft.dataset.empty()) draft.dataset = only_;
      if (draft.dataset.empty() && type != EntryType::kCohort) {
        SetAside(draft.file, draft.index, "datasetId", "DATASET_MISSING",
                 "the folder has several datasets: each record names its own");
        continue;
      }
      if (!ids.insert({draft.dataset, draft.id}).second) {
        SetAside(draft.file, draft.index, Facts(type).id_field, "ID_TWICE",
                 "an earlier record of the dataset has this identifier");
        continue;
      }
      folder_.records[Index(type)].push_back({draft.dataset, draft.id, Dump(draft.record)});
    }
  }

  // Broken links spoil nothing but the way from one record to another.
  void CheckLinks(EntryType type) {
    for (const Draft& draft : drafts_[Index(type)]) {
      const auto check = [&](const json& object, const char* member, EntryType to, const std::string& where) {
        const json* id = Member(object, member);
        if (!IsText(id) || drafts_[Index(to)].empty() ||
            ids_[Index(to)].contains({draft.dataset, id->get<std::string>()}))
          return;
        Add(Severity::kNote, "LINK_BROKEN", draft.file, fmt::format("[{}].{}{}", draft.index, where, member),
            fmt::format("there is no such {} in the dataset", Facts(to).id));
      };
      if (type == EntryType::kVariant) {
        const json* cases = Member(draft.record, "caseLevelData");
        for (std::size_t i = 0; cases != nullptr && cases->is_array() && i < cases->size(); ++i) {
          check((*cases)[i], "individualId", EntryType::kIndividual, fmt::format("caseLevelData[{}].", i));
          check((*cases)[i], "biosampleId", EntryType::kBiosample, fmt::format("caseLevelData[{}].", i));
        }
        continue;
      }
      check(draft.record, "individualId", EntryType::kIndividual, "");
      if (type != EntryType::kBiosample) check(draft.record, "biosampleId", EntryType::kBiosample, "");
      if (type == EntryType::kAnalysis) check(draft.record, "runId", EntryType::kRun, "");
    }
  }

  const Context& ctx_;
  Findings& findings_;
  const FolderLimits& limits_;
  Folder folder_;
  std::array<std::vector<Draft>, kEntryTypes> drafts_;
  std::array<std::set<std::pair<std::string, std::string>>, kEntryTypes> ids_;  // dataset and identifier
  std::string only_;  // the folder's dataset, if it has but one
};

std::string TextOf(const json& record, const char* member) {
  const json* value = Member(record, member);
  return IsText(value) ? value->get<std::string>() : std::string();
}

using Ids = std::set<std::pair<std::string, std::string>>;  // dataset and identifier

// Removes records of people who were left out, and of their samples.
void LeaveOut(Folder& folder, EntryType type, const Ids& people, Ids& samples) {
  auto& records = folder.records[Index(type)];
  std::erase_if(records, [&](const FolderRecord& record) {
    const json parsed = json::parse(record.json, nullptr, false);
    const bool theirs = people.contains({record.dataset, TextOf(parsed, "individualId")}) ||
                        samples.contains({record.dataset, TextOf(parsed, "biosampleId")});
    if (theirs && type == EntryType::kBiosample) samples.emplace(record.dataset, record.id);
    return theirs;
  });
}

// A variant that only they carried goes with them, unless it is told of a population.
void LeaveOutCases(Folder& folder, const Ids& people, const Ids& samples) {
  std::erase_if(folder.records[Index(EntryType::kVariant)], [&](FolderRecord& record) {
    json parsed = json::parse(record.json, nullptr, false);
    if (!parsed.contains("caseLevelData") || !parsed["caseLevelData"].is_array()) return false;
    const bool carried = !parsed["caseLevelData"].empty();
    json kept = json::array();
    for (json& one : parsed["caseLevelData"]) {
      if (!people.contains({record.dataset, TextOf(one, "individualId")}) &&
          !samples.contains({record.dataset, TextOf(one, "biosampleId")}))
        kept.push_back(std::move(one));
    }
    if (carried && kept.empty() && !parsed.contains("frequencyInPopulations")) return true;
    parsed["caseLevelData"] = std::move(kept);
    record.json = parsed.dump(-1, ' ', false, json::error_handler_t::replace);
    return false;
  });
}

// Everything of individuals without a row.
void LeaveOutPeople(Folder& folder) {
  Ids left_out, samples;
  for (const FolderRecord& record : folder.of(EntryType::kIndividual)) {
    if (record.row < 0) left_out.emplace(record.dataset, record.id);
  }
  if (left_out.empty()) return;
  std::erase_if(folder.records[Index(EntryType::kIndividual)],
                [](const FolderRecord& record) { return record.row < 0; });
  for (const EntryType type : {EntryType::kBiosample, EntryType::kRun, EntryType::kAnalysis})
    LeaveOut(folder, type, left_out, samples);
  LeaveOutCases(folder, left_out, samples);
}

}  // namespace

std::vector<std::string> PeopleOf(const Folder& folder) {
  std::vector<std::string> people;
  std::set<std::string> seen;
  for (const FolderRecord& record : folder.of(EntryType::kIndividual)) {
    if (seen.insert(record.id).second) people.push_back(record.id);
  }
  return people;
}

void SetRows(Folder& folder, std::span<const std::int32_t> rows) {
  const std::vector<std::string> people = PeopleOf(folder);
  GF_CHECK(people.size() == rows.size());
  std::map<std::string, std::int32_t> row_of;
  for (std::size_t i = 0; i < people.size(); ++i) row_of[people[i]] = rows[i];
  for (FolderRecord& record : folder.records[Index(EntryType::kIndividual)])
    record.row = row_of[record.id];
  LeaveOutPeople(folder);
}

void DropRows(Folder& folder, const std::set<std::int32_t>& rows) {
  for (FolderRecord& record : folder.records[Index(EntryType::kIndividual)]) {
    folder.people_known = std::max(folder.people_known, static_cast<std::size_t>(record.row + 1));
    if (rows.contains(record.row)) record.row = -1;
  }
  LeaveOutPeople(folder);
}

std::optional<EntryType> EntryOfFile(std::string_view name) {
  const std::string_view stem = StemOf(name);
  if (stem == "genomicVariationsVcf") return EntryType::kVariant;  // what the reference implementation's tools call it
  for (const EntryType type : kAllEntryTypes) {
    if (stem == Facts(type).model || stem == Facts(type).path) return type;
  }
  return std::nullopt;
}

bool IsFolderFile(std::string_view name) {
  return name == kOntologyFile || IsVcf(name) || EntryOfFile(name).has_value();
}

Result<Folder> ReadFolder(const Context& ctx, std::span<const FolderFile> files, Findings& findings,
                          const FolderLimits& limits) {
  return Reader(ctx, findings, limits).Run(files);
}

}  // namespace genofed::beacon
