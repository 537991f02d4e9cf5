// SPDX-License-Identifier: Apache-2.0
// What hospitals hand over, and what must be said about it. Verdicts follow from docs/formats and from the standards that
// the readers name, not from what the code does.
#include <gmock/gmock.h>

#include "libs/intake/test_support.h"

namespace genofed::intake {
namespace {

struct Case {
  const char* what;
  std::string content;
  const char* verdict;
  const char* code;   // one that must be among the reasons; "" for no reason but notes of other kinds
  const char* field;  // of that reason; nullptr: not compared
};

// Phenopackets ------------------------------------------------------------------------------------------------------

std::string Packet(const std::string& features, const std::string& subject = R"("id":"S1","sex":"FEMALE")",
                   const std::string& more = R"("biosamples":[{"id":"B1","individualId":"S1"}],)", const std::string& hpo = "2024-08-13") {
  return R"({"id":"p1","subject":{)" + subject + R"(},"phenotypicFeatures":[)" + features + "]," + more +
         R"("metaData":{"created":"2025-01-15T10:00:00Z","createdBy":"me","phenopacketSchemaVersion":"2.0",)" +
         R"("resources":[{"id":"hp","namespacePrefix":"HP","version":")" + hpo + R"("}]}})";
}

std::string Feature(const std::string& id, const std::string& label = "", bool excluded = false) {
  return R"({"type":{"id":")" + id + "\"" + (label.empty() ? "" : R"(,"label":")" + label + "\"") + "}" +
         (excluded ? R"(,"excluded":true})" : "}");
}

std::string Disease(const std::string& id, const std::string& more = "") {
  return R"("diseases":[{"term":{"id":")" + id + R"("})" + more + "}],";
}

