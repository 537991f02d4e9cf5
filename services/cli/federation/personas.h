// SPDX-License-Identifier: Apache-2.0
//
// The people of a development federation. A persona is known at its home site only: its token names that site as
// audience, and that site's configuration gives it its roles.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::federation {

inline constexpr std::string_view kHub = "hub";

struct Persona {
  std::string name;  // "dac_fi"
  std::string subject;
  std::string display_name;
  std::string organisation;
  std::string site;                // "hub", or a country in lower case
  std::vector<std::string> roles;  // at `site`; empty for citizens
  std::string person_identifier;   // citizens only
};

// "FI,ES" (or lower case) to {"fi", "es"}: ISO 3166-1 alpha-2 codes, at least one, each once, at most 27.
Result<std::vector<std::string>> ParseCountries(std::string_view list);

// "Finland" for "fi"; the code in upper case for a country this table does not know.
std::string CountryName(std::string_view country);

// Those of the hub, then dac, holder, ncp, operator, broker and citizen of each country (lower-case codes).
std::vector<Persona> MakePersonas(const std::vector<std::string>& countries);

// The accounts file of the development OpenID provider (deploy/dev-idp) as JSON.
std::string AccountsJson(const std::vector<Persona>& personas);

}  // namespace genofed::federation
