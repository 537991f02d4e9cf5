// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/case_match.h"

#include "libs/disclosure/budget.h"
#include "services/discovery/app/answer_time.h"

namespace genofed::discovery {
namespace {

using phenotype::HpoGraph;
using phenotype::Profile;

constexpr std::uint32_t kRowsBetweenLooks = 10'000;  // whether the caller is still there

std::vector<double> ContentAmong(const std::vector<Profile>& profiles,
                                 const genomics::Bitmap& counted, std::int64_t floor) {
  std::vector<Profile> people;
  for (std::uint32_t row = 0; row < profiles.size(); ++row) {
    if (counted.Test(row)) people.push_back(profiles[row]);
  }
  const HpoGraph& graph = HpoGraph::Embedded();
  return phenotype::InformationContent(graph, phenotype::CountPeople(graph, people),
                                       static_cast<std::int64_t>(people.size()), floor);
}

}  // namespace

CaseMatch::CaseMatch(const ConsentView& view, PublicationStore& publications, PeopleReader& reader,
                     std::string country, const disclosure::Mechanism& mechanism, Budgets* budgets,
                     DisclosureAudit& audit, const Clock& clock)
    : view_(view),
      publications_(publications),
      reader_(reader),
      country_(std::move(country)),
      mechanism_(mechanism),
      telling_(budgets, audit, clock) {}

Result<bool> CaseMatch::Holds(const std::string& dataset) const {
  GF_ASSIGN(const auto view, view_.Current());
  return view->holdings.contains(dataset);
}

Result<CaseMatch::Shared> CaseMatch::PeopleOf(const Context& ctx, const Holding& holding) {
  const std::string dataset = holding.cohort->dataset();
  const std::int32_t version = holding.cohort->version();
  Shared known;
  {
    MutexLock lock(mutex_);
    const auto found = people_.find(dataset);
    // A version may be replaced by itself without people who were forgotten.
    if (found != people_.end() && found->second.first.lock() == holding.cohort)
      known = found->second.second;
  }
  if (known != nullptr && known->state == holding.state) return known;
  auto people = std::make_shared<People>();
  if (known != nullptr) {
    people->profiles = known->profiles;
  } else {
    GF_ASSIGN(const auto published, publications_.List(ctx));
    std::vector<Profile> profiles;
    for (const Publication& publication : published) {
      if (publication.dataset != dataset || publication.version != version) continue;
      GF_ASSIGN(const auto rows, reader_.Read(publication));
      for (const genomics::Individual& person : rows) profiles.push_back(ProfileOf(person.terms));
    }
    people->profiles = std::make_shared<const std::vector<Profile>>(std::move(profiles));
  }
  people->state = holding.state;
  people->content =
      ContentAmong(*people->profiles, holding.subject_level->rows(), mechanism_.policy().floor);
  MutexLock lock(mutex_);
  people_[dataset] = {holding.cohort, people};
  return people;
}

Result<CaseAnswer> CaseMatch::Run(const Context& ctx, const CaseQuery& query) {
  const auto start = std::chrono::steady_clock::now();
  GF_ASSIGN(const auto view, view_.Current());
  CaseAnswer answer;
  answer.epoch = view->epoch;
  answer.minimum_count = static_cast<std::int32_t>(mechanism_.policy().floor);
  std::vector<Spending> spendings;
  const Profile profile = ProfileOf(query.terms);
  // All bands of a dataset are told together.
  const double worst = disclosure::WorstCharge(mechanism_.policy()) * kBands.size();
  for (const auto& [dataset, holding] : view->holdings) {
    if (!query.Wants(dataset)) continue;
    GF_ASSIGN(const Shared people, PeopleOf(ctx, holding));
    phenotype::Comparison comparison(HpoGraph::Embedded(), people->content, profile);
    std::array<std::int64_t, kBands.size()> similar{};
    const std::vector<Profile>& profiles = *people->profiles;
    for (std::uint32_t row = 0; row < profiles.size(); ++row) {
      if (row % kRowsBetweenLooks == 0) GF_TRY(ctx.Alive());
      if (!holding.subject_level->rows().Test(row)) continue;
      if (const auto band = BandOf(comparison.With(profiles[row]))) ++similar[*band];
    }
    DatasetCases cases{dataset, holding.cohort->version(), country_, {}, {}};
    const auto population = static_cast<std::int64_t>(holding.subject_level->count());
    for (std::size_t band = 0; band < kBands.size(); ++band) {
      const std::string canonical = Canonical(query, band);
      const disclosure::Question question{holding.state, canonical};
      const disclosure::Shown shown = mechanism_.Count(question, {similar[band], population}, true);
      cases.counts[band] = shown.count;
      cases.precision = shown.precision;
      spendings.push_back({dataset, mechanism_.Mac(question, "count"), shown.charge, worst});
    }
    answer.datasets.push_back(std::move(cases));
  }
  WaitForMultiple(start, std::chrono::microseconds(mechanism_.policy().answer_microseconds));
  GF_ASSIGN(const Refused refused, telling_.Charge(ctx, query.account, spendings));
  Withhold(refused, answer);
  GF_TRY(CheckTold(answer));
  return answer;
}

}  // namespace genofed::discovery