const std::vector<Case>& Phenopackets() {
  static const std::string seizure = Feature("HP:0001250", "Seizure");
  static const std::vector<Case> cases = {
      {"a good one", Packet(seizure), "accept", "", nullptr},
      {"an excluded feature", Packet(Feature("HP:0001250", "Seizure", true)), "accept", "", nullptr},
      {"an onset and modifiers", Packet(R"({"type":{"id":"HP:0001250"},"onset":{"age":{"iso8601duration":"P1Y"}},"modifiers":[{"id":"HP:0012828"}]})"), "accept", "", nullptr},
      {"a synonym as label", Packet(Feature("HP:0001250", "Epileptic seizure")), "accept", "", nullptr},
      {"a label in German", Packet(Feature("HP:0001250", "Krampfanfall")), "accept", "", nullptr},
      {"the label of another term", Packet(Feature("HP:0001250", "Microcephaly")), "quarantine", "LABEL_CONTRADICTS_CODE", "phenotypicFeatures[0].type.id"},
      {"an unknown term", Packet(seizure + "," + Feature("HP:9999999")), "quarantine", "HPO_UNKNOWN", "phenotypicFeatures[1].type.id"},
      {"an unknown term of a newer release", Packet(Feature("HP:0025826"), R"("id":"S1")", "", "2026-06-06"), "accept", "HPO_TERM_NEWER", "phenotypicFeatures[0].type.id"},
      {"an unknown term that no release would have", Packet(Feature("HP:9999999"), R"("id":"S1")", "", "2026-06-06"), "quarantine", "HPO_UNKNOWN", nullptr},
      {"an obsolete term with a replacement", Packet(Feature("HP:0000057")), "accept", "HPO_REPLACED", nullptr},
      {"an obsolete term without one", Packet(Feature("HP:0001726")), "quarantine", "HPO_OBSOLETE", nullptr},
      {"an alternative id", Packet(Feature("HP:0004715")), "accept", "HPO_ALTERNATIVE_ID", nullptr},
      {"a malformed id", Packet(Feature("HP:123")), "quarantine", "CODE_INVALID", "phenotypicFeatures[0].type.id"},
      {"present and absent", Packet(seizure + "," + Feature("HP:0001250", "Seizure", true)), "quarantine", "FEATURE_CONTRADICTION", nullptr},
      {"a description only", Packet(R"({"description":"seizures at night"})"), "accept", "FREE_TEXT", "phenotypicFeatures[0].description"},
      {"negated, of version 1", Packet(R"({"type":{"id":"HP:0001250"},"negated":true})"), "quarantine", "PHENOPACKET_INVALID", "phenotypicFeatures[0].negated"},
      {"excluded is a word", Packet(R"({"type":{"id":"HP:0001250"},"excluded":"yes"})"), "quarantine", "PHENOPACKET_INVALID", "phenotypicFeatures[0].excluded"},
      {"an unknown sex word", Packet(seizure, R"("id":"S1","sex":"F")"), "quarantine", "SEX_INVALID", "subject.sex"},
      {"a number for sex", Packet(seizure, R"("id":"S1","sex":1)"), "quarantine", "SEX_INVALID", "subject.sex"},
      {"born in the future", Packet(seizure, R"("id":"S1","dateOfBirth":"2031-01-01T00:00:00Z")"), "quarantine", "DATE_IN_FUTURE", "subject.dateOfBirth"},
      {"born in 1700", Packet(seizure, R"("id":"S1","dateOfBirth":"1700-01-01T00:00:00Z")"), "quarantine", "DATE_IMPLAUSIBLE", "subject.dateOfBirth"},
      {"born on February 30", Packet(seizure, R"("id":"S1","dateOfBirth":"2001-02-30T00:00:00Z")"), "quarantine", "DATE_INVALID", "subject.dateOfBirth"},
      {"no subject", R"({"id":"p","phenotypicFeatures":[],"metaData":{"created":"2025-01-15T10:00:00Z","createdBy":"me"}})", "reject", "NOTHING_USABLE", nullptr},
      {"no subject id", Packet(seizure, R"("sex":"MALE")"), "reject", "PHENOPACKET_INVALID", "subject.id"},
      {"a line feed in the subject id", Packet(seizure, R"("id":"S1\nS2")"), "reject", "SUBJECT_ID_INVALID", "subject.id"},
      {"no metaData", R"({"id":"p","subject":{"id":"S1"},"phenotypicFeatures":[]})", "quarantine", "PHENOPACKET_INVALID", "metaData"},
      {"version 1", R"({"id":"p","subject":{"id":"S1"},"metaData":{"created":"2019-01-15T10:00:00Z","createdBy":"me","phenopacketSchemaVersion":"1.0.0"}})", "reject", "PHENOPACKET_VERSION", "metaData.phenopacketSchemaVersion"},
      {"a sample of somebody else", Packet(seizure, R"("id":"S1")", R"("biosamples":[{"id":"B1","individualId":"S2"}],)"), "quarantine", "PHENOPACKET_INVALID", "biosamples[0].individualId"},
      {"no sample", Packet(seizure, R"("id":"S1")", ""), "accept", "SUBJECT_WITHOUT_SAMPLE", nullptr},
      {"an excluded disease", Packet(seizure, R"("id":"S1")", Disease("ORPHA:111", R"(,"excluded":true)")), "accept", "DISEASE_EXCLUDED", nullptr},
      {"a disease of a vocabulary without a table", Packet(seizure, R"("id":"S1")", Disease("SNOMEDCT:297231002")), "accept", "CODE_NOT_MAPPED", nullptr},
      {"a diagnosis that is no disease", Packet(seizure, R"("id":"S1")", R"("interpretations":[{"id":"i","progressStatus":"IN_PROGRESS","diagnosis":{"disease":{"id":"OMIM:302060"}}}],)"), "accept", "INTERPRETATION_NOT_USED", nullptr},
      {"a member named twice", R"({"id":"p","subject":{"id":"S1"},"subject":{"id":"S2"}})", "reject", "JSON_DUPLICATE_KEY", nullptr},
      {"a family", R"({"id":"f","proband":)" + Packet(seizure) + R"(,"relatives":[)" + Packet(seizure, R"("id":"S2")", "") + "]}", "accept", "", nullptr},
      {"a cohort", R"({"id":"c","members":[)" + Packet(seizure) + "," + Packet(seizure, R"("id":"S2","sex":"X")", "") + "]}", "quarantine", "SEX_INVALID", "members[1].subject.sex"},
      {"an array", "[" + Packet(seizure) + "," + Packet(Feature("HP:1"), R"("id":"S2")", "") + "]", "quarantine", "CODE_INVALID", "[1].phenotypicFeatures[0].type.id"},
      {"two sexes for one person", Packet(seizure) + "\n" + Packet(seizure, R"("id":"S1","sex":"MALE")"), "quarantine", "SEX_CONFLICT", "subject.sex"},
      {"two birth dates for one person", Packet("", R"("id":"S1","dateOfBirth":"2001-01-01T00:00:00Z")") + "\n" + Packet("", R"("id":"S1","dateOfBirth":"2001-01-02T00:00:00Z")"), "quarantine", "BIRTH_DATE_CONFLICT", "subject.dateOfBirth"},
      {"one sample of two people", Packet(seizure) + "\n" + Packet(seizure, R"("id":"S2")", R"("biosamples":[{"id":"B1"}],)"), "quarantine", "SAMPLE_CLAIMED_TWICE", "biosamples"},
      {"NDJSON with a broken line", Packet(seizure) + "\n{\"id\":\n" + Packet(seizure, R"("id":"S2")", ""), "quarantine", "JSON_INVALID", nullptr},
      {"JSON of something else", R"({"hello":"world"})", "reject", "JSON_NOT_RECOGNISED", nullptr},
      {"JSON that ends", R"({"id":"p","subject":{"id":)", "reject", "JSON_INVALID", nullptr},
      {"JSON that is too deep", std::string(5000, '['), "reject", "JSON_TOO_DEEP", nullptr},
      {"Latin-1 in a packet", Packet(Feature("HP:0001250", "Anf\xE4lle")), "reject", "ENCODING_NOT_UTF8", nullptr},
      {"a byte order mark and CRLF", "\xEF\xBB\xBF" + Packet(seizure) + "\r\n", "accept", "", nullptr},
  };
  return cases;
}

// FHIR --------------------------------------------------------------------------------------------------------------

constexpr const char* kPatient = R"({"resourceType":"Patient","id":"1","identifier":[{"system":"urn:mrn","value":"S1"}],"gender":"male","birthDate":"1980-02-03"})";

