// SPDX-License-Identifier: Apache-2.0
//
// The answers of the Beacon framework endpoints: what this beacon is and can do.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <set>

#include "libs/beacon/aggregation.h"
#include "libs/ga4gh/service_info.h"
#include "services/gateway/adapters/beacon_response.h"

namespace genofed::gateway {
namespace {

using beacon::EntryType;
using nlohmann::json;

constexpr char kSchemaRoot[] = "https://raw.githubusercontent.com/ga4gh-beacon/beacon-v2/v2.2.0";

std::string Base(const SiteFacts& site) { return site.public_url + "/beacon/v2"; }

std::string Envelope(const SiteFacts& site, const char* entity, const char* schema, json response) {
  const json document = {{"meta",
                          {{"beaconId", site.ServiceId("beacon")},
                           {"apiVersion", kBeaconApiVersion},
                           {"returnedSchemas", json::array({{{"entityType", entity}, {"schema", schema}}})}}},
                         {"response", std::move(response)}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string ModelUrl(EntryType type, std::string_view file) {
  return fmt::format("{}/models/json/beacon-v2-default-model/{}/{}", kSchemaRoot, beacon::Facts(type).model, file);
}

json EntryTypes(const SiteFacts& site, bool folders) {
  json types = json::object();
  for (const EntryType type : BeaconEntryTypes(site)) {
    const beacon::EntryFacts& facts = beacon::Facts(type);
    const std::string_view schema = facts.schema;
    types[std::string(facts.id)] = {
        {"id", facts.id},
        {"name", facts.name},
        {"ontologyTermForThisType", {{"id", facts.term}, {"label", facts.label}}},
        {"partOfSpecification", "Beacon v2.2.0"},
        {"defaultSchema",
         {{"id", schema},
          {"name", fmt::format("Default schema for: {}", facts.name)},
          {"schemaVersion", schema.substr(schema.rfind('-') + 1)},
          {"referenceToSchemaDefinition", ModelUrl(type, "defaultSchema.json")}}},
        {"additionallySupportedSchemas", json::array()},
        // Cohorts must be told which variant.
        {"nonFilteredQueriesAllowed", folders || type != EntryType::kVariant}};
  }
  types["dataset"]["aCollectionOf"] = json::array({{{"id", "genomicVariant"}, {"name", "Genomic variants"}}});
  if (types.contains("cohort"))
    types["cohort"]["aCollectionOf"] = json::array({{{"id", "individual"}, {"name", "Individuals"}}});
  return types;
}

// Ontologies whose terms occur in data folders, for the description of filtering terms.
struct Resource {
  std::string_view prefix, id, name, iri;
};
constexpr Resource kResources[] = {
    {"HP", "hp", "Human Phenotype Ontology", "http://purl.obolibrary.org/obo/HP_"},
    {"NCIT", "ncit", "NCI Thesaurus", "http://purl.obolibrary.org/obo/NCIT_"},
    {"MONDO", "mondo", "Mondo Disease Ontology", "http://purl.obolibrary.org/obo/MONDO_"},
    {"ORPHA", "ordo", "Orphanet Rare Disease Ontology", "http://www.orpha.net/ORDO/Orphanet_"},
    {"UBERON", "uberon", "Uber-anatomy ontology", "http://purl.obolibrary.org/obo/UBERON_"},
    {"EFO", "efo", "Experimental Factor Ontology", "http://www.ebi.ac.uk/efo/EFO_"},
    {"GENO", "geno", "Genotype Ontology", "http://purl.obolibrary.org/obo/GENO_"},
    {"SO", "so", "Sequence Ontology", "http://purl.obolibrary.org/obo/SO_"},
    {"DUO", "duo", "Data Use Ontology", "http://purl.obolibrary.org/obo/DUO_"},
    {"LOINC", "loinc", "Logical Observation Identifiers Names and Codes", "http://loinc.org/rdf/"},
    {"GAZ", "gaz", "Gazetteer", "http://purl.obolibrary.org/obo/GAZ_"},
    {"OBI", "obi", "Ontology for Biomedical Investigations", "http://purl.obolibrary.org/obo/OBI_"},
};

}  // namespace

std::string RenderBeaconInfo(const SiteFacts& site) {
  const bool off = site.disclosure_off;
  return Envelope(
      site, "info", "beacon-info-v2.2.0",
      {{"id", site.ServiceId("beacon")},
       {"name", "Beacon of " + site.Organisation()},
       {"apiVersion", kBeaconApiVersion},
       {"environment", off ? "test" : "dev"},
       {"description",
        off ? "DISCLOSURE CONTROL IS OFF: every record is answered to anybody. For conformance runs only."
            : "Individuals with permission only; small counts are not disclosed."},
       {"welcomeUrl", site.public_url + "/docs"},
       {"organization", {{"id", site.name}, {"name", site.Organisation()}, {"welcomeUrl", site.public_url + "/docs"}}},
       {"info", {{"aggregator", site.hub}, {"disclosureControl", off ? "off" : "on"}}}});
}

std::string RenderBeaconServiceInfo(const SiteFacts& site) {
  ga4gh::ServiceInfo info;
  info.id = site.ServiceId("beacon");
  info.name = "Beacon of " + site.Organisation();
  info.type = {.artifact = "beacon", .version = "v2.2.0"};
  info.organization_name = site.Organisation();
  info.organization_url = site.public_url;
  info.documentation_url = site.public_url + "/docs";
  info.version = "0.1.0";
  return ga4gh::ToJsonText(info);
}

std::string RenderBeaconConfiguration(const SiteFacts& site, bool folders) {
  json levels = json::array({"PUBLIC"});
  // Visas open records of folders.
  if (!site.hub && !site.disclosure_off) levels.push_back("CONTROLLED");
  return Envelope(
      site, "configuration", "beacon-configuration-v2.2.0",
      {{"$schema",
        fmt::format("{}/framework/json/configuration/beaconConfigurationSchema.json", kSchemaRoot)},
       {"maturityAttributes", {{"productionStatus", "DEV"}}},
       {"securityAttributes",
        {{"defaultGranularity", "record"}, {"securityLevels", std::move(levels)}}},
       {"entryTypes", EntryTypes(site, folders)}});
}

std::string RenderBeaconEntryTypes(const SiteFacts& site, bool folders) {
  return Envelope(site, "entryTypes", "beacon-entry-types-v2.2.0",
                  {{"entryTypes", EntryTypes(site, folders)}});
}

std::string RenderBeaconMap(const SiteFacts& site) {
  json sets = json::object();
  for (const EntryType type : BeaconEntryTypes(site)) {
    const beacon::EntryFacts& facts = beacon::Facts(type);
    const std::string root = fmt::format("{}/{}", Base(site), facts.path);
    json& set = sets[std::string(facts.id)];
    set = {
        {"entryType", facts.id}, {"rootUrl", root}, {"openAPIEndpointsDefinition", ModelUrl(type, "endpoints.json")}};
    if (site.hub && type != EntryType::kDataset) continue;
    set["singleEntryUrl"] = root + "/{id}";
    if (!site.hub) set["filteringTermsUrl"] = root + "/filtering_terms";
    for (const EntryType other : BeaconEntryTypes(site)) {
      if (other == type) continue;
      set["endpoints"][std::string(beacon::Facts(other).id)] = {
          {"returnedEntryType", beacon::Facts(other).id},
          {"url", fmt::format("{}/{{id}}/{}", root, beacon::Facts(other).path)}};
    }
  }
  return Envelope(site, "map", "beacon-map-v2.2.0",
                  {{"$schema", fmt::format("{}/framework/json/configuration/beaconMapSchema.json", kSchemaRoot)},
                   {"endpointSets", std::move(sets)}});
}

std::string RenderFilteringTerms(const SiteFacts& site, const std::vector<discovery::v1::FolderTerm>& terms) {
  json list = json::array();
  std::set<std::string, std::less<>> prefixes;
  for (const auto& term : terms) {
    json one = {{"type", term.type()}, {"id", term.id()}, {"scopes", json::array()}};
    for (const std::string& scope : term.scopes()) one["scopes"].push_back(scope);
    if (!term.label().empty()) one["label"] = term.label();
    for (const std::string& value : term.values()) one["values"].push_back(value);
    if (term.type() == "ontology") prefixes.insert(term.id().substr(0, term.id().find(':')));
    list.push_back(std::move(one));
  }
  json resources = json::array();
  for (const Resource& resource : kResources) {
    if (!prefixes.contains(resource.prefix)) continue;
    resources.push_back({{"id", resource.id},
                         {"name", resource.name},
                         {"nameSpacePrefix", resource.prefix},
                         {"iriPrefix", resource.iri}});
  }
  return Envelope(site, "filteringTerms", "beacon-filtering-terms-v2.2.0",
                  {{"filteringTerms", std::move(list)}, {"resources", std::move(resources)}});
}

json AggregationConcepts(const beacon::AggregationTerm& term) {
  json concepts = json::array({{{"property", term.property}}});
  if (!term.by_property.empty()) concepts.push_back({{"property", term.by_property}});
  return concepts;
}

std::string RenderAggregationTerms(const SiteFacts& site) {
  json list = json::array();
  for (const beacon::AggregationTerm& term : beacon::kAggregationTerms) {
    if (site.hub && !term.of_cohorts) continue;
    list.push_back(
        {{"id", term.id}, {"label", term.label}, {"concepts", AggregationConcepts(term)}});
  }
  return Envelope(site, "aggregationTerms", "beacon-aggregation-terms-experimental",
                  {{"aggregationTerms", std::move(list)}});
}

std::vector<EntryType> BeaconEntryTypes(const SiteFacts& site) {
  if (site.hub) return {EntryType::kDataset, EntryType::kVariant, EntryType::kIndividual};
  return {beacon::kAllEntryTypes.begin(), beacon::kAllEntryTypes.end()};
}

}  // namespace genofed::gateway
