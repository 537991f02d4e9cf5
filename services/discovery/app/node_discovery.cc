// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/node_discovery.h"

#include <algorithm>
#include <set>

#include "libs/clinical/terminology.h"
#include "libs/core/strings.h"
#include "libs/disclosure/budget.h"
#include "libs/disclosure/table.h"
#include "services/discovery/app/answer_time.h"

namespace genofed::discovery {
namespace {

using genomics::Bitmap;
using std::chrono::steady_clock;
using Form = VariantPattern::Form;

constexpr std::size_t kRecordBytes = 64;  // of one in a message, besides its texts

std::int64_t Signed(std::uint64_t count) { return static_cast<std::int64_t>(count); }

bool IsDuplication(const Query& query) {
  return query.variant && query.variant->search.described &&
         query.variant->search.described->kind == genomics::HgvsKind::kDuplication;
}

// A substitution that is described is an allele, which has one answer however it is asked for. None
// where anything else is said of it.
std::optional<Query> AsAllele(const Query& query) {
  if (!query.variant || query.variant->form != Form::kSearch || !query.variant->search.described)
    return std::nullopt;
  const VariantPattern& pattern = *query.variant;
  const genomics::HgvsDescription& described = *pattern.search.described;
  beacon::VariantQuery alone;
  alone.contig = pattern.search.contig;
  alone.assembly = pattern.search.assembly;
  alone.hgvs = pattern.search.hgvs;
  alone.described = described;
  const bool restricted =
      pattern.consequences != cohort::kAnyConsequence || pattern.below_frequency <= 1;
  if (described.kind != genomics::HgvsKind::kSubstitution || restricted ||
      pattern.search.Meaning() != alone.Meaning())
    return std::nullopt;
  Query allele = query;
  allele.variant =
      VariantPattern{Form::kExact,  pattern.assembly, described.contig, described.start - 1,
                     described.end, described.ref,    described.alt};
  return allele;
}

std::size_t CountCells(const Query& query) {
  std::size_t cells = 0;
  for (const By by : query.distributions) cells += CellsOf(by).size();
  return cells;
}

// How many people the filters select, as a question of its own: an account that asks it has been
// told it.
Query GroupOf(const Query& query) {
  Query group;
  group.entity = Entity::kIndividual;
  group.filters = query.filters;
  return group;
}

}  // namespace

NodeDiscovery::NodeDiscovery(const ConsentView& view, std::string country,
                             const disclosure::Mechanism& mechanism, Budgets* budgets,
                             DisclosureAudit& audit, const Clock& clock,
                             const NodeFrequencies* frequencies, const Genotypes& genotypes,
                             const AlleleNames* names, RecordAccess* records)
    : view_(view),
      country_(std::move(country)),
      mechanism_(mechanism),
      telling_(budgets, audit, clock),
      frequencies_(frequencies),
      genotypes_(genotypes),
      names_(names),
      records_(records) {}

Result<Answer> NodeDiscovery::Run(const Context& ctx, const Query& given,
                                  const RecordsAsked& asked) const {
  const auto start = steady_clock::now();
  const std::optional<Query> allele = AsAllele(given);
  const Query& query = allele ? *allele : given;
  const bool of_people = query.entity == Entity::kIndividual && query.distributions.empty();
  GF_ASSIGN(auto view, view_.Current());
  Answer answer;
  answer.epoch = view->epoch;
  answer.minimum_count = static_cast<std::int32_t>(mechanism_.policy().floor);
  std::set<genomics::Assembly> assemblies;
  std::vector<Finding> findings;
  std::size_t bytes = 0;
  for (const auto& [dataset, holding] : view->holdings) {
    GF_TRY(ctx.Alive());
    if (!query.Wants(dataset)) continue;
    const genomics::Assembly assembly = holding.cohort->assembly();
    if (query.variant && query.variant->assembly && *query.variant->assembly != assembly) continue;
    if (IsDuplication(query))
      return InvalidField("variant.hgvs", "QUERY_UNSUPPORTED",
                          "whether bases are repeated a cohort does not know: ask for the "
                          "insertion, as the VCF has it");
    const auto project =
        of_people && records_ != nullptr ? asked.opened.find(dataset) : asked.opened.end();
    if (project == asked.opened.end() && !asked.individual.empty()) continue;
    assemblies.insert(assembly);
    GF_ASSIGN(Finding finding,
              project == asked.opened.end()
                  ? Examine(ctx, holding, query)
                  : Show(ctx, holding, query, view->epoch, project->second, asked, bytes));
    findings.push_back(std::move(finding));
  }
  if (!asked.individual.empty() && findings.empty())
    return InvalidField("query", "QUERY_UNSUPPORTED",
                        "cohorts say nothing of a single record without a passport of theirs");
  if (query.variant && assemblies.size() > 1) {
    return InvalidField("variant.assembly", "ASSEMBLY_MISSING",
                        "a position means different things in GRCh37 and GRCh38");
  }
  if (!findings.empty() &&
      std::all_of(findings.begin(), findings.end(),
                  [&](const Finding& finding) { return finding.table == findings.front().table; }))
    answer.table = findings.front().table;
  WaitForMultiple(start, std::chrono::microseconds(mechanism_.policy().answer_microseconds));
  return Tell(ctx, query, std::move(answer), std::move(findings));
}

Result<Answer> NodeDiscovery::Tell(const Context& ctx, const Query& query, Answer answer,
                                   std::vector<Finding> findings) const {
  std::vector<Spending> spendings;
  std::set<std::string> held_back;
  for (const Finding& finding : findings) {
    spendings.insert(spendings.end(), finding.spendings.begin(), finding.spendings.end());
    if (finding.suppressed) held_back.insert(finding.answer.dataset);
  }
  GF_ASSIGN(const Refused refused, telling_.Charge(ctx, query.account, spendings, held_back));
  for (Finding& finding : findings) {
    if (refused.contains(finding.answer.dataset)) continue;
    answer.suppressed = answer.suppressed || finding.suppressed;
    answer.exists = answer.exists || finding.answer.exists;
    answer.count += finding.answer.count;
    answer.precision = std::max(answer.precision, finding.answer.precision);
    answer.adjusted_to = answer.datasets.empty()
                             ? finding.answer.adjusted_to
                             : std::min(answer.adjusted_to, finding.answer.adjusted_to);
    answer.datasets.push_back(std::move(finding.answer));
  }
  Withhold(refused, answer);
  return answer;
}

Result<NodeDiscovery::Finding> NodeDiscovery::Examine(const Context& ctx, const Holding& holding,
                                                      const Query& query) const {
  const Cohort& cohort = *holding.cohort;
  const cohort::Live& permitted = holding.Permitted(query);
  Finding finding;
  // One table from the beginning to the end of a question.
  std::shared_ptr<const NodeFrequencies::Applied> table;
  if (frequencies_ != nullptr && query.AsksRarity()) table = frequencies_->For(cohort);
  std::uint64_t matching = permitted.count();
  std::optional<Bitmap> selected;
  if (!query.filters.empty()) {
    selected = cohort.Select(query.filters, permitted.rows());
    matching = selected->Count();
    if (query.variant) {
      GF_ASSIGN(matching, CountCarriers(ctx, cohort, *query.variant, *selected, nullptr, table));
    }
  } else if (query.variant) {
    GF_ASSIGN(matching, CountCarriers(ctx, cohort, *query.variant, permitted.rows(), &permitted,
                                      table));
  }
  if (table != nullptr) finding.table = table->name;
  // By another table it is another question: with noise of its own, and charged.
  const std::string canonical =
      Canonical(query) + (table != nullptr ? ":table=" + table->name.digest : "");
  const disclosure::Question question{holding.state, canonical};
  const disclosure::Shown shown = mechanism_.Count(
      question, {Signed(matching), Signed(permitted.count())}, query.IsSubjectLevel());
  DatasetAnswer& answer = finding.answer;
  answer.dataset = cohort.dataset();
  answer.version = cohort.version();
  answer.country = country_;
  if (TellsDistributions(query)) {
    AddDistributions(holding, query, selected ? *selected : permitted.rows(), finding);
    if (CellsAreAll()) {
      AddUpCells(query, shown, finding.answer);
      return finding;
    }
  }
  finding.suppressed = finding.suppressed || shown.suppressed;
  finding.spendings.push_back(
      {cohort.dataset(), mechanism_.Mac(question, "count"), shown.charge, Worst(query)});
  answer.exists = shown.exists();
  answer.precision = shown.precision;
  // Of what is not told, not even how it would be rounded.
  const bool counted = query.granularity >= Granularity::kCount;
  answer.adjusted_to = counted && shown.exists() ? shown.adjusted_to : mechanism_.policy().step;
  if (counted) answer.count = shown.count;
  if (AsksFrequencies(query))
    GF_TRY(AddAlleles(ctx, holding, query, selected ? *selected : permitted.rows(), finding));
  return finding;
}

Result<NodeDiscovery::Finding> NodeDiscovery::Show(const Context& ctx, const Holding& holding,
                                                   const Query& query, std::int64_t epoch,
                                                   const Project& project,
                                                   const RecordsAsked& asked,
                                                   std::size_t& bytes) const {
  const Cohort& cohort = *holding.cohort;
  GF_ASSIGN(const auto permitted,
            records_->Open(ctx, cohort.dataset(), cohort.version(), epoch, project));
  GF_ASSIGN(Bitmap rows, RowsOf(*permitted, cohort.rows()));
  rows.And(holding.findable);
  if (!asked.individual.empty()) {
    const auto row = RowOfIndividual(cohort.dataset(), asked.individual);
    const bool there = row && *row < cohort.rows() && rows.Test(*row);
    rows = Bitmap(cohort.rows());
    if (there) rows.Set(*row);
  }
  Finding finding;
  GF_ASSIGN(const Bitmap matching, Matching(ctx, cohort, query, rows, finding.table));
  DatasetAnswer& answer = finding.answer;
  answer.dataset = cohort.dataset();
  answer.version = cohort.version();
  answer.country = country_;
  answer.opened = true;
  const std::uint64_t count = matching.Count();
  answer.exists = count > 0;
  if (query.granularity >= Granularity::kCount) answer.count = Signed(count);
  if (query.granularity == Granularity::kRecord) {
    GF_ASSIGN(answer.individuals, Page(cohort, matching, asked, bytes));
  }
  return finding;
}

Result<Bitmap> NodeDiscovery::Matching(const Context& ctx, const Cohort& cohort, const Query& query,
                                       const Bitmap& rows, std::optional<TableName>& name) const {
  Bitmap selected = cohort.Select(query.filters, rows);
  if (!query.variant) return selected;
  std::shared_ptr<const AppliedFrequencies> table;
  if (frequencies_ != nullptr && query.AsksRarity()) table = frequencies_->For(cohort);
  auto carriers = genotypes_.Carriers(ctx, cohort, *query.variant, selected, table.get());
  if (table != nullptr && Reason(carriers.status()) == "SHARD_BEHIND") {
    // As in CountCarriers.
    if (auto before = frequencies_->Before(cohort); before != nullptr) {
      table = std::move(before);
      carriers = genotypes_.Carriers(ctx, cohort, *query.variant, selected, table.get());
    }
  }
  if (table != nullptr) name = table->name;
  return carriers;
}

Result<std::vector<IndividualRecord>> NodeDiscovery::Page(const Cohort& cohort, const Bitmap& rows,
                                                          const RecordsAsked& asked,
                                                          std::size_t& bytes) const {
  std::vector<std::uint32_t> page;
  std::int64_t place = 0;
  rows.ForEach([&](std::uint32_t row) {
    const std::int64_t number = place++ / std::max<std::int64_t>(asked.limit, 1);
    if (number == asked.skip && asked.limit > 0) page.push_back(row);
  });
  std::vector<genomics::Individual> people = cohort.Describe(page);
  std::vector<IndividualRecord> records(page.size());
  for (std::size_t i = 0; i < page.size(); ++i) {
    IndividualRecord& record = records[i];
    record.id = IndividualId(cohort.dataset(), page[i]);
    record.sex = people[i].sex;
    if (people[i].age_months)
      record.age_years = static_cast<std::int32_t>(*people[i].age_months / 12);
    bytes += record.id.size() + kRecordBytes;
    for (std::string& term : people[i].terms) {
      std::string label = TermLabel(term);
      bytes += term.size() + label.size() + kRecordBytes;
      record.terms.push_back({std::move(term), std::move(label)});
    }
  }
  if (bytes > kMaxAnswerBytes) return TooLarge();
  return records;
}

Result<std::uint64_t> NodeDiscovery::CountCarriers(
    const Context& ctx, const Cohort& cohort, const VariantPattern& pattern, const Bitmap& rows,
    const cohort::Live* live, std::shared_ptr<const AppliedFrequencies>& table) const {
  auto count = genotypes_.CountCarriers(ctx, cohort, pattern, rows, live, table.get());
  if (table == nullptr || Reason(count.status()) != "SHARD_BEHIND") return count;
  // Another shard does not have the newest table yet.
  auto before = frequencies_->Before(cohort);
  if (before == nullptr) return count;
  table = std::move(before);
  return genotypes_.CountCarriers(ctx, cohort, pattern, rows, live, table.get());
}

bool NodeDiscovery::AsksFrequencies(const Query& query) const {
  return query.granularity == Granularity::kRecord && query.entity == Entity::kVariant &&
         (query.variant->form == Form::kExact || query.variant->form == Form::kAtStart) &&
         (query.filters.empty() || disclosure::AllowsGroups(mechanism_.policy()));
}

bool NodeDiscovery::TellsDistributions(const Query& query) const {
  return !query.distributions.empty() &&
         disclosure::FitsAtOnce(mechanism_.policy(), CountsTogether(query));
}

// A number of all beside noisy cells would be charged, too, and tell what they do: their sum is
// told. Exact cells are beside an exact number of all.
bool NodeDiscovery::CellsAreAll() const {
  return mechanism_.policy().HasNoise() && mechanism_.policy().HasBudget();
}

std::size_t NodeDiscovery::CountsTogether(const Query& query) const {
  return CountCells(query) + (CellsAreAll() ? 0 : 1);
}

void NodeDiscovery::AddUpCells(const Query& query, const disclosure::Shown& shown,
                               DatasetAnswer& answer) const {
  const std::vector<Distribution::Cell>& cells = answer.distributions.front().cells;
  answer.exists = !cells.empty();
  answer.precision = shown.precision;
  answer.adjusted_to = mechanism_.policy().step;
  if (query.granularity < Granularity::kCount) return;
  for (const Distribution::Cell& cell : cells) answer.count += cell.count;
}

void NodeDiscovery::AddDistributions(const Holding& holding, const Query& query, const Bitmap& rows,
                                     Finding& finding) const {
  for (const By by : query.distributions) {
    const std::vector<CrossCell> cells = CellsOf(by);
    const std::vector<std::int64_t> people = holding.cohort->Distribute(cells, rows);
    std::vector<disclosure::Cell> asked;
    for (std::size_t i = 0; i < cells.size(); ++i)
      asked.push_back({CanonicalOf(query, cells[i]), people[i]});
    const std::size_t columns = by == By::kSexByAge ? AgeBands() + 1 : cells.size();
    const disclosure::ShownTable shown = disclosure::DivideCrossed(
        mechanism_, holding.state, asked, columns, Signed(holding.Permitted(query).count()));
    Distribution& distribution = finding.answer.distributions.emplace_back();
    distribution.by = by;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      finding.suppressed = finding.suppressed || shown.cells[i].suppressed;
      finding.spendings.push_back({holding.cohort->dataset(),
                                   mechanism_.Mac({holding.state, asked[i].canonical}, "count"),
                                   shown.cells[i].charge, Worst(query)});
      if (shown.cells[i].exists())
        distribution.cells.push_back({ValuesOf(cells[i]), shown.cells[i].count});
    }
  }
}

