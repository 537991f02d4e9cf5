// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/fhir_elements.h"

#include <algorithm>
#include <array>

#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

struct KnownAnswer {
  std::string_view system;  // as CanonicalSystem has it, or the end of a URL
  std::string_view code;
  Answer answer;
};

// SNOMED CT qualifiers, LOINC answers, HL7 v2 tables 0136 and 0532, v3 interpretation and null flavour.
constexpr auto kAnswers = std::to_array<KnownAnswer>({
    {"SNOMED", "52101004", Answer::kPresent},     // Present
    {"SNOMED", "2667000", Answer::kAbsent},       // Absent
    {"SNOMED", "410515003", Answer::kPresent},    // Known present
    {"SNOMED", "410516002", Answer::kAbsent},     // Known absent
    {"SNOMED", "373066001", Answer::kPresent},    // Yes
    {"SNOMED", "373067005", Answer::kAbsent},     // No
    {"SNOMED", "10828004", Answer::kPresent},     // Positive
    {"SNOMED", "260385009", Answer::kAbsent},     // Negative
    {"SNOMED", "260373001", Answer::kPresent},    // Detected
    {"SNOMED", "260415000", Answer::kAbsent},     // Not detected
    {"SNOMED", "261665006", Answer::kNotKnown},   // Unknown
    {"SNOMED", "373068000", Answer::kNotKnown},   // Undetermined
    {"SNOMED", "1631000175102", Answer::kNotKnown},  // Patient not asked
    {"LOINC", "LA9633-4", Answer::kPresent},      // Present
    {"LOINC", "LA9634-2", Answer::kAbsent},       // Absent
    {"LOINC", "LA33-6", Answer::kPresent},        // Yes
    {"LOINC", "LA32-8", Answer::kAbsent},         // No
    {"LOINC", "LA6576-8", Answer::kPresent},      // Positive
    {"LOINC", "LA6577-6", Answer::kAbsent},       // Negative
    {"LOINC", "LA11882-0", Answer::kPresent},     // Detected
    {"LOINC", "LA11883-8", Answer::kAbsent},      // Not detected
    {"LOINC", "LA4489-6", Answer::kNotKnown},     // Unknown
    {"LOINC", "LA12688-0", Answer::kNotKnown},    // Don't know
    {"v2-0136", "Y", Answer::kPresent},
    {"v2-0136", "N", Answer::kAbsent},
    {"v2-0532", "Y", Answer::kPresent},
    {"v2-0532", "N", Answer::kAbsent},
    {"v2-0532", "UNK", Answer::kNotKnown},
    {"v2-0532", "NASK", Answer::kNotKnown},
    {"v2-0532", "ASKU", Answer::kNotKnown},
    {"v3-ObservationInterpretation", "POS", Answer::kPresent},
    {"v3-ObservationInterpretation", "DET", Answer::kPresent},
    {"v3-ObservationInterpretation", "NEG", Answer::kAbsent},
    {"v3-ObservationInterpretation", "ND", Answer::kAbsent},
    {"v3-NullFlavor", "UNK", Answer::kNotKnown},
    {"v3-NullFlavor", "NASK", Answer::kNotKnown},
    {"v3-NullFlavor", "ASKU", Answer::kNotKnown},
    {"v3-NullFlavor", "NI", Answer::kNotKnown},
    {"data-absent-reason", "unknown", Answer::kNotKnown},
    {"data-absent-reason", "not-asked", Answer::kNotKnown},
    {"data-absent-reason", "asked-unknown", Answer::kNotKnown},
});

std::optional<Answer> AnswerOfCode(const Code& code) {
  const std::string system = CanonicalSystem(code.system);
  for (const KnownAnswer& known : kAnswers) {
    if (known.code == code.code && (system == known.system || system.ends_with("/" + std::string(known.system)))) {
      return known.answer;
    }
  }
  return std::nullopt;
}

