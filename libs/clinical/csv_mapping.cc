// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/csv_mapping.h"

#include <algorithm>
#include <functional>

#include "libs/clinical/code.h"
#include "libs/clinical/json_tree.h"
#include "libs/clinical/partial_date.h"
#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

constexpr const char* kInvalid = "MAPPING_INVALID";

class MappingReader {
 public:
  Result<CsvMapping> Read(const JsonNode& root) {
    if (!root.is_object()) return InvalidField("", kInvalid, "must be a JSON object");
    mapping_.icd10.clear();
    for (std::size_t i = 0; i < root.keys.size(); ++i) GF_TRY(ReadMember(root.keys[i], root.items[i]));
    if (mapping_.subject.empty()) return InvalidField("columns.subject", kInvalid, "is required");
    const CsvMapping built_in = CsvMapping::BuiltIn();
    if (mapping_.sex_values.empty()) mapping_.sex_values = built_in.sex_values;
    if (mapping_.icd10.empty()) mapping_.icd10 = built_in.icd10;
    return std::move(mapping_);
  }

 private:
  Status ReadMember(const std::string& name, const JsonNode& value) {
    if (name == "columns") return ReadColumns(value);
    if (name == "codes") return ReadCodes(value);
    if (name == "features") return ReadFeatures(value);
    if (name == "sex") return ReadSex(value);
    if (name == "yes") return ReadWords(name, value, mapping_.yes);
    if (name == "no") return ReadWords(name, value, mapping_.no);
    if (name == "missing") return ReadWords(name, value, mapping_.missing);
    if (!value.is_string()) return InvalidField(name, kInvalid, "is not a member of a mapping, or must be a string");
    if (name == "date_format") {
      if (!IsDatePattern(value.text)) return InvalidField(name, kInvalid, "must have YYYY, MM, DD and separators, such as DD.MM.YYYY");
      mapping_.date_format = value.text;
    } else if (name == "list_separator") {
      if (value.text.empty() || value.text.size() > 8) return InvalidField(name, kInvalid, "must have 1 to 8 bytes");
      mapping_.list_separator = value.text;
    } else if (name == "delimiter") {
      if (value.text.size() != 1 || value.text[0] == '"') return InvalidField(name, kInvalid, "must be one character");
      mapping_.delimiter = value.text[0];
    } else if (name == "icd10") {
      mapping_.icd10 = CanonicalSystem(value.text);
      if (!mapping_.icd10.starts_with("ICD10")) return InvalidField(name, kInvalid, "must be ICD10CM, ICD10WHO or ICD10GM");
    } else {
      return InvalidField(name, kInvalid, "is not a member of a mapping");
    }
    return absl::OkStatus();
  }

  static Status EachText(const std::string& path, const JsonNode& object,
                         const std::function<Status(const std::string& key, const std::string& value)>& take) {
    if (!object.is_object()) return InvalidField(path, kInvalid, "must be an object");
    for (std::size_t i = 0; i < object.keys.size(); ++i) {
      const JsonNode& value = object.items[i];
      if (!value.is_string() || value.text.empty()) {
        return InvalidField(fmt::format("{}.{}", path, object.keys[i]), kInvalid, "must be a string");
      }
      GF_TRY(take(object.keys[i], value.text));
    }
    return absl::OkStatus();
  }

  Status ReadColumns(const JsonNode& value) {
    return EachText("columns", value, [this](const std::string& key, const std::string& column) -> Status {
      const std::pair<std::string_view, std::vector<std::string>*> known[] = {
          {"subject", &mapping_.subject},         {"sample", &mapping_.sample},
          {"variants", &mapping_.variants},
          {"sex", &mapping_.sex},                 {"birth_date", &mapping_.birth_date},
          {"hpo_present", &mapping_.hpo_present}, {"hpo_absent", &mapping_.hpo_absent}};
      for (const auto& [name, columns] : known) {
        if (name != key) continue;
        *columns = {ToLower(column)};
        return absl::OkStatus();
      }
      return InvalidField("columns." + key, kInvalid, "is not known");
    });
  }

  Status ReadCodes(const JsonNode& value) {
    return EachText("codes", value, [this](const std::string& column, const std::string& system) -> Status {
      mapping_.codes.push_back({ToLower(column), CanonicalSystem(system)});
      return absl::OkStatus();
    });
  }

  Status ReadFeatures(const JsonNode& value) {
    return EachText("features", value, [this](const std::string& column, const std::string& term) -> Status {
      if (!ParseCurie(term)) return InvalidField("features." + column, kInvalid, "must be a term such as HP:0001250");
      mapping_.features.push_back({ToLower(column), term});
      return absl::OkStatus();
    });
  }

  Status ReadSex(const JsonNode& value) {
    return EachText("sex", value, [this](const std::string& written, const std::string& word) -> Status {
      const auto sex = ParseSexName(word);
      if (!sex) return InvalidField("sex." + written, kInvalid, "must be UNKNOWN_SEX, FEMALE, MALE or OTHER_SEX");
      mapping_.sex_values[ToLower(written)] = *sex;
      return absl::OkStatus();
    });
  }

  static Status ReadWords(const std::string& name, const JsonNode& value, std::vector<std::string>& words) {
    if (!value.is_array()) return InvalidField(name, kInvalid, "must be an array of strings");
    words.clear();
    for (const JsonNode& word : value.items) {
      if (!word.is_string()) return InvalidField(name, kInvalid, "must be an array of strings");
      words.push_back(ToLower(word.text));
    }
    return absl::OkStatus();
  }

  CsvMapping mapping_;
};

}  // namespace

CsvMapping CsvMapping::BuiltIn() {
  CsvMapping mapping;
  mapping.subject = {"record_id", "subject_id", "patient_id", "participant_id", "individual_id"};
  mapping.sample = {"sample_id", "biosample_id", "specimen_id"};
  mapping.variants = {"vcf_file", "variants_file"};
  mapping.sex = {"sex", "gender"};
  mapping.birth_date = {"dob", "birth_date", "date_of_birth", "birthdate"};
  mapping.hpo_present = {"hpo_present", "hpo", "hpo_terms"};
  mapping.hpo_absent = {"hpo_absent", "hpo_excluded"};
  mapping.codes = {{"icd10", mapping.icd10}, {"icd10cm", "ICD10CM"}, {"icd10who", "ICD10WHO"}, {"icd10gm", "ICD10GM"},
                   {"orpha", "ORPHA"},       {"orphacode", "ORPHA"}, {"orpha_code", "ORPHA"},  {"omim", "OMIM"},
                   {"mondo", "MONDO"}};
  mapping.sex_values = {{"0", Sex::kUnknown}, {"1", Sex::kMale}, {"2", Sex::kFemale}, {"9", Sex::kUnknown}};
  return mapping;
}

Result<CsvMapping> CsvMapping::Parse(std::string_view json) {
  Result<CsvMapping> mapping = Error(StatusCode::kInvalidArgument, kInvalid, "there is no JSON document");
  const auto problem = ReadJson(json, [&](const JsonPiece& piece) {
    if (piece.duplicate_key) mapping = Error(StatusCode::kInvalidArgument, kInvalid, "a member is named twice");
    else if (piece.part == JsonPiece::Part::kDocument) mapping = MappingReader().Read(piece.node);
    return true;
  });
  if (problem) return Error(StatusCode::kInvalidArgument, kInvalid, "line {}: {}", problem->line, problem->message);
  return mapping;
}

}  // namespace genofed::clinical
