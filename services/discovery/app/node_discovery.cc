// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/node_discovery.h"

#include <algorithm>
#include <set>
#include <thread>

#include "libs/core/retry_after.h"
#include "libs/disclosure/budget.h"

namespace genofed::discovery {
namespace {

using genomics::Bitmap;
using genomics::RangeQuery;
using genomics::SegmentedIndex;
using genomics::SegmentedSite;
using std::chrono::steady_clock;

RangeQuery ToRange(const VariantPattern& pattern) {
  RangeQuery range{pattern.contig, pattern.start, pattern.end, std::nullopt, std::nullopt};
  if (!pattern.ref.empty()) range.ref = pattern.ref;
  if (!pattern.alt.empty()) range.alt = pattern.alt;
  return range;
}

// Sites of an exact allele; several when the reference bases were left open.
std::vector<SegmentedSite> FindAlleles(const SegmentedIndex& index, const VariantPattern& pattern) {
  if (pattern.form == VariantPattern::Form::kExact) {
    auto hit = index.FindExact({pattern.contig, pattern.start, pattern.ref, pattern.alt});
    return hit ? std::vector<SegmentedSite>{*std::move(hit)} : std::vector<SegmentedSite>();
  }
  auto hits = index.FindRange(ToRange(pattern));
  if (!hits.ok()) return {};
  // A deletion that began before and merely reaches here is another allele.
  std::erase_if(*hits, [&](const SegmentedSite& hit) { return hit.variant.pos != pattern.start; });
  return *std::move(hits);
}

Bitmap Carriers(const SegmentedIndex& index, const VariantPattern& pattern) {
  if (pattern.form == VariantPattern::Form::kRange) return index.CarriersInRange(ToRange(pattern));
  Bitmap carriers(index.n_people());
  for (const SegmentedSite& hit : FindAlleles(index, pattern)) carriers.Or(index.Carriers(hit));
  return carriers;
}

std::int64_t Signed(std::uint64_t count) { return static_cast<std::int64_t>(count); }

// Until the time since `start` is a multiple of `quantum`, so that how long a search took does not
// show what it found.
void WaitForMultiple(steady_clock::time_point start, std::chrono::microseconds quantum) {
  if (quantum.count() <= 0) return;
  const auto taken =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start);
  const auto until = start + (taken / quantum + 1) * quantum;
  // A timer of the system is later than asked for by about 60 microseconds.
  while (until - steady_clock::now() > std::chrono::microseconds(200))
    std::this_thread::sleep_until(until - std::chrono::microseconds(150));
  while (steady_clock::now() < until) std::this_thread::yield();
}

}  // namespace

NodeDiscovery::NodeDiscovery(const ConsentView& view, std::string country,
                             const disclosure::Mechanism& mechanism, Budgets* budgets,
                             DisclosureAudit& audit, const Clock& clock)
    : view_(view),
      country_(std::move(country)),
      mechanism_(mechanism),
      budgets_(budgets),
      audit_(audit),
      clock_(clock) {}

Result<Answer> NodeDiscovery::Run(const Context& ctx, const Query& query) const {
  const auto start = steady_clock::now();
  GF_ASSIGN(auto view, view_.Current());
  Answer answer;
  answer.epoch = view->epoch;
  answer.minimum_count = static_cast<std::int32_t>(mechanism_.policy().floor);
  std::set<genomics::Assembly> assemblies;
  std::vector<Finding> findings;
  for (const auto& [dataset, holding] : view->holdings) {
    GF_TRY(ctx.Alive());
    if (!query.Wants(dataset)) continue;
    const genomics::Assembly assembly = holding.cohort->assembly();
    if (query.variant && query.variant->assembly && *query.variant->assembly != assembly) continue;
    assemblies.insert(assembly);
    findings.push_back(Examine(holding, query));
  }
  if (query.variant && assemblies.size() > 1) {
    return InvalidField("variant.assembly", "ASSEMBLY_MISSING",
                        "a position means different things in GRCh37 and GRCh38");
  }
  WaitForMultiple(start, std::chrono::microseconds(mechanism_.policy().answer_microseconds));
  return Tell(ctx, query, std::move(answer), std::move(findings));
}

Result<Answer> NodeDiscovery::Tell(const Context& ctx, const Query& query, Answer answer,
                                   std::vector<Finding> findings) const {
  std::map<std::string, std::chrono::seconds> refused;
  if (budgets_ != nullptr) {
    std::vector<Spending> spendings;
    for (const Finding& finding : findings)
      spendings.insert(spendings.end(), finding.spendings.begin(), finding.spendings.end());
    GF_ASSIGN(refused, budgets_->Charge(ctx, query.account, spendings));
  }
  const Time now = clock_.Now();
  for (Finding& finding : findings) {
    const std::string& dataset = finding.answer.dataset;
    const auto late = refused.find(dataset);
    const char* outcome = late != refused.end() ? "refused"
                          : finding.suppressed  ? "held_back"
                                                : "told";
    for (const Spending& spending : finding.spendings)
      audit_.Add({now, query.account, dataset, spending.question, outcome,
                  late == refused.end() ? spending.nats : 0});
    if (late != refused.end()) {
      answer.withheld.push_back({dataset, late->second.count()});
      continue;
    }
    answer.suppressed = answer.suppressed || finding.suppressed;
    answer.exists = answer.exists || finding.answer.exists;
    answer.count += finding.answer.count;
    answer.precision = std::max(answer.precision, finding.answer.precision);
    answer.adjusted_to = answer.datasets.empty()
                             ? finding.answer.adjusted_to
                             : std::min(answer.adjusted_to, finding.answer.adjusted_to);
    answer.datasets.push_back(std::move(finding.answer));
  }
  if (answer.datasets.empty() && !answer.withheld.empty()) {
    const auto first = std::min_element(
        answer.withheld.begin(), answer.withheld.end(),
        [](auto& a, auto& b) { return a.retry_after_seconds < b.retry_after_seconds; });
    return WithRetryAfter(
        Error(StatusCode::kResourceExhausted, "BUDGET_SPENT",
              "this account was told as much of these datasets as it may be for now"),
        std::chrono::seconds(first->retry_after_seconds));
  }
  return answer;
}

