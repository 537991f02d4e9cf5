// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/sex.h"

#include <string>
#include <utility>

#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

template <std::size_t N>
std::optional<Sex> Lookup(const std::pair<std::string_view, Sex> (&table)[N], std::string_view word) {
  for (const auto& [name, sex] : table) {
    if (name == word) return sex;
  }
  return std::nullopt;
}

constexpr std::pair<std::string_view, Sex> kNames[] = {{"UNKNOWN_SEX", Sex::kUnknown},
                                                       {"FEMALE", Sex::kFemale},
                                                       {"MALE", Sex::kMale},
                                                       {"OTHER_SEX", Sex::kOther}};
constexpr std::pair<std::string_view, Sex> kFhir[] = {
    {"unknown", Sex::kUnknown}, {"female", Sex::kFemale}, {"male", Sex::kMale}, {"other", Sex::kOther}};
constexpr std::pair<std::string_view, Sex> kWords[] = {
    {"m", Sex::kMale},           {"male", Sex::kMale},        {"f", Sex::kFemale},   {"w", Sex::kFemale},
    {"female", Sex::kFemale},    {"o", Sex::kOther},          {"other", Sex::kOther}, {"d", Sex::kOther},
    {"x", Sex::kOther},          {"other_sex", Sex::kOther},  {"u", Sex::kUnknown},  {"unk", Sex::kUnknown},
    {"unknown", Sex::kUnknown},  {"unknown_sex", Sex::kUnknown}};

}  // namespace

std::string_view SexName(Sex sex) {
  for (const auto& [name, value] : kNames) {
    if (value == sex) return name;
  }
  return kNames[0].first;
}

std::optional<Sex> ParseSexName(std::string_view word) { return Lookup(kNames, word); }
std::optional<Sex> ParseFhirGender(std::string_view code) { return Lookup(kFhir, code); }
std::optional<Sex> ParseSexWord(std::string_view word) { return Lookup(kWords, ToLower(Trim(word))); }

std::optional<Sex> ParseOmopGender(std::int64_t concept_id) {
  switch (concept_id) {
    case 8507:
      return Sex::kMale;
    case 8532:
      return Sex::kFemale;
    case 8521:  // OTHER
      return Sex::kOther;
    case 0:
    case 8551:  // UNKNOWN
      return Sex::kUnknown;
    default:
      return std::nullopt;
  }
}

}  // namespace genofed::clinical
