// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/fhir_resources.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

void AddIdentifierKeys(const JsonNode& patient, PersonFact& person, Collector& out) {
  for (const JsonNode& identifier : patient.Array("identifier")) {
    const std::string_view value = identifier.Text("value");
    if (value.empty() || identifier.Text("use") == "old") continue;
    person.keys.push_back(out.Key(fmt::format("i:{}|{}", identifier.Text("system"), value)));
    person.keys.push_back(out.Key(fmt::format("i:|{}", value)));
    person.names.emplace_back(value);
  }
}

// Of a Patient; false when the rest of it cannot be used.
bool ReadIdentity(const JsonNode& patient, const std::string& full_url, PersonFact& person, Collector& out) {
  const std::string id(patient.Text("id"));
  const JsonNode* identifier = MainIdentifier(patient);
  if (identifier != nullptr) {
    person.source_id = identifier->Text("value");
    person.id_system = identifier->Text("system");
  } else {
    person.source_id = id;
  }
  if (person.source_id.empty()) {
    out.Warn("SUBJECT_ID_MISSING", "identifier", "the patient has neither an identifier nor an id");
    return false;
  }
  if (!IsIdentifier(person.source_id)) {
    out.Warn("SUBJECT_ID_INVALID", "identifier", "must be 1 to 256 bytes of plain text");
    return false;
  }
  AddIdentifierKeys(patient, person, out);
  if (!id.empty()) {
    person.keys.push_back(out.Key("r:Patient/" + id));
    if (!full_url.starts_with("http")) person.keys.push_back(out.Key("a:Patient/" + id));
    person.names.push_back(id);
  }
  if (!full_url.empty()) person.keys.push_back(out.Key("u:" + full_url));
  return true;
}

void ReadBirthAndDeath(const JsonNode& patient, PersonFact& person, Collector& out) {
  if (const JsonNode* birth = patient.Find("birthDate"); birth != nullptr) {
    if (birth->is_string()) person.birth_date = ParseIsoDate(birth->text);
    if (!person.birth_date) out.Warn("DATE_INVALID", "birthDate", "must be YYYY, YYYY-MM or YYYY-MM-DD of the calendar");
  }
  const JsonNode* dead = patient.Find("deceasedBoolean");
  const JsonNode* death = patient.Find("deceasedDateTime");
  person.died =
      death != nullptr || (dead != nullptr && dead->kind == JsonNode::Kind::kBool && dead->flag);
  if (death == nullptr) return;
  const auto died = death->is_string() ? ParseIsoDateTime(death->text) : std::nullopt;
  if (!died || InFuture(*died, out.now())) {
    return out.Warn(died ? "DATE_IN_FUTURE" : "DATE_INVALID", "deceasedDateTime", "must be a FHIR dateTime of the past");
  }
  const bool before = person.birth_date && died->ToString() < person.birth_date->ToString() && !died->Contains(*person.birth_date);
  if (!before) {
    person.death_date = died;
    return;
  }
  out.Warn("DATE_IMPOSSIBLE", "deceasedDateTime", "the patient died before birth; neither date is used");
  person.birth_date.reset();
}

// Code of a status that is a CodeableConcept; empty when it is absent, "?" when nothing of it is known.
std::string VerificationStatus(const JsonNode& condition) {
  const JsonNode* status = condition.Find("verificationStatus");
  if (status == nullptr) return {};
  std::string found;
  for (const Code& code : CodesOf(status)) {
    if (!code.system.ends_with("/condition-ver-status")) continue;
    if (!found.empty() && found != code.code) return "?";
    found = code.code;
  }
  return found.empty() ? "?" : found;
}

// German ICD-10-GM codings say how sure they are: G gesichert, V Verdacht, A ausgeschlossen, Z Zustand nach.
std::string_view GermanCertainty(const JsonNode* codeable_concept) {
  if (codeable_concept == nullptr) return {};
  for (const JsonNode& coding : codeable_concept->Array("coding")) {
    for (const JsonNode& extension : coding.Array("extension")) {
      if (extension.Text("url") != "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit") continue;
      const JsonNode* value = extension.Find("valueCoding");
      if (value != nullptr) return value->Text("code");
    }
  }
  return {};
}

