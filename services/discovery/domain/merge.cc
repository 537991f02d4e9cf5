// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/merge.h"

#include <algorithm>
#include <set>

#include "libs/core/strings.h"

namespace genofed::discovery {
namespace {

// More people than the federation will ever have: keeps sums far from overflow.
constexpr std::int64_t kMaxPeople = 1'000'000'000;
constexpr std::size_t kMaxDatasetsOfNode = 10'000;
constexpr std::size_t kMaxAlleles = 1'000;

bool IsCount(std::int64_t count, std::int64_t max) { return count >= 0 && count <= max; }

bool IsPlausible(const AlleleAnswer& allele) {
  return IsCount(allele.allele_number, 2 * kMaxPeople) &&
         IsCount(allele.allele_count, allele.allele_number) &&
         IsCount(allele.homozygotes, allele.allele_count / 2) &&
         IsCount(allele.heterozygotes, allele.allele_count) &&
         2 * allele.homozygotes + allele.heterozygotes <= allele.allele_count;
}

bool IsPlausible(const DatasetAnswer& dataset, const std::string& country, std::int32_t floor) {
  bool count_fits = dataset.count == 0 || (dataset.exists && dataset.count >= floor);
  return dataset.country == country && DatasetNamesCountry(dataset.dataset, country) &&
         dataset.version > 0 && IsCount(dataset.count, kMaxPeople) && count_fits &&
         dataset.alleles.size() <= kMaxAlleles && (dataset.exists || dataset.alleles.empty()) &&
         std::all_of(dataset.alleles.begin(), dataset.alleles.end(),
                     [](const AlleleAnswer& allele) { return IsPlausible(allele); });
}

bool IsPlausible(const Answer& answer, const std::string& country) {
  if (answer.minimum_count < 1 || answer.datasets.size() > kMaxDatasetsOfNode) return false;
  std::set<std::string> seen;
  return std::all_of(answer.datasets.begin(), answer.datasets.end(),
                     [&](const DatasetAnswer& dataset) {
                       return IsPlausible(dataset, country, answer.minimum_count) &&
                              seen.insert(dataset.dataset).second;
                     });
}

// A node that says more than was asked is not passed on.
void Limit(DatasetAnswer& dataset, Granularity granularity) {
  if (granularity < Granularity::kRecord) dataset.alleles.clear();
  if (granularity < Granularity::kCount) dataset.count = 0;
}

}  // namespace

const char* MemberStateName(MemberState state) {
  switch (state) {
    case MemberState::kAnswered:
      return "answered";
    case MemberState::kTimedOut:
      return "timed_out";
    case MemberState::kUnreachable:
      return "unreachable";
    case MemberState::kRefused:
      return "refused";
  }
  return "refused";
}

Answer Merge(const Query& query, std::vector<NodeReply> replies, std::int32_t own_floor) {
  std::sort(replies.begin(), replies.end(),
            [](const NodeReply& a, const NodeReply& b) { return a.member.site < b.member.site; });
  Answer merged;
  std::optional<std::int32_t> floor;
  for (NodeReply& reply : replies) {
    Member& member = reply.member;
    if (member.state == MemberState::kAnswered &&
        (!reply.answer || !IsPlausible(*reply.answer, ToUpper(member.site)))) {
      member.state = MemberState::kRefused;
    }
    if (member.state == MemberState::kAnswered) {
      member.epoch = reply.answer->epoch;
      floor = std::min(floor.value_or(reply.answer->minimum_count), reply.answer->minimum_count);
      for (DatasetAnswer& dataset : reply.answer->datasets) {
        if (!query.Wants(dataset.dataset)) continue;
        Limit(dataset, query.granularity);
        merged.exists = merged.exists || dataset.exists;
        merged.count += dataset.count;
        merged.datasets.push_back(std::move(dataset));
      }
    }
    merged.members.push_back(member);
  }
  std::sort(merged.datasets.begin(), merged.datasets.end(),
            [](const DatasetAnswer& a, const DatasetAnswer& b) { return a.dataset < b.dataset; });
  merged.minimum_count = floor.value_or(own_floor);
  return merged;
}

}  // namespace genofed::discovery
