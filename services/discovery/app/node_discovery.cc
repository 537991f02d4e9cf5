// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/node_discovery.h"

#include <algorithm>
#include <set>

#include "services/discovery/domain/disclosure.h"

namespace genofed::discovery {
namespace {

using genomics::Bitmap;
using genomics::RangeQuery;
using genomics::SegmentedIndex;
using genomics::SegmentedSite;

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

}  // namespace

NodeDiscovery::NodeDiscovery(const ConsentView& view, std::string country, std::int32_t floor)
    : view_(view), country_(std::move(country)), floor_(std::max(floor, 1)) {}

Result<Answer> NodeDiscovery::Run(const Context& ctx, const Query& query) const {
  GF_ASSIGN(auto view, view_.Current());
  Answer answer;
  answer.epoch = view->epoch;
  answer.minimum_count = floor_;
  std::set<genomics::Assembly> assemblies;
  for (const auto& [dataset, holding] : view->holdings) {
    GF_TRY(ctx.Alive());
    if (!query.Wants(dataset)) continue;
    const genomics::Assembly assembly = holding.cohort->assembly();
    if (query.variant && query.variant->assembly && *query.variant->assembly != assembly) continue;
    assemblies.insert(assembly);
    DatasetAnswer found = Examine(holding, query, &answer.suppressed);
    answer.exists = answer.exists || found.exists;
    answer.count += found.count;
    answer.datasets.push_back(std::move(found));
  }
  if (query.variant && assemblies.size() > 1) {
    return InvalidField("variant.assembly", "ASSEMBLY_MISSING",
                        "a position means different things in GRCh37 and GRCh38");
  }
  return answer;
}

DatasetAnswer NodeDiscovery::Examine(const Holding& holding, const Query& query,
                                     bool* suppressed) const {
  const Bitmap& permitted = holding.Permitted(query);
  Bitmap matching = permitted;
  for (const std::string& filter : query.filters) matching.And(holding.cohort->WithTerm(filter));
  if (query.variant) matching.And(Carriers(holding.cohort->index(), *query.variant));
  const Disclosed disclosed =
      Disclose(Signed(matching.Count()), Signed(permitted.Count()), floor_, query.IsSubjectLevel());
  *suppressed = *suppressed || disclosed.suppressed;

  DatasetAnswer answer;
  answer.dataset = holding.cohort->dataset();
  answer.version = holding.cohort->version();
  answer.country = country_;
  answer.exists = disclosed.exists();
  if (query.granularity >= Granularity::kCount) answer.count = disclosed.count;
  // Frequencies among the people who permitted frequencies, never among a group that filters carved
  // out.
  if (answer.exists && query.granularity == Granularity::kRecord && !query.IsSubjectLevel() &&
      query.variant->form != VariantPattern::Form::kRange) {
    AddAlleles(holding, *query.variant, answer, suppressed);
  }
  return answer;
}

void NodeDiscovery::AddAlleles(const Holding& holding, const VariantPattern& pattern,
                               DatasetAnswer& answer, bool* suppressed) const {
  const SegmentedIndex& index = holding.cohort->index();
  for (const SegmentedSite& hit : FindAlleles(index, pattern)) {
    const auto counts = index.Count(hit, holding.allele_frequency);
    const DisclosedAllele allele =
        DiscloseAllele({Signed(counts.ac), Signed(counts.an), Signed(counts.n_individuals),
                        Signed(counts.n_hom), Signed(counts.n_het), Signed(counts.n_hemi)},
                       floor_);
    *suppressed = *suppressed || allele.suppressed;
    if (!allele.disclosed) continue;
    answer.alleles.push_back({std::string(genomics::AssemblyName(holding.cohort->assembly())),
                              hit.variant.contig, hit.variant.pos, hit.variant.ref, hit.variant.alt,
                              allele.counts.allele_count, allele.counts.allele_number,
                              allele.counts.homozygotes, allele.counts.heterozygotes});
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
      if (Disclose(people, population, floor_, true).exists()) terms.insert(term);
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
