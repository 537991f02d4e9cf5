// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/fhir_consent.h"

#include <nlohmann/json.hpp>

#include "libs/genomics/json_text.h"

namespace genofed::genomics {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxEntries = 2'000'000;
constexpr std::size_t kMaxProvisions = 1'000;
constexpr std::uint8_t kAll = kPermitAlleleFrequency | kPermitSubjectLevel | kPermitSecondaryUse;

// FHIR dateTime: YYYY, YYYY-MM, YYYY-MM-DD or a full time with offset. With `end`, a partial date
// means the instant after it: a period's end date is inclusive (FHIR R4, Period).
std::optional<Time> ParseFhirTime(const std::string& text, bool end) {
  if (text.size() > 10) {
    auto time = ParseRfc3339(text);
    return time.ok() ? std::optional<Time>(*time) : std::nullopt;
  }
  std::string_view tail = "-01-01";
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return std::nullopt;
  auto first = ParseRfc3339(text + std::string(tail.substr(text.size() - 4)) + "T00:00:00Z");
  if (!first.ok()) return std::nullopt;
  if (!end) return *first;
  std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(*first));
  if (text.size() == 4) return Time(std::chrono::sys_days(date + std::chrono::years(1)));
  if (text.size() == 7) return Time(std::chrono::sys_days(date + std::chrono::months(1)));
  return *first + std::chrono::days(1);
}

class ConsentReader {
 public:
  ConsentReader(const json& resource, std::string path, FieldErrors& errors)
      : resource_(resource), path_(std::move(path)), errors_(errors) {}

  ConsentRecord Read() {
    ReadStatus();
    ReadPerson();
    record_.date_time = ReadTime(resource_, "dateTime", path_, false);
    auto provision = resource_.find("provision");
    if (provision == resource_.end() || !provision->is_object()) {
      Add("provision", "is required and must be one object");
    } else {
      std::string root = path_ + ".provision";
      ReadPeriod(*provision, root);
      ReadProvision(*provision, root, 0);
    }
    bool active = record_.status == ConsentStatus::kActive;
    record_.permissions =
        active ? static_cast<std::uint8_t>(permitted_ & ~denied_) : std::uint8_t{0};
    return std::move(record_);
  }

 private:
  void Add(std::string_view field, std::string_view message) {
    errors_.Add(fmt::format("{}.{}", path_, field), message);
  }

  void ReadStatus() {
    std::string status = TextMember(resource_, "status", path_, true, errors_, 32);
    if (status == "active") {
      record_.status = ConsentStatus::kActive;
    } else if (status == "draft" || status == "proposed") {
      record_.status = ConsentStatus::kNotYet;
    } else if (status == "rejected" || status == "inactive" || status == "entered-in-error") {
      record_.status = ConsentStatus::kEnded;
    } else if (!status.empty()) {
      Add("status", "must be a code of the FHIR R4 consent-state-codes");
    }
  }

  void ReadPerson() {
    auto patient = resource_.find("patient");
    if (patient == resource_.end() || !patient->is_object()) return Add("patient", "is required");
    if (patient->contains("identifier")) {
      record_.person_identifier = TextMember(patient->at("identifier"), "value",
                                             path_ + ".patient.identifier", true, errors_, 256);
      return;
    }
    std::string reference =
        TextMember(*patient, "reference", path_ + ".patient", true, errors_, 256);
    constexpr std::string_view kPrefix = "Patient/";
    if (reference.starts_with(kPrefix) && reference.size() > kPrefix.size()) {
      record_.person_identifier = reference.substr(kPrefix.size());
    } else if (!reference.empty()) {
      Add("patient.reference", "must be Patient/ID");
    }
  }

  std::optional<Time> ReadTime(const json& object, const char* key, const std::string& path,
                               bool end) {
    std::string text = TextMember(object, key, path, false, errors_, 64);
    if (text.empty()) return std::nullopt;
    auto time = ParseFhirTime(text, end);
    if (!time) errors_.Add(fmt::format("{}.{}", path, key), "must be a FHIR dateTime");
    return time;
  }

  void ReadPeriod(const json& provision, const std::string& path) {
    auto period = provision.find("period");
    if (period == provision.end()) return;
    if (!period->is_object()) return errors_.Add(path + ".period", "must be an object");
    record_.valid_from = ReadTime(*period, "start", path + ".period", false);
    record_.valid_until = ReadTime(*period, "end", path + ".period", true);
  }

