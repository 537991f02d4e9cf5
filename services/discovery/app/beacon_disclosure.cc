// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/beacon_disclosure.h"

#include <algorithm>
#include <utility>

#include "libs/beacon/redact.h"
#include "libs/core/parts.h"
#include "libs/disclosure/budget.h"

namespace genofed::discovery {
namespace {

bool Few(std::int64_t count, std::int64_t floor) { return count > 0 && count < floor; }

// Counts are alleles: as many people as alleles for those with one copy, half as many for those
// with two.
std::optional<beacon::PopulationCounts> DisclosePopulation(const beacon::PopulationCounts& counts,
                                                           std::int64_t floor) {
  if (counts.allele_count < 0 || counts.allele_number < counts.allele_count) return std::nullopt;
  if (Few((counts.allele_count + 1) / 2, floor) ||
      Few((counts.allele_number - counts.allele_count + 1) / 2, floor))
    return std::nullopt;
  beacon::PopulationCounts out = counts;
  const bool split = out.homozygous && out.heterozygous;
  const bool few = !split || Few(*out.homozygous / 2, floor) || Few(*out.heterozygous, floor) ||
                   Few(out.hemizygous.value_or(0), floor);
  if (few) out.homozygous = out.heterozygous = out.hemizygous = std::nullopt;
  return out;
}

// Sorted, and each once.
std::string JoinSet(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  std::string out;
  for (const std::string& text : texts) out += JoinParts({text});
  return out;
}

std::string CanonicalFilters(const std::vector<beacon::FilterGroup>& filters) {
  std::vector<std::string> groups;
  for (const beacon::FilterGroup& group : filters) {
    std::vector<std::string> one_of;
    for (const beacon::Filter& filter : group) one_of.push_back(filter.Meaning());
    groups.push_back(JoinSet(std::move(one_of)));
  }
  return JoinSet(std::move(groups));
}

// Identifiers are whatever a folder says: with their lengths no two pairs are one text.
std::string About(const std::string& canonical, std::string_view what, std::string_view dataset,
                  std::string_view variant = {}) {
  return fmt::format("{}\n{} {}:{}{}", canonical, what, dataset.size(), dataset, variant);
}

}  // namespace

std::string Canonical(const beacon::Request& request) {
  const auto& target = request.target;
  return JoinParts({beacon::Facts(target.type).path,
                    target.parent ? beacon::Facts(*target.parent).path : "", target.id,
                    request.variant ? request.variant->Meaning() : "",
                    CanonicalFilters(request.filters)});
}

std::string CanonicalDatasets(const beacon::Request& request,
                              const beacon::Collection& collection) {
  std::vector<std::string> named;
  for (const beacon::Record& dataset : collection.datasets()) {
    if (std::find(request.datasets.begin(), request.datasets.end(), dataset.id) !=
        request.datasets.end())
      named.push_back(dataset.id);
  }
  const bool all = request.datasets.empty() || named.size() == collection.datasets().size();
  return all ? "" : "datasets " + JoinSet(std::move(named));
}

std::string AboutPeople(const std::string& canonical, std::string_view dataset) {
  return About(canonical, "people", dataset);
}

std::string RecordDisclosure::About(std::string_view what, std::string_view dataset,
                                    std::string_view variant) const {
  return discovery::About(canonical_, what, dataset, variant);
}

void RecordDisclosure::Spend(const std::string& canonical, double nats) {
  spendings_.push_back({folder_, mechanism_.Mac({state_, canonical}, "records"), nats, 0});
}

std::vector<Spending> RecordDisclosure::Take() {
  for (Spending& spending : spendings_)
    spending.worst =
        disclosure::WorstCharge(mechanism_.policy()) * static_cast<double>(spendings_.size());
  return std::exchange(spendings_, {});
}

disclosure::Shown RecordDisclosure::People(std::string_view dataset,
                                           const disclosure::People& people) {
  const std::string canonical = AboutPeople(canonical_, dataset);
  const disclosure::Shown shown = mechanism_.Count({state_, canonical}, people, true);
  Spend(canonical, shown.charge);
  return shown;
}

RecordDisclosure::Judged RecordDisclosure::Judge(std::string_view dataset, std::string_view variant,
                                                 const disclosure::People& carriers,
                                                 std::int64_t allele_count) const {
  if (carriers.matching == 0) return {(allele_count + 1) / 2 >= mechanism_.policy().floor, 0};
  const disclosure::Shown shown =
      mechanism_.Count({state_, About("variant", dataset, variant)}, carriers, false);
  return {shown.exists(), shown.charge};
}

void RecordDisclosure::CountedVariants(std::string_view dataset, double nats,
                                       std::int64_t population) {
  const std::string canonical = About("variants", dataset);
  // That nobody carries anything is told as well, and must not cost less than a variant of a few.
  const double none = mechanism_.Count({state_, canonical}, {0, population}, false).charge;
  Spend(canonical, std::min(std::max(nats, none), disclosure::WorstCharge(mechanism_.policy())));
}

void RecordDisclosure::Mentioned(std::string_view dataset, std::string_view variant,
                                 const disclosure::People& carriers) {
  // Of one without carriers its holder published the frequency alone.
  const std::string canonical = About("variant", dataset, variant);
  Spend(canonical,
        carriers.matching == 0 ? 0 : mechanism_.Count({state_, canonical}, carriers, false).charge);
}

std::string RecordDisclosure::PublicVariant(const std::string& record, bool of_people) const {
  const disclosure::Policy& policy = mechanism_.policy();
  // A few exact numbers tell more of each person in them than a whole budget may.
  const bool exact_at_noise = of_people && policy.HasNoise();
  return beacon::PublicVariant(record, [&](const beacon::PopulationCounts& counts) {
    return exact_at_noise ? std::nullopt : DisclosePopulation(counts, policy.floor);
  });
}

}  // namespace genofed::discovery
