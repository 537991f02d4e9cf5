// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/case.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "libs/core/strings.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {
namespace {

using phenotype::HpoGraph;

constexpr std::int64_t kMaxPeople = 1'000'000'000;
constexpr std::size_t kMaxDatasetsOfNode = 10'000;
constexpr std::int32_t kMaxFloor = 10'000;
constexpr std::size_t kMaxMessage = 2'000;
constexpr std::size_t kMaxReplyTo = 254;

bool IsPlausible(const CaseAnswer& answer, const std::string& country) {
  if (answer.minimum_count < 1 || answer.minimum_count > kMaxFloor ||
      answer.datasets.size() + answer.withheld.size() > kMaxDatasetsOfNode)
    return false;
  std::set<std::string> seen;
  return std::all_of(answer.datasets.begin(), answer.datasets.end(), [&](const DatasetCases& one) {
    return one.country == country && one.version > 0 && DatasetNamesCountry(one.dataset, country) &&
           seen.insert(one.dataset).second &&
           std::all_of(one.counts.begin(), one.counts.end(), [&](std::int64_t count) {
             return count == 0 || (count >= answer.minimum_count && count <= kMaxPeople);
           });
  });
}

Status CheckText(std::string_view field, std::string_view text, std::size_t most) {
  if (Trim(text).empty()) return InvalidField(field, "FIELD_MISSING", "must not be empty");
  if (text.size() > most || !IsUtf8(text))
    return InvalidField(field, "FIELD_INVALID", "must be UTF-8 of at most {} bytes", most);
  return absl::OkStatus();
}

}  // namespace

bool CaseQuery::Wants(const std::string& dataset) const {
  return datasets.empty() || std::find(datasets.begin(), datasets.end(), dataset) != datasets.end();
}

Result<std::vector<std::string>> ValidateCase(const std::vector<std::string>& terms) {
  const HpoGraph& graph = HpoGraph::Embedded();
  if (terms.empty() || terms.size() > kMaxCaseTerms)
    return InvalidField("terms", "TERMS_MISSING", "1 to {} HPO terms are needed", kMaxCaseTerms);
  std::set<std::string> known;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto node = graph.Find(terms[i]);
    if (!node || *node == 0)
      return InvalidField(fmt::format("terms[{}]", i), "TERM_UNKNOWN",
                          "must be an abnormality of HPO, such as HP:0001250");
    known.insert(graph.Term(*node));
  }
  return std::vector<std::string>(known.begin(), known.end());
}

Result<CaseQuery> Validate(CaseQuery query) {
  GF_ASSIGN(query.terms, ValidateCase(query.terms));
  if (query.datasets.size() > kMaxDatasets || query.sites.size() > kMaxSites)
    return InvalidField("datasets", "TOO_MANY", "at most {} datasets and {} sites", kMaxDatasets,
                        kMaxSites);
  return query;
}

phenotype::Profile ProfileOf(const std::vector<std::string>& terms) {
  const HpoGraph& graph = HpoGraph::Embedded();
  std::set<HpoGraph::Node> nodes;
  for (const std::string& term : terms) {
    if (const auto node = graph.Find(term)) nodes.insert(*node);
  }
  return {nodes.begin(), nodes.end()};
}

std::optional<std::size_t> BandOf(double similarity) {
  for (std::size_t i = 0; i < kBands.size(); ++i) {
    if (similarity >= kBands[i].from && similarity < kBands[i].below) return i;
  }
  return std::nullopt;
}

std::string Canonical(const CaseQuery& query, std::size_t band) {
  return fmt::format("case|{}|{}", fmt::join(query.terms, ","), band);
}

CaseAnswer MergeCases(const CaseQuery& query, std::vector<CaseReply> replies,
                      std::int32_t own_floor) {
  CaseAnswer merged;
  std::optional<std::int32_t> floor;
  for (CaseReply& reply : replies) {
    Member& member = reply.member;
    const std::string country = ToUpper(member.site);
    if (member.state == MemberState::kAnswered &&
        (!reply.answer || !IsPlausible(*reply.answer, country)))
      member.state = MemberState::kRefused;
    if (member.state == MemberState::kAnswered) {
      member.epoch = reply.answer->epoch;
      floor = std::max(floor.value_or(1), reply.answer->minimum_count);
      for (DatasetCases& dataset : reply.answer->datasets) {
        if (query.Wants(dataset.dataset)) merged.datasets.push_back(std::move(dataset));
      }
      for (const Withheld& withheld : reply.answer->withheld) {
        if (DatasetNamesCountry(withheld.dataset, country)) merged.withheld.push_back(withheld);
      }
    }
    merged.members.push_back(member);
  }
  merged.minimum_count = floor.value_or(own_floor);
  for (DatasetCases& dataset : merged.datasets) {
    for (std::int64_t& count : dataset.counts) count = count < merged.minimum_count ? 0 : count;
  }
  std::sort(merged.datasets.begin(), merged.datasets.end(),
            [](const DatasetCases& a, const DatasetCases& b) { return a.dataset < b.dataset; });
  return merged;
}

const char* StateName(ContactRequest::State state) {
  switch (state) {
    case ContactRequest::State::kWaiting:
      return "waiting";
    case ContactRequest::State::kAccepted:
      return "accepted";
    case ContactRequest::State::kDeclined:
      return "declined";
  }
  return "waiting";
}

ContactRequest::State ParseContactState(std::string_view name) {
  for (const auto state : {ContactRequest::State::kAccepted, ContactRequest::State::kDeclined}) {
    if (name == StateName(state)) return state;
  }
  return ContactRequest::State::kWaiting;
}

Status Validate(const ContactRequest& contact) {
  GF_TRY(CheckText("dataset", contact.dataset, 64));
  GF_TRY(CheckText("message", contact.message, kMaxMessage));
  return CheckText("reply_to", contact.reply_to, kMaxReplyTo);
}

Status ValidateReply(std::string_view reply) { return CheckText("reply", reply, kMaxMessage); }

}  // namespace genofed::discovery
