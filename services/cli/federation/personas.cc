// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/personas.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "libs/core/strings.h"

namespace genofed::federation {
namespace {

constexpr std::size_t kMaxCountries = 27;

constexpr std::pair<std::string_view, std::string_view> kCountries[] = {
    {"at", "Austria"},     {"be", "Belgium"},    {"bg", "Bulgaria"},  {"cy", "Cyprus"},        {"cz", "Czechia"},
    {"de", "Germany"},     {"dk", "Denmark"},    {"ee", "Estonia"},   {"es", "Spain"},         {"fi", "Finland"},
    {"fr", "France"},      {"gr", "Greece"},     {"hr", "Croatia"},   {"hu", "Hungary"},       {"ie", "Ireland"},
    {"it", "Italy"},       {"lt", "Lithuania"},  {"lu", "Luxembourg"}, {"lv", "Latvia"},       {"mt", "Malta"},
    {"nl", "Netherlands"}, {"no", "Norway"},     {"pl", "Poland"},    {"pt", "Portugal"},      {"ro", "Romania"},
    {"se", "Sweden"},      {"si", "Slovenia"},   {"sk", "Slovakia"},
};

Persona AtHub(std::string name, std::string display_name, std::string organisation, std::vector<std::string> roles) {
  return {name, name, std::move(display_name), std::move(organisation), std::string(kHub), std::move(roles), ""};
}

Persona AtNode(std::string_view role, const std::string& country, std::string display_name,
               std::string organisation) {
  std::string name = fmt::format("{}_{}", role, country);
  return {name, name, std::move(display_name), std::move(organisation), country, {std::string(role)}, ""};
}

}  // namespace

Result<std::vector<std::string>> ParseCountries(std::string_view list) {
  std::vector<std::string> countries;
  for (std::string_view part : Split(list, ',')) {
    std::string country = ToLower(Trim(part));
    bool letters = country.size() == 2 && std::all_of(country.begin(), country.end(),
                                                      [](char c) { return c >= 'a' && c <= 'z'; });
    if (!letters) {
      return InvalidField("countries", "INVALID_COUNTRY", "'{}' is not a two-letter country code", country);
    }
    if (std::find(countries.begin(), countries.end(), country) != countries.end()) {
      return InvalidField("countries", "DUPLICATE_COUNTRY", "{} is named twice", country);
    }
    countries.push_back(std::move(country));
  }
  if (countries.size() > kMaxCountries) {
    return InvalidField("countries", "TOO_MANY_COUNTRIES", "at most {} countries", kMaxCountries);
  }
  return countries;
}

std::string CountryName(std::string_view country) {
  for (const auto& [code, name] : kCountries) {
    if (code == country) return std::string(name);
  }
  return ToUpper(country);
}

std::vector<Persona> MakePersonas(const std::vector<std::string>& countries) {
  std::vector<Persona> personas = {
      AtHub("researcher", "Riley Researcher", "Example University", {"researcher"}),
      AtHub("researcher_other_org", "Robin Researcher", "Other Institute", {"researcher"}),
      AtHub("signing_official", "Sam Signing-Official", "Example University", {"signing_official"}),
      AtHub("central_dac", "Cleo Committee", "1+MG Data Access Committee", {"central_dac"}),
      AtHub("clinician", "Chris Clinician", "Example University Hospital", {"clinician"}),
      AtHub("coordinator", "Cory Coordinator", "1+MG Central Coordination", {"coordinator"}),
      AtHub("policymaker", "Pat Policymaker", "Ministry of Examples", {"policymaker"}),
      AtHub("operator_hub", "Olli Operator", "Genome EDIC", {"operator"}),
      AtHub("broker", "Passport broker", "Life science login", {"broker"}),
  };
  for (const std::string& country : countries) {
    std::string name = CountryName(country);
    personas.push_back(AtNode("dac", country, "Data access committee of " + name, "Health data authority, " + name));
    Persona second = AtNode("dac", country, "Second member of the data access committee of " + name,
                            "Health data authority, " + name);
    second.name = second.subject = "dac_second_" + country;
    personas.push_back(std::move(second));
    personas.push_back(AtNode("holder", country, "Data holder in " + name, "Biobank, " + name));
    personas.push_back(AtNode("clinician", country, "Clinician in " + name, "University hospital, " + name));
    personas.push_back(AtNode("ncp", country, "National coordination point of " + name,
                              "National coordination point, " + name));
    personas.push_back(AtNode("operator", country, "Node operator in " + name, "Computing centre, " + name));
    personas.push_back(AtNode("dpo", country, "Data protection officer in " + name, "Computing centre, " + name));
    personas.push_back(AtNode("broker", country, "Passport broker for " + name, "Life science login"));
    Persona citizen = AtNode("citizen", country, "Citizen of " + name, name);
    citizen.roles.clear();
    citizen.person_identifier = ToUpper(country) + "-P000001";
    personas.push_back(std::move(citizen));
  }
  return personas;
}

std::string AccountsJson(const std::vector<Persona>& personas) {
  nlohmann::ordered_json accounts = nlohmann::ordered_json::object();
  for (const Persona& persona : personas) {
    nlohmann::ordered_json account = {{"subject", persona.subject},
                                      {"name", persona.display_name},
                                      {"organisation", persona.organisation},
                                      {"site", persona.site}};
    if (!persona.person_identifier.empty()) account["person_identifier"] = persona.person_identifier;
    accounts[persona.name] = std::move(account);
  }
  return nlohmann::ordered_json{{"personas", std::move(accounts)}}.dump(2) + "\n";
}

}  // namespace genofed::federation
