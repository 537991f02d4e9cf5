// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/beacon_discovery.h"

#include <algorithm>
#include <map>

#include "libs/beacon/redact.h"
#include "libs/beacon/search.h"
#include "libs/beacon/variant_names.h"
#include "libs/core/parts.h"
#include "libs/disclosure/budget.h"
#include "services/discovery/app/answer_time.h"
#include "services/discovery/app/beacon_disclosure.h"
#include "services/discovery/app/node_discovery.h"

namespace genofed::discovery {
namespace {

using beacon::Collection;
using beacon::EntryType;
using genomics::Bitmap;

bool AsksPeople(const beacon::Request& request) {
  return request.target.type != EntryType::kVariant || !request.filters.empty() ||
         request.target.parent.has_value();
}

// One request at one folder, and what was found.
class Asker {
 public:
  Asker(const Collection& collection, const beacon::Request& request, bool open,
        const Bitmap& permitted, beacon::Look look, beacon::Found found,
        RecordDisclosure& disclosure)
      : collection_(collection),
        request_(request),
        type_(request.target.type),
        open_(open),
        disclosure_(disclosure),
        permitted_(permitted),
        look_(look),
        found_(std::move(found)) {}

  // Rows of one dataset that may be told of, and how many these are said to be.
  struct Hits {
    std::vector<std::uint32_t> rows;
    std::int64_t count = 0;
    bool exact = true;
  };
  // Whether the dataset is asked: where the path names one, nothing is said of any other.
  bool IsMeant(std::uint32_t dataset) const {
    const beacon::Target& target = request_.target;
    return target.parent != EntryType::kDataset || target.id == collection_.datasets()[dataset].id;
  }

  // Errors: those of `ctx` alone.
  genofed::Result<Hits> In(const Context& ctx, std::uint32_t dataset) const {
    constexpr std::size_t kBetweenLooks = 1024;
    Hits hits{beacon::RowsOf(collection_, type_, found_.rows, dataset), 0, true};
    hits.count = static_cast<std::int64_t>(hits.rows.size());
    if (open_) return hits;
    hits.exact = false;
    if (!IsMeant(dataset)) return Hits{{}, 0, false};
    const std::string& name = collection_.datasets()[dataset].id;
    if (type_ == EntryType::kVariant) {
      const std::int64_t population = Population(dataset);
      double nats = 0;
      std::vector<std::uint32_t> mentioned;
      for (std::size_t i = 0; i < hits.rows.size(); ++i) {
        if (i % kBetweenLooks == 0) GF_TRY(ctx.Alive());
        const std::uint32_t row = hits.rows[i];
        const auto judged =
            disclosure_.Judge(name, IdOf(row), {Carriers(row), population}, AlleleCount(row));
        nats += judged.nats;
        if (judged.mentioned) mentioned.push_back(row);
      }
      hits.rows = std::move(mentioned);
      hits.count = static_cast<std::int64_t>(hits.rows.size());
      disclosure_.CountedVariants(name, nats, population);
      return hits;
    }
    // People are counted, whatever record of theirs was asked for: of samples a person has more or
    // less.
    hits.count = disclosure_.People(name, {People(hits.rows), Population(dataset)}).count;
    hits.rows.clear();
    return hits;
  }

  // Whether In finds any under control; of variants the first that is mentioned will do.
  genofed::Result<bool> Finds(const Context& ctx, std::uint32_t dataset, std::int64_t floor) const {
    if (type_ != EntryType::kVariant) {
      GF_ASSIGN(const Hits hits, In(ctx, dataset));
      return hits.count > 0;
    }
    const std::string& name = collection_.datasets()[dataset].id;
    const std::int64_t population = Population(dataset);
    for (const std::uint32_t row : beacon::RowsOf(collection_, type_, found_.rows, dataset)) {
      const auto carriers = static_cast<std::int64_t>(collection_.carriers(row).size());
      if (carriers > 0 && carriers < floor) continue;  // fewer people than that
      GF_TRY(ctx.Alive());
      if (disclosure_.Judge(name, IdOf(row), {Carriers(row), population}, AlleleCount(row)).mentioned)
        return true;
    }
    return false;
  }

