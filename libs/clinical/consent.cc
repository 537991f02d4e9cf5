// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/consent.h"

#include <algorithm>
#include <chrono>

#include "libs/consent/condition.h"
#include "libs/consent/purpose.h"

namespace genofed::clinical {
namespace {

constexpr std::size_t kMaxEntries = 2'000'000;
constexpr std::size_t kMaxProvisions = 1'000;
constexpr std::size_t kMaxName = 200;  // of a form or an organisation
constexpr std::size_t kMaxPurposes = 20;
constexpr std::uint8_t kAll = kPermitAlleleFrequency | kPermitSubjectLevel | kPermitSecondaryUse;
constexpr std::uint8_t kAllWishes = kWishRecontact | kWishIncidentalFindings;
constexpr const char* kInvalid = "CONSENT_INVALID";

// What a provision names, as bits.
struct Codes {
  std::uint8_t permissions = 0, wishes = 0;
  bool none() const { return permissions == 0 && wishes == 0; }
};

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

struct Period {
  std::optional<Time> from;
  std::optional<Time> until;
};

// For whom two consents both speak: what each of them covers. None: they have nothing in common.
std::optional<std::vector<std::string>> Common(const std::vector<std::string>& one,
                                               const std::vector<std::string>& other) {
  if (one.empty()) return other;
  if (other.empty()) return one;
  std::vector<std::string> both;
  const auto add = [&both](const std::vector<std::string>& narrow,
                           const std::vector<std::string>& wide) {
    for (const std::string& code : narrow) {
      if (std::ranges::any_of(wide,
                              [&](const std::string& over) { return consent::Covers(over, code); }))
        both.push_back(code);
    }
  };
  add(one, other);
  add(other, one);
  if (both.empty()) return std::nullopt;
  return consent::ConditionSet(std::move(both));
}

// None: secondary use is for no purpose. Of somebody of whom no consent permits it, whatever is
// asked.
std::optional<ConsentLimits> CommonLimits(std::span<const ConsentRecord* const> records, Time now) {
  ConsentLimits limits;
  for (const ConsentRecord* record : records) {
    if ((record->PermissionsAt(now) & kPermitSecondaryUse) == 0) continue;
    ConsentLimits its = record->LimitsAt(now);
    auto purposes = Common(limits.purposes, its.purposes);
    if (!purposes) return std::nullopt;
    limits.purposes = *std::move(purposes);
    limits.conditions.insert(limits.conditions.end(), its.conditions.begin(), its.conditions.end());
  }
  limits.conditions = consent::ConditionSet(std::move(limits.conditions));
  return limits;
}

// Of each person who has any, those in force.
std::map<std::string, std::vector<const ConsentRecord*>> InForceByPerson(
    std::span<const ConsentRecord> records, Time now) {
  std::map<std::string, std::vector<const ConsentRecord*>> people;
  for (const ConsentRecord& record : records) {
    auto& those = people[record.person_identifier];
    if (record.InForce(now)) those.push_back(&record);
  }
  return people;
}

bool Within(const std::optional<Time>& from, const std::optional<Time>& until, Time now) {
  return (!from || now >= *from) && (!until || now < *until);
}

class ConsentReader {
 public:
  ConsentReader(const JsonNode& resource, JsonFaults& faults) : resource_(resource), faults_(faults) {}

  std::optional<ConsentRecord> Read() {
    CheckModifiers(resource_);
    ReadStatus();
    ReadPerson();
    ReadSpeaker();
    ReadForm();
    record_.date_time = ReadTime(resource_, resource_.Find("dateTime") != nullptr ? "dateTime" : "date", false);
    const JsonNode* provision = resource_.Find("provision");
    const JsonNode* decision = resource_.Find("decision");
    Period period;
    if (provision != nullptr && provision->is_object()) {
      period = ReadPeriod(*provision);
      ReadRule(*provision, TypeOf(*provision, false), 0, period);
    } else if (decision != nullptr || (provision != nullptr && provision->is_array())) {
      period = ReadPeriod(resource_);
      ReadDecision(decision, provision);
    } else {
      Add(resource_, "provision", "is required and must be one object (R4), or an array beside a decision (R5)");
    }
    record_.valid_from = period.from;
    record_.valid_until = period.until;
    if (!names_ours_ && AboutSomethingElse()) return std::nullopt;
    return std::move(record_);
  }

