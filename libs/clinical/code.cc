// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/code.h"

#include <algorithm>
#include <array>

#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

struct SystemName {
  std::string_view written;  // lower case, without scheme and final slash
  std::string_view system;
};

// Ours first; then what FHIR servers, registries and exports write.
constexpr auto kSystems = std::to_array<SystemName>({
    {"hp", "HP"},
    {"hpo", "HP"},
    {"purl.obolibrary.org/obo/hp.owl", "HP"},
    {"purl.obolibrary.org/obo/hp.fhir", "HP"},
    {"purl.obolibrary.org/obo/hp.obo", "HP"},
    {"purl.obolibrary.org/obo/hp.json", "HP"},
    {"purl.obolibrary.org/obo/hp", "HP"},
    {"human-phenotype-ontology.org", "HP"},
    {"www.human-phenotype-ontology.org", "HP"},
    {"human-phenotype-ontology.github.io", "HP"},
    {"hpo.jax.org", "HP"},
    {"hpo.jax.org/app", "HP"},
    {"terminology.hl7.org/codesystem/hpo", "HP"},
    {"urn:oid:2.16.840.1.113883.6.339", "HP"},
    {"mondo", "MONDO"},
    {"purl.obolibrary.org/obo/mondo.owl", "MONDO"},
    {"purl.obolibrary.org/obo/mondo.obo", "MONDO"},
    {"purl.obolibrary.org/obo/mondo", "MONDO"},
    {"mondo.monarchinitiative.org", "MONDO"},
    {"orpha", "ORPHA"},
    {"orphacode", "ORPHA"},
    {"orphanet", "ORPHA"},
    {"ordo", "ORPHA"},
    {"www.orpha.net", "ORPHA"},
    {"orpha.net", "ORPHA"},
    {"www.orpha.net/ordo", "ORPHA"},
    {"www.orphadata.org", "ORPHA"},
    {"www.orphadata.com", "ORPHA"},
    {"www.orpha.net/orphacom", "ORPHA"},
    {"www.orpha.net/ontology", "ORPHA"},
    {"terminology.hl7.org/codesystem/orphanet", "ORPHA"},
    {"omim", "OMIM"},
    {"mim", "OMIM"},
    {"omim.org", "OMIM"},
    {"www.omim.org", "OMIM"},
    {"www.omim.org/entry", "OMIM"},
    {"www.ncbi.nlm.nih.gov/omim", "OMIM"},
    {"urn:oid:2.16.840.1.113883.6.174", "OMIM"},
    {"omimps", "OMIMPS"},
    {"www.omim.org/phenotypicseries", "OMIMPS"},
    {"omim.org/phenotypicseries", "OMIMPS"},
    {"icd10cm", "ICD10CM"},
    {"icd-10-cm", "ICD10CM"},
    {"hl7.org/fhir/sid/icd-10-cm", "ICD10CM"},
    {"www.cms.gov/medicare/coding/icd10", "ICD10CM"},
    {"urn:oid:2.16.840.1.113883.6.90", "ICD10CM"},
    {"icd10who", "ICD10WHO"},
    {"hl7.org/fhir/sid/icd-10", "ICD10WHO"},
    {"id.who.int/icd/release/10", "ICD10WHO"},
    {"urn:oid:2.16.840.1.113883.6.3", "ICD10WHO"},
    {"icd10gm", "ICD10GM"},
    {"icd-10-gm", "ICD10GM"},
    {"hl7.org/fhir/sid/icd-10-gm", "ICD10GM"},
    {"hl7.org/fhir/sid/icd-10-de", "ICD10GM"},
    {"fhir.de/codesystem/bfarm/icd-10-gm", "ICD10GM"},
    {"fhir.de/codesystem/dimdi/icd-10-gm", "ICD10GM"},
    {"icd11", "ICD11"},
    {"icd11.foundation", "ICD11"},
    {"id.who.int/icd/entity", "ICD11"},
    {"icd9cm", "ICD9CM"},
    {"hl7.org/fhir/sid/icd-9-cm", "ICD9CM"},
    {"urn:oid:2.16.840.1.113883.6.103", "ICD9CM"},
    {"snomed", "SNOMED"},
    {"snomedct", "SNOMED"},
    {"sct", "SNOMED"},
    {"snomed.info/sct", "SNOMED"},
    {"urn:oid:2.16.840.1.113883.6.96", "SNOMED"},
    {"loinc", "LOINC"},
    {"loinc.org", "LOINC"},
    {"urn:oid:2.16.840.1.113883.6.1", "LOINC"},
});