Statement StatementOf(std::uint32_t subject, const JsonNode& holder, const char* name, std::string field) {
  Statement statement;
  statement.subject = subject;
  statement.codes = CodesOf(holder.Find(name));
  statement.field = std::move(field);
  return statement;
}

// One code with its answer: an Observation, or a component of one.
void TakeAnswer(const JsonNode& observation, std::uint32_t subject, const std::string& path, const std::string& order,
                Collector& out) {
  const std::string prefix = path.empty() ? "" : path + ".";
  if (!Concerns(observation.Find("code"), out.terminology())) {
    // The value is the finding, under a code that only asks for one.
    Statement statement = StatementOf(subject, observation, "valueCodeableConcept", prefix + "valueCodeableConcept");
    statement.order = order;
    return out.AddStatement(statement);
  }
  Statement statement = StatementOf(subject, observation, "code", prefix + "code");
  statement.order = order;
  switch (AnswerOf(observation)) {
    case Answer::kAbsent:
      statement.absent = true;
      [[fallthrough]];
    case Answer::kPresent:
      return out.AddStatement(statement);
    case Answer::kNotKnown:
      return out.Note("VALUE_NOT_KNOWN", prefix + "value", "left out: the source does not know whether it is present");
    case Answer::kText:
      return out.Note("FREE_TEXT", prefix + "value", "left out: the value is free text");
    case Answer::kMissing:
      return out.Warn("VALUE_MISSING", prefix + "value", "does not say whether it is present or absent");
    case Answer::kNotUnderstood:
      return out.Warn("VALUE_NOT_UNDERSTOOD", prefix + "value", "says neither present nor absent");
  }
}

// False when the status leaves an Observation out, or is wrong.
bool IsFinal(const JsonNode& observation, Collector& out) {
  const std::string_view status = observation.Text("status");
  if (status == "final" || status == "amended" || status == "corrected") return true;
  if (status == "entered-in-error") {
    out.Note("ENTERED_IN_ERROR", "status", "left out: entered in error");
  } else if (status == "registered" || status == "preliminary" || status == "cancelled" || status == "specimen-in-process") {
    out.Note("NOT_FINAL", "status", "left out: the observation is not final");
  } else {
    out.Warn("STATUS_INVALID", "status", "must be a code of observation-status whose meaning is known");
  }
  return false;
}

}  // namespace

void TakePatient(const JsonNode& patient, const std::string& full_url, Collector& out) {
  if (const JsonNode* active = patient.Find("active"); active != nullptr && active->kind == JsonNode::Kind::kBool && !active->flag) {
    return out.Note("PATIENT_INACTIVE", "active", "left out: the record is not in use any more");
  }
  PersonFact person;
  if (!ReadIdentity(patient, full_url, person, out)) return;
  if (const JsonNode* gender = patient.Find("gender"); gender != nullptr) {
    person.sex = gender->is_string() ? ParseFhirGender(gender->text) : std::nullopt;
    if (!person.sex) out.Warn("SEX_INVALID", "gender", "must be male, female, other or unknown");
  }
  ReadBirthAndDeath(patient, person, out);
  out.AddPerson(std::move(person));
}

void TakeCondition(const JsonNode& condition, Collector& out) {
  const std::string status = VerificationStatus(condition);
  const std::string_view german = GermanCertainty(condition.Find("code"));
  if (status == "entered-in-error") return out.Note("ENTERED_IN_ERROR", "verificationStatus", "left out: entered in error");
  if (status == "unconfirmed" || status == "provisional" || status == "differential" || german == "V") {
    return out.Note("NOT_CONFIRMED", "verificationStatus", "left out: the condition is not confirmed");
  }
  const bool refuted = status == "refuted" || german == "A";
  if (!status.empty() && status != "confirmed" && !refuted) {
    return out.Warn("STATUS_INVALID", "verificationStatus", "must be a code of condition-ver-status");
  }
  if (!DatesAreRight(condition, {"onsetDateTime", "abatementDateTime", "recordedDate"}, out)) return;
  const auto subject = SubjectOf(condition, out);
  if (!subject) return;
  Statement statement = StatementOf(*subject, condition, "code", "code");
  statement.absent = refuted;
  statement.order = condition.Text("id");
  out.AddStatement(statement);
}

