// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/cohort.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "libs/beacon/ontology.h"
#include "libs/clinical/terminology.h"
#include "libs/core/strings.h"

namespace genofed::discovery {
namespace {

using genomics::Bitmap;
using genomics::Individual;
using genomics::Sex;

constexpr std::size_t kMaxFreeBuffers = 16;
constexpr std::uint32_t kMaxYears = 200;  // years

// The terms of some people and all that these are a kind of.
cohort::Ontology OntologyOf(std::span<const Individual> people,
                            std::map<std::string, std::uint32_t>& numbers) {
  const clinical::Terminology& terminology = clinical::Terminology::Embedded();
  cohort::Ontology ontology;
  auto number_of = [&](const std::string& term) {
    const auto [entry, fresh] =
        numbers.try_emplace(term, static_cast<std::uint32_t>(ontology.terms.size()));
    if (fresh) {
      ontology.terms.push_back(term);
      ontology.parents.emplace_back();
    }
    return entry->second;
  };
  for (const Individual& person : people) {
    for (const std::string& term : person.terms) number_of(term);
  }
  // Grows while it is gone through.
  for (std::uint32_t i = 0; i < ontology.terms.size(); ++i) {
    constexpr std::string_view kPrefix = "HP:";
    const std::string term = ontology.terms[i];
    if (!term.starts_with(kPrefix)) continue;
    const auto id = ParseInt(std::string_view(term).substr(kPrefix.size()));
    if (!id.ok()) continue;
    for (const std::uint32_t parent : terminology.HpoParents(static_cast<std::uint32_t>(*id))) {
      const std::uint32_t number = number_of(clinical::HpoId(parent));
      ontology.parents[i].push_back(number);
    }
  }
  return ontology;
}

cohort::People PeopleOf(std::span<const Individual> individuals) {
  std::map<std::string, std::uint32_t> numbers;
  const cohort::Ontology ontology = OntologyOf(individuals, numbers);
  cohort::PeopleBuilder people(static_cast<std::uint32_t>(individuals.size()));
  for (std::uint32_t row = 0; row < individuals.size(); ++row) {
    const Individual& person = individuals[row];
    people.SetSex(row, person.sex);
    if (person.age_months) people.SetAge(row, *person.age_months / 12);
    for (const std::string& term : person.terms) people.AddTerm(row, numbers.at(term));
  }
  return people.Finish(ontology);
}

}  // namespace

Cohort::Cohort(std::string dataset, std::int32_t version,
               std::unique_ptr<const cohort::Cohort> genotypes,
               std::span<const Individual> individuals, std::vector<std::uint32_t> batches,
               std::string files)
    : dataset_(std::move(dataset)),
      version_(version),
      files_(std::move(files)),
      batches_(std::move(batches)),
      genotypes_(std::move(genotypes)),
      described_(individuals.size() == genotypes_->n_people()),
      terms_(genomics::TermBitmaps::Build(individuals)),
      people_(PeopleOf(individuals)) {
  sexes_.reserve(individuals.size());
  ages_.reserve(individuals.size());
  for (const Individual& person : individuals) {
    sexes_.push_back(person.sex);
    const std::uint32_t years = person.age_months.value_or(0) / 12;
    ages_.push_back(person.age_months ? static_cast<std::int16_t>(std::min(years, kMaxYears)) : -1);
  }
}

std::uint32_t Cohort::Released(std::int64_t least) const {
  const std::vector<std::uint32_t> whole = {rows()};
  std::uint32_t released = 0;
  std::int64_t waiting = 0;
  for (std::uint32_t batch : batches_.empty() ? whole : batches_) {
    waiting += batch;
    if (waiting < least) continue;
    released += static_cast<std::uint32_t>(waiting);
    waiting = 0;
  }
  return released;
}

// Adds the filter to a selection, of which all hold; false when that cannot be.
bool Cohort::Add(const Filter& filter, cohort::Selection& selection) const {
  if (filter.ages) {
    constexpr auto kLimit = static_cast<std::int32_t>(cohort::kMaxAge);
    if (selection.ages || filter.ages->first > kLimit) return false;
    selection.ages.emplace(filter.ages->first, std::min(filter.ages->second, kLimit));
    return true;
  }
  const Sex sex = genomics::ParseSex(filter.term);
  if (sex != Sex::kUnknown || filter.term == genomics::SexTerm(Sex::kUnknown)) {
    if (selection.sex) return false;
    selection.sex = sex;
    return true;
  }
  if (!filter.descendants || filter.similarity != beacon::Similarity::kExact) return false;
  selection.terms.push_back(filter.term);
  return true;
}

// Those who have just a term that is near. Which these are is the ontology's word alone, and each
// step goes along all of it: never only along what people of this cohort have.
Bitmap Cohort::HaveNear(const Filter& filter) const {
  Bitmap rows(this->rows());
  for (const std::string& near : beacon::Ontology().Expand(filter.term, false, filter.similarity)) {
    for (const std::uint32_t row : terms_.Rows(near)) rows.Set(row);
  }
  return rows;
}

Bitmap Cohort::Holds(const Filter& filter, const Bitmap& among) const {
  if (filter.similarity != beacon::Similarity::kExact) {
    Bitmap rows = HaveNear(filter);
    rows.And(among);
    Filter itself = filter;
    itself.similarity = beacon::Similarity::kExact;
    rows.Or(Holds(itself, among));
    return rows;
  }
  cohort::Selection selection;
  if (Add(filter, selection)) return people_.Select(selection, among);
  Bitmap rows = filter.ages ? Bitmap(among.size()) : terms_.Get(filter.term);
  rows.And(among);
  return rows;
}

Bitmap Cohort::Select(std::span<const FilterGroup> filters, const Bitmap& among) const {
  if (filters.empty()) return among;
  if (!described_) return Bitmap(among.size());
  // What one selection can say is one pass; the rest is looked at by itself.
  cohort::Selection selection;
  std::vector<const FilterGroup*> rest;
  for (const FilterGroup& group : filters) {
    if (group.size() > 1 || !Add(group.front(), selection)) rest.push_back(&group);
  }
  Bitmap selected = people_.Select(selection, among);
  for (const FilterGroup* group : rest) {
    Bitmap any(among.size());
    for (const Filter& filter : *group) any.Or(Holds(filter, selected));
    selected = std::move(any);
  }
  return selected;
}

std::vector<Individual> Cohort::Describe(std::span<const std::uint32_t> rows) const {
  std::vector<Individual> people(rows.size());
  if (!described_) return people;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    people[i].sex = sexes_[rows[i]];
    if (ages_[rows[i]] >= 0) people[i].age_months = 12 * static_cast<std::uint32_t>(ages_[rows[i]]);
  }
  for (const std::string& term : terms_.Terms()) {
    const std::span<const std::uint32_t> have = terms_.Rows(term);
    // Both ascend: the shorter list is looked up in the longer one.
    if (have.size() < rows.size()) {
      for (const std::uint32_t row : have) {
        const auto place = std::lower_bound(rows.begin(), rows.end(), row);
        if (place != rows.end() && *place == row)
          people[static_cast<std::size_t>(place - rows.begin())].terms.push_back(term);
      }
      continue;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (std::binary_search(have.begin(), have.end(), rows[i])) people[i].terms.push_back(term);
    }
  }
  return people;
}

