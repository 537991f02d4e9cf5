// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/registry_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/consent/condition.h"
#include "libs/consent/purpose.h"

namespace genofed::consent {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxIdentifier = 256;
constexpr std::size_t kMaxId = 64;  // hl7.org/fhir/R4/datatypes.html#id
constexpr std::size_t kMaxProvisions = 1000;
constexpr std::size_t kMaxName = 200;  // of a form or an organisation

const json& Member(const json& object, const char* name) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

std::string Text(const json& object, const char* name) {
  const json& value = Member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

// A FHIR date or dateTime; with `end`, a partial one means the instant after it (a period's end is inclusive).
std::optional<Time> ReadTime(const std::string& text, bool end) {
  if (text.size() > 10) {
    const auto time = ParseRfc3339(text);
    return time.ok() ? std::optional<Time>(*time) : std::nullopt;
  }
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return std::nullopt;
  const auto first = ParseRfc3339(text + std::string("-01-01").substr(text.size() - 4) + "T00:00:00Z");
  if (!first.ok()) return std::nullopt;
  if (!end) return *first;
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(*first));
  if (text.size() == 4) return Time(std::chrono::sys_days(date + std::chrono::years(1)));
  if (text.size() == 7) return Time(std::chrono::sys_days(date + std::chrono::months(1)));
  return *first + std::chrono::days(1);
}

struct Period {
  std::optional<Time> from, until;
};

// "Patient/7" of a relative or absolute reference to a Patient of the registry; else empty.
std::string PatientPath(std::string_view reference, std::string_view base_url) {
  while (base_url.ends_with('/')) base_url.remove_suffix(1);
  if (!base_url.empty() && reference.starts_with(base_url) &&
      reference.substr(base_url.size()).starts_with('/'))
    reference.remove_prefix(base_url.size() + 1);
  constexpr std::string_view kType = "Patient/";
  if (!reference.starts_with(kType)) return "";
  const std::string_view id =
      reference.substr(kType.size(), reference.find("/_history/") - kType.size());
  const bool is_id =
      !id.empty() && id.size() <= kMaxId && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.';
      });
  return is_id && id != "." && id != ".." ? std::string(kType) + std::string(id) : "";
}

class Reader {
 public:
  Reader(const json& consent, const RegistryMapping& mapping, std::string_view base_url)
      : consent_(consent), mapping_(mapping), base_url_(base_url) {}

  std::optional<RegistryRecord> Read() {
    record_.id = Text(consent_, "id");
    ReadPerson();
    ReadForm();
    if (record_.id.empty() || record_.id.size() > kMaxId) return std::nullopt;
    const std::string status = Text(consent_, "status");
    const bool rejected = status == "rejected";
    record_.counts = status == "active" || rejected;
    if (!record_.counts && status != "draft" && status != "proposed" && status != "inactive" &&
        status != "entered-in-error" && status != "not-done") {
      record_.counts = true;  // a state that nobody knows
      Unreadable();
    }
    ReadRules();
    // What was rejected is refused, whatever it would have permitted.
    if (rejected) Refuse(permits_.empty() && denies_.empty() ? PermissionSet::All() : permits_);
    Finish(rejected);
    return std::move(record_);
  }

 private:
  void Unreadable() { record_.unreadable = true; }
  void Refuse(PermissionSet permissions) { denies_.Add(permissions); }

  void ReadPerson() {
    for (const char* name : {"patient", "subject"}) {
      const json& who = Member(consent_, name);
      if (!who.is_object()) continue;
      const json& identifier = Member(who, "identifier");
      const std::string value = Text(identifier, "value");
      const bool ours = mapping_.identifier_system.empty() || Text(identifier, "system") == mapping_.identifier_system;
      if (ours && value.size() <= kMaxIdentifier) record_.person_identifier = value;
      if (const std::string path = PatientPath(Text(who, "reference"), base_url_); !path.empty())
        record_.patient = path;
    }
    // By a guardian: R4 says it in `performer`, R5 in `grantor`.
    for (const char* name : {"performer", "grantor"}) {
      const json& people = Member(consent_, name);
      if (!people.is_array()) continue;
      for (const json& person : people) record_.says.by_guardian |= IsRelatedPerson(person);
    }
  }

