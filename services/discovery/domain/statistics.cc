// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/statistics.h"

#include <map>
#include <set>

#include "libs/phenotype/hpo_graph.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {
namespace {

using genomics::Individual;
using genomics::Sex;
using phenotype::HpoGraph;

struct Ages {
  const char* id;
  std::uint32_t from_months, to_months;
};
constexpr Ages kAges[] = {{"P0Y-P17Y", 0, 18 * 12},
                          {"P18Y-P39Y", 18 * 12, 40 * 12},
                          {"P40Y-P64Y", 40 * 12, 65 * 12},
                          {"P65Y-", 65 * 12, UINT32_MAX}};

// Beacon's own question, so that both say the same.
std::string AskingFor(std::string_view term) {
  Query query;
  query.entity = Entity::kIndividual;
  query.filters = {{Filter{std::string(term)}}};
  return Canonical(query);
}

std::string AgesOf(const Individual& person) {
  if (!person.age_months) return "unknown";
  for (const Ages& ages : kAges) {
    if (*person.age_months >= ages.from_months && *person.age_months < ages.to_months)
      return ages.id;
  }
  return "unknown";
}

std::set<HpoGraph::Node> SystemsOf(const Individual& person, const HpoGraph& graph,
                                   const std::set<HpoGraph::Node>& systems) {
  std::set<HpoGraph::Node> affected;
  for (const std::string& term : person.terms) {
    const auto node = graph.Find(term);
    if (!node) continue;
    for (const HpoGraph::Node above : graph.Ancestors(*node)) {
      if (systems.contains(above)) affected.insert(above);
    }
  }
  return affected;
}

}  // namespace

std::vector<Dimension> DimensionsOf(std::span<const Individual> people,
                                    const genomics::Bitmap& counted) {
  const HpoGraph& graph = HpoGraph::Embedded();
  const std::set<HpoGraph::Node> all_systems(graph.Systems().begin(), graph.Systems().end());
  std::map<Sex, std::int64_t> sexes;
  std::map<std::string, std::int64_t> ages;
  std::map<HpoGraph::Node, std::int64_t> systems;
  for (std::uint32_t row = 0; row < people.size(); ++row) {
    if (!counted.Test(row)) continue;
    ++sexes[people[row].sex];
    ++ages[AgesOf(people[row])];
    for (const HpoGraph::Node system : SystemsOf(people[row], graph, all_systems))
      ++systems[system];
  }
  Dimension sex{"sex", true, {}};
  for (const Sex one : {Sex::kFemale, Sex::kMale, Sex::kUnknown}) {
    const std::string term(genomics::SexTerm(one));
    sex.groups.push_back({term, AskingFor(term), sexes[one]});
  }
  Dimension age{"age", true, {}};
  for (const Ages& one : kAges)
    age.groups.push_back({one.id, std::string("age|") + one.id, ages[one.id]});
  age.groups.push_back({"unknown", "age|unknown", ages["unknown"]});
  Dimension phenotypes{"phenotype", false, {}};
  for (const HpoGraph::Node system : graph.Systems()) {
    const std::string term = graph.Term(system);
    phenotypes.groups.push_back({term, "system|" + term, systems[system]});
  }
  return {std::move(sex), std::move(age), std::move(phenotypes)};
}

}  // namespace genofed::discovery