 private:
  enum class Type : std::uint8_t { kNone, kPermit, kDeny };

  void Add(const JsonNode& at, std::string member, std::string message) {
    faults_.push_back({Severity::kWarning, kInvalid, &at, std::move(member), std::move(message)});
  }

  void ReadStatus() {
    const std::string status = TextMember(resource_, "status", true, kInvalid, faults_, 32);
    if (status == "active") {
      record_.status = ConsentStatus::kActive;
    } else if (status == "draft" || status == "proposed") {
      record_.status = ConsentStatus::kNotYet;
    } else if (status == "rejected" || status == "inactive" || status == "entered-in-error" || status == "not-done") {
      record_.status = ConsentStatus::kEnded;
    } else if (!status.empty()) {
      Add(resource_, "status", "must be a code of the FHIR consent-state-codes whose meaning is known");
    }
  }

  void ReadPerson() {
    const char* name = resource_.Find("patient") == nullptr && resource_.Find("subject") != nullptr ? "subject" : "patient";
    const JsonNode* patient = resource_.Find(name);
    if (patient == nullptr || !patient->is_object()) return Add(resource_, name, "is required");
    if (const JsonNode* identifier = patient->Find("identifier"); identifier != nullptr) {
      record_.person_identifier = TextMember(*identifier, "value", true, kInvalid, faults_, 256);
      return;
    }
    const std::string reference = TextMember(*patient, "reference", true, kInvalid, faults_, 256);
    constexpr std::string_view kPrefix = "Patient/";
    if (reference.starts_with(kPrefix) && reference.size() > kPrefix.size()) {
      record_.person_identifier = reference.substr(kPrefix.size());
    } else if (!reference.empty()) {
      Add(*patient, "reference", "must be Patient/ID");
    }
  }

  void ReadSpeaker() {
    for (const char* name : {"performer", "grantor"}) {
      for (const JsonNode& person : resource_.Array(name))
        record_.by_guardian |= IsRelatedPerson(person);
    }
  }

  // Referred to here, at any server, or within the Consent.
  bool IsRelatedPerson(const JsonNode& person) const {
    constexpr std::string_view kType = "RelatedPerson";
    const std::string_view reference = person.Text("reference");
    if (person.Text("type") == kType || reference.starts_with("RelatedPerson/") ||
        reference.find("/RelatedPerson/") != std::string_view::npos)
      return true;
    const auto& contained = resource_.Array("contained");
    return std::any_of(contained.begin(), contained.end(), [&](const JsonNode& resource) {
      return resource.Text("resourceType") == kType &&
             "#" + std::string(resource.Text("id")) == reference;
    });
  }

  // By which form, and of whom: the first of each that is named.
  void ReadForm() {
    const auto keep = [](std::string& member, const JsonNode* object, std::string_view key) {
      if (object != nullptr && member.empty() && object->Text(key).size() <= kMaxName)
        member = object->Text(key);
    };
    for (const JsonNode& policy : resource_.Array("policy"))
      keep(record_.form, &policy, "uri");                                           // R4
    if (const JsonNode* basis = resource_.Find("policyBasis"); basis != nullptr) {  // R5
      keep(record_.form, basis, "url");
      keep(record_.form, basis->Find("reference"), "reference");
    }
    for (const char* name : {"organization", "manager", "controller"}) {
      for (const JsonNode& organisation : resource_.Array(name)) {
        keep(record_.organisation, organisation.Find("identifier"), "value");
        keep(record_.organisation, &organisation, "reference");
      }
    }
  }

  std::optional<Time> ReadTime(const JsonNode& object, const char* key, bool end) {
    const std::string text = TextMember(object, key, false, kInvalid, faults_, 64);
    if (text.empty()) return std::nullopt;
    auto time = ParseFhirTime(text, end);
    if (!time) Add(object, key, "must be a FHIR dateTime");
    return time;
  }