  // By which form, and of whom: the first of each that is named.
  void ReadForm() {
    Statement& says = record_.says;
    const auto keep = [](std::string& member, const std::string& value) {
      if (member.empty() && value.size() <= kMaxName) member = value;
    };
    const json& policies = Member(consent_, "policy");  // R4
    if (policies.is_array()) {
      for (const json& policy : policies) keep(says.form, Text(policy, "uri"));
    }
    const json& basis = Member(consent_, "policyBasis");  // R5
    keep(says.form, Text(basis, "url"));
    keep(says.form, Text(Member(basis, "reference"), "reference"));
    for (const char* name : {"organization", "manager", "controller"}) {
      const json& organisations = Member(consent_, name);
      if (!organisations.is_array()) continue;
      for (const json& organisation : organisations) {
        keep(says.organisation, Text(Member(organisation, "identifier"), "value"));
        keep(says.organisation, Text(organisation, "reference"));
      }
    }
  }

  // Referred to here, at any server, or within the Consent.
  bool IsRelatedPerson(const json& person) const {
    constexpr std::string_view kType = "RelatedPerson";
    if (Text(person, "type") == kType) return true;
    const std::string reference = Text(person, "reference");
    if (reference.starts_with("RelatedPerson/") ||
        reference.find("/RelatedPerson/") != std::string::npos)
      return true;
    const json& contained = Member(consent_, "contained");
    return contained.is_array() &&
           std::any_of(contained.begin(), contained.end(), [&](const json& resource) {
             return Text(resource, "resourceType") == kType &&
                    "#" + Text(resource, "id") == reference;
           });
  }

  // Whether a provision names neither codes nor exceptions.
  static bool IsBare(const json& provision) {
    const auto none = [&](const char* name) {
      const json& member = Member(provision, name);
      return member.is_null() || (member.is_array() && member.empty());
    };
    return none("code") && none("provision");
  }

  void ReadRules() {
    if (consent_.contains("modifierExtension"))
      Unreadable();  // changes what is meant, nobody knows how
    for (const char* name : {"policyRule", "policyBasis"}) ReadDeciding(Member(consent_, name));
    const json& regulations =
        Member(consent_, "regulatoryBasis");  // R5's for policyRule, and a list
    if (regulations.is_array()) {
      for (const json& regulation : regulations) ReadDeciding(regulation);
    }
    const json& provision = Member(consent_, "provision");
    const std::string decision = Text(consent_, "decision");
    if (provision.is_object()) {  // R4
      ReadProvision(provision, Text(provision, "type"), ReadPeriod(provision), 0);
      // As a decision without provisions in R5.
      if (!decided_ && IsBare(provision))
        (Text(provision, "type") == "deny" ? Refuse(PermissionSet::All()) : Unreadable());
    } else if (!decision.empty() || provision.is_array()) {  // R5
      if (decision != "permit" && decision != "deny") return Unreadable();
      const Period period = ReadPeriod(consent_);
      Clip(period);
      if (!provision.is_array()) {
        // A decision without provisions is about the whole of what the registry is for.
        if (!decided_) (decision == "permit" ? Unreadable() : Refuse(PermissionSet::All()));
        return;
      }
      for (const json& item : provision) ReadProvision(item, decision == "permit" ? "deny" : "permit", period, 1);
      if (decision == "permit") return;
      // It is about all that is no exception, and about an exception that is not in force.
      Refuse(permits_.Others());
      record_.refuses_outside = from_ != period.from || until_ != period.until;
    } else if (!decided_) {
      Unreadable();
    }
  }

