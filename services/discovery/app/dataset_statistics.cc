// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/dataset_statistics.h"

#include <algorithm>

#include "libs/disclosure/budget.h"
#include "libs/disclosure/table.h"

namespace genofed::discovery {
namespace {


}  // namespace

DatasetStatistics::DatasetStatistics(const disclosure::Mechanism& mechanism, Budgets* budgets,
                                     ConsentView& view, PublicationStore& publications,
                                     PeopleReader& reader, StatisticsStore& store)
    : mechanism_(mechanism),
      budgets_(budgets),
      view_(view),
      publications_(publications),
      reader_(reader),
      store_(store) {}

Result<Statistics> DatasetStatistics::Run(const Context& ctx, const std::string& dataset,
                                          std::int32_t version, std::int64_t people) {
  if (people < 0) return InvalidField("people", "FIELD_INVALID", "must not be negative");
  GF_ASSIGN(auto kept, store_.Find(ctx, dataset, version));
  if (kept) return *std::move(kept);
  Statistics statistics;
  const disclosure::Shown everybody =
      mechanism_.Everybody(mechanism_.State(dataset, version, "catalogue"), people);
  statistics.individuals = everybody.count;
  statistics.precision = everybody.precision;
  GF_ASSIGN(const auto published, publications_.List(ctx));
  const auto publication = std::find_if(
      published.begin(), published.end(),
      [&](const Publication& one) { return one.dataset == dataset && one.version == version; });
  if (publication != published.end() && !publication->individuals_path.empty()) {
    GF_ASSIGN(statistics.groups, Groups(ctx, *publication));
  }
  return store_.Keep(ctx, dataset, version, statistics);
}

Result<std::vector<PeopleGroup>> DatasetStatistics::Groups(const Context& ctx,
                                                           const Publication& publication) {
  GF_ASSIGN(const Holding holding, view_.Prepare(ctx, publication.dataset, publication.version));
  GF_ASSIGN(const auto people, reader_.Read(publication));
  const auto population = static_cast<std::int64_t>(holding.subject_level->count());
  const disclosure::Policy& policy = mechanism_.policy();
  double left = policy.HasBudget() ? disclosure::kCatalogueShare * disclosure::BudgetOf(policy) : 0;
  std::vector<PeopleGroup> groups;
  std::vector<Spending> spendings;
  for (const Dimension& dimension : DimensionsOf(people, holding.subject_level->rows())) {
    std::vector<disclosure::Cell> cells;
    for (const auto& group : dimension.groups) cells.push_back({group.canonical, group.people});
    const disclosure::ShownTable table =
        dimension.divides ? disclosure::Divide(mechanism_, holding.state, cells, population)
                          : disclosure::Count(mechanism_, holding.state, cells, population);
    if (policy.HasBudget() && table.charge > left) continue;
    left -= table.charge;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (table.cells[i].exists())
        groups.push_back({dimension.name, dimension.groups[i].id, table.cells[i].count});
      spendings.push_back({publication.dataset,
                           mechanism_.Mac({holding.state, cells[i].canonical}, "count"),
                           table.cells[i].charge, 0});
    }
  }
  if (budgets_ != nullptr) {
    GF_ASSIGN(const auto refused, budgets_->Charge(ctx, std::string(kCatalogueAccount), spendings));
    if (!refused.empty()) groups.clear();
  }
  return groups;
}

}  // namespace genofed::discovery