  std::string Result(std::uint32_t row, std::uint32_t dataset) const {
    const std::string& record = collection_.records(type_)[row].json;
    if (type_ != EntryType::kVariant) return record;
    if (!open_) {
      disclosure_.Mentioned(collection_.datasets()[dataset].id, IdOf(row),
                            {Carriers(row), Population(dataset)});
      return disclosure_.PublicVariant(record, !collection_.carriers(row).empty());
    }
    const auto& carriers = collection_.carriers(row);
    std::vector<bool> keep;
    for (const beacon::Carrier& carrier : carriers)
      keep.push_back(carrier.individual == beacon::kNoRow || permitted_.Test(carrier.individual));
    return std::find(keep.begin(), keep.end(), false) == keep.end()
               ? record
               : beacon::WithCases(record, keep);
  }

  bool may_show_records() const { return open_ || type_ == EntryType::kVariant; }

  // Datasets or cohorts. That they are there is public; that people of theirs match is under
  // control.
  genofed::Result<std::vector<std::uint32_t>> Collections(const Context& ctx) const {
    const beacon::Target& target = request_.target;
    const bool of_people = target.parent && !beacon::IsCollection(*target.parent);
    if (open_ || (!request_.variant && request_.filters.empty() && !of_people))
      return found_.rows.ToRows();
    beacon::Request people = request_;
    people.target.type = EntryType::kIndividual;
    if (!people.target.parent && !people.target.id.empty()) people.target.parent = type_;
    GF_ASSIGN(const beacon::Found matching,
              beacon::Search(ctx, collection_, people, permitted_, look_));
    // All that are meant are judged, also those of which nobody matches: nothing that is charged or
    // refused may tell that somebody does.
    beacon::Request meant;
    meant.target = of_people ? beacon::Target{type_} : target;
    meant.datasets = request_.datasets;
    GF_ASSIGN(const beacon::Found all, beacon::Search(ctx, collection_, meant, permitted_, look_));
    auto rows = all.rows.ToRows();
    std::erase_if(rows, [&](std::uint32_t row) {
      const beacon::Record& record = collection_.records(type_)[row];
      const auto those =
          beacon::RowsOf(collection_, EntryType::kIndividual, matching.rows, record.dataset);
      const auto number = static_cast<std::int64_t>(those.size());
      const auto shown = disclosure_.People(record.id, {number, Population(record.dataset)});
      return !shown.exists() || !found_.rows.Test(row);
    });
    return rows;
  }

 private:
  const std::string& IdOf(std::uint32_t row) const { return collection_.records(type_)[row].id; }

  std::int64_t Population(std::uint32_t dataset) const {
    if (populations_.empty()) {
      populations_.resize(collection_.datasets().size());
      const auto& people = collection_.records(EntryType::kIndividual);
      permitted_.ForEach([&](std::uint32_t row) { ++populations_[people[row].dataset]; });
    }
    return populations_[dataset];
  }

  std::int64_t People(const std::vector<std::uint32_t>& rows) const {
    std::set<std::uint32_t> people;
    for (const std::uint32_t row : rows) {
      if (const std::uint32_t person = collection_.PersonOf(type_, row); person != beacon::kNoRow)
        people.insert(person);
    }
    return static_cast<std::int64_t>(people.size());
  }

  std::int64_t Carriers(std::uint32_t row) const {
    std::set<std::uint32_t> people;
    for (const beacon::Carrier& carrier : collection_.carriers(row)) {
      if (found_.Counts(row, carrier)) people.insert(carrier.individual);
    }
    return static_cast<std::int64_t>(people.size());
  }
  // Only of variants of which nothing but frequencies is known.
  std::int64_t AlleleCount(std::uint32_t row) const {
    if (!collection_.carriers(row).empty()) return 0;
    return beacon::LargestAlleleCount(collection_.records(type_)[row].json);
  }

