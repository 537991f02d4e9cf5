// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/folder_aggregation.h"

#include "libs/beacon/search.h"
#include "libs/disclosure/budget.h"
#include "libs/disclosure/table.h"
#include "services/discovery/app/answer_time.h"
#include "services/discovery/app/beacon_disclosure.h"

namespace genofed::discovery {
namespace {

// People of each value, of those who match.
struct Cells {
  std::vector<std::string> values;
  std::vector<disclosure::Cell> cells;
  bool divide = false;  // everybody is in exactly one
};

Cells CellsOf(const beacon::Collection& collection, const beacon::AggregationTerm& term,
              const genomics::Bitmap& matching, const std::string& canonical) {
  Cells out;
  std::int64_t counted = 0;
  for (const auto& [value, rows] : beacon::Distribute(collection, term, matching)) {
    const auto people = static_cast<std::int64_t>(rows.Count());
    out.values.push_back(value);
    out.cells.push_back({fmt::format("{}\nby {} {}", canonical, term.id, value), people});
    counted += people;
  }
  // A record may have two values where the model knows one.
  out.divide = term.divides && counted == static_cast<std::int64_t>(matching.Count());
  return out;
}

}  // namespace

Result<Aggregated> FolderAggregation::Run(const Context& ctx, const beacon::Request& request,
                                          const std::string& account) const {
  GF_ASSIGN(const auto view, view_.Current());
  Aggregated out;
  std::vector<Aggregation>& aggregations = out.aggregations;
  for (const std::string& id : request.aggregations) {
    const beacon::AggregationTerm* term = beacon::FindAggregationTerm(id);
    if (term->of_folders) aggregations.push_back({term, {}});
  }
  if (aggregations.empty()) return out;
  Refused spent;
  bool told_something = false;
  for (const auto& [folder, holding] : view->folders) {
    GF_TRY(ctx.Alive());
    const auto start = std::chrono::steady_clock::now();
    const beacon::Collection& collection = *holding.collection;
    if (!open_ && collection.test() != request.test_mode) continue;
    const bool open = open_ || collection.test();
    const genomics::Bitmap& permitted = holding.subject_level;
    const auto look = open ? beacon::Look::kAll : beacon::Look::kShared;
    GF_ASSIGN(const beacon::Found found, beacon::Search(ctx, collection, request, permitted, look));
    const genomics::Bitmap& matching = found.rows;
    const auto population = static_cast<std::int64_t>(permitted.Count());
    const std::string canonical = Canonical(request) + CanonicalDatasets(request, collection);
    std::vector<Spending> spendings;
    std::vector<std::map<std::string, std::int64_t>> distributions;
    for (const Aggregation& aggregation : aggregations) {
      const Cells table = CellsOf(collection, *aggregation.term, matching, canonical);
      const disclosure::ShownTable shown =
          table.divide
              ? disclosure::Divide(mechanism_, holding.state, table.cells, population, false)
              : disclosure::Count(mechanism_, holding.state, table.cells, population);
      auto& distribution = distributions.emplace_back();
      for (std::size_t i = 0; i < table.cells.size(); ++i) {
        const std::int64_t count = open ? table.cells[i].people : shown.cells[i].count;
        if (count > 0) distribution[table.values[i]] = count;
        if (open) continue;
        spendings.push_back({folder,
                             mechanism_.Mac({holding.state, table.cells[i].canonical}, "records"),
                             shown.cells[i].charge, 0});
      }
    }
    if (!disclosure::FitsAtOnce(mechanism_.policy(), spendings.size())) {
      out.withheld.push_back({folder, {}});
      continue;
    }
    // All values are told together.
    for (Spending& spending : spendings)
      spending.worst =
          disclosure::WorstCharge(mechanism_.policy()) * static_cast<double>(spendings.size());
    if (!open)
      WaitForMultiple(start, std::chrono::microseconds(mechanism_.policy().answer_microseconds));
    GF_ASSIGN(const Refused refused, telling_.Charge(ctx, account, spendings));
    if (!refused.empty()) {
      out.withheld.push_back({folder, {}, refused.begin()->second});
      spent.insert(refused.begin(), refused.end());
      continue;
    }
    told_something = true;
    for (std::size_t i = 0; i < aggregations.size(); ++i) {
      for (const auto& [value, count] : distributions[i])
        aggregations[i].distribution[value] += count;
    }
  }
  if (told_something || out.withheld.empty()) return out;
  return spent.empty() ? TooMuchAtOnce(mechanism_.policy(), "values") : BudgetSpent(spent);
}

}  // namespace genofed::discovery
