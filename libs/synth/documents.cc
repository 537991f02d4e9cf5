// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/documents.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace genofed::synth {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kCreated = "2025-01-15T10:00:00Z";
constexpr std::string_view kConsented = "2024-02-01T09:00:00Z";

Json Term(const HpoTerm& term) { return {{"id", term.id}, {"label", term.label}}; }

std::vector<std::string_view> Codes(Permission permission) {
  switch (permission) {
    case Permission::kNone:
      return {};
    case Permission::kAf:
      return {"AF"};
    case Permission::kAfSlq:
      return {"AF", "SLQ"};
    case Permission::kInactive:
    case Permission::kFull:
      return {"AF", "SLQ", "SEC"};
  }
  return {};
}

Json Coding(std::string_view system, std::string_view code) {
  return {{"coding", Json::array({Json{{"system", system}, {"code", code}}})}};
}

Json Consent(const Person& person) {
  Json permits = Json::array();
  for (const std::string_view code : Codes(person.permission)) {
    permits.push_back({{"type", "permit"},
                       {"code", Json::array({Coding("urn:1plusmg:consent-permission", code)})}});
  }
  return {{"resourceType", "Consent"},
          {"id", "c-" + person.id},
          {"status", person.permission == Permission::kInactive ? "inactive" : "active"},
          {"scope", Coding("http://terminology.hl7.org/CodeSystem/consentscope", "research")},
          {"category", Json::array({Coding("http://loinc.org", "59284-0")})},
          {"patient", {{"identifier", {{"system", "urn:hospital:mrn"}, {"value", person.id}}}}},
          {"dateTime", kConsented},
          {"provision", {{"type", "deny"}, {"provision", permits}}}};
}

Json Counts(const TwoByTwo& table) {
  Json counts = {{"case_carriers", table.case_carriers},
                 {"case_others", table.case_others},
                 {"control_carriers", table.control_carriers},
                 {"control_others", table.control_others}};
  const double below = static_cast<double>(table.case_others) * table.control_carriers;
  counts["odds_ratio"] =
      below > 0 ? Json(static_cast<double>(table.case_carriers) * table.control_others / below)
                : Json();
  return counts;
}

Json Planted(const PlantedResult& result) {
  const PlantedAssociation& association = *result.association;
  return {
      {"chrom", result.site.contig->name},
      {"pos", result.site.position},
      {"ref", result.site.ref},
      {"alt", result.site.alts[0]},
      {"term", Term(HpoTermOf(association.term))},
      {"model", "dominant"},
      {"odds_ratio", association.odds_ratio},
      {"background_prevalence", association.background_prevalence},
      {"ancestral_allele_frequency", association.ancestral_frequency},
      {"observed",
       {{"everybody", Counts(result.everybody)}, {"secondary_use", Counts(result.secondary_use)}}}};
}

Json PersonsWith(const std::vector<Person>& persons, Permission permission) {
  Json ids = Json::array();
  for (const Person& person : persons) {
    if (person.permission == permission) ids.push_back(person.id);
  }
  return ids;
}

// The first person with that permission, or null.
Json Citizen(const std::vector<Person>& persons, Permission permission) {
  const auto found = std::ranges::find(persons, permission, &Person::permission);
  if (found == persons.end()) return nullptr;
  return {{"person", found->id}, {"sample", found->sample}};
}

std::string VariantName(const Site& site) {
  return fmt::format("{}:{} {}>{}", site.contig->name, site.position, site.ref, site.alts[0]);
}

}  // namespace

std::string Phenopacket(const Person& person) {
  Json features = Json::array();
  for (const HpoTerm* term : person.terms) features.push_back({{"type", Term(*term)}});
  for (const HpoTerm* term : person.excluded) {
    features.push_back({{"type", Term(*term)}, {"excluded", true}});
  }
  const Json packet = {
      {"id", "pp-" + person.id},
      {"subject",
       {{"id", person.id},
        {"dateOfBirth", person.birth_date + "T00:00:00Z"},
        {"timeAtLastEncounter", {{"age", {{"iso8601duration", fmt::format("P{}Y", person.age)}}}}},
        {"sex", person.sex == Sex::kMale ? "MALE" : "FEMALE"}}},
      {"phenotypicFeatures", features},
      {"biosamples", Json::array({Json{{"id", person.sample}, {"individualId", person.id}}})},
      {"metaData",
       {{"created", kCreated},
        {"createdBy", "genofed-synth"},
        {"resources", Json::array({Json{{"id", "hp"},
                                        {"name", "human phenotype ontology"},
                                        {"url", "http://purl.obolibrary.org/obo/hp.owl"},
                                        {"version", kHpoRelease},
                                        {"namespacePrefix", "HP"},
                                        {"iriPrefix", "http://purl.obolibrary.org/obo/HP_"}}})},
        {"phenopacketSchemaVersion", "2.0"}}}};
  return packet.dump() + '\n';
}

