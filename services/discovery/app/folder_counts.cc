// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/folder_counts.h"

#include <algorithm>

#include "libs/beacon/search.h"
#include "libs/cohort/people.h"
#include "libs/disclosure/budget.h"
#include "services/discovery/app/answer_time.h"
#include "services/discovery/app/beacon_disclosure.h"

namespace genofed::discovery {
namespace {

beacon::VariantQuery AsFolderVariant(const VariantPattern& pattern) {
  beacon::VariantQuery variant;
  if (pattern.form == VariantPattern::Form::kSearch) {
    variant = pattern.search;
  } else {
    variant.start = {pattern.start};
    if (pattern.form == VariantPattern::Form::kRange) variant.end = {pattern.end};
    variant.ref = pattern.ref;
    variant.alt = pattern.alt;
  }
  variant.contig = pattern.contig;
  variant.assembly = pattern.assembly;
  if (variant.described) {
    // The description says both, and records without a place are found by it alone.
    variant.contig.clear();
    if (variant.described->assembly) variant.assembly.reset();
  }
  return variant;
}

beacon::Filter Aged(beacon::Operator op, std::int32_t years) {
  beacon::Filter filter;
  filter.id = "age";
  filter.op = op;
  filter.value = fmt::format("P{}Y", years);
  return filter;
}

// Completed years: at least the first, and not yet one more than the last. Nobody is younger than
// nothing, so that "below 40" is one condition, as it is at the node's own Beacon.
void AddAges(const std::pair<std::int32_t, std::int32_t>& ages,
             std::vector<beacon::FilterGroup>& filters) {
  const bool open_end = ages.second >= static_cast<std::int32_t>(cohort::kMaxAge);
  if (ages.first > 0 || open_end)
    filters.push_back({Aged(beacon::Operator::kGreaterEqual, ages.first)});
  if (!open_end) filters.push_back({Aged(beacon::Operator::kLess, ages.second + 1)});
}

// Asked of the one dataset of a folder it is the question of the node's own Beacon. That one counts
// each dataset by itself, and never people who permit frequencies alone.
std::string CanonicalOf(const Query& query, const beacon::Request& request,
                        const beacon::Collection& collection) {
  const std::string canonical = Canonical(request);
  const auto& datasets = collection.datasets();
  if (!query.IsSubjectLevel()) return canonical + "\ncarriers";
  return datasets.size() == 1 ? AboutPeople(canonical, datasets.front().id)
                              : canonical + "\nall people";
}

}  // namespace

std::optional<beacon::Request> AsFolderRequest(const Query& query) {
  beacon::Request request;
  request.target.type = beacon::EntryType::kIndividual;
  if (query.variant) {
    if (query.variant->consequences != cohort::kAnyConsequence ||
        query.variant->below_frequency <= 1)
      return std::nullopt;
    request.variant = AsFolderVariant(*query.variant);
  }
  for (const FilterGroup& group : query.filters) {
    if (group.size() == 1 && group.front().ages) {
      AddAges(*group.front().ages, request.filters);
      continue;
    }
    beacon::FilterGroup one_of;
    for (const Filter& filter : group) {
      if (filter.ages) return std::nullopt;  // an interval is two conditions
      beacon::Filter term;
      term.id = filter.term;
      term.descendants = filter.descendants;
      term.similarity = filter.similarity;
      one_of.push_back(std::move(term));
    }
    request.filters.push_back(std::move(one_of));
  }
  return request;
}

FolderCounts::FolderCounts(const BeaconView& view, std::string country,
                           const disclosure::Mechanism& mechanism, Budgets* budgets,
                           DisclosureAudit& audit, const Clock& clock)
    : view_(view),
      country_(std::move(country)),
      mechanism_(mechanism),
      telling_(budgets, audit, clock) {}

Result<disclosure::Shown> FolderCounts::Count(const Context& ctx, const BeaconHolding& holding,
                                              const Query& query, const beacon::Request& request,
                                              const std::string& canonical) const {
  const genomics::Bitmap& permitted =
      query.IsSubjectLevel() ? holding.subject_level : holding.allele_frequency;
  GF_ASSIGN(const beacon::Found found,
            beacon::Search(ctx, *holding.collection, request, permitted));
  const auto matching = static_cast<std::int64_t>(found.rows.Count());
  return mechanism_.Count({holding.state, canonical},
                          {matching, static_cast<std::int64_t>(permitted.Count())},
                          query.IsSubjectLevel());
}

Result<Answer> FolderCounts::Run(const Context& ctx, const Query& query) const {
  const auto start = std::chrono::steady_clock::now();
  GF_ASSIGN(const auto view, view_.Current());
  Answer answer;
  answer.epoch = view->epoch;
  answer.minimum_count = static_cast<std::int32_t>(mechanism_.policy().floor);
  const auto request = AsFolderRequest(query);
  if (!request) return answer;
  std::vector<Spending> spendings;
  for (const auto& [folder, holding] : view->folders) {
    GF_TRY(ctx.Alive());
    if (!query.Wants(folder) || holding.collection->test()) continue;
    const std::string canonical = CanonicalOf(query, *request, *holding.collection);
    GF_ASSIGN(const disclosure::Shown shown, Count(ctx, holding, query, *request, canonical));
    DatasetAnswer dataset{folder, holding.version, country_, shown.exists(), 0, {}};
    dataset.precision = shown.precision;
    const bool counted = query.granularity >= Granularity::kCount;
    dataset.adjusted_to = counted && shown.exists() ? shown.adjusted_to : mechanism_.policy().step;
    if (counted) dataset.count = shown.count;
    answer.suppressed = answer.suppressed || shown.suppressed;
    spendings.push_back({folder, mechanism_.Mac({holding.state, canonical}, "records"),
                         shown.charge, disclosure::WorstCharge(mechanism_.policy())});
    answer.datasets.push_back(std::move(dataset));
  }
  if (answer.datasets.empty()) return answer;  // which folders there are is no secret
  WaitForMultiple(start, std::chrono::microseconds(mechanism_.policy().answer_microseconds));
  GF_ASSIGN(const Refused refused, telling_.Charge(ctx, query.account, spendings));
  Withhold(refused, answer);
  return answer;
}

Result<std::set<std::string>> FolderCounts::Terms(const Context& ctx) const {
  GF_ASSIGN(const auto view, view_.Current());
  GF_ASSIGN(const auto terms, terms_.Get(view, "", [&] { return CountTerms(ctx, *view); }));
  return *terms;
}

Result<std::set<std::string>> FolderCounts::CountTerms(const Context& ctx,
                                                       const BeaconHoldings& view) const {
  std::set<std::string> terms;
  for (const auto& [folder, holding] : view.folders) {
    GF_TRY(ctx.Alive());
    if (holding.collection->test()) continue;
    // The same question as when it is asked, so that the list tells nothing besides.
    const auto finds = [&, &its = holding](beacon::EntryType,
                                           const beacon::Filter& filter) -> Result<bool> {
      if (filter.op != beacon::Operator::kNone) return false;  // fields are none of the network
      Query query;
      query.entity = Entity::kIndividual;
      query.filters = {{Filter{filter.id}}};
      const beacon::Request request = *AsFolderRequest(query);
      const std::string canonical = CanonicalOf(query, request, *its.collection);
      GF_ASSIGN(const disclosure::Shown shown, Count(ctx, its, query, request, canonical));
      return shown.exists();
    };
    GF_ASSIGN(const auto known,
              holding.collection->Terms(ctx, {beacon::EntryType::kIndividual},
                                        holding.subject_level, finds, beacon::Look::kShared));
    for (const beacon::FilteringTerm& term : known) {
      if (term.type == "ontology") terms.insert(term.id);
    }
  }
  return terms;
}

Result<Answer> Together(Result<Answer> cohorts, Result<Answer> folders) {
  // Folders find a duplication that is written in their records.
  const bool unsupported = Reason(cohorts.status()) == "QUERY_UNSUPPORTED";
  if (unsupported && folders.ok() && !folders->datasets.empty()) return folders;
  if (!cohorts.ok()) return cohorts;
  if (Reason(folders.status()) == "CONSENT_STALE") return cohorts;
  if (!folders.ok()) return folders;
  // Where no folder was asked, the answer is as new as the cohorts': a node without folders knows no
  // epoch of theirs.
  if (!folders->datasets.empty() || !folders->withheld.empty())
    cohorts->epoch = std::min(cohorts->epoch, folders->epoch);
  cohorts->suppressed = cohorts->suppressed || folders->suppressed;
  cohorts->withheld.insert(cohorts->withheld.end(), folders->withheld.begin(),
                           folders->withheld.end());
  for (DatasetAnswer& dataset : folders->datasets) {
    cohorts->exists = cohorts->exists || dataset.exists;
    cohorts->count += dataset.count;
    cohorts->precision = std::max(cohorts->precision, dataset.precision);
    cohorts->adjusted_to = cohorts->datasets.empty()
                               ? dataset.adjusted_to
                               : std::min(cohorts->adjusted_to, dataset.adjusted_to);
    cohorts->datasets.push_back(std::move(dataset));
  }
  return cohorts;
}

}  // namespace genofed::discovery
