// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/merge.h"

#include <algorithm>
#include <set>

#include "libs/core/strings.h"
#include "libs/genomics/hgvs.h"
#include "services/discovery/domain/cross_table.h"

namespace genofed::discovery {
namespace {

// More people than the federation will ever have: keeps sums far from overflow.
constexpr std::int64_t kMaxPeople = 1'000'000'000;
constexpr std::size_t kMaxDatasetsOfNode = 10'000;
constexpr std::size_t kMaxAlleles = 1'000;
// A floor above this is a mistake, or an attempt to silence the others.
constexpr std::int32_t kMaxFloor = 10'000;

bool IsCount(std::int64_t count, std::int64_t max) { return count >= 0 && count <= max; }

bool IsVrsId(std::string_view id) {
  constexpr std::string_view kPrefix = "ga4gh:VA.";
  constexpr std::size_t kDigest = 32;  // characters of URL-safe base64
  return id.size() == kPrefix.size() + kDigest && id.starts_with(kPrefix) &&
         id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                              kPrefix.size()) == std::string_view::npos;
}

// Of one allele whose bases could be asked for.
bool ArePlausible(const genomics::VariantNames& names) {
  constexpr std::size_t kMaxHgvs = 2 * kMaxQueryBases;
  return (names.hgvs.empty() ||
          (names.hgvs.size() <= kMaxHgvs && genomics::ParseHgvs(names.hgvs).ok())) &&
         (names.vrs_1_3.empty() || IsVrsId(names.vrs_1_3)) &&
         (names.vrs_2_0.empty() || IsVrsId(names.vrs_2_0));
}

bool IsPlausible(const AlleleAnswer& allele) {
  return ArePlausible(allele.names) && IsCount(allele.allele_number, 2 * kMaxPeople) &&
         IsCount(allele.allele_count, allele.allele_number) &&
         IsCount(allele.homozygotes, allele.allele_count / 2) &&
         IsCount(allele.heterozygotes, allele.allele_count) &&
         2 * allele.homozygotes + allele.heterozygotes <= allele.allele_count;
}

bool IsPlausible(const Distribution& distribution, std::int32_t floor) {
  std::set<std::vector<std::string>> possible;
  for (const CrossCell& cell : CellsOf(distribution.by)) possible.insert(ValuesOf(cell));
  return std::all_of(distribution.cells.begin(), distribution.cells.end(),
                     [&](const Distribution::Cell& cell) {
                       return cell.count >= floor && IsCount(cell.count, kMaxPeople) &&
                              possible.erase(cell.values) == 1;
                     });
}

bool ArePlausible(const std::vector<Distribution>& distributions, std::int32_t floor) {
  std::set<By> seen;
  return std::all_of(distributions.begin(), distributions.end(), [&](const Distribution& one) {
    return seen.insert(one.by).second && IsPlausible(one, floor);
  });
}

// "GOE-FI-DATASET-1": what a dataset of a node is called.
bool LooksLikeOurs(const std::string& dataset) {
  const auto parts = Split(dataset, '-');
  return parts.size() == 4 && DatasetNamesCountry(dataset, std::string(parts[1]));
}

bool NamesFit(const DatasetAnswer& dataset, const std::string& country, bool foreign) {
  constexpr std::size_t kMaxName = 256;
  if (foreign)
    return !dataset.dataset.empty() && dataset.dataset.size() <= kMaxName &&
           !LooksLikeOurs(dataset.dataset);
  return dataset.country == country && DatasetNamesCountry(dataset.dataset, country) &&
         dataset.version > 0;
}

bool IsPlausible(const DatasetAnswer& dataset, const std::string& country, std::int32_t floor,
                 bool foreign) {
  bool count_fits = dataset.count == 0 || (dataset.exists && dataset.count >= floor);
  return NamesFit(dataset, country, foreign) && IsCount(dataset.count, kMaxPeople) && count_fits &&
         ArePlausible(dataset.distributions, floor) && dataset.alleles.size() <= kMaxAlleles &&
         (dataset.exists || dataset.alleles.empty()) &&
         std::all_of(dataset.alleles.begin(), dataset.alleles.end(),
                     [](const AlleleAnswer& allele) { return IsPlausible(allele); });
}

bool IsPlausible(const TableName& table) {
  return (table.assembly == "GRCh37" || table.assembly == "GRCh38") && table.number > 0 &&
         table.digest.size() == 64 && IsUtf8(table.digest) && table.resolution >= 0 &&
         table.resolution <= 1;
}

bool IsPlausible(const Answer& answer, const std::string& country, bool foreign) {
  if (answer.table && !IsPlausible(*answer.table)) return false;
  if (answer.minimum_count < 1 || answer.minimum_count > kMaxFloor ||
      answer.datasets.size() + answer.withheld.size() > kMaxDatasetsOfNode)
    return false;
  std::set<std::string> seen;
  return std::all_of(answer.datasets.begin(), answer.datasets.end(),
                     [&](const DatasetAnswer& dataset) {
                       return IsPlausible(dataset, country, answer.minimum_count, foreign) &&
                              seen.insert(dataset.dataset).second;
                     });
}

constexpr std::size_t kMaxNotAsked = 1'000;  // of one member

// Words of others: a word where one is due, and text without control characters.
std::string ReasonOf(const std::string& reason) {
  constexpr std::size_t kMaxReason = 64;
  const bool word = !reason.empty() && reason.size() <= kMaxReason &&
                    reason.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                        std::string::npos;
  return word ? reason : "QUERY_UNSUPPORTED";
}

bool IsShown(std::string_view text, std::size_t most) {
  return text.size() <= most && IsUtf8(text) &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

// A dataset that cannot be the member's is not named: then the member is.
std::vector<NotAsked> SaidBy(const NodeReply& reply, const Query& query) {
  constexpr std::size_t kMaxDetail = 500, kMaxName = 256;
  const std::string& site = reply.member.site;
  std::set<NotAsked> said;
  for (const NotAsked& one : reply.answer ? reply.answer->not_asked : std::vector<NotAsked>()) {
    const bool its_own = reply.foreign ? !LooksLikeOurs(one.dataset)
                                       : DatasetNamesCountry(one.dataset, ToUpper(site));
    NotAsked entry{site, its_own && IsShown(one.dataset, kMaxName) ? one.dataset : "",
                   ReasonOf(one.reason), IsShown(one.detail, kMaxDetail) ? one.detail : ""};
    if (!entry.dataset.empty() && !query.Wants(entry.dataset)) continue;
    if (said.size() < kMaxNotAsked) said.insert(std::move(entry));
  }
  if (said.empty() && reply.member.state == MemberState::kNotAsked)
    said.insert({site, "", ReasonOf(""), ""});
  return {said.begin(), said.end()};
}

// What says more than was asked is not passed on: not even how a number would be rounded.
void Limit(DatasetAnswer& dataset, const Query& query) {
  const Granularity granularity = query.granularity;
  std::erase_if(dataset.distributions, [&](const Distribution& one) {
    return std::find(query.distributions.begin(), query.distributions.end(), one.by) ==
           query.distributions.end();
  });
  if (granularity < Granularity::kRecord) dataset.alleles.clear();
  if (granularity >= Granularity::kCount) return;
  dataset.count = 0;
  dataset.adjusted_to = 1;
}

// The floor of the strictest node holds for all.
void ApplyFloor(DatasetAnswer& dataset, std::int32_t floor) {
  for (Distribution& one : dataset.distributions)
    std::erase_if(one.cells, [&](const Distribution::Cell& cell) { return cell.count < floor; });
  if (dataset.count == 0 || dataset.count >= floor) return;
  dataset.exists = false;
  dataset.count = 0;
  dataset.alleles.clear();
}

void AddUp(Answer& merged, const Query& query) {
  for (DatasetAnswer& dataset : merged.datasets) {
    ApplyFloor(dataset, merged.minimum_count);  // before the count by which it goes is gone
    Limit(dataset, query);
    merged.exists = merged.exists || dataset.exists;
    merged.count += dataset.count;
    merged.precision = std::max(merged.precision, dataset.precision);
  }
  merged.adjusted_to = 1;
  const auto least = std::min_element(
      merged.datasets.begin(), merged.datasets.end(),
      [](const DatasetAnswer& a, const DatasetAnswer& b) { return a.adjusted_to < b.adjusted_to; });
  if (least != merged.datasets.end()) merged.adjusted_to = least->adjusted_to;
}

}  // namespace

Query AsksNodes(Query query) {
  query.granularity = std::max(query.granularity, Granularity::kCount);
  return query;
}

Answer Merge(const Query& query, std::vector<NodeReply> replies, std::int32_t own_floor) {
  std::sort(replies.begin(), replies.end(),
            [](const NodeReply& a, const NodeReply& b) { return a.member.site < b.member.site; });
  Answer merged;
  std::optional<std::int32_t> floor;
  std::set<std::string> seen;  // two foreign Beacons may serve the same dataset: it counts once
  for (NodeReply& reply : replies) {
    Member& member = reply.member;
    if (member.state == MemberState::kAnswered &&
        (!reply.answer || !IsPlausible(*reply.answer, ToUpper(member.site), reply.foreign))) {
      member.state = MemberState::kRefused;
    }
    if (member.state == MemberState::kAnswered && reply.answer->datasets.empty() &&
        reply.answer->withheld.empty() && !reply.answer->not_asked.empty())
      member.state = MemberState::kNotAsked;
    if (member.state == MemberState::kAnswered || member.state == MemberState::kNotAsked) {
      for (NotAsked& one : SaidBy(reply, query)) merged.not_asked.push_back(std::move(one));
    }
    if (member.state == MemberState::kAnswered) {
      member.epoch = reply.answer->epoch;
      if (query.AsksRarity()) {
        member.table = reply.answer->table;
        member.other_table = !member.table && !reply.answer->datasets.empty();
      }
      floor = std::max(floor.value_or(reply.answer->minimum_count), reply.answer->minimum_count);
      for (const Withheld& withheld : reply.answer->withheld) {
        if (DatasetNamesCountry(withheld.dataset, ToUpper(member.site)))
          merged.withheld.push_back(withheld);
      }
      for (DatasetAnswer& dataset : reply.answer->datasets) {
        if (!query.Wants(dataset.dataset) || !seen.insert(dataset.dataset).second) continue;
        for (AlleleAnswer& allele : dataset.alleles) allele.population = PopulationOf(query);
        merged.datasets.push_back(std::move(dataset));
      }
    }
    merged.members.push_back(member);
  }
  std::sort(merged.datasets.begin(), merged.datasets.end(),
            [](const DatasetAnswer& a, const DatasetAnswer& b) { return a.dataset < b.dataset; });
  merged.minimum_count = floor.value_or(own_floor);
  AddUp(merged, query);
  return merged;
}

void NameTables(const Query& query, const std::map<std::string, TableName>& current,
                Answer& answer) {
  if (!query.AsksRarity()) return;
  std::set<std::string> used;
  for (Member& member : answer.members) {
    if (member.state != MemberState::kAnswered) continue;
    if (!member.table) {
      member.other_table = member.other_table && !current.empty();
      continue;
    }
    used.insert(member.table->assembly);
    const auto own = current.find(member.table->assembly);
    member.other_table = own == current.end() || own->second.digest != member.table->digest;
  }
  for (const auto& [assembly, table] : current) {
    if (used.contains(assembly) || used.empty()) answer.network_tables.push_back(table);
  }
}

}  // namespace genofed::discovery