  // Codes that decide by themselves, such as OPTOUT in R4's policyRule or R5's regulatoryBasis.
  void ReadDeciding(const json& concept_) {
    const json& codings = Member(concept_, "coding");
    if (!codings.is_array()) return;
    for (const json& coding : codings) {
      const MappedCode* mapped = Find(coding);
      if (mapped == nullptr || !mapped->permits) continue;
      decided_ = true;
      Take(*mapped, *mapped->permits, {});
    }
  }

  Period ReadPeriod(const json& object) {
    const json& period = Member(object, "period");
    Period out;
    const auto read = [&](const char* name, bool end) -> std::optional<Time> {
      const std::string text = Text(period, name);
      if (text.empty()) return std::nullopt;
      auto time = ReadTime(text, end);
      if (!time) Unreadable();
      return time;
    };
    if (period.is_object()) out = {read("start", false), read("end", true)};
    return out;
  }

  static bool Conditional(const json& provision) {
    for (const char* name : {"actor", "action", "securityLabel", "purpose", "class", "documentType", "resourceType",
                             "dataPeriod", "data", "expression"}) {
      if (provision.contains(name)) return true;
    }
    return false;
  }

  void ReadProvision(const json& provision, const std::string& given_type, const Period& around, int depth) {
    if (!provision.is_object() || depth > kMaxDepth || ++provisions_ > kMaxProvisions) return Unreadable();
    // Written the R4 way in spite of an R5 decision: what it says itself counts.
    const std::string own_type = Text(provision, "type");
    const std::string type = own_type.empty() ? given_type : own_type;
    const bool permit = type == "permit";
    if (!permit && type != "deny" && !(depth == 0 && type.empty())) return Unreadable();
    if ((permit && Conditional(provision)) || provision.contains("modifierExtension"))
      return Unreadable();
    Period period = ReadPeriod(provision);
    if (around.from && (!period.from || *period.from < *around.from)) period.from = around.from;
    if (around.until && (!period.until || *period.until > *around.until)) period.until = around.until;
    ReadCodes(provision, permit, period, depth);
    const json& nested = Member(provision, "provision");
    if (nested.is_null()) return;
    if (!nested.is_array()) return Unreadable();
    const std::string opposite = permit ? "deny" : "permit";
    const bool r5 = !Text(consent_, "decision").empty();
    for (const json& item : nested) ReadProvision(item, r5 ? opposite : "", period, depth + 1);
  }

  void ReadCodes(const json& provision, bool permit, const Period& period, int depth) {
    const json& codes = Member(provision, "code");
    const bool any = !codes.is_null() && !(codes.is_array() && codes.empty());
    bool understood = false;
    if (codes.is_array()) {
      for (const json& code : codes) {
        const json& codings = Member(code, "coding");
        if (!codings.is_array()) continue;
        for (const json& coding : codings) {
          const MappedCode* mapped = Find(coding);
          if (mapped == nullptr) continue;
          understood = true;
          Take(*mapped, mapped->permits.value_or(permit), period);
        }
      }
    }
    // R4's root that only says "deny" means that nothing is permitted by default.
    const bool refuses = !permit && (depth > 0 || any);
    if (refuses && !understood) Refuse(PermissionSet::All());
  }

  const MappedCode* Find(const json& coding) const {
    const std::string system = Text(coding, "system"), code = Text(coding, "code");
    const auto found = std::find_if(mapping_.codes.begin(), mapping_.codes.end(),
                                    [&](const MappedCode& row) { return row.code == code && row.system == system; });
    return found == mapping_.codes.end() ? nullptr : &*found;
  }