NodeDiscovery::Finding NodeDiscovery::Examine(const Holding& holding, const Query& query) const {
  const Bitmap& permitted = holding.Permitted(query);
  Bitmap matching = permitted;
  for (const std::string& filter : query.filters) matching.And(holding.cohort->WithTerm(filter));
  if (query.variant) matching.And(Carriers(holding.cohort->index(), *query.variant));
  const std::string canonical = Canonical(query);
  const disclosure::Question question{holding.state, canonical};
  const disclosure::Shown shown = mechanism_.Count(
      question, {Signed(matching.Count()), Signed(permitted.Count())}, query.IsSubjectLevel());
  Finding finding;
  finding.suppressed = shown.suppressed;
  finding.spendings.push_back({holding.cohort->dataset(), mechanism_.Mac(question, "count"),
                               shown.charge, disclosure::WorstCharge(mechanism_.policy())});
  DatasetAnswer& answer = finding.answer;
  answer.dataset = holding.cohort->dataset();
  answer.version = holding.cohort->version();
  answer.country = country_;
  answer.exists = shown.exists();
  answer.precision = shown.precision;
  // Of what is not told, not even how it would be rounded.
  const bool counted = query.granularity >= Granularity::kCount;
  answer.adjusted_to = counted && shown.exists() ? shown.adjusted_to : mechanism_.policy().step;
  if (counted) answer.count = shown.count;
  // Frequencies among the people who permitted frequencies, never among a group that filters carved
  // out.
  if (query.granularity == Granularity::kRecord && !query.IsSubjectLevel() &&
      query.variant->form != VariantPattern::Form::kRange) {
    AddAlleles(holding, *query.variant, finding);
  }
  return finding;
}

void NodeDiscovery::AddAlleles(const Holding& holding, const VariantPattern& pattern,
                               Finding& finding) const {
  const SegmentedIndex& index = holding.cohort->index();
  const std::int64_t population = Signed(holding.allele_frequency.Count());
  for (const SegmentedSite& hit : FindAlleles(index, pattern)) {
    const auto counts = index.Count(hit, holding.allele_frequency);
    Query exact;
    exact.variant = VariantPattern{VariantPattern::Form::kExact,
                                   std::nullopt,
                                   hit.variant.contig,
                                   hit.variant.pos,
                                   hit.variant.end(),
                                   hit.variant.ref,
                                   hit.variant.alt};
    const std::string canonical = Canonical(exact);
    const disclosure::Question question{holding.state, canonical};
    const disclosure::ShownAllele allele =
        mechanism_.Frequency(question,
                             {Signed(counts.ac), Signed(counts.an), Signed(counts.n_individuals),
                              Signed(counts.n_hom), Signed(counts.n_het), Signed(counts.n_hemi)},
                             population);
    finding.suppressed = finding.suppressed || allele.suppressed;
    if (!allele.disclosed || !finding.answer.exists) continue;
    finding.spendings.push_back({holding.cohort->dataset(), mechanism_.Mac(question, "alleles"),
                                 allele.charge,
                                 disclosure::WorstCharge(mechanism_.policy(), true)});
    finding.answer.alleles.push_back(
        {std::string(genomics::AssemblyName(holding.cohort->assembly())), hit.variant.contig,
         hit.variant.pos, hit.variant.ref, hit.variant.alt, allele.allele_count,
         allele.allele_number, allele.homozygotes, allele.heterozygotes});
  }
}

Result<std::vector<FilteringTerm>> NodeDiscovery::Terms(const Context& ctx) const {
  GF_ASSIGN(auto view, view_.Current());
  std::set<std::string> terms = {std::string(genomics::SexTerm(genomics::Sex::kFemale)),
                                 std::string(genomics::SexTerm(genomics::Sex::kMale))};
  for (const auto& [dataset, holding] : view->holdings) {
    GF_TRY(ctx.Alive());
    const Bitmap& permitted = holding.subject_level;
    const std::int64_t population = Signed(permitted.Count());
    for (const std::string& term : holding.cohort->terms().Terms()) {
      auto rows = holding.cohort->terms().Rows(term);
      auto people = std::count_if(rows.begin(), rows.end(),
                                  [&](std::uint32_t row) { return permitted.Test(row); });
      Query query;
      query.entity = Entity::kIndividual;
      query.filters = {term};
      if (mechanism_.Count({holding.state, Canonical(query)}, {people, population}, true).exists())
        terms.insert(term);
    }
  }
  std::vector<FilteringTerm> out;
  for (const std::string& term : terms) out.push_back({term, TermLabel(term)});
  return out;
}

std::string TermLabel(std::string_view id) {
  if (id == genomics::SexTerm(genomics::Sex::kFemale)) return "Female";
  if (id == genomics::SexTerm(genomics::Sex::kMale)) return "Male";
  return "";
}

}  // namespace genofed::discovery