// The system that is written so; empty for an unknown one.
std::string_view KnownSystem(std::string_view written) {
  const std::string text = ToLower(Trim(written));
  std::string_view rest = text;
  rest = rest.substr(0, rest.find('|'));
  for (std::string_view scheme : {"https://", "http://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  while (rest.ends_with('/') || rest.ends_with('#')) rest.remove_suffix(1);
  for (const SystemName& name : kSystems) {
    if (name.written == rest) return name.system;
  }
  // Editions and versions of SNOMED CT follow the URL.
  return rest.starts_with("snomed.info/sct/") ? "SNOMED" : "";
}

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "HP:0001250", "HP_0001250", "ORPHA111" less what names the system.
std::string_view WithoutPrefix(std::string_view system, std::string_view code) {
  const std::size_t mark = code.find_first_of(":_");
  if (mark != std::string_view::npos && KnownSystem(code.substr(0, mark)) == system) return code.substr(mark + 1);
  const std::size_t digit = code.find_first_of("0123456789");
  if (digit != std::string_view::npos && digit > 1 && KnownSystem(code.substr(0, digit)) == system) {
    return code.substr(digit);
  }
  return code;
}

// E787, e78.7+, E78.7†, G30.0* → E78.7 …; empty when it is no ICD-10 code.
std::string NormaliseIcd10(std::string_view text) {
  std::string code = ToUpper(Trim(text));
  // Dagger and asterisk, also as ICD-10-GM writes them; the dagger may be in UTF-8.
  for (std::string_view mark : {"+", "*", "!", "#", "-", ".", "\u2020", " "}) {
    while (code.ends_with(mark)) code.resize(code.size() - mark.size());
  }
  if (code.size() > 3 && code[3] != '.') code.insert(3, ".");
  auto letter = [](char c) { return c >= 'A' && c <= 'Z'; };
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (code.size() < 3 || code.size() > 8 || !letter(code[0]) || !digit(code[1]) || !(digit(code[2]) || letter(code[2]))) {
    return {};
  }
  for (std::size_t i = 4; i < code.size(); ++i) {
    if (!digit(code[i]) && !letter(code[i])) return {};
  }
  return code;
}

}  // namespace

std::string CanonicalSystem(std::string_view system) {
  const std::string_view known = KnownSystem(system);
  return std::string(known.empty() ? Trim(system) : known);
}

std::optional<std::string> NormaliseCode(std::string_view system, std::string_view code) {
  code = Trim(code);
  if (code.empty() || code.size() > 256) return std::nullopt;
  code = WithoutPrefix(system, code);
  if (system == "HP" || system == "MONDO") {
    if (code.size() != 7 || !AllDigits(code)) return std::nullopt;
  } else if (system == "ORPHA") {
    while (code.size() > 1 && code.front() == '0') code.remove_prefix(1);
    if (code.size() > 7 || !AllDigits(code) || code == "0") return std::nullopt;
  } else if (system == "OMIM") {
    if (code.starts_with("PS")) code.remove_prefix(2);
    if (code.size() != 6 || !AllDigits(code)) return std::nullopt;
  } else if (system.starts_with("ICD10")) {
    std::string normal = NormaliseIcd10(code);
    if (normal.empty()) return std::nullopt;
    return normal;
  }
  return std::string(code);
}

std::optional<Code> ParseCurie(std::string_view text) {
  text = Trim(text);
  const std::size_t colon = text.find_first_of(":/");
  if (colon == std::string_view::npos) return std::nullopt;
  std::string system(KnownSystem(text.substr(0, colon)));
  if (system.empty()) return std::nullopt;
  if (system == "OMIM" && text.substr(colon + 1).starts_with("PS")) system = "OMIMPS";
  auto code = NormaliseCode(system, text.substr(colon + 1));
  if (!code) return std::nullopt;
  return Code{std::move(system), std::move(*code), {}};
}

bool LooksLikeIcd10(std::string_view text) { return !NormaliseIcd10(text).empty(); }

}  // namespace genofed::clinical