  void Take(const MappedCode& mapped, bool permit, const Period& period) {
    if (mapped.ignored) return;
    if (mapped.wish == MappedCode::Wish::kRecontact) record_.says.recontact = permit;
    if (mapped.wish == MappedCode::Wish::kIncidentalFindings) record_.says.incidental_findings = permit;
    if (mapped.wish != MappedCode::Wish::kNone) return;
    if (!permit) {
      return Refuse(mapped.permissions);
    }
    permits_.Add(mapped.permissions);
    retrospective_ |= mapped.retrospective;
    if (mapped.permissions.Has(Permission::kSecondaryUse)) {
      if (mapped.purposes.empty()) any_purpose_ = true;
      Statement& says = record_.says;
      says.purposes.insert(says.purposes.end(), mapped.purposes.begin(), mapped.purposes.end());
      // One statement has one list: what any of its permissions is limited by.
      says.conditions.insert(says.conditions.end(), mapped.conditions.begin(),
                             mapped.conditions.end());
    }
    Clip(period);
  }

  // One statement has one period: the part that all of its permissions share.
  void Clip(const Period& period) {
    if (period.from && (!from_ || *period.from > *from_)) from_ = period.from;
    if (period.until && (!until_ || *period.until < *until_)) until_ = period.until;
  }

  void Finish(bool rejected) {
    Statement& says = record_.says;
    if (record_.unreadable) {
      permits_ = {};
      denies_ = PermissionSet::All();
    }
    record_.refused = denies_;
    says.permits = rejected ? PermissionSet() : PermissionSet::FromBits(permits_.bits() & ~denies_.bits());
    if (any_purpose_ || !says.permits.Has(Permission::kSecondaryUse)) says.purposes.clear();
    says.conditions = ConditionSet(std::move(says.conditions));
    if (!says.permits.Has(Permission::kSecondaryUse)) says.conditions.clear();
    if (!retrospective_) says.from = from_;
    says.until = until_;
  }

  const json& consent_;
  const RegistryMapping& mapping_;
  const std::string_view base_url_;
  RegistryRecord record_;
  PermissionSet permits_, denies_;
  std::optional<Time> from_, until_;
  bool decided_ = false;
  bool any_purpose_ = false;
  bool retrospective_ = false;
  std::size_t provisions_ = 0;
};

Status Invalid(const std::string& member, std::string_view message) {
  return InvalidField(member, "REGISTRY_MAPPING_INVALID", "{}", message);
}

Result<MappedCode> ReadMappedCode(const json& row, const std::string& path) {
  if (!row.is_object()) return Invalid(path, "must be an object");
  for (const auto& [name, value] : row.items()) {
    static constexpr std::string_view kKnown[] = {
        "system",   "code",          "permissions", "purposes", "conditions",
        "decision", "retrospective", "wish",        "ignore",   "comment"};
    if (std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown))
      return Invalid(path + "." + name, "is not known here");
  }
  MappedCode mapped;
  mapped.system = Text(row, "system");
  mapped.code = Text(row, "code");
  if (mapped.system.empty() || mapped.code.empty()) return Invalid(path, "must have system and code");
  for (const json& name : Member(row, "permissions")) {
    const auto permission = name.is_string() ? ParsePermission(name.get<std::string>()) : std::nullopt;
    if (!permission) return Invalid(path + ".permissions", "may be AF, SLQ and SEC");
    mapped.permissions.Add(*permission);
  }
  for (const json& purpose : Member(row, "purposes")) {
    if (!purpose.is_string() || !IsPurpose(purpose.get<std::string>()))
      return Invalid(path + ".purposes", "must be codes such as DUO:0000006");
    mapped.purposes.push_back(purpose.get<std::string>());
  }
  for (const json& condition : Member(row, "conditions")) {
    if (!condition.is_string() || !FindCondition(condition.get<std::string>()))
      return Invalid(
          path + ".conditions",
          "must be conditions that a project can meet, such as DUO:0000045 or DUO:0000022=FI");
    mapped.conditions.push_back(condition.get<std::string>());
  }
  if (!AreFew(mapped.conditions))
    return Invalid(path + ".conditions", "must be at most 20 of 800 bytes");
  if (const std::string decision = Text(row, "decision"); !decision.empty()) {
    if (decision != "permit" && decision != "deny") return Invalid(path + ".decision", "must be permit or deny");
    mapped.permits = decision == "permit";
  }
  mapped.retrospective = Member(row, "retrospective") == true;
  mapped.ignored = Member(row, "ignore") == true;
  if (const std::string wish = Text(row, "wish"); !wish.empty()) {
    if (wish != "recontact" && wish != "incidental-findings")
      return Invalid(path + ".wish", "must be recontact or incidental-findings");
    mapped.wish = wish == "recontact" ? MappedCode::Wish::kRecontact : MappedCode::Wish::kIncidentalFindings;
  }
  const int meanings = (mapped.permissions.empty() ? 0 : 1) + (mapped.ignored ? 1 : 0) +
                       (mapped.wish == MappedCode::Wish::kNone ? 0 : 1);
  if (meanings != 1) return Invalid(path, "must have one of permissions, wish and ignore");
  if (!mapped.purposes.empty() && mapped.permissions != PermissionSet::FromBits(4))
    return Invalid(path + ".purposes", "only SEC has purposes");
  if (!mapped.conditions.empty() && mapped.permissions != PermissionSet::FromBits(4))
    return Invalid(path + ".conditions", "only SEC has conditions");
  return mapped;
}

}  // namespace