  Period ReadPeriod(const JsonNode& object) {
    const JsonNode* period = object.Find("period");
    if (period == nullptr) return {};
    if (!period->is_object()) {
      Add(object, "period", "must be an object");
      return {};
    }
    return {ReadTime(*period, "start", false), ReadTime(*period, "end", true)};
  }

  Type TypeOf(const JsonNode& provision, bool required) {
    const std::string type = TextMember(provision, "type", required, kInvalid, faults_, 16);
    if (type == "permit") return Type::kPermit;
    if (type == "deny") return Type::kDeny;
    if (!type.empty()) Add(provision, "type", "must be permit or deny");
    return Type::kNone;
  }

  // R5. No decision and provisions beside it: nobody can know what they are exceptions from.
  void ReadDecision(const JsonNode* decision, const JsonNode* provisions) {
    const std::string base = TextMember(resource_, "decision", provisions != nullptr, kInvalid, faults_, 16);
    if (base != "permit" && base != "deny") {
      if (!base.empty() || decision == nullptr) Add(resource_, "decision", "must be permit or deny");
      return;
    }
    if (provisions == nullptr) return;
    if (!provisions->is_array()) return Add(resource_, "provision", "must be an array");
    for (const JsonNode& item : provisions->items) {
      ReadException(item, base == "permit" ? Type::kDeny : Type::kPermit, 1, {});
    }
  }

  void ReadException(const JsonNode& provision, Type type, int depth, const Period& around) {
    if (!provision.is_object()) return Add(provision, "", "must be an object");
    // Written the R4 way in spite of its decision.
    if (provision.Find("type") != nullptr) type = TypeOf(provision, true);
    ReadRule(provision, type, depth, Inner(provision, around));
  }

  // The part of its own period that lies in that of what is around it.
  Period Inner(const JsonNode& provision, const Period& around) {
    Period own = ReadPeriod(provision);
    if (around.from && (!own.from || *own.from < *around.from)) own.from = around.from;
    if (around.until && (!own.until || *own.until > *around.until)) own.until = around.until;
    return own;
  }

  // Who does not know what a modifier extension says does not know what its element says
  // (hl7.org/fhir/R4/extensibility.html#modifierExtension). On a denial a condition says less than
  // that.
  void CheckModifiers(const JsonNode& object) {
    const JsonNode* modifiers = object.Find("modifierExtension");
    if (modifiers == nullptr) return;
    if (!modifiers->is_array()) return Add(object, "modifierExtension", "must be an array");
    for (const JsonNode& modifier : modifiers->items) {
      if (&object == &resource_ || modifier.Text("url") != kConditionUrl)
        Add(modifier, "url",
            fmt::format("changes what is meant in a way that is not known here; of a provision it "
                        "may be {}",
                        kConditionUrl));
    }
  }

  // Limits of a permission, which say nothing unless it is of secondary use alone.
  ConsentLimits ReadLimits(const JsonNode& provision, const Codes& codes) {
    ConsentLimits limits;
    if (const JsonNode* purposes = provision.Find("purpose"); purposes != nullptr) {
      if (!purposes->is_array() || purposes->items.empty() || purposes->items.size() > kMaxPurposes)
        Add(provision, "purpose", fmt::format("must be an array of 1 to {}", kMaxPurposes));
      for (const JsonNode& coding : purposes->items) ReadPurpose(coding, limits);
    }
    for (const JsonNode& modifier : provision.Array("modifierExtension")) {
      if (modifier.Text("url") != kConditionUrl) continue;  // a fault already
      std::string code = TextMember(modifier, "valueCode", true, kInvalid, faults_);
      if (code.empty()) continue;
      if (!consent::FindCondition(code))
        Add(modifier, "valueCode",
            "must be a condition that a project can meet, such as DUO:0000045 or DUO:0000022=FI");
      limits.conditions.push_back(std::move(code));
    }
    if (!consent::AreFew(limits.conditions))
      Add(provision, "modifierExtension", "must be at most 20 conditions of 800 bytes");
    const bool limited = provision.Find("purpose") != nullptr || !limits.conditions.empty();
    if (limited && ((codes.permissions & ~kPermitSecondaryUse) != 0 || codes.wishes != 0))
      Add(provision, "code",
          "must be SEC alone, which has purposes and conditions; AF, SLQ and wishes stand in a "
          "provision of their own");
    return limits;
  }