std::vector<std::int64_t> Cohort::Distribute(std::span<const CrossCell> cells,
                                             const Bitmap& rows) const {
  std::vector<std::int64_t> people(cells.size());
  if (!described_) return people;
  const auto table = people_.CrossTable(rows, AgeBounds());
  // Of the sexes, and last of all: who is in which band, and in the end whose age is not known.
  std::array<std::vector<std::int64_t>, 4> bands;
  for (std::size_t sex = 0; sex < 3; ++sex) {
    cohort::Selection selection;
    selection.sex = static_cast<Sex>(sex);
    auto unknown = static_cast<std::int64_t>(people_.Select(selection, rows).Count());
    for (const auto& band : table) {
      bands[sex].push_back(static_cast<std::int64_t>(band[sex]));
      unknown -= bands[sex].back();
    }
    bands[sex].push_back(unknown);
    bands[3].resize(bands[sex].size());
    for (std::size_t i = 0; i < bands[sex].size(); ++i) bands[3][i] += bands[sex][i];
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto& of_sex = bands[cells[i].sex ? static_cast<std::size_t>(*cells[i].sex) : 3];
    people[i] = cells[i].band ? of_sex[*cells[i].band]
                              : std::accumulate(of_sex.begin(), of_sex.end(), std::int64_t{0});
  }
  return people;
}

Cohort::Buffers::Buffers(const Cohort& cohort) : cohort_(cohort) {
  MutexLock lock(cohort.mutex_);
  if (cohort.free_.empty()) {
    workspace_ = std::make_unique<cohort::Workspace>();
  } else {
    workspace_ = std::move(cohort.free_.back());
    cohort.free_.pop_back();
  }
}

Cohort::Buffers::~Buffers() {
  MutexLock lock(cohort_.mutex_);
  if (cohort_.free_.size() < kMaxFreeBuffers) cohort_.free_.push_back(std::move(workspace_));
}

}  // namespace genofed::discovery
