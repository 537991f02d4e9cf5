// SPDX-License-Identifier: Apache-2.0
//
// The answers of the Beacon framework endpoints: what this beacon is and can do.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "libs/ga4gh/service_info.h"
#include "services/gateway/adapters/beacon_response.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;

constexpr char kSchemaRoot[] = "https://raw.githubusercontent.com/ga4gh-beacon/beacon-v2/v2.2.0";

std::string Base(const SiteFacts& site) { return site.public_url + "/beacon/v2"; }

std::string Envelope(const SiteFacts& site, const char* entity, const char* schema, json response) {
  const json document = {
      {"meta",
       {{"beaconId", site.ServiceId("beacon")},
        {"apiVersion", kBeaconApiVersion},
        {"returnedSchemas", json::array({{{"entityType", entity}, {"schema", schema}}})}}},
      {"response", std::move(response)}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

struct EntryType {
  const char* id;
  const char* name;
  const char* path;
  const char* model;  // folder of the default schema
  const char* schema;
  const char* term;
  const char* label;
};

constexpr EntryType kEntryTypes[] = {
    {"dataset", "Dataset", "datasets", "datasets", "ga4gh-beacon-dataset-v2.0.0", "NCIT:C47824",
     "Data set"},
    {"genomicVariant", "Genomic Variants", "g_variants", "genomicVariations",
     "ga4gh-beacon-variant-v2.1.0", "ENSGLOSSARY:0000092", "Variant"},
    {"individual", "Individual", "individuals", "individuals", "ga4gh-beacon-individual-v2.1.0",
     "NCIT:C25190", "Person"},
};

json EntryTypes() {
  json types = json::object();
  for (const EntryType& type : kEntryTypes) {
    types[type.id] = {{"id", type.id},
                      {"name", type.name},
                      {"ontologyTermForThisType", {{"id", type.term}, {"label", type.label}}},
                      {"partOfSpecification", "Beacon v2.2.0"},
                      {"defaultSchema",
                       {{"id", type.schema},
                        {"name", fmt::format("Default schema for: {}", type.name)},
                        {"schemaVersion", "v2.2.0"},
                        {"referenceToSchemaDefinition",
                         fmt::format("{}/models/json/beacon-v2-default-model/{}/defaultSchema.json",
                                     kSchemaRoot, type.model)}}},
                      {"additionallySupportedSchemas", json::array()},
                      {"nonFilteredQueriesAllowed", std::string_view(type.id) != "genomicVariant"}};
  }
  types["dataset"]["aCollectionOf"] =
      json::array({{{"id", "genomicVariant"}, {"name", "Genomic Variants"}}});
  return types;
}

}  // namespace

std::string RenderBeaconInfo(const SiteFacts& site) {
  return Envelope(
      site, "info", "beacon-info-v2.2.0",
      {{"id", site.ServiceId("beacon")},
       {"name", "Beacon of " + site.Organisation()},
       {"apiVersion", kBeaconApiVersion},
       {"environment", "dev"},
       {"description", "Individuals with permission only; small counts are not disclosed."},
       {"welcomeUrl", site.public_url + "/docs"},
       {"organization",
        {{"id", site.name},
         {"name", site.Organisation()},
         {"welcomeUrl", site.public_url + "/docs"}}},
       {"info", {{"aggregator", site.hub}}}});
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

std::string RenderBeaconConfiguration(const SiteFacts& site) {
  return Envelope(
      site, "configuration", "beacon-configuration-v2.2.0",
      {{"$schema",
        fmt::format("{}/framework/json/configuration/beaconConfigurationSchema.json", kSchemaRoot)},
       {"maturityAttributes", {{"productionStatus", "DEV"}}},
       {"securityAttributes",
        {{"defaultGranularity", "record"}, {"securityLevels", json::array({"PUBLIC"})}}},
       {"entryTypes", EntryTypes()}});
}

std::string RenderBeaconEntryTypes(const SiteFacts& site) {
  return Envelope(site, "entryTypes", "beacon-entry-types-v2.2.0", {{"entryTypes", EntryTypes()}});
}

std::string RenderBeaconMap(const SiteFacts& site) {
  json sets = json::object();
  for (const EntryType& type : kEntryTypes) {
    sets[type.id] = {{"entryType", type.id}, {"rootUrl", Base(site) + "/" + type.path}};
  }
  sets["dataset"]["singleEntryUrl"] = Base(site) + "/datasets/{id}";
  return Envelope(site, "map", "beacon-map-v2.2.0",
                  {{"$schema", fmt::format("{}/framework/json/configuration/beaconMapSchema.json",
                                           kSchemaRoot)},
                   {"endpointSets", std::move(sets)}});
}

std::string RenderFilteringTerms(const SiteFacts& site,
                                 const std::vector<discovery::v1::FilteringTerm>& terms) {
  json list = json::array();
  bool hpo = false;
  bool ncit = false;
  for (const auto& term : terms) {
    json one = {{"type", "ontology"}, {"id", term.id()}, {"scopes", json::array({"individual"})}};
    if (!term.label().empty()) one["label"] = term.label();
    hpo = hpo || term.id().starts_with("HP:");
    ncit = ncit || term.id().starts_with("NCIT:");
    list.push_back(std::move(one));
  }
  json resources = json::array();
  if (hpo) {
    resources.push_back({{"id", "hp"},
                         {"name", "Human Phenotype Ontology"},
                         {"nameSpacePrefix", "HP"},
                         {"iriPrefix", "http://purl.obolibrary.org/obo/HP_"}});
  }
  if (ncit) {
    resources.push_back({{"id", "ncit"},
                         {"name", "NCI Thesaurus"},
                         {"nameSpacePrefix", "NCIT"},
                         {"iriPrefix", "http://purl.obolibrary.org/obo/NCIT_"}});
  }
  return Envelope(site, "filteringTerms", "beacon-filtering-terms-v2.2.0",
                  {{"filteringTerms", std::move(list)}, {"resources", std::move(resources)}});
}

}  // namespace genofed::gateway