  void ReadPurpose(const JsonNode& coding, ConsentLimits& limits) {
    if (!coding.is_object()) return Add(coding, "", "must be an object");
    const std::string system = TextMember(coding, "system", true, kInvalid, faults_);
    const std::string code = TextMember(coding, "code", true, kInvalid, faults_);
    if (system.empty() || code.empty()) return;
    if (system != kDuoSystem && system != kPurposeSystem)
      return Add(coding, "system", fmt::format("must be {} or {}", kDuoSystem, kPurposeSystem));
    if (system == kDuoSystem && consent::FindCondition(code.substr(0, code.find('='))))
      return Add(
          coding, "code",
          fmt::format("is a condition on the project, which stands in a modifierExtension {}",
                      kConditionUrl));
    if (!consent::IsKnownPurpose(code) || code.starts_with("DUO:") != (system == kDuoSystem))
      return Add(coding, "code",
                 "must be a purpose, such as DUO:0000006 or, of the country's own, EHDS:53-1-a");
    limits.purposes.push_back(code);
  }

  // Depth 0 is the base rule of R4, whose "deny" without codes only says that nothing is permitted by
  // default.
  void ReadRule(const JsonNode& provision, Type type, int depth, const Period& period) {
    if (++provisions_ > kMaxProvisions) return Add(provision, "", "too many provisions");
    Codes codes = ReadCodes(provision);
    CheckModifiers(provision);
    ConsentLimits limits;
    if (type == Type::kPermit) {
      if (Conditional(provision))
        return Add(provision, "",
                   "permits under a condition (actor, action ...) that cannot be enforced");
      limits = ReadLimits(provision, codes);
    }
    // What stands within is limited by it, too, which its own rule would not say.
    if (limited_around_ && type == Type::kPermit)
      return Add(
          provision, "",
          "permits within a provision that has purposes or conditions; must stand beside it");
    // A denial that we cannot read may mean any of them.
    if (type == Type::kDeny && codes.none() && (depth > 0 || provision.Find("code") != nullptr))
      codes = {kAll, kAllWishes};
    if (type != Type::kNone && !codes.none()) {
      record_.rules.push_back({type == Type::kPermit, codes.permissions, period.from, period.until,
                               limits, codes.wishes});
    }
    const bool around = limited_around_;
    limited_around_ |= IsLimited(provision);
    ReadNested(provision, type, depth, period);
    limited_around_ = around;
  }

  static bool IsLimited(const JsonNode& provision) {
    return provision.Find("purpose") != nullptr || provision.Find("modifierExtension") != nullptr;
  }

  void ReadNested(const JsonNode& provision, Type type, int depth, const Period& period) {
    const JsonNode* nested = provision.Find("provision");
    if (nested == nullptr) return;
    if (!nested->is_array()) return Add(provision, "provision", "must be an array");
    const bool r5 = resource_.Find("decision") != nullptr;
    for (const JsonNode& item : nested->items) {
      if (!item.is_object()) {
        Add(item, "", "must be an object");
      } else if (r5) {
        ReadException(item, type == Type::kPermit ? Type::kDeny : Type::kPermit, depth + 1, period);
      } else {
        ReadRule(item, TypeOf(item, true), depth + 1, Inner(item, period));
      }
    }
  }

  static bool Conditional(const JsonNode& provision) {
    for (const char* key : {"actor", "action", "securityLabel", "class", "documentType",
                            "resourceType", "dataPeriod", "data", "expression"}) {
      if (provision.Find(key) != nullptr) return true;
    }
    return false;
  }

