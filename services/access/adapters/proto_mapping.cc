// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/proto_mapping.h"

#include <algorithm>

#include "libs/rpc/time_codec.h"

namespace genofed::access {
namespace {

// Both enumerations list the same values in the same order; the wire has an extra first one.
v1::Application::State ToProto(ApplicationState state) {
  return static_cast<v1::Application::State>(static_cast<int>(state) + 1);
}
ApplicationState FromProto(v1::Application::State state) {
  return static_cast<ApplicationState>(std::max(0, static_cast<int>(state) - 1));
}
static_assert(static_cast<int>(ApplicationState::kActive) + 1 == v1::Application::STATE_ACTIVE);
static_assert(static_cast<int>(Outcome::kRevoked) + 1 == v1::CountryDecision::OUTCOME_REVOKED);

v1::CountryDecision ToProto(const CountryDecision& decision) {
  v1::CountryDecision out;
  out.set_country(decision.country);
  out.set_outcome(
      static_cast<v1::CountryDecision::Outcome>(static_cast<int>(decision.outcome) + 1));
  out.set_reason(decision.reason);
  out.mutable_datasets()->Add(decision.datasets.begin(), decision.datasets.end());
  rpc::SetTime(out.mutable_at(), decision.at);
  out.set_signed_decision(decision.signed_decision);
  out.mutable_accepted_conditions()->Add(decision.accepted_conditions.begin(),
                                         decision.accepted_conditions.end());
  return out;
}

CountryDecision FromProto(const v1::CountryDecision& in) {
  CountryDecision decision;
  decision.country = in.country();
  decision.outcome = static_cast<Outcome>(std::max(0, static_cast<int>(in.outcome()) - 1));
  decision.reason = in.reason();
  decision.datasets.assign(in.datasets().begin(), in.datasets().end());
  decision.at = rpc::GetTime(in.at());
  decision.signed_decision = in.signed_decision();
  decision.accepted_conditions.assign(in.accepted_conditions().begin(),
                                      in.accepted_conditions().end());
  return decision;
}

v1::Proposal::Person ToProto(const Member& person) {
  v1::Proposal::Person out;
  out.set_issuer(person.issuer);
  out.set_subject(person.subject);
  out.set_name(person.name);
  return out;
}
Member FromProto(const v1::Proposal::Person& in) { return {in.issuer(), in.subject(), in.name()}; }

v1::Proposal ToProto(const Proposal& proposal) {
  v1::Proposal out;
  *out.mutable_proposer() = ToProto(proposal.proposer);
  rpc::SetTime(out.mutable_at(), proposal.at);
  out.set_digest(proposal.terms.digest);
  out.mutable_datasets()->Add(proposal.terms.datasets.begin(), proposal.terms.datasets.end());
  out.set_permit_days(proposal.terms.permit_days);
  out.mutable_accepted_conditions()->Add(proposal.terms.accepted_conditions.begin(),
                                         proposal.terms.accepted_conditions.end());
  out.set_reason(proposal.reason);
  if (proposal.seconder.has_value()) {
    *out.mutable_seconder() = ToProto(*proposal.seconder);
    rpc::SetTime(out.mutable_seconded_at(), proposal.seconded_at);
  }
  return out;
}

Proposal FromProto(const v1::Proposal& in) {
  Proposal proposal;
  proposal.proposer = FromProto(in.proposer());
  proposal.at = rpc::GetTime(in.at());
  proposal.terms = {in.digest(),
                    {in.datasets().begin(), in.datasets().end()},
                    in.permit_days(),
                    {in.accepted_conditions().begin(), in.accepted_conditions().end()}};
  proposal.reason = in.reason();
  if (in.has_seconder()) {
    proposal.seconder = FromProto(in.seconder());
    proposal.seconded_at = rpc::GetTime(in.seconded_at());
  }
  return proposal;
}

}  // namespace

Content FromProto(const v1::ApplicationContent& in) {
  return {in.title(),
          in.purpose(),
          in.lay_summary(),
          in.purpose_code(),
          {in.datasets().begin(), in.datasets().end()},
          in.duration_days(),
          {in.conditions_met().begin(), in.conditions_met().end()}};
}

v1::Application ToProto(const Application& application) {
  v1::Application out;
  out.set_id(application.id);
  out.set_state(ToProto(application.state));
  auto* content = out.mutable_content();
  content->set_title(application.content.title);
  content->set_purpose(application.content.purpose);
  content->set_lay_summary(application.content.lay_summary);
  content->set_purpose_code(application.content.purpose_code);
  content->mutable_datasets()->Add(application.content.datasets.begin(),
                                   application.content.datasets.end());
  content->set_duration_days(application.content.duration_days);
  content->mutable_conditions_met()->Add(application.content.conditions_met.begin(),
                                         application.content.conditions_met.end());
  out.set_applicant_issuer(application.applicant_issuer);
  out.set_applicant_subject(application.applicant_subject);
  out.set_applicant_name(application.applicant_name);
  out.set_organisation(application.organisation);
  out.set_frozen(application.frozen);
  out.set_digest(application.digest);
  out.set_recommendation(application.recommendation);
  for (const auto& decision : application.decisions) *out.add_decisions() = ToProto(decision);
  out.set_agreement(application.agreement);
  out.set_agreement_sha256(application.agreement_sha256);
  for (const auto& event : application.events) {
    auto* added = out.add_events();
    added->set_what(event.what);
    added->set_by(event.by);
    rpc::SetTime(added->mutable_at(), event.at);
    added->set_note(event.note);
  }
  rpc::SetTime(out.mutable_created(), application.created);
  out.set_sequence(application.sequence);
  return out;
}

Application FromProto(const v1::Application& in) {
  Application application;
  application.id = in.id();
  application.state = FromProto(in.state());
  application.content = FromProto(in.content());
  application.applicant_issuer = in.applicant_issuer();
  application.applicant_subject = in.applicant_subject();
  application.applicant_name = in.applicant_name();
  application.organisation = in.organisation();
  application.frozen = in.frozen();
  application.digest = in.digest();
  application.recommendation = in.recommendation();
  for (const auto& decision : in.decisions()) application.decisions.push_back(FromProto(decision));
  application.agreement = in.agreement();
  application.agreement_sha256 = in.agreement_sha256();
  for (const auto& event : in.events())
    application.events.push_back(
        {event.what(), event.by(), rpc::GetTime(event.at()), event.note()});
  application.created = rpc::GetTime(in.created());
  application.sequence = in.sequence();
  return application;
}

v1::Review ToProto(const Grant& grant) {
  v1::Review out;
  *out.mutable_application() = ToProto(grant.application);
  *out.mutable_decision() = ToProto(grant.decision);
  rpc::SetTime(out.mutable_received(), grant.received);
  out.set_digest_matches(grant.digest_matches);
  if (!grant.permit_id.empty()) {
    out.set_permit_id(grant.permit_id);
    rpc::SetTime(out.mutable_permit_from(), grant.permit_from);
    rpc::SetTime(out.mutable_permit_until(), grant.permit_until);
  }
  out.set_decision_sha256(grant.decision_sha256);
  if (grant.proposal.has_value()) *out.mutable_proposal() = ToProto(*grant.proposal);
  return out;
}

Grant FromProto(const v1::Review& in) {
  Grant grant;
  grant.application = FromProto(in.application());
  grant.decision = FromProto(in.decision());
  grant.received = rpc::GetTime(in.received());
  grant.digest_matches = in.digest_matches();
  grant.permit_id = in.permit_id();
  grant.permit_from = rpc::GetTime(in.permit_from());
  grant.permit_until = rpc::GetTime(in.permit_until());
  grant.decision_sha256 = in.decision_sha256();
  if (in.has_proposal()) grant.proposal = FromProto(in.proposal());
  return grant;
}

}  // namespace genofed::access