  // Depth 0 is the base rule, whose "deny" without codes only says that nothing is permitted by
  // default.
  void ReadProvision(const json& provision, const std::string& path, int depth) {
    if (++provisions_ > kMaxProvisions) return errors_.Add(path, "too many provisions");
    std::string type = TextMember(provision, "type", path, depth > 0, errors_, 16);
    if (!type.empty() && type != "permit" && type != "deny") {
      return errors_.Add(path + ".type", "must be permit or deny");
    }
    std::uint8_t codes = ReadCodes(provision, path);
    if (type == "permit" && Conditional(provision, depth)) {
      return errors_.Add(
          path, "permits under a condition (actor, purpose, period ...) that cannot be enforced");
    }
    if (type == "permit") permitted_ |= codes;
    // A denial that we cannot read may mean any of the three.
    if (type == "deny")
      denied_ |= codes != 0 || (depth == 0 && !provision.contains("code")) ? codes : kAll;
    auto nested = provision.find("provision");
    if (nested == provision.end()) return;
    if (!nested->is_array()) return errors_.Add(path + ".provision", "must be an array");
    for (std::size_t i = 0; i < nested->size(); ++i) {
      std::string item_path = fmt::format("{}.provision[{}]", path, i);
      if (!(*nested)[i].is_object()) {
        errors_.Add(item_path, "must be an object");
      } else {
        ReadProvision((*nested)[i], item_path, depth + 1);
      }
    }
  }

  static bool Conditional(const json& provision, int depth) {
    for (const char* key :
         {"actor", "action", "securityLabel", "purpose", "class", "dataPeriod", "data"}) {
      if (provision.contains(key)) return true;
    }
    return depth > 0 && provision.contains("period");
  }

  std::uint8_t ReadCodes(const json& provision, const std::string& path) {
    std::uint8_t bits = 0;
    auto codes = provision.find("code");
    if (codes == provision.end()) return 0;
    if (!codes->is_array()) return errors_.Add(path + ".code", "must be an array"), std::uint8_t{0};
    for (std::size_t i = 0; i < codes->size(); ++i) {
      const json& concept_json = (*codes)[i];
      std::string concept_path = fmt::format("{}.code[{}]", path, i);
      if (!concept_json.is_object() || !concept_json.contains("coding") ||
          !concept_json.at("coding").is_array()) {
        errors_.Add(concept_path + ".coding", "is required and must be an array");
        continue;
      }
      const json& codings = concept_json.at("coding");
      for (std::size_t j = 0; j < codings.size(); ++j) {
        bits |= ReadCoding(codings[j], fmt::format("{}.coding[{}]", concept_path, j));
      }
    }
    return bits;
  }

  std::uint8_t ReadCoding(const json& coding, const std::string& path) {
    if (!coding.is_object()) return errors_.Add(path, "must be an object"), std::uint8_t{0};
    if (TextMember(coding, "system", path, false, errors_) != kPermissionSystem) return 0;
    std::string code = TextMember(coding, "code", path, true, errors_);
    if (code == "AF") return kPermitAlleleFrequency;
    if (code == "SLQ") return kPermitSubjectLevel;
    if (code == "SEC") return kPermitSecondaryUse;
    if (!code.empty()) errors_.Add(path + ".code", "must be AF, SLQ or SEC");
    return 0;
  }

  const json& resource_;
  std::string path_;
  FieldErrors& errors_;
  ConsentRecord record_;
  std::uint8_t permitted_ = 0;
  std::uint8_t denied_ = 0;
  std::size_t provisions_ = 0;
};

}  // namespace

Result<std::vector<ConsentRecord>> ParseFhirConsents(std::string_view text) {
  GF_ASSIGN(json bundle, ParseJson(text, kMaxConsentBytes));
  FieldErrors errors;
  std::vector<ConsentRecord> records;
  if (TextMember(bundle, "resourceType", "", true, errors) != "Bundle") {
    return InvalidField("resourceType", "CONSENT_INVALID", "must be Bundle");
  }
  auto entries = bundle.find("entry");
  if (entries == bundle.end()) return records;  // FHIR leaves out empty arrays
  if (!entries->is_array() || entries->size() > kMaxEntries) {
    return InvalidField("entry", "CONSENT_INVALID", "must be an array of at most {} entries",
                        kMaxEntries);
  }
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const json& entry = (*entries)[i];
    std::string path = fmt::format("entry[{}].resource", i);
    if (!entry.is_object() || !entry.contains("resource") || !entry.at("resource").is_object()) {
      errors.Add(path, "is required and must be an object");
      continue;
    }
    const json& resource = entry.at("resource");
    if (TextMember(resource, "resourceType", path, true, errors) != "Consent") continue;
    records.push_back(ConsentReader(resource, path, errors).Read());
  }
  GF_TRY(errors.ToStatus("CONSENT_INVALID", "consent bundle"));
  return records;
}

std::map<std::string, std::uint8_t> EffectivePermissions(std::span<const ConsentRecord> records,
                                                         Time now) {
  std::map<std::string, std::uint8_t> out;
  std::map<std::string, bool> in_force;
  for (const ConsentRecord& record : records) {
    std::uint8_t& bits = out[record.person_identifier];
    bool active = record.status == ConsentStatus::kActive &&
                  (!record.valid_from || now >= *record.valid_from) &&
                  (!record.valid_until || now < *record.valid_until);
    if (!active) continue;
    bool first = in_force.emplace(record.person_identifier, true).second;
    bits = first ? record.permissions : static_cast<std::uint8_t>(bits & record.permissions);
  }
  return out;
}

}  // namespace genofed::genomics
