// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/phenopacket.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/core/clock.h"
#include "libs/core/strings.h"
#include "libs/genomics/json_text.h"

namespace genofed::genomics {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxItems = 10'000;

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

const json* ArrayMember(const json& object, const char* key, FieldErrors& errors) {
  auto found = object.find(key);
  if (found == object.end()) return nullptr;
  if (!found->is_array()) {
    errors.Add(key, "must be an array");
    return nullptr;
  }
  if (found->size() > kMaxItems) {
    errors.Add(key, fmt::format("must have at most {} items", kMaxItems));
    return nullptr;
  }
  return &*found;
}

// A member that may be true, false or absent.
bool FlagMember(const json& object, const char* key, std::string_view path, FieldErrors& errors) {
  auto found = object.find(key);
  if (found == object.end()) return false;
  if (!found->is_boolean()) {
    errors.Add(fmt::format("{}.{}", path, key), "must be a boolean");
    return false;
  }
  return found->get<bool>();
}

// The terms of an array of {TERM: {id, label}, excluded}, less the excluded ones.
std::vector<std::string> Terms(const json& packet, const char* list, const char* term,
                               FieldErrors& errors) {
  std::set<std::string> terms;
  const json* items = ArrayMember(packet, list, errors);
  for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
    const json& item = (*items)[i];
    std::string path = fmt::format("{}[{}]", list, i);
    if (!item.is_object() || !item.contains(term) || !item.at(term).is_object()) {
      errors.Add(fmt::format("{}.{}", path, term), "is required and must be an object");
      continue;
    }
    std::string term_path = fmt::format("{}.{}", path, term);
    std::string id = TextMember(item.at(term), "id", term_path, true, errors, 128);
    bool excluded = FlagMember(item, "excluded", path, errors);
    if (id.empty()) continue;
    auto normal = NormaliseTerm(id);
    if (!normal.ok()) {
      errors.Add(term_path + ".id", "must be a CURIE such as HP:0001250");
    } else if (!excluded) {
      terms.insert(*normal);
    }
  }
  return {terms.begin(), terms.end()};
}

std::optional<std::uint32_t> MonthsBetween(std::string_view birth, std::string_view then) {
  auto from = ParseRfc3339(birth);
  auto to = ParseRfc3339(then);
  if (!from.ok() || !to.ok() || *to < *from) return std::nullopt;
  std::chrono::year_month_day a(std::chrono::floor<std::chrono::days>(*from));
  std::chrono::year_month_day b(std::chrono::floor<std::chrono::days>(*to));
  int months = (static_cast<int>(b.year()) - static_cast<int>(a.year())) * 12 +
               static_cast<int>(static_cast<unsigned>(b.month())) -
               static_cast<int>(static_cast<unsigned>(a.month()));
  if (b.day() < a.day()) --months;
  if (months < 0) return std::nullopt;
  return static_cast<std::uint32_t>(months);
}

void ReadAge(const json& subject, Phenopacket& out, FieldErrors& errors) {
  auto when = subject.find("timeAtLastEncounter");
  if (when == subject.end()) return;
  if (!when->is_object()) return errors.Add("subject.timeAtLastEncounter", "must be an object");
  if (auto age = when->find("age"); age != when->end()) {
    std::string text =
        TextMember(*age, "iso8601duration", "subject.timeAtLastEncounter.age", true, errors, 64);
    out.age_months = MonthsOfDuration(text);
    if (!text.empty() && !out.age_months) {
      errors.Add("subject.timeAtLastEncounter.age.iso8601duration", "must be an ISO 8601 duration");
    }
  } else if (when->contains("timestamp")) {
    std::string text =
        TextMember(*when, "timestamp", "subject.timeAtLastEncounter", true, errors, 64);
    if (!text.empty() && !ParseRfc3339(text).ok()) {
      errors.Add("subject.timeAtLastEncounter.timestamp", "must be an RFC 3339 time");
    }
    out.age_months = MonthsBetween(out.date_of_birth, text);
  }
}

void ReadSubject(const json& packet, Phenopacket& out, FieldErrors& errors) {
  auto subject = packet.find("subject");
  if (subject == packet.end() || !subject->is_object()) {
    return errors.Add("subject", "is required and must be an object");
  }
  out.subject_id = TextMember(*subject, "id", "subject", true, errors, 256);
  std::string sex = TextMember(*subject, "sex", "subject", false, errors);
  constexpr std::string_view kWords[] = {"", "UNKNOWN_SEX", "FEMALE", "MALE", "OTHER_SEX"};
  if (std::find(std::begin(kWords), std::end(kWords), sex) == std::end(kWords)) {
    errors.Add("subject.sex", "must be UNKNOWN_SEX, FEMALE, MALE or OTHER_SEX");
  }
  out.sex = ParseSex(sex);
  out.date_of_birth = TextMember(*subject, "dateOfBirth", "subject", false, errors, 64);
  if (!out.date_of_birth.empty() && !ParseRfc3339(out.date_of_birth).ok()) {
    errors.Add("subject.dateOfBirth", "must be an RFC 3339 time");
  }
  ReadAge(*subject, out, errors);
}