  Codes ReadCodes(const JsonNode& provision) {
    Codes all;
    const JsonNode* codes = provision.Find("code");
    if (codes == nullptr) return all;
    if (!codes->is_array()) return Add(provision, "code", "must be an array"), all;
    for (const JsonNode& item : codes->items) {
      const JsonNode* codings = item.Find("coding");
      if (codings == nullptr || !codings->is_array()) {
        Add(item, "coding", "is required and must be an array");
        continue;
      }
      for (const JsonNode& coding : codings->items) ReadCoding(coding, all);
    }
    return all;
  }

  void ReadCoding(const JsonNode& coding, Codes& all) {
    if (!coding.is_object()) return Add(coding, "", "must be an object");
    const std::string system = TextMember(coding, "system", false, kInvalid, faults_);
    if (system != kPermissionSystem && system != kWishSystem) return;
    names_ours_ = true;
    const std::string code = TextMember(coding, "code", true, kInvalid, faults_);
    if (code.empty()) return;
    if (system == kWishSystem) {
      if (code == "recontact") all.wishes |= kWishRecontact;
      else if (code == "incidental-findings") all.wishes |= kWishIncidentalFindings;
      else Add(coding, "code", "must be recontact or incidental-findings");
      return;
    }
    if (code == "AF") all.permissions |= kPermitAlleleFrequency;
    else if (code == "SLQ") all.permissions |= kPermitSubjectLevel;
    else if (code == "SEC") all.permissions |= kPermitSecondaryUse;
    else Add(coding, "code", "must be AF, SLQ or SEC");
  }

  // Consent to treatment and advance directives are Consents as well, and say nothing about research.
  bool AboutSomethingElse() const {
    const JsonNode* scope = resource_.Find("scope");
    if (scope == nullptr) return false;
    const auto& codings = scope->Array("coding");
    return !codings.empty() && std::all_of(codings.begin(), codings.end(), [](const JsonNode& coding) {
      return coding.Text("code") == "treatment" || coding.Text("code") == "adr";
    });
  }

  const JsonNode& resource_;
  JsonFaults& faults_;
  ConsentRecord record_;
  std::size_t provisions_ = 0;
  bool names_ours_ = false;
  bool limited_around_ = false;  // by a provision that the present one stands in
};

// Collects the consents of bundles and of single resources, as NDJSON has them.
class ConsentBundle {
 public:
  bool Take(const JsonPiece& piece) {
    if (++pieces_ > kMaxEntries) {
      fields_.push_back({"entry", fmt::format("must be an array of at most {} entries", kMaxEntries)});
      return false;
    }
    std::string path = piece.Path();
    if (piece.duplicate_key) fields_.push_back({path, "must name each member once"});
    const JsonNode* resource = &piece.node;
    if (piece.part == JsonPiece::Part::kEntry) {
      resource = piece.node.Find("resource");
      path += ".resource";
      if (resource == nullptr || !resource->is_object()) {
        fields_.push_back({path, "is required and must be an object"});
        return true;
      }
    } else if (piece.part == JsonPiece::Part::kDocument && !IsConsent(piece.node)) {
      return true;
    }
    const std::string_view type = resource->Text("resourceType");
    if (type.empty()) fields_.push_back({path.empty() ? "resourceType" : path + ".resourceType", "is required"});
    if (type == "Patient") TakePatient(*resource);
    if (type != "Consent") return true;
    JsonFaults faults;
    auto record = ReadConsent(*resource, faults);
    AddFields(*resource, faults, path, fields_);
    if (record && faults.empty()) records_.push_back(std::move(*record));
    return true;
  }

  Result<std::vector<ConsentRecord>> Finish() {
    if (pieces_ == 0) fields_.push_back({"", "there is no JSON document"});
    GF_TRY(ToStatus(fields_, kInvalid));
    for (ConsentRecord& record : records_) {
      const auto patient = patients_.find(record.person_identifier);
      if (patient == patients_.end()) continue;
      record.birth_date = patient->second.born;
      record.died = patient->second.died;
      record.death_date = patient->second.death_date;
    }
    return std::move(records_);
  }

 private:
  struct Life {
    std::optional<PartialDate> born, death_date;
    bool died = false;
  };