// What all codings together say; one that nobody knows beside one that is known is a translation.
Answer AnswerOfConcept(const JsonNode& value) {
  std::optional<Answer> answer;
  const auto codes = CodesOf(&value);
  for (const Code& code : codes) {
    const auto one = AnswerOfCode(code);
    if (!one) continue;
    if (answer && *answer != *one) return Answer::kNotUnderstood;
    answer = one;
  }
  if (answer) return *answer;
  if (!codes.empty()) return Answer::kNotUnderstood;
  const std::string_view text = value.Text("text");
  if (text.empty()) return Answer::kMissing;
  return AnswerOfWord(text).value_or(Answer::kText);
}

const JsonNode* FindValue(const JsonNode& observation) {
  for (std::size_t i = 0; i < observation.keys.size(); ++i) {
    if (observation.keys[i].size() > 5 && observation.keys[i].starts_with("value")) return &observation.items[i];
  }
  return nullptr;
}

// "https://fhir.example/r4/Patient/1/_history/2" → "Patient/1"; empty when the URL does not end so.
std::string_view TypeAndId(std::string_view url) {
  url = url.substr(0, url.find("/_history"));
  const std::size_t id = url.rfind('/');
  if (id == std::string_view::npos || id + 1 == url.size()) return {};
  const std::size_t type = url.rfind('/', id == 0 ? 0 : id - 1);
  return type == std::string_view::npos ? url : url.substr(type + 1);
}

struct Target {
  std::string key;  // empty: nobody
  bool other = false;  // somebody or something else than a patient
};

Target OfUrl(std::string_view reference, Collector& out) {
  constexpr std::string_view kConditional = "Patient?identifier=";
  if (reference.starts_with(kConditional)) return {"i:" + std::string(reference.substr(kConditional.size()))};
  if (reference.starts_with("urn:")) return {"u:" + std::string(reference)};
  const std::string_view local = TypeAndId(reference);
  if (local.empty()) return {};
  if (!local.starts_with("Patient/")) return {"", true};
  if (local.size() == reference.size() || reference.starts_with(local)) return {"r:" + std::string(local)};
  const std::string key = "u:" + std::string(reference.substr(0, reference.find("/_history")));
  // A server's own address may be missing in what it exported.
  out.SetFallback(out.Key(key), out.Key("a:" + std::string(local)));
  return {key};
}

Target OfIdentifier(const JsonNode& identifier) {
  const std::string_view value = identifier.Text("value");
  if (value.empty()) return {};
  return {fmt::format("i:{}|{}", identifier.Text("system"), value)};
}

Target OfContained(const JsonNode& resource, std::string_view id) {
  for (const JsonNode& contained : resource.Array("contained")) {
    if (contained.Text("id") != id) continue;
    if (contained.Text("resourceType") != "Patient") return {"", true};
    const JsonNode* identifier = MainIdentifier(contained);
    return identifier == nullptr ? Target{} : OfIdentifier(*identifier);
  }
  return {};
}

}  // namespace

std::vector<Code> CodesOf(const JsonNode* codeable_concept) {
  std::vector<Code> codes;
  if (codeable_concept == nullptr) return codes;
  for (const JsonNode& coding : codeable_concept->Array("coding")) {
    const std::string_view code = coding.Text("code");
    if (code.empty()) continue;
    codes.push_back({std::string(coding.Text("system")), std::string(code), std::string(coding.Text("display"))});
  }
  return codes;
}

bool Concerns(const JsonNode* codeable_concept, const Terminology& terminology) {
  for (const Code& code : CodesOf(codeable_concept)) {
    const std::string system = code.system.empty() ? (ParseCurie(code.code) ? "HP" : "") : CanonicalSystem(code.system);
    if (system == "HP" || system == "MONDO" || system == "ORPHA" || system.starts_with("OMIM") ||
        system.starts_with("ICD1")) {
      return true;
    }
    if (!terminology.Find(system, code.code).empty()) return true;
  }
  return false;
}