void ReadBiosamples(const json& packet, Phenopacket& out, FieldErrors& errors) {
  const json* items = ArrayMember(packet, "biosamples", errors);
  for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
    std::string path = fmt::format("biosamples[{}]", i);
    if (!(*items)[i].is_object()) {
      errors.Add(path, "must be an object");
      continue;
    }
    std::string id = TextMember((*items)[i], "id", path, true, errors, 256);
    std::string owner = TextMember((*items)[i], "individualId", path, false, errors, 256);
    if (!owner.empty() && owner != out.subject_id)
      errors.Add(path + ".individualId", "must equal subject.id");
    if (!id.empty()) out.biosample_ids.push_back(std::move(id));
  }
}

void CheckMetaData(const json& packet, FieldErrors& errors) {
  auto meta = packet.find("metaData");
  if (meta == packet.end() || !meta->is_object())
    return errors.Add("metaData", "is required and must be an object");
  std::string created = TextMember(*meta, "created", "metaData", true, errors);
  if (!created.empty() && !ParseRfc3339(created).ok())
    errors.Add("metaData.created", "must be an RFC 3339 time");
  TextMember(*meta, "createdBy", "metaData", true, errors);
  std::string version = TextMember(*meta, "phenopacketSchemaVersion", "metaData", false, errors);
  if (!version.empty() && version != "2" && !version.starts_with("2.")) {
    errors.Add("metaData.phenopacketSchemaVersion", "must be 2.x");
  }
}

}  // namespace

Result<std::string> NormaliseTerm(std::string_view curie) {
  std::size_t colon = curie.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 32 || curie.size() > 128 ||
      colon + 1 == curie.size()) {
    return InvalidField("term", "TERM_INVALID", "must be a CURIE such as HP:0001250");
  }
  std::string prefix(curie.substr(0, colon));
  std::string_view local = curie.substr(colon + 1);
  auto wrong = [](char c) {
    bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return !alnum && c != '_' && c != '.' && c != '-';
  };
  if (std::any_of(prefix.begin(), prefix.end(), wrong) ||
      std::any_of(local.begin(), local.end(), wrong)) {
    return InvalidField("term", "TERM_INVALID", "a CURIE has letters, digits, '_', '.' and '-'");
  }
  if (prefix == "Orphanet" || prefix == "ORDO" || prefix == "ORPHANET") prefix = "ORPHA";
  bool seven_digits = prefix == "HP" || prefix == "MONDO";
  bool six_digits = prefix == "OMIM";
  if ((seven_digits && (local.size() != 7 || !AllDigits(local))) ||
      (six_digits && (local.size() != 6 || !AllDigits(local))) ||
      (prefix == "ORPHA" && (local.size() > 7 || !AllDigits(local)))) {
    return InvalidField("term", "TERM_INVALID", "not an identifier of {}", prefix);
  }
  return fmt::format("{}:{}", prefix, local);
}

std::optional<std::uint32_t> MonthsOfDuration(std::string_view text) {
  if (text.size() < 3 || text.front() != 'P') return std::nullopt;
  text.remove_prefix(1);
  double days = 0;
  std::uint64_t months = 0;
  bool in_time = false;
  while (!text.empty()) {
    if (text.front() == 'T' && !in_time && text.size() > 1) {
      in_time = true;
      text.remove_prefix(1);
      continue;
    }
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    auto value = ParseInt(text.substr(0, digits));
    if (digits == 0 || digits > 6 || digits == text.size() || !value.ok()) return std::nullopt;
    char unit = text[digits];
    text.remove_prefix(digits + 1);
    auto amount = static_cast<std::uint64_t>(*value);
    if (in_time && (unit == 'H' || unit == 'M' || unit == 'S')) continue;  // less than a day
    if (in_time) return std::nullopt;
    if (unit == 'Y')
      months += amount * 12;
    else if (unit == 'M')
      months += amount;
    else if (unit == 'W')
      days += static_cast<double>(amount) * 7;
    else if (unit == 'D')
      days += static_cast<double>(amount);
    else
      return std::nullopt;
  }
  months += static_cast<std::uint64_t>(days / 30.436875);  // the mean Gregorian month
  if (months > 12 * 200) return std::nullopt;
  return static_cast<std::uint32_t>(months);
}

Result<Phenopacket> ParsePhenopacket(std::string_view text) {
  GF_ASSIGN(json packet, ParseJson(text, kMaxPhenopacketBytes));
  if (!packet.is_object()) return InvalidField("", "PHENOPACKET_INVALID", "must be a JSON object");
  Phenopacket out;
  FieldErrors errors;
  out.id = TextMember(packet, "id", "", true, errors, 256);
  ReadSubject(packet, out, errors);
  out.phenotypes = Terms(packet, "phenotypicFeatures", "type", errors);
  out.diseases = Terms(packet, "diseases", "term", errors);
  ReadBiosamples(packet, out, errors);
  CheckMetaData(packet, errors);
  GF_TRY(errors.ToStatus("PHENOPACKET_INVALID", "phenopacket"));
  return out;
}

}  // namespace genofed::genomics
