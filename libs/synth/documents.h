// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/synth/persons.h"
#include "libs/synth/sites.h"
#include "libs/synth/synth.h"

namespace genofed::synth {

// People by phenotype (case: has the term) and genotype; who has no call is left out.
struct TwoByTwo {
  std::uint32_t case_carriers = 0;
  std::uint32_t case_others = 0;
  std::uint32_t control_carriers = 0;
  std::uint32_t control_others = 0;
};

// A planted association as it turned out in this cohort.
struct PlantedResult {
  const PlantedAssociation* association = nullptr;
  Site site;
  TwoByTwo everybody;
  TwoByTwo secondary_use;  // only people who permit it, as a study would see
};

// Phenopackets v2 (GA4GH, https://phenopacket-schema.readthedocs.io) of one person, one line of
// JSON.
std::string Phenopacket(const Person& person);
// FHIR R4 Bundle with a Consent for everybody but those with Permission::kNone.
std::string ConsentBundle(const std::vector<Person>& persons);
std::string Truth(const SynthOptions& options, const std::vector<Person>& persons,
                  const std::vector<PlantedResult>& planted);
// What the catalogue will say, with references for the inclusion check: `genofed onboard` reads it
// from the folder.
std::string DatasetDescription(const SynthOptions& options);
std::string Readme(const SynthOptions& options, const std::vector<PlantedResult>& planted);

}  // namespace genofed::synth