std::string Bundle(std::initializer_list<std::string> resources, const char* type = "collection") {
  std::string text = R"({"resourceType":"Bundle","type":")" + std::string(type) + R"(","entry":[)";
  bool first = true;
  for (const std::string& resource : resources) {
    text += std::string(first ? "" : ",") + R"({"resource":)" + resource + "}";
    first = false;
  }
  return text + "]}";
}

std::string Observation(const std::string& value, const std::string& more = R"("status":"final",)",
                        const std::string& subject = R"({"reference":"Patient/1"})",
                        const std::string& coding = R"({"system":"http://human-phenotype-ontology.org","code":"HP:0001250"})") {
  return R"({"resourceType":"Observation","id":"o1",)" + more + R"("code":{"coding":[)" + coding + R"(]},"subject":)" + subject +
         (value.empty() ? "" : "," + value) + "}";
}

std::string Coded(const char* system, const char* code) {
  return R"("valueCodeableConcept":{"coding":[{"system":")" + std::string(system) + R"(","code":")" + code + R"("}]})";
}

std::string Condition(const std::string& coding, const std::string& status = "confirmed", const std::string& more = "") {
  return R"({"resourceType":"Condition","id":"c1",)" + more +
         (status.empty() ? "" : R"("verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":")" + status + R"("}]},)") +
         R"("code":{"coding":[)" + coding + R"(]},"subject":{"reference":"Patient/1"}})";
}

std::string Patient(const std::string& members) { return R"({"resourceType":"Patient","id":"1",)" + members + "}"; }

