// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/personas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace genofed::federation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

TEST(CountriesTest, ParsesCodes) {
  EXPECT_THAT(ParseCountries("FI,ES").value(), ElementsAre("fi", "es"));
  EXPECT_THAT(ParseCountries(" se ").value(), ElementsAre("se"));
  for (const char* bad : {"", "FI,", "FIN", "F1", "../", "fi,FI", "hub"}) {
    EXPECT_FALSE(ParseCountries(bad).ok()) << bad;
  }
}

TEST(PersonasTest, EveryPersonaOfTheDefaultFederation) {
  std::set<std::string> names;
  std::set<std::string> subjects;
  for (const Persona& persona : MakePersonas({"fi", "es"})) {
    EXPECT_TRUE(names.insert(persona.name).second) << persona.name;
    EXPECT_TRUE(subjects.insert(persona.subject).second) << persona.subject;
    bool citizen = persona.name.starts_with("citizen_");
    EXPECT_EQ(persona.roles.empty(), citizen) << persona.name;
    EXPECT_EQ(!persona.person_identifier.empty(), citizen) << persona.name;
    bool national = persona.name.ends_with("_fi") || persona.name.ends_with("_es");
    EXPECT_EQ(persona.site, national ? persona.name.substr(persona.name.size() - 2) : "hub");
  }
  EXPECT_THAT(names, IsSupersetOf({"researcher", "researcher_other_org", "signing_official", "central_dac", "dac_fi",
                                   "dac_es", "dac_second_fi", "dac_second_es", "holder_fi", "holder_es", "ncp_fi", "ncp_es", "operator_fi",
                                   "operator_es", "citizen_fi", "citizen_es", "clinician", "clinician_fi", "clinician_es", "coordinator",
                                   "policymaker", "operator_hub", "broker", "broker_fi", "broker_es"}));
  EXPECT_EQ(names.size(), 27U);
}

TEST(PersonasTest, SigningOfficialIsOfTheResearchersOrganisation) {
  auto personas = MakePersonas({"fi"});
  auto organisation = [&](std::string_view name) {
    for (const auto& persona : personas) {
      if (persona.name == name) return persona.organisation;
    }
    return std::string();
  };
  EXPECT_EQ(organisation("signing_official"), organisation("researcher"));
  EXPECT_NE(organisation("researcher_other_org"), organisation("researcher"));
}

TEST(PersonasTest, AccountsFile) {
  auto accounts = nlohmann::json::parse(AccountsJson(MakePersonas({"fi"})));
  const auto& personas = accounts.at("personas");
  EXPECT_EQ(personas.at("citizen_fi").at("person_identifier"), "FI-P000001");
  EXPECT_EQ(personas.at("citizen_fi").at("site"), "fi");
  EXPECT_FALSE(personas.at("researcher").contains("person_identifier"));
  EXPECT_FALSE(personas.at("researcher").contains("roles"));
}

TEST(PersonasTest, CountryNames) {
  EXPECT_EQ(CountryName("fi"), "Finland");
  EXPECT_EQ(CountryName("xx"), "XX");
}

}  // namespace
}  // namespace genofed::federation