Result<RegistryMapping> ParseRegistryMapping(std::string_view text) {
  constexpr std::size_t kMaxCodes = 1000;
  if (text.size() > kMaxMappingBytes) return Invalid("", "a table has at most 1 MiB");
  const json file = json::parse(text, nullptr, false, true);
  if (!file.is_object()) return Invalid("", "must be a JSON object");
  for (const auto& [name, value] : file.items()) {
    if (name == "adult_age") return Invalid(name, "is the consent policy's to say");
    if (name != "identifier_system" && name != "codes" && name != "comment")
      return Invalid(name, "is not known here");
  }
  RegistryMapping mapping;
  mapping.identifier_system = Text(file, "identifier_system");
  const json& codes = Member(file, "codes");
  if (!codes.is_array() || codes.empty() || codes.size() > kMaxCodes)
    return Invalid("codes", "must be an array of 1 to 1000");
  for (const json& row : codes) {
    GF_ASSIGN(MappedCode mapped, ReadMappedCode(row, fmt::format("codes[{}]", mapping.codes.size())));
    const bool twice = std::any_of(mapping.codes.begin(), mapping.codes.end(), [&](const MappedCode& other) {
      return other.system == mapped.system && other.code == mapped.code;
    });
    if (twice) return Invalid(fmt::format("codes[{}]", mapping.codes.size()), "comes twice");
    mapping.codes.push_back(std::move(mapped));
  }
  return mapping;
}

std::optional<RegistryRecord> ReadRegistryRecord(const json& consent,
                                                 const RegistryMapping& mapping,
                                                 std::string_view base_url) {
  return Reader(consent, mapping, base_url).Read();
}

RegistryPatient ReadRegistryPatient(const json& patient, const RegistryMapping& mapping) {
  RegistryPatient out;
  const json& identifiers = Member(patient, "identifier");
  if (identifiers.is_array()) {
    for (const json& identifier : identifiers) {
      const std::string value = Text(identifier, "value");
      const bool ours = mapping.identifier_system.empty() || Text(identifier, "system") == mapping.identifier_system;
      if (ours && out.person_identifier.empty() && value.size() <= kMaxIdentifier) out.person_identifier = value;
    }
  }
  if (const auto born = ReadTime(Text(patient, "birthDate"), false)) {
    out.who.born = born;
    out.who.adult_at = ComesOfAge(*born, mapping.adult_age);
  }
  if (const json& died = Member(patient, "deceasedDateTime"); died.is_string()) {
    out.who.died_at = ReadTime(died.get<std::string>(), false);
  } else if (Member(patient, "deceasedBoolean") == true) {
    out.who.died_at = Time{};  // when is not known
  } else {
    out.lives = Member(patient, "deceasedBoolean") == false;
  }
  return out;
}

}  // namespace genofed::consent