const std::vector<Case>& Fhir() {
  static const std::string yes = R"("valueBoolean":true)";
  static const std::string barth = R"({"system":"http://www.orpha.net","code":"111"})";
  static const std::string cm = R"({"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"E78.71"})";
  static const std::vector<Case> cases = {
      {"a good bundle", Bundle({kPatient, Observation(yes), Condition(barth)}), "accept", "", nullptr},
      {"an observation before its patient", Bundle({Observation(yes), kPatient}), "accept", "", nullptr},
      {"one patient alone", kPatient, "accept", "", nullptr},
      {"NDJSON", std::string(kPatient) + "\n" + Observation(yes) + "\n", "accept", "", nullptr},
      {"NDJSON with a broken line", std::string(kPatient) + "\n{\"resourceType\":\n" + Observation(yes), "quarantine", "JSON_INVALID", nullptr},
      {"an empty searchset", R"({"resourceType":"Bundle","type":"searchset","total":0})", "accept", "", nullptr},
      {"a bundle that is cut off", Bundle({kPatient, Observation(yes)}).substr(0, 300), "reject", "JSON_INVALID", nullptr},
      {"entered in error", Bundle({kPatient, Observation(yes, R"("status":"entered-in-error",)")}), "accept", "ENTERED_IN_ERROR", "entry[1].resource.status"},
      {"cancelled", Bundle({kPatient, Observation(yes, R"("status":"cancelled",)")}), "accept", "NOT_FINAL", "entry[1].resource.status"},
      {"preliminary", Bundle({kPatient, Observation(yes, R"("status":"preliminary",)")}), "accept", "NOT_FINAL", nullptr},
      {"no status", Bundle({kPatient, Observation(yes, "")}), "quarantine", "STATUS_INVALID", "entry[1].resource.status"},
      {"status unknown", Bundle({kPatient, Observation(yes, R"("status":"unknown",)")}), "quarantine", "STATUS_INVALID", nullptr},
      {"LOINC present", Bundle({kPatient, Observation(Coded("http://loinc.org", "LA9633-4"))}), "accept", "", nullptr},
      {"v2 No", Bundle({kPatient, Observation(Coded("http://terminology.hl7.org/CodeSystem/v2-0136", "N"))}), "accept", "", nullptr},
      {"an answer nobody knows", Bundle({kPatient, Observation(Coded("urn:local", "vielleicht"))}), "quarantine", "VALUE_NOT_UNDERSTOOD", "entry[1].resource.value"},
      {"a number as the answer", Bundle({kPatient, Observation(R"("valueInteger":3)")}), "quarantine", "VALUE_NOT_UNDERSTOOD", nullptr},
      {"unknown as the answer", Bundle({kPatient, Observation(Coded("http://snomed.info/sct", "261665006"))}), "accept", "VALUE_NOT_KNOWN", nullptr},
      {"no value", Bundle({kPatient, Observation("")}), "quarantine", "VALUE_MISSING", nullptr},
      {"a reason for no value", Bundle({kPatient, Observation(R"("dataAbsentReason":{"coding":[{"code":"not-performed"}]})")}), "accept", "VALUE_NOT_KNOWN", nullptr},
      {"free text as the value", Bundle({kPatient, Observation(R"("valueString":"twice a week")")}), "accept", "FREE_TEXT", nullptr},
      {"free text as the code", Bundle({kPatient, R"({"resourceType":"Observation","status":"final","code":{"text":"fits"},"subject":{"reference":"Patient/1"}})"}), "accept", "FREE_TEXT", nullptr},
      {"a laboratory value", Bundle({kPatient, Observation(R"("valueQuantity":{"value":5})", R"("status":"final",)", R"({"reference":"Patient/1"})", R"({"system":"http://loinc.org","code":"2345-7"})")}), "accept", "OBSERVATION_NOT_USED", nullptr},
      {"about a fetus", Bundle({kPatient, Observation(yes, R"("status":"final","focus":[{"reference":"Patient/2"}],)")}), "accept", "OTHER_SUBJECT", nullptr},
      {"about a group", Bundle({kPatient, Observation(yes, R"("status":"final",)", R"({"reference":"Group/7"})")}), "accept", "OTHER_SUBJECT", nullptr},
      {"a family history", Bundle({kPatient, R"({"resourceType":"FamilyMemberHistory","status":"completed","patient":{"reference":"Patient/1"}})"}), "accept", "OTHER_SUBJECT", nullptr},
      {"about nobody here", Bundle({kPatient, Observation(yes, R"("status":"final",)", R"({"reference":"Patient/2"})")}), "quarantine", "SUBJECT_UNKNOWN", "entry[1].resource.subject"},
      {"about nobody", Bundle({kPatient, Observation(yes, R"("status":"final",)", R"({"display":"Mr X"})")}), "quarantine", "SUBJECT_MISSING", nullptr},
      {"only about others", Bundle({Observation(yes)}), "reject", "NOTHING_USABLE", nullptr},
      {"by identifier", Bundle({kPatient, Observation(yes, R"("status":"final",)", R"({"identifier":{"system":"urn:mrn","value":"S1"}})")}), "accept", "", nullptr},
      {"by absolute URL", R"({"resourceType":"Bundle","type":"searchset","entry":[{"fullUrl":"https://a.example/fhir/Patient/1","resource":)" + std::string(kPatient) + R"(},{"resource":)" + Observation(yes, R"("status":"final",)", R"({"reference":"https://a.example/fhir/Patient/1"})") + "}]}", "accept", "", nullptr},
      {"by the URL of another server", R"({"resourceType":"Bundle","type":"searchset","entry":[{"fullUrl":"https://a.example/fhir/Patient/1","resource":)" + std::string(kPatient) + R"(},{"resource":)" + Observation(yes, R"("status":"final",)", R"({"reference":"https://b.example/fhir/Patient/1"})") + "}]}", "quarantine", "SUBJECT_UNKNOWN", nullptr},
      {"by urn in a transaction", R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":)" + std::string(kPatient) + R"(,"request":{"method":"POST","url":"Patient"}},{"resource":)" + Observation(yes, R"("status":"final",)", R"({"reference":"urn:uuid:1"})") + "}]}", "accept", "", nullptr},
      {"to be deleted", R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)" + std::string(kPatient) + R"(},{"request":{"method":"DELETE","url":"Observation/o1"}}]})", "accept", "ENTRY_DELETED", nullptr},
      {"a contained patient", Bundle({kPatient, R"({"resourceType":"Observation","status":"final","contained":[{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:mrn","value":"S1"}]}],"code":{"coding":[{"system":"http://human-phenotype-ontology.org","code":"HP:0001250"}]},"subject":{"reference":"#p"},"valueBoolean":true})"}), "accept", "", nullptr},
      {"refuted", Bundle({kPatient, Condition(barth, "refuted")}), "accept", "DISEASE_EXCLUDED", nullptr},
      {"provisional", Bundle({kPatient, Condition(barth, "provisional")}), "accept", "NOT_CONFIRMED", nullptr},
      {"a condition in error", Bundle({kPatient, Condition(barth, "entered-in-error")}), "accept", "ENTERED_IN_ERROR", nullptr},
      {"no verification status", Bundle({kPatient, Condition(barth, "")}), "accept", "", nullptr},
      {"a verification status nobody knows", Bundle({kPatient, Condition(barth, "maybe")}), "quarantine", "STATUS_INVALID", nullptr},
      {"a German suspicion", Bundle({kPatient, Condition(R"({"extension":[{"url":"http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit","valueCoding":{"code":"V"}}],"system":"http://fhir.de/CodeSystem/bfarm/icd-10-gm","code":"E78.7"})")}), "accept", "NOT_CONFIRMED", nullptr},
      {"ICD-10-GM", Bundle({kPatient, Condition(R"({"system":"http://fhir.de/CodeSystem/bfarm/icd-10-gm","code":"e787"})")}), "accept", "NO_EXACT_MAPPING", nullptr},
      {"a code without its system", Bundle({kPatient, Condition(R"({"code":"E78.71"})")}), "quarantine", "CODE_SYSTEM_MISSING", nullptr},
      {"a code without its system beside a known one", Bundle({kPatient, Condition(R"({"code":"4711"},)" + barth)}), "accept", "", nullptr},
      {"no code of its system", Bundle({kPatient, Condition(R"({"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"Barth"})")}), "quarantine", "CODE_INVALID", "entry[1].resource.code"},
      {"SNOMED without a table", Bundle({kPatient, Condition(R"({"system":"http://snomed.info/sct","code":"297231002"})")}), "accept", "CODE_NOT_MAPPED", nullptr},
      {"two terms in one statement", Bundle({kPatient, Observation(yes, R"("status":"final",)", R"({"reference":"Patient/1"})", R"({"system":"http://human-phenotype-ontology.org","code":"HP:0001250"},{"system":"http://human-phenotype-ontology.org","code":"HP:0000252"})")}), "quarantine", "CODES_CONTRADICT", nullptr},
      {"an unknown modifier", Bundle({kPatient, Condition(cm, "confirmed", R"("modifierExtension":[{"url":"urn:not"}],)")}), "quarantine", "MODIFIER_NOT_UNDERSTOOD", nullptr},
      {"recorded in the future", Bundle({kPatient, Condition(cm, "confirmed", R"("recordedDate":"2031-01-01",)")}), "quarantine", "DATE_IN_FUTURE", nullptr},
      {"the same resource twice", Bundle({kPatient, Condition(cm), Condition(cm)}), "accept", "DUPLICATE_RESOURCE", nullptr},
      {"two resources of one id", Bundle({kPatient, Condition(cm), Condition(barth)}), "quarantine", "RESOURCE_CONFLICT", nullptr},
      {"a newer version", Bundle({kPatient, Condition(cm, "confirmed", R"("meta":{"lastUpdated":"2024-01-01T00:00:00Z"},)"), Condition(barth, "confirmed", R"("meta":{"lastUpdated":"2024-02-01T00:00:00Z"},)")}), "accept", "RESOURCE_SUPERSEDED", "entry[1].resource.id"},
      {"two birth dates", Bundle({kPatient, R"({"resourceType":"Patient","id":"2","identifier":[{"system":"urn:mrn","value":"S1"}],"birthDate":"1981-02-03"})"}), "quarantine", "BIRTH_DATE_CONFLICT", "entry[0].resource.birthDate"},
      {"a coarser birth date", Bundle({kPatient, R"({"resourceType":"Patient","id":"2","identifier":[{"system":"urn:mrn","value":"S1"}],"birthDate":"1980"})"}), "accept", "", nullptr},
      {"one number at two hospitals", Bundle({kPatient, R"({"resourceType":"Patient","id":"2","identifier":[{"system":"urn:other","value":"S1"}]})"}), "reject", "SUBJECT_AMBIGUOUS", nullptr},
      {"gender M", Bundle({Patient(R"("gender":"M")")}), "quarantine", "SEX_INVALID", "entry[0].resource.gender"},
      {"gender unknown", Bundle({Patient(R"("gender":"unknown")")}), "accept", "", nullptr},
      {"a month of birth", Bundle({Patient(R"("birthDate":"1980-02")")}), "accept", "", nullptr},
      {"an impossible birth date", Bundle({Patient(R"("birthDate":"1980-02-31")")}), "quarantine", "DATE_INVALID", "entry[0].resource.birthDate"},
      {"an ambiguous birth date", Bundle({Patient(R"("birthDate":"03/04/2001")")}), "quarantine", "DATE_INVALID", nullptr},
      {"died before birth", Bundle({Patient(R"("birthDate":"1980-02-03","deceasedDateTime":"1979-12-31")")}), "quarantine", "DATE_IMPOSSIBLE", nullptr},
      {"died", Bundle({Patient(R"("birthDate":"1980-02-03","deceasedDateTime":"2020-12-31T04:00:00+01:00")")}), "accept", "", nullptr},
      {"a patient without any id", Bundle({R"({"resourceType":"Patient","gender":"male"})"}), "reject", "SUBJECT_ID_MISSING", nullptr},
      {"an inactive patient", Bundle({kPatient, R"({"resourceType":"Patient","id":"2","active":false})"}), "accept", "PATIENT_INACTIVE", nullptr},
      {"a sample of nobody", Bundle({kPatient, R"({"resourceType":"Specimen","id":"x"})"}), "accept", "SAMPLE_WITHOUT_SUBJECT", "entry[1].resource.subject"},
      {"a sample of nobody here", Bundle({kPatient, R"({"resourceType":"Specimen","id":"x","subject":{"reference":"Patient/2"}})"}), "accept", "SAMPLE_WITHOUT_SUBJECT", nullptr},
      {"one sample of two patients", Bundle({kPatient, R"({"resourceType":"Patient","id":"2"})", R"({"resourceType":"Specimen","id":"x","identifier":[{"value":"B"}],"subject":{"reference":"Patient/1"}})", R"({"resourceType":"Specimen","id":"y","identifier":[{"value":"B"}],"subject":{"reference":"Patient/2"}})"}), "quarantine", "SAMPLE_CLAIMED_TWICE", nullptr},
      {"other resource types", Bundle({kPatient, R"({"resourceType":"MedicationRequest","id":"m"})"}), "accept", "RESOURCE_NOT_USED", nullptr},
      {"an entry without a resource", R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"x"},{"resource":)" + std::string(kPatient) + "}]}", "accept", "ENTRY_WITHOUT_RESOURCE", nullptr},
      {"entry is an object", R"({"resourceType":"Bundle","type":"collection","entry":{}})", "reject", "FHIR_INVALID", nullptr},
      {"a consent that cannot be read", Bundle({kPatient, R"({"resourceType":"Consent","status":"active","patient":{"reference":"Patient/1"},"provision":{"type":"maybe"}})"}), "quarantine", "CONSENT_INVALID", "entry[1].resource.provision.type"},
      {"a consent of nobody", Bundle({kPatient, R"({"resourceType":"Consent","status":"active","provision":{"type":"deny"}})"}), "reject", "CONSENT_INVALID", nullptr},
      {"FHIR as XML", R"(<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"/>)", "reject", "FHIR_XML", nullptr},
  };
  return cases;
}

// Tables ------------------------------------------------------------------------------------------------------------

constexpr const char* kHeader = "record_id,sex,dob,hpo_present,hpo_absent,icd10,orpha,sample_id\n";

const std::vector<Case>& Tables() {
  static const std::string header = kHeader;
  static const std::vector<Case> cases = {
      {"a good row", header + "S1,2,2002-12-26,HP:0001250;HP:0000252,HP:0001251,E78.71,111,B1\n", "accept", "", nullptr},
      {"semicolons and commas changed", "record_id;sex;hpo_present\nS1;f;HP:0001250,HP:0000252\n", "accept", "", nullptr},
      {"a line feed in quotes", "record_id,sex,notes\nS1,F,\"one\ntwo\"\nS2,X?,\n", "quarantine", "SEX_INVALID", "sex"},
      {"free text in a column", "record_id,notes\nS1,was tired\n", "accept", "COLUMN_NOT_USED", "notes"},
      {"day or month", header + "S1,1,03/04/2001,,,,,\n", "quarantine", "DATE_AMBIGUOUS", "dob"},
      {"a German date without a format", header + "S1,1,3.4.2001,,,,,\n", "quarantine", "DATE_AMBIGUOUS", "dob"},
      {"a year of birth", header + "S1,1,2001,,,,,\n", "accept", "", nullptr},
      {"February 30", header + "S1,1,2001-02-30,,,,,\n", "quarantine", "DATE_INVALID", "dob"},
      {"a spreadsheet's day number", header + "S1,1,37251,,,,,\n", "quarantine", "DATE_INVALID", "dob"},
      {"born tomorrow", header + "S1,1,2026-01-01,,,,,\n", "quarantine", "DATE_IN_FUTURE", "dob"},
      {"sex 0", header + "S1,0,,,,,,\n", "accept", "", nullptr},
      {"sex 7", header + "S1,7,,,,,,\n", "quarantine", "SEX_INVALID", "sex"},
      {"sex 8532", header + "S1,8532,,,,,,\n", "accept", "", nullptr},
      {"nobody", header + ",1,,,,,,\nS2,1,,,,,,\n", "quarantine", "SUBJECT_ID_MISSING", "record_id"},
      {"a field too many", header + "S1,1,,,,,,,\nS2,1,,,,,,\n", "quarantine", "CSV_FIELD_COUNT", nullptr},
      {"an open quote", header + "S1,1,,,,,,\n\"S2,1,,,,,,\nS3,1,,,,,,\n", "quarantine", "CSV_QUOTE_OPEN", nullptr},
      {"an unknown term", header + "S1,1,,HP:0001250;HP:9999999,,,,\n", "quarantine", "HPO_UNKNOWN", "hpo_present"},
      {"no term at all", header + "S1,1,,fever,,,,\n", "quarantine", "CODE_INVALID", "hpo_present"},
      {"the same term in both", header + "S1,1,,HP:0001250,HP:0001250,,,\n", "quarantine", "FEATURE_CONTRADICTION", nullptr},
      {"an ICD-9 code", header + "S1,1,,,,250.00,,\n", "quarantine", "CODE_INVALID", "icd10"},
      {"an ORPHAcode in words", header + "S1,1,,,,,Barth,\n", "quarantine", "CODE_INVALID", "orpha"},
      {"two rows of one person", header + "S1,1,2001-01-01,HP:0001250,,,,B1\nS1,,,HP:0000252,,,,\n", "accept", "", nullptr},
      {"two rows of one person that differ", header + "S1,1,2001-01-01,,,,,\nS1,1,2001-01-02,,,,,\n", "quarantine", "BIRTH_DATE_CONFLICT", "dob"},
      {"one sample of two rows", header + "S1,1,,,,,,B1\nS2,1,,,,,,B1\n", "quarantine", "SAMPLE_CLAIMED_TWICE", "sample_id"},
      {"a header only", header, "accept", "", nullptr},
      {"no column for the subject", "name,age\nX,3\n", "reject", "CSV_NO_SUBJECT_COLUMN", nullptr},
      {"a column twice", "record_id,sex,sex\nS1,1,2\n", "reject", "CSV_COLUMN_TWICE", "sex"},
      {"Latin-1", "record_id,notes\nS1,M\xFCller\n", "reject", "ENCODING_NOT_UTF8", nullptr},
      {"UTF-16", std::string("\xFF\xFEr\0e\0c\0", 8), "reject", "ENCODING_UTF16", nullptr},
      {"UTF-16 without a mark", std::string("r\0e\0c\0o\0r\0d\0,\0x\0", 16), "reject", "ENCODING_UTF16", nullptr},
      {"nothing", "", "reject", "EMPTY_FILE", nullptr},
      {"blanks", " \n\n", "reject", "EMPTY_FILE", nullptr},
      {"a spreadsheet", "PK\3\4" + std::string(10, '\0'), "reject", "BINARY", nullptr},
      {"a letter", "Dear colleague\nplease find attached\n", "reject", "NOT_RECOGNISED", nullptr},
      {"a FASTA", ">chr1\nACGT\n", "reject", "FASTA", nullptr},
      {"encrypted", "crypt4gh" + std::string("\1\0\0\0", 4), "reject", "CRYPT4GH_CLOSED", nullptr},
      {"packed with xz", "\xFD" "7zXZ" + std::string(1, '\0'), "reject", "COMPRESSED", nullptr},
      {"no VCF after all", "##fileformat=VCFv4.2\nx\n", "reject", "", nullptr},
  };
  return cases;
}

class BadInputTest : public ::testing::TestWithParam<const std::vector<Case>*> {};

TEST_P(BadInputTest, GetsItsVerdictAndReason) {
  for (const Case& one : *GetParam()) {
    SCOPED_TRACE(one.what);
    const Scratch scratch;
    const FileJudgement file = JudgeText(scratch, one.content);
    EXPECT_EQ(VerdictName(file.verdict), one.verdict) << Print(file);
    bool found = std::string_view(one.code).empty();
    for (const Finding& reason : file.reasons) {
      found = found || (reason.code == one.code && (one.field == nullptr || reason.field == one.field));
      EXPECT_EQ(reason.message.find("S1"), std::string::npos) << "values are not quoted";
      EXPECT_FALSE(reason.message.empty());
    }
    EXPECT_TRUE(found) << Print(file);
    EXPECT_EQ(file.verdict == Verdict::kQuarantine, file.quarantined > 0 && file.verdict != Verdict::kReject) << Print(file);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadInputTest, ::testing::Values(&Phenopackets(), &Fhir(), &Tables()));

// OMOP: a set of tables ---------------------------------------------------------------------------------------------

constexpr const char* kPersonHeader =
    "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,race_concept_id,ethnicity_concept_id,"
    "person_source_value,gender_source_value\n";
constexpr const char* kObservationHeader =
    "observation_id,person_id,observation_concept_id,observation_date,observation_type_concept_id,value_as_string,"
    "value_as_concept_id,value_as_number,observation_source_value\n";
constexpr const char* kConditionHeader =
    "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_type_concept_id,"
    "condition_status_concept_id,condition_source_value\n";

struct OmopCase {
  const char* what;
  std::string person, table;  // rows below the headers; which table is told by its first column
  const char* header;
  const char* verdict;  // of the table
  const char* code;
  const char* person_verdict = "accept";
};

TEST(OmopInputTest, GetsItsVerdictAndReason) {
  const std::string good = "1,8532,2002,12,26,,0,0,P1,F\n";
  const OmopCase cases[] = {
      {"good", good, "1,1,0,2024-03-02,32817,present,,,HP:0001250\n", kObservationHeader, "accept", ""},
      {"by concept", good, "1,1,0,2024-03-02,32817,,4132135,,HP:0001250\n", kObservationHeader, "accept", ""},
      {"a number", good, "1,1,0,2024-03-02,32817,,,1,HP:0001250\n", kObservationHeader, "reject", "VALUE_NOT_UNDERSTOOD"},
      {"no value", good, "1,1,0,2024-03-02,32817,,,,HP:0001250\n", kObservationHeader, "reject", "VALUE_MISSING"},
      {"another observation", good, "1,1,3,2024-03-02,32817,,,5,2345-7\n", kObservationHeader, "accept", "OBSERVATION_NOT_USED"},
      {"a relative", good, "1,1,4167217,2024-03-02,32817,present,,,HP:0001250\n", kObservationHeader, "accept", "OTHER_SUBJECT"},
      {"nobody", good, "1,2,0,2024-03-02,32817,present,,,HP:0001250\n2,1,0,2024-03-02,32817,present,,,HP:0001250\n", kObservationHeader, "quarantine", "SUBJECT_UNKNOWN"},
      {"no date", good, "1,1,0,,32817,present,,,HP:0001250\n2,1,0,2024-03-02,32817,present,,,HP:0001250\n", kObservationHeader, "quarantine", "OMOP_VALUE_MISSING"},
      {"a wrong date", good, "1,1,0,02.03.2024,32817,present,,,HP:0001250\n2,1,0,2024-03-02,32817,present,,,HP:0001250\n", kObservationHeader, "quarantine", "DATE_INVALID"},
      {"no number", good, "x,1,0,2024-03-02,32817,present,,,HP:0001250\n2,1,0,2024-03-02,32817,present,,,HP:0001250\n", kObservationHeader, "quarantine", "OMOP_TYPE_INVALID"},
      {"a malformed term", good, "1,1,0,2024-03-02,32817,present,,,HP:12\n2,1,0,2024-03-02,32817,present,,,HP:0001250\n", kObservationHeader, "quarantine", "CODE_INVALID"},
      {"ICD-10-CM", good, "1,1,0,2024-03-01,32817,,E78.71\n", kConditionHeader, "accept", ""},
      {"a preliminary diagnosis", good, "1,1,0,2024-03-01,32817,32899,E78.71\n", kConditionHeader, "accept", "NOT_CONFIRMED"},
      {"a name", good, "1,1,0,2024-03-01,32817,,Barth syndrome\n", kConditionHeader, "accept", "FREE_TEXT"},
      {"a code of nothing", good, "1,1,0,2024-03-01,32817,,250.00\n2,1,0,2024-03-01,32817,,E78.71\n", kConditionHeader, "quarantine", "CODE_SYSTEM_MISSING"},
      {"a concept", good, "1,1,201826,2024-03-01,32817,,44054006\n", kConditionHeader, "accept", "CODE_NOT_MAPPED"},
      {"an unknown sex", "1,9,2002,12,26,,0,0,P1,\n", "1,1,0,2024-03-01,32817,,E78.71\n", kConditionHeader, "accept", "", "quarantine"},
      {"two sexes", "1,8507,2002,12,26,,0,0,P1,F\n", "1,1,0,2024-03-01,32817,,E78.71\n", kConditionHeader, "accept", "", "quarantine"},
      {"no day", "1,8507,2002,12,,,0,0,P1,M\n", "1,1,0,2024-03-01,32817,,E78.71\n", kConditionHeader, "accept", "", "accept"},
      {"a day without a month", "1,8507,2002,,5,,0,0,P1,M\n", "1,1,0,2024-03-01,32817,,E78.71\n", kConditionHeader, "accept", "", "quarantine"},
      {"two birth dates", "1,8507,2002,12,26,2002-12-27 00:00:00,0,0,P1,M\n", "1,1,0,2024-03-01,32817,,E78.71\n", kConditionHeader, "accept", "", "quarantine"},
      {"no source value", "1,8507,2002,12,26,,0,0,,M\n", "1,1,0,2024-03-01,32817,,E78.71\n", kConditionHeader, "accept", "", "accept"},
  };
  for (const OmopCase& one : cases) {
    SCOPED_TRACE(one.what);
    const Scratch scratch;
    const auto judgement = JudgeFiles({scratch.Write("person.csv", kPersonHeader + one.person), scratch.Write("table.csv", one.header + one.table)});
    EXPECT_EQ(VerdictName(judgement.files[0].verdict), one.person_verdict) << Print(judgement.files[0]);
    EXPECT_EQ(VerdictName(judgement.files[1].verdict), one.verdict) << Print(judgement.files[1]);
    EXPECT_TRUE(std::string_view(one.code).empty() || HasReason(judgement.files[1], one.code)) << Print(judgement.files[1]);
  }
}

TEST(OmopInputTest, TablesOfOneDirectoryAreOneExport) {
  const Scratch scratch;
  const std::string condition = std::string(kConditionHeader) + "1,1,0,2024-03-01,32817,,E78.71\n";
  const auto alone = JudgeFiles({scratch.Write("a/condition.csv", condition)});
  EXPECT_TRUE(HasReason(alone.files[0], "PERSON_TABLE_MISSING"));
  const auto others = JudgeFiles({scratch.Write("a/condition.csv", condition),
                                  scratch.Write("b/person.csv", std::string(kPersonHeader) + "1,8532,2002,12,26,,0,0,P1,F\n")});
  EXPECT_EQ(others.files[0].verdict, Verdict::kReject);
  const auto missing = JudgeFiles({scratch.Write("c/person.csv", "person_id,gender_concept_id\n1,8532\n")});
  EXPECT_TRUE(HasReason(missing.files[0], "OMOP_COLUMN_MISSING"));
  const auto unused = JudgeFiles({scratch.Write("d/visit.csv", "visit_occurrence_id,person_id,visit_concept_id\n1,1,9201\n")});
  EXPECT_EQ(unused.files[0].verdict, Verdict::kAccept);
  EXPECT_TRUE(HasReason(unused.files[0], "TABLE_NOT_USED"));
}

TEST(CsvInputTest, AMappingSaysWhatColumnsMean) {
  const Scratch scratch;
  Options options;
  options.mapping = *clinical::CsvMapping::Parse(R"({"columns":{"subject":"ID","sex":"Geschlecht","birth_date":"geb"},
    "features":{"anfall":"HP:0001250"},"yes":["ja"],"no":["nein"],"sex":{"w":"FEMALE"},"date_format":"DD.MM.YYYY",
    "codes":{"dx":"ICD10GM"},"missing":["-"]})");
  const auto path = scratch.Write("x.csv", "ID;Geschlecht;geb;anfall;dx\nP1;w;3.4.2001;nein;E78.7\nP2;-;-;ja;-\nP3;w;4/3/2001;weiss nicht;-\n");
  const auto judgement = JudgeFiles({path}, options);
  EXPECT_TRUE(HasReason(judgement.files[0], "DATE_INVALID"));
  EXPECT_TRUE(HasReason(judgement.files[0], "VALUE_NOT_UNDERSTOOD"));
  EXPECT_EQ(judgement.files[0].accepted, 2);
  EXPECT_EQ(judgement.files[0].quarantined, 1);
  ASSERT_EQ(judgement.people.size(), 3U);
  EXPECT_EQ(judgement.people[0].birth_date, "2001-04-03");
  EXPECT_THAT(judgement.people[0].hpo_absent, ::testing::ElementsAre("HP:0001250"));
  EXPECT_THAT(judgement.people[1].hpo_present, ::testing::ElementsAre("HP:0001250"));
  EXPECT_TRUE(judgement.people[0].icd10cm.empty()) << "ICD-10-GM is not ICD-10-CM";
}

}  // namespace
}  // namespace genofed::intake