const JsonNode* MainIdentifier(const JsonNode& resource) {
  const JsonNode* best = nullptr;
  int best_rank = 0;
  for (const JsonNode& identifier : resource.Array("identifier")) {
    const std::string_view use = identifier.Text("use");
    if (identifier.Text("value").empty() || use == "old") continue;
    const auto types = CodesOf(identifier.Find("type"));
    const bool record_number = std::any_of(types.begin(), types.end(), [](const Code& code) { return code.code == "MR"; });
    const int rank = record_number ? 4 : use == "usual" ? 3 : use == "official" ? 2 : 1;
    if (rank <= best_rank) continue;
    best = &identifier;
    best_rank = rank;
  }
  return best;
}

std::optional<std::uint32_t> SubjectOf(const JsonNode& resource, Collector& out) {
  const JsonNode* subject = resource.Find("subject");
  if (subject == nullptr) subject = resource.Find("patient");
  if (subject == nullptr || !subject->is_object()) {
    out.Warn("SUBJECT_MISSING", "subject", "does not say whom it is about");
    return std::nullopt;
  }
  const std::string_view reference = subject->Text("reference");
  const JsonNode* identifier = subject->Find("identifier");
  Target named = identifier == nullptr ? Target{} : OfIdentifier(*identifier);
  Target target;
  if (reference.starts_with('#')) target = OfContained(resource, reference.substr(1));
  else if (!reference.empty()) target = OfUrl(reference, out);
  const std::string_view type = subject->Text("type");
  if (target.other || (!type.empty() && type != "Patient")) {
    out.Note("OTHER_SUBJECT", "subject", "left out: it is not about a patient");
    return std::nullopt;
  }
  if (target.key.empty()) std::swap(target, named);
  if (target.key.empty()) {
    out.Warn("SUBJECT_MISSING", "subject", "the reference names no patient");
    return std::nullopt;
  }
  const std::uint32_t key = out.Key(target.key);
  if (!named.key.empty()) out.SetFallback(key, out.Key(named.key));
  return key;
}

std::optional<Answer> AnswerOfWord(std::string_view word) {
  const std::string text = ToLower(Trim(word));
  for (std::string_view yes : {"present", "yes", "y", "true", "positive", "detected"}) {
    if (text == yes) return Answer::kPresent;
  }
  for (std::string_view no : {"absent", "no", "n", "false", "negative", "not detected", "excluded"}) {
    if (text == no) return Answer::kAbsent;
  }
  for (std::string_view open : {"unknown", "unk", "not known", "not asked", "not assessed", "na", "n/a"}) {
    if (text == open) return Answer::kNotKnown;
  }
  return std::nullopt;
}

Answer AnswerOf(const JsonNode& observation) {
  const JsonNode* value = FindValue(observation);
  const bool reason = observation.Find("dataAbsentReason") != nullptr;
  // obs-6: a reason for a missing value beside a value.
  if (reason) return value == nullptr ? Answer::kNotKnown : Answer::kNotUnderstood;
  if (value == nullptr) {
    for (const JsonNode& interpretation : observation.Array("interpretation")) {
      const Answer answer = AnswerOfConcept(interpretation);
      if (answer == Answer::kPresent || answer == Answer::kAbsent) return answer;
    }
    return Answer::kMissing;
  }
  if (value->kind == JsonNode::Kind::kBool && observation.Find("valueBoolean") == value) {
    return value->flag ? Answer::kPresent : Answer::kAbsent;
  }
  if (observation.Find("valueCodeableConcept") == value) return AnswerOfConcept(*value);
  if (observation.Find("valueString") == value && value->is_string()) {
    return AnswerOfWord(value->text).value_or(Answer::kText);
  }
  return Answer::kNotUnderstood;
}

bool DatesAreRight(const JsonNode& resource, std::initializer_list<const char*> members, Collector& out) {
  for (const char* name : members) {
    const JsonNode* member = resource.Find(name);
    if (member == nullptr) continue;
    const auto date = member->is_string() ? ParseIsoDateTime(member->text) : std::nullopt;
    if (date && !InFuture(*date, out.now())) continue;
    out.Warn(date ? "DATE_IN_FUTURE" : "DATE_INVALID", name, date ? "lies in the future" : "must be a FHIR date");
    return false;
  }
  return true;
}

}  // namespace genofed::clinical
