// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/synth/genotypes.h"
#include "libs/synth/hpo_terms.h"
#include "libs/synth/synth.h"

namespace genofed::synth {

// What a person permits. kNone has no Consent resource; kInactive has one that is not in force.
enum class Permission : std::uint8_t { kNone, kInactive, kAf, kAfSlq, kFull };

struct Person {
  std::string id;
  std::string sample;
  Sex sex = Sex::kFemale;
  std::uint32_t age = 0;   // years on 2025-01-15
  std::string birth_date;  // YYYY-MM-DD
  Permission permission = Permission::kFull;
  std::vector<const HpoTerm*> terms;     // observed, by id
  std::vector<const HpoTerm*> excluded;  // looked for and not found
};

// People with identifiers, sex, age and consent, without phenotypes.
std::vector<Person> MakePersons(const SynthOptions& options);

// Gives each person 2 to 10 terms. `carriers[a][i]` says whether person i carries the allele of
// planted association a, and so has its term more often.
void AssignTerms(const SynthOptions& options, const std::vector<std::vector<bool>>& carriers,
                 std::vector<Person>& persons);

}  // namespace genofed::synth
