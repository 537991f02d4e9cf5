// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/persons.h"

#include <algorithm>
#include <cmath>

#include "libs/synth/prng.h"
#include "libs/synth/sites.h"

namespace genofed::synth {
namespace {

constexpr std::uint32_t kMostTerms = 10;
constexpr double kExcludedTerm = 0.3;
// Draws within the stream of a person, numbered so that neither disturbs the other.
constexpr std::uint64_t kDemography = 1;
constexpr std::uint64_t kPhenotype = 2;

// Everybody's permission: exact numbers, at random places.
std::vector<Permission> MakePermissions(const SynthOptions& options) {
  const auto count = [&](double fraction) {
    return static_cast<std::size_t>(std::floor(fraction * options.people + 0.5));
  };
  std::vector<Permission> permissions;
  const auto add = [&](std::size_t n, Permission permission) {
    permissions.insert(permissions.end(), std::min(n, options.people - permissions.size()), permission);
  };
  const std::size_t without = count(options.without_consent);
  add(without - without / 4, Permission::kNone);
  add(without / 4, Permission::kInactive);
  add(count(options.af_only), Permission::kAf);
  add(count(options.without_secondary_use), Permission::kAfSlq);
  add(options.people, Permission::kFull);
  Stream stream(Purpose::kConsent, {options.seed, KeyOf(options.country)});
  stream.Shuffle(permissions);
  return permissions;
}

bool Suits(const HpoTerm& term, Sex sex) {
  return term.sex == TermSex::kAny || (term.sex == TermSex::kMale) == (sex == Sex::kMale);
}

bool IsPlanted(const HpoTerm& term) {
  return std::ranges::find(PlantedAssociations(), term.id, &PlantedAssociation::term) !=
         PlantedAssociations().end();
}

bool Has(const std::vector<const HpoTerm*>& terms, const HpoTerm& term) {
  return std::ranges::find(terms, &term) != terms.end();
}

// A background term the person does not have yet; the earlier ones of the table are more frequent.
const HpoTerm& DrawTerm(Stream& stream, const Person& person) {
  const auto terms = HpoTerms();
  const auto size = static_cast<std::uint32_t>(terms.size());
  while (true) {
    const HpoTerm& term = terms[std::min(stream.Below(size), stream.Below(size))];
    if (Suits(term, person.sex) && !IsPlanted(term) && !Has(person.terms, term)) return term;
  }
}

double Prevalence(const PlantedAssociation& association, bool carrier) {
  if (!carrier) return association.background_prevalence;
  const double odds = association.background_prevalence / (1 - association.background_prevalence) *
                      association.odds_ratio;
  return odds / (1 + odds);
}

}  // namespace

std::vector<Person> MakePersons(const SynthOptions& options) {
  const std::vector<Permission> permissions = MakePermissions(options);
  std::vector<Person> persons(options.people);
  for (std::uint32_t i = 0; i < options.people; ++i) {
    Stream stream(Purpose::kPerson, {options.seed, KeyOf(options.country), i, kDemography});
    Person& person = persons[i];
    person.id = fmt::format("{}-P{:06}", options.country, i + 1);
    person.sample = fmt::format("{}-S{:06}", options.country, i + 1);
    person.sex = stream.Chance(0.5) ? Sex::kMale : Sex::kFemale;
    person.age = 18 + stream.Below(40) + stream.Below(35);
    // Born after January: on 2025-01-15 the birthday of the year is still to come.
    const std::uint32_t month = 2 + stream.Below(11);
    person.birth_date = fmt::format("{:04}-{:02}-{:02}", 2024 - person.age, month, 1 + stream.Below(28));
    person.permission = permissions[i];
  }
  return persons;
}

void AssignTerms(const SynthOptions& options, const std::vector<std::vector<bool>>& carriers,
                 std::vector<Person>& persons) {
  const auto& associations = PlantedAssociations();
  for (std::uint32_t i = 0; i < persons.size(); ++i) {
    Stream stream(Purpose::kPerson, {options.seed, KeyOf(options.country), i, kPhenotype});
    Person& person = persons[i];
    for (std::size_t a = 0; a < carriers.size(); ++a) {
      if (stream.Chance(Prevalence(associations[a], carriers[a][i]))) {
        person.terms.push_back(&HpoTermOf(associations[a].term));
      }
    }
    const std::size_t wanted = 2 + std::min(stream.Below(kMostTerms - 1), stream.Below(kMostTerms - 1));
    while (person.terms.size() < wanted) person.terms.push_back(&DrawTerm(stream, person));
    if (stream.Chance(kExcludedTerm)) person.excluded.push_back(&DrawTerm(stream, person));
    std::ranges::sort(person.terms, {}, &HpoTerm::id);
  }
}

}  // namespace genofed::synth