std::string ConsentBundle(const std::vector<Person>& persons) {
  Json entries = Json::array();
  for (const Person& person : persons) {
    if (person.permission != Permission::kNone) entries.push_back({{"resource", Consent(person)}});
  }
  const Json bundle = {{"resourceType", "Bundle"},
                       {"type", "searchset"},
                       {"total", entries.size()},
                       {"entry", entries}};
  return bundle.dump(1) + '\n';
}

std::string Truth(const SynthOptions& options, const std::vector<Person>& persons,
                  const std::vector<PlantedResult>& planted) {
  Json associations = Json::array();
  for (const PlantedResult& result : planted) associations.push_back(Planted(result));
  const Json truth = {
      {"country", options.country},
      {"seed", options.seed},
      {"people", options.people},
      {"sites", options.sites},
      {"assembly", "GRCh38"},
      {"planted", associations},
      {"consent",
       {{"none", PersonsWith(persons, Permission::kNone)},
        {"inactive", PersonsWith(persons, Permission::kInactive)},
        {"af_only", PersonsWith(persons, Permission::kAf)},
        {"af_slq", PersonsWith(persons, Permission::kAfSlq)},
        {"full", std::ranges::count(persons, Permission::kFull, &Person::permission)}}},
      {"demo_citizens",
       {{"full_consent", Citizen(persons, Permission::kFull)},
        {"no_consent", Citizen(persons, Permission::kNone)}}}};
  return truth.dump(2) + '\n';
}

std::string DatasetDescription(const SynthOptions& options) {
  const nlohmann::ordered_json description = {
      {"title", "Synthetic cohort " + options.country},
      {"description", fmt::format("{} invented people; no data of anybody real", options.people)},
      {"publisher", "National biobank"},
      {"contact_email", "data@biobank.example"},
      {"keywords", {"synthetic"}},
      {"data_use", {"DUO:0000042"}},
      {"assembly", "GRCh38"},
      {"evidence",
       {{"ethics_approval", "none needed: synthetic data"},
        {"legal_basis", "none needed: synthetic data"},
        {"consent_form", "consents.fhir-r4.json, synthetic"}}}};
  return description.dump(2) + "\n";
}

std::string Readme(const SynthOptions& options, const std::vector<PlantedResult>& planted) {
  std::string text = fmt::format(
      "Synthetic cohort of {} invented people ({}), seed {}.\n"
      "Nobody here exists; the same seed and options give the same bytes.\n\n"
      "cohort.vcf.gz          genotypes at {} sites: VCF 4.3, positions of GRCh38, invented bases\n"
      "phenopackets/          one GA4GH Phenopacket v2 for each person; its biosample names the "
      "VCF column\n"
      "consents.fhir-r4.json  FHIR R4 consents: AF allele frequency, SLQ subject-level query, SEC "
      "secondary use\n"
      "dataset.json           what `genofed onboard` tells the catalogue\n"
      "truth.json             the planted associations, and who has not consented\n\n"
      "Planted associations (carriers have the phenotype more often):\n",
      options.people, options.country, options.seed, options.sites);
  for (const PlantedResult& result : planted) {
    const HpoTerm& term = HpoTermOf(result.association->term);
    text += fmt::format("  {}  {} {}  odds ratio {}\n", VariantName(result.site), term.id,
                        term.label, result.association->odds_ratio);
  }
  text += "\nPhenotype terms: Human Phenotype Ontology, release 2024-08-13, https://hpo.jax.org\n";
  return text;
}

}  // namespace genofed::synth
