// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/case_mapping.h"

#include "libs/rpc/time_codec.h"
#include "services/discovery/adapters/proto_mapping.h"

namespace genofed::discovery {

CaseQuery FromProto(const v1::MatchCasesRequest& request) {
  CaseQuery query;
  query.terms.assign(request.terms().begin(), request.terms().end());
  query.datasets.assign(request.datasets().begin(), request.datasets().end());
  query.sites.assign(request.sites().begin(), request.sites().end());
  return query;
}

v1::MatchCasesRequest ToProto(const CaseQuery& query) {
  v1::MatchCasesRequest request;
  request.mutable_terms()->Add(query.terms.begin(), query.terms.end());
  request.mutable_datasets()->Add(query.datasets.begin(), query.datasets.end());
  return request;
}

Result<CaseAnswer> FromProto(const v1::MatchCasesResponse& response) {
  CaseAnswer answer;
  answer.epoch = response.epoch();
  answer.minimum_count = response.minimum_count();
  for (const auto& in : response.datasets()) {
    DatasetCases cases{in.dataset(), in.version(), in.country(), {}, {}};
    cases.precision = FromProto(in.count_precision());
    bool fits = in.bands_size() == static_cast<int>(kBands.size());
    for (std::size_t band = 0; fits && band < kBands.size(); ++band) {
      const auto& told = in.bands(static_cast<int>(band));
      fits = told.from() == kBands[band].from && told.below() == kBands[band].below;
      cases.counts[band] = told.count();
    }
    if (!fits)
      return Error(StatusCode::kDataLoss, "ANSWER_IMPLAUSIBLE",
                   "a node counts by other bands of similarity");
    answer.datasets.push_back(std::move(cases));
  }
  for (const auto& in : response.withheld())
    answer.withheld.push_back({in.dataset(), in.retry_after_seconds()});
  return answer;
}

v1::MatchCasesResponse ToProto(const CaseAnswer& answer) {
  v1::MatchCasesResponse response;
  response.set_epoch(answer.epoch);
  response.set_minimum_count(answer.minimum_count);
  for (const DatasetCases& cases : answer.datasets) {
    auto* out = response.add_datasets();
    out->set_dataset(cases.dataset);
    out->set_version(cases.version);
    out->set_country(cases.country);
    out->set_count_precision(ToProto(cases.precision));
    for (std::size_t band = 0; band < kBands.size(); ++band) {
      auto* told = out->add_bands();
      told->set_from(kBands[band].from);
      told->set_below(kBands[band].below);
      told->set_count(cases.counts[band]);
    }
  }
  for (const Member& member : answer.members) ToProto(member, response.add_members());
  for (const Withheld& withheld : answer.withheld) {
    auto* out = response.add_withheld();
    out->set_dataset(withheld.dataset);
    out->set_retry_after_seconds(withheld.retry_after_seconds);
  }
  return response;
}

v1::ContactRequest ToProto(const ContactRequest& contact) {
  v1::ContactRequest out;
  out.set_id(contact.id);
  out.set_state(contact.state == ContactRequest::State::kWaiting ? v1::ContactRequest::STATE_WAITING
                : contact.state == ContactRequest::State::kAccepted
                    ? v1::ContactRequest::STATE_ACCEPTED
                    : v1::ContactRequest::STATE_DECLINED);
  rpc::SetTime(out.mutable_created(), contact.created);
  out.set_dataset(contact.dataset);
  out.mutable_terms()->Add(contact.terms.begin(), contact.terms.end());
  out.set_message(contact.message);
  out.set_reply_to(contact.reply_to);
  out.set_name(contact.name);
  out.set_organisation(contact.organisation);
  out.set_reply(contact.reply);
  if (contact.answered) rpc::SetTime(out.mutable_answered(), *contact.answered);
  return out;
}

}  // namespace genofed::discovery