double NodeDiscovery::Worst(const Query& query) const {
  if (TellsDistributions(query))
    return disclosure::WorstCharge(mechanism_.policy()) *
           static_cast<double>(CountsTogether(query));
  if (!AsksFrequencies(query)) return disclosure::WorstCharge(mechanism_.policy());
  return query.filters.empty() ? disclosure::WorstCharge(mechanism_.policy(), true)
                               : disclosure::WorstGroupCharge(mechanism_.policy());
}

Status NodeDiscovery::AddAlleles(const Context& ctx, const Holding& holding, const Query& query,
                                 const Bitmap& rows, Finding& finding) const {
  const cohort::Live& permitted = holding.Permitted(query);
  const std::int64_t population = Signed(permitted.count());
  const std::int64_t in_group = Signed(rows.Count());
  const bool everybody = query.filters.empty();
  const std::string group_canonical = everybody ? "" : Canonical(GroupOf(query));
  const disclosure::Question group{holding.state, group_canonical};
  const Cohort& cohort = *holding.cohort;
  GF_ASSIGN(const auto sites, genotypes_.FindAlleles(ctx, cohort, *query.variant, rows,
                                                     everybody ? &permitted : nullptr));
  for (const auto& [variant, counts] : sites) {
    Query exact;
    exact.variant = VariantPattern{Form::kExact, std::nullopt, variant.contig, variant.pos,
                                   variant.end(), variant.ref, variant.alt};
    exact.filters = query.filters;
    const std::string canonical = Canonical(exact);
    const disclosure::Question question{holding.state, canonical};
    const disclosure::Genotypes genotypes{
        Signed(counts.ac),    Signed(counts.an),    Signed(counts.n_individuals),
        Signed(counts.n_hom), Signed(counts.n_het), Signed(counts.n_hemi)};
    const disclosure::ShownAllele allele =
        everybody ? mechanism_.Frequency(question, genotypes, population)
                  : mechanism_.FrequencyInGroup(question, genotypes, group, in_group, population);
    finding.suppressed = finding.suppressed || allele.suppressed;
    if (!allele.disclosed || !finding.answer.exists) continue;
    finding.spendings.push_back(
        {cohort.dataset(), mechanism_.Mac(question, "alleles"), allele.charge, Worst(query)});
    AlleleAnswer& answer = finding.answer.alleles.emplace_back(
        AlleleAnswer{std::string(genomics::AssemblyName(cohort.assembly())), variant.contig,
                     variant.pos, variant.ref, variant.alt, allele.allele_count,
                     allele.allele_number, allele.homozygotes, allele.heterozygotes});
    answer.population = PopulationOf(query);
    if (names_ != nullptr) answer.names = names_->Of(cohort.assembly(), variant);
  }
  // Whether frequencies are told depends on how large the group is, too.
  if (!everybody && finding.answer.exists) {
    const double charge = mechanism_.Count(group, {in_group, population}, true).charge;
    finding.spendings.push_back(
        {cohort.dataset(), mechanism_.Mac(group, "count"), charge, Worst(query)});
  }
  return absl::OkStatus();
}