  // By every name that a Consent may have for the person. Of several Patients, the earlier birth:
  // closed sooner.
  void TakePatient(const JsonNode& patient) {
    const JsonNode* dead = patient.Find("deceasedBoolean");
    const Life life{ParseIsoDate(patient.Text("birthDate")),
                    ParseIsoDateTime(patient.Text("deceasedDateTime")),
                    patient.Find("deceasedDateTime") != nullptr ||
                        (dead != nullptr && dead->kind == JsonNode::Kind::kBool && dead->flag)};
    const auto add = [&](std::string_view name) {
      if (name.empty()) return;
      Life& known = patients_[std::string(name)];
      if (life.born && (!known.born || FirstInstant(*life.born) < FirstInstant(*known.born)))
        known.born = life.born;
      known.died |= life.died;
      if (!known.death_date) known.death_date = life.death_date;
    };
    add(patient.Text("id"));
    for (const JsonNode& identifier : patient.Array("identifier")) add(identifier.Text("value"));
  }

  // Whether a document is a resource itself; the entries of a Bundle have been read by then.
  bool IsConsent(const JsonNode& document) {
    const std::string_view type = document.Text("resourceType");
    if (type == "Consent") return true;
    if (type != "Bundle") fields_.push_back({"resourceType", "must be Bundle or Consent"});
    const JsonNode* entry = document.Find("entry");
    if (type == "Bundle" && entry != nullptr && !entry->is_array()) fields_.push_back({"entry", "must be an array"});
    return false;
  }

  std::size_t pieces_ = 0;
  std::vector<ConsentRecord> records_;
  std::map<std::string, Life> patients_;
  std::vector<FieldViolation> fields_;
};

}  // namespace

bool ConsentRecord::InForce(Time now) const {
  return status == ConsentStatus::kActive && Within(valid_from, valid_until, now);
}

std::uint8_t ConsentRecord::PermissionsAt(Time now) const {
  if (!InForce(now)) return 0;
  std::uint8_t permitted = 0, denied = 0;
  for (const ConsentRule& rule : rules) {
    if (Within(rule.from, rule.until, now)) (rule.permit ? permitted : denied) |= rule.permissions;
  }
  return static_cast<std::uint8_t>(permitted & ~denied);
}

ConsentWishes ConsentRecord::WishesAt(Time now) const {
  std::uint8_t yes = 0, no = 0;
  if (InForce(now)) {
    for (const ConsentRule& rule : rules) {
      if (Within(rule.from, rule.until, now)) (rule.permit ? yes : no) |= rule.wishes;
    }
  }
  const auto said = [yes, no](std::uint8_t wish) {
    return ((yes | no) & wish) == 0 ? std::nullopt : std::optional<bool>((no & wish) == 0);
  };
  return {said(kWishRecontact), said(kWishIncidentalFindings)};
}

bool ConsentRecord::IsOfWishes() const {
  return !rules.empty() &&
         std::ranges::all_of(rules, [](const ConsentRule& rule) { return rule.permissions == 0; });
}

ConsentLimits ConsentRecord::LimitsAt(Time now) const {
  ConsentLimits limits;
  bool any_purpose = false;
  for (const ConsentRule& rule : rules) {
    if (!rule.permit || (rule.permissions & kPermitSecondaryUse) == 0 ||
        !Within(rule.from, rule.until, now))
      continue;
    any_purpose |= rule.limits.purposes.empty();
    limits.purposes.insert(limits.purposes.end(), rule.limits.purposes.begin(),
                           rule.limits.purposes.end());
    limits.conditions.insert(limits.conditions.end(), rule.limits.conditions.begin(),
                             rule.limits.conditions.end());
  }
  if (any_purpose) limits.purposes.clear();
  return {consent::ConditionSet(std::move(limits.purposes)),
          consent::ConditionSet(std::move(limits.conditions))};
}

std::optional<ConsentRecord> ReadConsent(const JsonNode& resource, JsonFaults& faults) {
  return ConsentReader(resource, faults).Read();
}

Result<std::vector<ConsentRecord>> ParseFhirConsents(std::string_view text) {
  if (text.size() > kMaxConsentBytes) {
    return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "more than {} bytes", kMaxConsentBytes);
  }
  ConsentBundle bundle;
  const auto problem = ReadJson(text, [&](const JsonPiece& piece) { return bundle.Take(piece); });
  if (problem) {
    return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "line {}: {}", problem->line, problem->message);
  }
  return bundle.Finish();
}