void TakeObservation(const JsonNode& observation, Collector& out) {
  if (!IsFinal(observation, out)) return;
  if (observation.Find("focus") != nullptr) {
    return out.Note("OTHER_SUBJECT", "focus", "left out: it is about something else than the patient");
  }
  const Terminology& terminology = out.terminology();
  const bool own = Concerns(observation.Find("code"), terminology) ||
                   Concerns(observation.Find("valueCodeableConcept"), terminology);
  const auto& components = observation.Array("component");
  const bool parts = std::any_of(components.begin(), components.end(), [&](const JsonNode& component) {
    return Concerns(component.Find("code"), terminology) || Concerns(component.Find("valueCodeableConcept"), terminology);
  });
  if (!own && !parts) {
    const JsonNode* code = observation.Find("code");
    if (code != nullptr && CodesOf(code).empty()) return out.Note("FREE_TEXT", "code", "left out: there is no code");
    return out.Note("OBSERVATION_NOT_USED", "code", "left out: not a code of a phenotype or disease");
  }
  if (!DatesAreRight(observation, {"effectiveDateTime", "issued"}, out)) return;
  const auto subject = SubjectOf(observation, out);
  if (!subject) return;
  const std::string order(observation.Text("id"));
  if (own) TakeAnswer(observation, *subject, "", order, out);
  for (std::size_t i = 0; i < components.size(); ++i) {
    if (!Concerns(components[i].Find("code"), terminology) &&
        !Concerns(components[i].Find("valueCodeableConcept"), terminology)) {
      continue;
    }
    TakeAnswer(components[i], *subject, fmt::format("component[{}]", i), fmt::format("{} {}", order, i), out);
  }
}

void TakeSpecimen(const JsonNode& specimen, Collector& out) {
  if (specimen.Text("status") == "entered-in-error") {
    return out.Note("ENTERED_IN_ERROR", "status", "left out: entered in error");
  }
  const JsonNode* identifier = MainIdentifier(specimen);
  if (identifier == nullptr) identifier = specimen.Find("accessionIdentifier");
  std::string sample(identifier == nullptr ? specimen.Text("id") : identifier->Text("value"));
  if (sample.empty()) return out.Warn("SAMPLE_ID_INVALID", "identifier", "the specimen has neither an identifier nor an id");
  const JsonNode* whose = specimen.Find("subject");
  if (whose == nullptr || !whose->is_object()) {
    return out.Note("SAMPLE_WITHOUT_SUBJECT", "subject", "left out: the sample is nobody's");
  }
  const auto subject = SubjectOf(specimen, out);
  if (subject) out.AddSample(*subject, std::move(sample));
}

void TakeConsent(const JsonNode& consent, Collector& out) {
  JsonFaults faults;
  auto record = ReadConsent(consent, faults);
  if (!record) return out.Note("RESOURCE_NOT_USED", "scope", "left out: the consent is not about research");
  if (faults.empty()) return out.AddConsent(std::move(*record));
  out.AddFaults(consent, faults);
  if (record->person_identifier.empty()) {
    return out.Add(Severity::kError, "CONSENT_INVALID", 0, out.RecordOf(out.origin()).Path(),
                   "whoever this consent is about may have refused; nothing of the file is used");
  }
  // What cannot be read may be a refusal.
  record->status = ConsentStatus::kActive;
  record->valid_from = record->valid_until = std::nullopt;
  record->rules.clear();
  out.AddConsent(std::move(*record));
}

}  // namespace genofed::clinical