  const Collection& collection_;
  const beacon::Request& request_;
  const EntryType type_;
  const bool open_;
  RecordDisclosure& disclosure_;
  const Bitmap& permitted_;
  const beacon::Look look_;
  const beacon::Found found_;
  mutable std::vector<std::int64_t> populations_;  // of datasets, when they were asked for
};

// The path of a dataset names it as well as its identifier does. Of variants it counts other
// people.
std::string CanonicalOf(const beacon::Request& request) {
  if (request.target.parent != EntryType::kDataset || request.target.type == EntryType::kVariant)
    return Canonical(request);
  beacon::Request named = request;
  named.target = beacon::Target{request.target.type};
  return Canonical(named);
}

// Whether the question for a term finds somebody of one of these datasets of a folder: by the number
// that whoever asks it is told, so that who sees the list as well knows no more.
Result<bool> IsFound(const Context& ctx, const disclosure::Mechanism& mechanism,
                     const std::string& folder, const BeaconHolding& holding,
                     const std::set<std::uint32_t>& datasets, EntryType type,
                     const beacon::Filter& filter) {
  const Collection& collection = *holding.collection;
  const auto look = beacon::Look::kShared;
  beacon::Request request;
  request.target.type = type;
  request.filters = {{filter}};
  GF_ASSIGN(beacon::Found found,
            beacon::Search(ctx, collection, request, holding.subject_level, look));
  std::map<std::uint32_t, std::int64_t> rows;  // by dataset
  found.rows.ForEach([&](std::uint32_t row) { ++rows[collection.records(type)[row].dataset]; });
  RecordDisclosure disclosure(mechanism, folder, holding.state, Canonical(request));
  const Asker asker(collection, request, false, holding.subject_level, look, std::move(found),
                    disclosure);
  for (const auto& [dataset, number] : rows) {
    if (!datasets.contains(dataset)) continue;
    // A person has one record at least.
    if (type != EntryType::kVariant && number < mechanism.policy().floor) continue;
    GF_ASSIGN(const bool finds, asker.Finds(ctx, dataset, mechanism.policy().floor));
    if (finds) return true;
  }
  return false;
}

bool Includes(beacon::Include include, bool exists) {
  switch (include) {
    case beacon::Include::kHit:
      return exists;
    case beacon::Include::kMiss:
      return !exists;
    case beacon::Include::kAll:
      return true;
    case beacon::Include::kNone:
      return false;
  }
  return false;
}

// Of each dataset, so that how many they are and a page of each fit into one budget.
std::int64_t MostOnAPage(const disclosure::Policy& policy, std::size_t datasets) {
  if (!policy.HasBudget() || datasets == 0) return beacon::kMaxLimit;
  const auto of = static_cast<std::int64_t>(datasets);
  return std::max<std::int64_t>(disclosure::MostAtOnce(policy) / of - 1, 1);
}

// Of all that were asked, by the names that answers have: the reason, where there is one that
// something is not told.
Status NothingTold(const disclosure::Policy& policy, const std::vector<WithheldFolder>& withheld) {
  Refused refused;
  for (const WithheldFolder& one : withheld) {
    if (!one.retry_after) continue;
    for (const std::string& dataset : one.datasets) refused.emplace(dataset, *one.retry_after);
    if (one.datasets.empty()) refused.emplace(one.folder, *one.retry_after);
  }
  if (!refused.empty()) return BudgetSpent(refused);
  return withheld.empty() ? absl::OkStatus() : TooMuchAtOnce(policy, "datasets");
}

}  // namespace

Result<BeaconAnswer> BeaconDiscovery::Run(const Context& ctx, const beacon::Request& request,
                                          const OpenedDatasets& opened,
                                          const std::string& account) const {
  GF_ASSIGN(const auto view, view_.Current());
  BeaconAnswer answer;
  answer.epoch = view->epoch;
  answer.minimum_count = static_cast<std::int32_t>(mechanism_.policy().floor);
  answer.granularity = request.granularity;
  const EntryType type = request.target.type;
  const bool page = request.granularity == beacon::Granularity::kRecord;
  bool records_somewhere = beacon::IsCollection(type), counted = false;
  std::set<std::string> seen;
  std::size_t bytes = 0;
  std::int64_t place = 0;  // among all collections
  const std::string canonical = CanonicalOf(request);
  for (const auto& [folder, holding] : view->folders) {
    GF_TRY(ctx.Alive());
    const auto start = std::chrono::steady_clock::now();
    const Collection& collection = *holding.collection;
    answer.folders.push_back(folder);
    if (!open_ && collection.test() != request.test_mode) continue;
    answer.holds = true;
    const bool open = open_ || collection.test();
    const auto project = records_ == nullptr ? opened.end() : opened.find(folder);
    const bool by_visa = !open && project != opened.end();
    Bitmap readable;
    if (by_visa) {
      GF_ASSIGN(readable, Readable(ctx, folder, holding, view->epoch, project->second));
    }
    RecordDisclosure disclosure(mechanism_, folder, holding.state, canonical);
    // A visa opens records of people who permit that; a filter would look at the others', too.
    const auto look = open ? beacon::Look::kAll : beacon::Look::kShared;
    const Bitmap& permitted = by_visa               ? readable
                              : AsksPeople(request) ? holding.subject_level
                                                    : holding.allele_frequency;
    GF_ASSIGN(beacon::Found matching, beacon::Search(ctx, collection, request, permitted, look));
    const Asker asker(collection, request, open || by_visa, permitted, look, std::move(matching),
                      disclosure);
    std::vector<std::uint32_t> collections;
    std::vector<BeaconResultSet> sets;
    std::vector<std::pair<std::uint32_t, Asker::Hits>> hits;  // dataset and rows of each set
    const auto withhold = [&, &name = folder](std::optional<std::chrono::seconds> retry_after) {
      answer.withheld.push_back({name, {}, retry_after});
      for (std::size_t at = 0; at < sets.size(); ++at) {
        if (asker.IsMeant(hits[at].first)) answer.withheld.back().datasets.push_back(sets[at].id);
      }
    };
    if (beacon::IsCollection(type)) {
      GF_ASSIGN(collections, asker.Collections(ctx));
    }
    for (std::uint32_t dataset = 0;
         !beacon::IsCollection(type) && dataset < collection.datasets().size(); ++dataset) {
      const beacon::Record& described = collection.datasets()[dataset];
      if (!request.datasets.empty() && std::find(request.datasets.begin(), request.datasets.end(),
                                                 described.id) == request.datasets.end())
        continue;
      if (seen.contains(described.id))
        continue;  // another folder's dataset of that name came first
      GF_ASSIGN(Asker::Hits those, asker.In(ctx, dataset));
      hits.emplace_back(dataset, std::move(those));
      const Asker::Hits& found = hits.back().second;
      sets.push_back({described.id,
                      folder,
                      found.count > 0,
                      found.count,
                      {},
                      asker.may_show_records(),
                      found.exact});
    }
    // Before anything is told.
    if (!open)
      WaitForMultiple(start, std::chrono::microseconds(mechanism_.policy().answer_microseconds));
    const std::vector<Spending> counts = disclosure.Take();
    if (static_cast<std::int64_t>(counts.size()) > disclosure::MostAtOnce(mechanism_.policy())) {
      withhold(std::nullopt);
      continue;
    }
    GF_ASSIGN(const Refused refused, telling_.Charge(ctx, account, counts));
    if (!refused.empty()) {
      withhold(refused.begin()->second);
      continue;
    }
    // How many there are was told, so that it is known how many records a page has: these are
    // charged together, and without them the answer is the number.
    const std::int64_t limit =
        open || by_visa ? request.limit
                        : std::min(request.limit, MostOnAPage(mechanism_.policy(), sets.size()));
    for (std::size_t at = 0; page && at < sets.size(); ++at) {
      BeaconResultSet& set = sets[at];
      const auto& [dataset, found] = hits[at];
      const auto last =
          std::min(request.skip * limit + limit, static_cast<std::int64_t>(found.rows.size()));
      for (std::int64_t i = request.skip * limit;
           set.records && Includes(request.include, set.exists) && i < last; ++i) {
        GF_TRY(ctx.Alive());
        set.results.push_back(
            Named(type, asker.Result(found.rows[static_cast<std::size_t>(i)], dataset)));
        if ((bytes += set.results.back().size()) > kMaxAnswerBytes) return TooLarge();
      }
    }
    GF_ASSIGN(const Refused records, telling_.Charge(ctx, account, disclosure.Take()));
    for (BeaconResultSet& set : sets) {
      if (records.empty()) break;
      set.records = false;
      set.results.clear();
    }
    for (const std::uint32_t row : collections) {
      if (!seen.insert(collection.records(type)[row].id).second) continue;
      ++answer.count;
      const std::int64_t at = place++;
      if (!page || at < request.first() || at >= request.first() + request.limit) continue;
      answer.collections.push_back(collection.records(type)[row].json);
      if ((bytes += answer.collections.back().size()) > kMaxAnswerBytes) return TooLarge();
    }
    for (std::size_t at = 0; at < sets.size(); ++at) {
      BeaconResultSet& set = sets[at];
      answer.answered += asker.IsMeant(hits[at].first) ? 1 : 0;
      seen.insert(set.id);
      answer.count += set.count;
      answer.exact = answer.exact && set.exact;
      records_somewhere = records_somewhere || set.records;
      counted = true;
      if (Includes(request.include, set.exists)) answer.sets.push_back(std::move(set));
    }
  }
  if (answer.answered == 0 && answer.count == 0)
    GF_TRY(NothingTold(mechanism_.policy(), answer.withheld));
  answer.exists = answer.count > 0;
  if (page && counted && !records_somewhere) answer.granularity = beacon::Granularity::kCount;
  return answer;
}

Result<Bitmap> BeaconDiscovery::Readable(const Context& ctx, const std::string& folder,
                                         const BeaconHolding& holding, std::int64_t epoch,
                                         const Project& project) const {
  if (holding.collection->people() == 0) return holding.findable;  // frequencies alone
  GF_ASSIGN(const auto permitted,
            records_->Open(ctx, folder, holding.version, epoch, project));
  GF_ASSIGN(Bitmap readable, IndividualsOf(*permitted, *holding.collection));
  readable.And(holding.findable);
  return readable;
}

std::string BeaconDiscovery::Named(EntryType type, std::string record) const {
  if (names_ == nullptr || type != EntryType::kVariant) return record;
  return beacon::WithNames(std::move(record),
                           [this](genomics::Assembly assembly, const genomics::Variant& variant) {
                             return names_->Of(assembly, variant);
                           });
}

Result<std::vector<beacon::FilteringTerm>> BeaconDiscovery::Terms(
    const Context& ctx, const std::optional<beacon::Target>& target) const {
  GF_ASSIGN(const auto view, view_.Current());
  std::optional<beacon::Target> meant = target;
  // That a dataset or a cohort is there is public; of anything else an identifier says nothing.
  if (meant && !beacon::IsCollection(meant->type)) meant->id.clear();
  const auto has_it = [&](const auto& folder) {
    return folder.second.collection->WithId(meant->type, meant->id).Count() > 0;
  };
  // What somebody made up is not kept.
  if (meant && !meant->id.empty() &&
      std::none_of(view->folders.begin(), view->folders.end(), has_it))
    return std::vector<beacon::FilteringTerm>();
  const std::string key =
      meant ? JoinParts({beacon::Facts(meant->type).path, meant->id}) : std::string();
  GF_ASSIGN(const auto terms, terms_.Get(view, key, [&] { return CountTerms(ctx, *view, meant); }));
  return *terms;
}

Result<std::vector<beacon::FilteringTerm>> BeaconDiscovery::CountTerms(
    const Context& ctx, const BeaconHoldings& view,
    const std::optional<beacon::Target>& target) const {
  std::map<std::string, beacon::FilteringTerm> terms;
  const bool of_one = target && !target->id.empty();
  std::set<EntryType> scopes(beacon::kAllEntryTypes.begin(), beacon::kAllEntryTypes.end());
  if (target && !of_one) scopes = {target->type};
  for (const auto& [folder, holding] : view.folders) {
    GF_TRY(ctx.Alive());
    const Collection& collection = *holding.collection;
    if (!open_ && collection.test()) continue;
    std::set<std::uint32_t> datasets;  // that are meant
    for (std::uint32_t row = 0; !of_one && row < collection.datasets().size(); ++row)
      datasets.insert(row);
    if (of_one) {
      const Bitmap named = collection.WithId(target->type, target->id);
      GF_ASSIGN(const Bitmap of_these,
                collection.Linked(ctx, target->type, named, EntryType::kDataset));
      of_these.ForEach([&](std::uint32_t row) { datasets.insert(row); });
    }
    const auto look = open_ ? beacon::Look::kAll : beacon::Look::kShared;
    // Of all datasets at once, or of each that is meant.
    std::vector<std::uint32_t> parts(datasets.begin(), datasets.end());
    if (!of_one) parts = {beacon::kNoRow};
    for (const std::uint32_t part : parts) {
      const Collection::Finds finds = [&, &name = folder, &its = holding](
                                          EntryType type, const beacon::Filter& filter) {
        return IsFound(ctx, mechanism_, name, its,
                       of_one ? std::set<std::uint32_t>{part} : datasets, type, filter);
      };
      GF_ASSIGN(auto found, collection.Terms(ctx, scopes, holding.subject_level,
                                             open_ ? nullptr : finds, look, part));
      for (beacon::FilteringTerm& term : found) {
        // The folder's own word for it would show that somebody has just this one.
        if (std::string label = open_ ? "" : TermLabel(term.id); !label.empty()) term.label = std::move(label);
        const auto [held, added] = terms.try_emplace(term.id, term);
        if (added) continue;
        held->second.scopes.merge(term.scopes);
        for (std::string& value : term.values) {
          if (std::find(held->second.values.begin(), held->second.values.end(), value) ==
              held->second.values.end())
            held->second.values.push_back(std::move(value));
        }
      }
    }
  }
  std::vector<beacon::FilteringTerm> out;
  for (auto& [id, term] : terms) out.push_back(std::move(term));
  return out;
}

}  // namespace genofed::discovery