std::map<std::string, std::uint8_t> EffectivePermissions(std::span<const ConsentRecord> records,
                                                         Time now) {
  std::map<std::string, std::uint8_t> out;
  for (const auto& [person, those] : InForceByPerson(records, now)) {
    std::uint8_t bits = those.empty() ? 0 : kAll;
    for (const ConsentRecord* record : those) bits &= record->PermissionsAt(now);
    if (!CommonLimits(those, now)) bits &= static_cast<std::uint8_t>(~kPermitSecondaryUse);
    out[person] = bits;
  }
  return out;
}

std::map<std::string, ConsentLimits> LimitsOfPermissions(std::span<const ConsentRecord> records,
                                                         Time now) {
  std::map<std::string, ConsentLimits> out;
  for (const auto& [person, those] : InForceByPerson(records, now)) {
    auto limits = CommonLimits(those, now);
    if (limits && *limits != ConsentLimits()) out[person] = *std::move(limits);
  }
  return out;
}

std::map<std::string, ConsentWishes> WishesOf(std::span<const ConsentRecord> records, Time now) {
  std::map<std::string, ConsentWishes> out;
  const auto hear = [](std::optional<bool>& heard, const std::optional<bool>& said) {
    if (said) heard = *said && heard.value_or(true);
  };
  for (const auto& [person, those] : InForceByPerson(records, now)) {
    ConsentWishes wishes;
    for (const ConsentRecord* record : those) {
      const ConsentWishes its = record->WishesAt(now);
      hear(wishes.recontact, its.recontact);
      hear(wishes.incidental_findings, its.incidental_findings);
    }
    if (wishes != ConsentWishes()) out[person] = wishes;
  }
  return out;
}

std::map<std::string, Time> EndsOfPermissions(std::span<const ConsentRecord> records, Time now) {
  std::map<std::string, Time> ends;
  for (const ConsentRecord& record : records) {
    if (!record.InForce(now)) continue;
    const auto consider = [&](const std::optional<Time>& end) {
      if (!end || *end <= now) return;
      const auto [known, added] = ends.emplace(record.person_identifier, *end);
      if (!added) known->second = std::min(known->second, *end);
    };
    consider(record.valid_until);
    for (const ConsentRule& rule : record.rules) {
      if (rule.permit) consider(rule.until);
    }
  }
  return ends;
}

std::map<std::string, ConsentOrigin> OriginsOfPermissions(std::span<const ConsentRecord> records,
                                                          Time now) {
  std::map<std::string, ConsentOrigin> origins;
  auto people = InForceByPerson(records, now);
  for (auto& [person, those] : people) {
    // Another form, of wishes alone, says nothing of where permissions come from.
    const auto of_wishes = std::ranges::stable_partition(
        those, [](const ConsentRecord* record) { return !record->IsOfWishes(); });
    if (of_wishes.begin() != those.begin()) those.erase(of_wishes.begin(), those.end());
    for (const ConsentRecord* record : those) {
      const auto [known, first] =
          origins.emplace(person, ConsentOrigin{record->by_guardian, record->form, record->organisation});
      if (first) continue;
      ConsentOrigin& origin = known->second;
      origin.by_guardian |= record->by_guardian;
      if (origin.form != record->form || origin.organisation != record->organisation)
        origin.form = origin.organisation = "";
    }
  }
  return origins;
}

std::string PermissionNames(std::uint8_t permissions) {
  std::string names;
  for (const auto& [bit, name] : {std::pair{kPermitAlleleFrequency, "AF"}, std::pair{kPermitSubjectLevel, "SLQ"},
                                  std::pair{kPermitSecondaryUse, "SEC"}}) {
    if ((permissions & bit) == 0) continue;
    if (!names.empty()) names += ',';
    names += name;
  }
  return names.empty() ? "NONE" : names;
}

}  // namespace genofed::clinical