Result<std::vector<FilteringTerm>> NodeDiscovery::Terms(const Context& ctx) const {
  GF_ASSIGN(const auto view, view_.Current());
  GF_ASSIGN(const auto terms, terms_.Get(view, "", [&] { return CountTerms(ctx, *view); }));
  return *terms;
}

Result<std::vector<FilteringTerm>> NodeDiscovery::CountTerms(const Context& ctx,
                                                             const View& view) const {
  std::set<std::string> terms = {std::string(genomics::SexTerm(genomics::Sex::kFemale)),
                                 std::string(genomics::SexTerm(genomics::Sex::kMale))};
  for (const auto& [dataset, holding] : view.holdings) {
    const Bitmap& permitted = holding.subject_level->rows();
    const std::int64_t population = Signed(holding.subject_level->count());
    // Not only those that somebody has just so, which would be shown by which are there.
    for (const std::string& term : holding.cohort->TermsToFind()) {
      GF_TRY(ctx.Alive());
      Query query;
      query.entity = Entity::kIndividual;
      query.filters = {{Filter{term}}};
      const std::int64_t people = Signed(holding.cohort->Select(query.filters, permitted).Count());
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
  constexpr std::string_view kHpo = "HP:";
  if (!id.starts_with(kHpo) || id.size() != kHpo.size() + 7) return "";
  const auto number = ParseInt(id.substr(kHpo.size()));
  if (!number.ok() || *number < 0) return "";
  return std::string(
      clinical::Terminology::Embedded().HpoName(static_cast<std::uint32_t>(*number)));
}

}  // namespace genofed::discovery
