// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/grant_entries.h"

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::access {
namespace {

constexpr std::string_view kApproved = "approved", kAgreed = "agreed", kRevoked = "revoked",
                           kVetoed = "vetoed";

struct Event {
  std::string_view outcome;
  Time at;
  std::string reason = {};
};

std::string InSeconds(Time time) {
  return FormatRfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

GrantEntry MakeEntry(const Grant& grant, const Event& event, const std::string& dataset,
                     Random& random) {
  const Application& application = grant.application;
  const Content& content = application.content;
  GrantEntry made;
  made.researcher = application.applicant_issuer + "|" + application.applicant_subject;
  made.key = fmt::format(
      "{}:{}", event.outcome,
      HexEncode(crypto::Sha256(application.id + "\n" + grant.decision_sha256 + "\n" + dataset)));
  ledger::Entry& entry = made.entry;
  entry.kind = event.outcome == kVetoed ? ledger::EntryKind::kDenied : ledger::EntryKind::kGrant;
  entry.time = InSeconds(event.at);
  entry.fields = {{"outcome", std::string(event.outcome)}};
  entry.SetText("reason", event.reason);
  entry.SetText("application", application.id);
  entry.SetText("dataset", dataset);
  entry.SetText("project", content.title);
  entry.SetText("organisation", application.organisation);
  entry.SetText("purpose", content.lay_summary.empty() ? content.purpose : content.lay_summary);
  entry.SetText("purpose_code", content.purpose_code);
  if (grant.digest_matches) entry.SetText("application_sha256", application.digest);
  entry.SetText("decision_sha256", grant.decision_sha256);
  entry.SetText("agreement_sha256", application.agreement_sha256);
  std::string conditions;
  for (const std::string& code : grant.decision.accepted_conditions)
    conditions += (conditions.empty() ? "" : " ") + code;
  entry.SetText("conditions", conditions);
  if (event.outcome == kApproved || event.outcome == kAgreed)
    entry.fields["until"] = InSeconds(grant.permit_until);
  ledger::Commitment researcher = ledger::Commit(made.researcher, random);
  entry.commitments = {{"researcher", researcher.value}};
  made.researcher_key = std::move(researcher.key);
  return made;
}

std::vector<GrantEntry> MakeEntries(const Grant& grant, const Event& event, Random& random) {
  std::vector<GrantEntry> entries;
  for (const std::string& dataset : grant.decision.datasets)
    entries.push_back(MakeEntry(grant, event, dataset, random));
  return entries;
}

}  // namespace

std::vector<GrantEntry> EntriesOf(const Grant& before, const Grant& after, Time now,
                                  Random& random) {
  const CountryDecision& decision = after.decision;
  if (decision.signed_decision != before.decision.signed_decision) {
    switch (decision.outcome) {
      case Outcome::kApproved:
        return MakeEntries(after, {kApproved, decision.at}, random);
      case Outcome::kRevoked:
        return MakeEntries(after, {kRevoked, decision.at}, random);
      case Outcome::kVetoed:
        return MakeEntries(after, {kVetoed, decision.at, "APPROVAL_VETOED"}, random);
      case Outcome::kPending:
        return {};
    }
  }
  if (decision.outcome == Outcome::kApproved && before.application.agreement_sha256.empty() &&
      !after.application.agreement_sha256.empty())
    return MakeEntries(after, {kAgreed, now}, random);
  return {};
}

std::vector<GrantEntry> EntriesOfRevocation(const Grant& grant, Time at, Random& random) {
  if (grant.decision.outcome != Outcome::kApproved) return {};
  return MakeEntries(grant, {kRevoked, at, "the application is revoked at the site"}, random);
}

}  // namespace genofed::access
