// SPDX-License-Identifier: Apache-2.0
#include "services/access/domain/application.h"

#include <algorithm>
#include <set>

#include "libs/consent/condition.h"
#include "libs/consent/purpose.h"
#include "libs/core/strings.h"

namespace genofed::access {
namespace {

constexpr std::size_t kMaxText = 20'000;
constexpr std::size_t kMaxDatasets = 200;
constexpr std::int32_t kMaxDays = 3650;  // EHDS Article 68: ten years

void Note(Application& application, std::string what, const User& user, Time now,
          std::string note = "") {
  application.events.push_back(
      {std::move(what), user.name.empty() ? user.subject : user.name, now, std::move(note)});
}

Status InState(const Application& application, ApplicationState state, std::string_view action) {
  if (application.state == state) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "APPLICATION_STATE",
               "{} is not possible in the application's present state", action);
}

Status RequireRole(const User& user, std::string_view role) {
  if (user.HasRole(role)) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "ROLE_MISSING", "this needs the role {}", role);
}

Status RequireOfficial(const Application& application, const User& user) {
  GF_TRY(RequireRole(user, "signing_official"));
  if (IsApplicant(application, user)) {
    return Error(StatusCode::kPermissionDenied, "NOT_INDEPENDENT",
                 "applicants cannot sign for their organisation");
  }
  if (user.organisation.empty() || user.organisation != application.organisation) {
    return Error(StatusCode::kPermissionDenied, "ORGANISATION_MISMATCH",
                 "only an official of {} signs this application", application.organisation);
  }
  return absl::OkStatus();
}

std::string Joined(const std::vector<std::string>& codes) {
  std::string text;
  for (const std::string& code : codes) text += (text.empty() ? "" : ", ") + code;
  return text.empty() ? "none" : text;
}

Status CheckConditions(const std::vector<std::string>& conditions, Status status) {
  if (!consent::AreFew(conditions))
    return WithField(std::move(status), "content.conditions_met", "are too many");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const std::string field = fmt::format("content.conditions_met[{}]", i);
    const auto here = conditions.begin() + static_cast<std::ptrdiff_t>(i);
    if (!consent::FindCondition(conditions[i])) {
      status = WithField(std::move(status), field,
                         "is not a DUO modifier that a project can be said to meet, or lacks its value: "
                         "DUO:0000045, DUO:0000022=FI");
    } else if (std::find(conditions.begin(), here, conditions[i]) != here) {
      status = WithField(std::move(status), field, "is named twice");
    }
  }
  return status;
}

Status Attests(const Application& application, const std::vector<std::string>& attested) {
  const std::vector<std::string>& stated = application.content.conditions_met;
  if (consent::ConditionSet(attested) == consent::ConditionSet(stated)) return absl::OkStatus();
  return InvalidField("attested_conditions", "ATTESTATION_DIFFERS",
                      "must name exactly the conditions that the application says are met: {}",
                      Joined(stated));
}

}  // namespace

const CountryDecision* Application::DecisionOf(std::string_view country) const {
  for (const CountryDecision& decision : decisions) {
    if (decision.country == country) return &decision;
  }
  return nullptr;
}

std::string CountryOf(std::string_view dataset) {
  auto parts = Split(dataset, '-');
  bool known =
      parts.size() == 4 && parts[1].size() == 2 &&
      std::all_of(parts[1].begin(), parts[1].end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  return known ? std::string(parts[1]) : std::string();
}

std::vector<std::string> CountriesOf(const std::vector<std::string>& datasets) {
  std::set<std::string> countries;
  for (const std::string& dataset : datasets) countries.insert(CountryOf(dataset));
  return {countries.begin(), countries.end()};
}

std::vector<std::string> DatasetsOf(const std::vector<std::string>& datasets,
                                    std::string_view country) {
  std::vector<std::string> own;
  std::copy_if(datasets.begin(), datasets.end(), std::back_inserter(own),
               [&](const std::string& dataset) { return CountryOf(dataset) == country; });
  return own;
}

Status Validate(const Content& content) {
  Status status =
      Error(StatusCode::kInvalidArgument, "APPLICATION_INVALID", "the application is not complete");
  auto text = [&](std::string_view field, const std::string& value) {
    if (Trim(value).empty())
      status = WithField(std::move(status), field, "must not be empty");
    else if (value.size() > kMaxText || !IsUtf8(value))
      status = WithField(std::move(status), field, "must be UTF-8 of at most 20,000 bytes");
  };
  text("content.title", content.title);
  text("content.purpose", content.purpose);
  text("content.lay_summary", content.lay_summary);
  if (!consent::IsPurpose(content.purpose_code) ||
      (content.purpose_code.starts_with("DUO:") && content.purpose_code.size() != 11)) {
    status = WithField(std::move(status), "content.purpose_code",
                       "must be a code such as DUO:0000006, or one of a country's consent policy");
  }
  if (content.datasets.empty() || content.datasets.size() > kMaxDatasets) {
    status = WithField(std::move(status), "content.datasets", "name 1 to 200 datasets");
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < content.datasets.size(); ++i) {
    if (CountryOf(content.datasets[i]).empty()) {
      status = WithField(std::move(status), fmt::format("content.datasets[{}]", i),
                         "is not a dataset identifier");
    } else if (!seen.insert(content.datasets[i]).second) {
      status =
          WithField(std::move(status), fmt::format("content.datasets[{}]", i), "is named twice");
    }
  }
  if (content.duration_days < 1 || content.duration_days > kMaxDays) {
    status = WithField(std::move(status), "content.duration_days", "must be 1 to 3650");
  }
  status = CheckConditions(content.conditions_met, std::move(status));
  return Fields(status).empty() ? absl::OkStatus() : status;
}

bool IsApplicant(const Application& application, const User& user) {
  return application.applicant_issuer == user.issuer &&
         application.applicant_subject == user.subject;
}

Viewer ViewerOf(const User& user) {
  return {user.HasRole("central_dac") || user.HasRole("coordinator"), user.issuer, user.subject,
          user.HasRole("signing_official") ? user.organisation : std::string()};
}

bool MaySee(const Application& application, const User& user) {
  const Viewer viewer = ViewerOf(user);
  return viewer.everything || IsApplicant(application, user) ||
         (!viewer.organisation.empty() && viewer.organisation == application.organisation);
}

Status Submit(Application& application, const User& user, std::string frozen, std::string digest,
              Time now) {
  if (!IsApplicant(application, user)) {
    return Error(StatusCode::kPermissionDenied, "NOT_APPLICANT",
                 "only the applicant submits an application");
  }
  GF_TRY(InState(application, ApplicationState::kDraft, "submitting"));
  GF_TRY(Validate(application.content));
  application.frozen = std::move(frozen);
  application.digest = std::move(digest);
  application.state = ApplicationState::kAwaitingSignature;
  Note(application, "submitted by the applicant", user, now);
  return absl::OkStatus();
}

Status Confirm(Application& application, const User& user, bool confirm,
               const std::vector<std::string>& attested, const std::string& note, Time now) {
  GF_TRY(RequireOfficial(application, user));
  GF_TRY(InState(application, ApplicationState::kAwaitingSignature, "confirming"));
  if (confirm) {
    GF_TRY(Attests(application, attested));
    application.state = ApplicationState::kSubmitted;
    const std::string conditions = attested.empty() ? "" : ", who attests " + Joined(attested);
    Note(application, "confirmed by the signing official" + conditions, user, now, note);
  } else {
    application.state = ApplicationState::kDraft;
    application.frozen.clear();
    application.digest.clear();
    Note(application, "returned by the signing official", user, now, note);
  }
  return absl::OkStatus();
}

Status Recommend(Application& application, const User& user, bool positive, const std::string& note,
                 Time now) {
  GF_TRY(RequireRole(user, "central_dac"));
  if (IsApplicant(application, user)) {
    return Error(StatusCode::kPermissionDenied, "NOT_INDEPENDENT",
                 "applicants give no opinion on their own application");
  }
  GF_TRY(InState(application, ApplicationState::kSubmitted, "recommending"));
  application.recommendation = positive ? "positive" : "negative";
  for (const std::string& country : CountriesOf(application.content.datasets)) {
    CountryDecision pending;
    pending.country = country;
    pending.datasets = DatasetsOf(application.content.datasets, country);
    pending.at = now;
    application.decisions.push_back(std::move(pending));
  }
  application.state = ApplicationState::kUnderReview;
  Note(application,
       positive ? "recommended by the central DAC" : "not recommended by the central DAC", user,
       now, note);
  return absl::OkStatus();
}

Status RecordDecision(Application& application, const CountryDecision& decision, Time now) {
  auto current =
      std::find_if(application.decisions.begin(), application.decisions.end(),
                   [&](const CountryDecision& d) { return d.country == decision.country; });
  if (current == application.decisions.end()) {
    return Error(StatusCode::kFailedPrecondition, "COUNTRY_NOT_ASKED",
                 "{} was not asked about this application", decision.country);
  }
  if (current->signed_decision == decision.signed_decision)
    return absl::OkStatus();  // delivered again
  CountryDecision next = decision;
  if (current->outcome == Outcome::kApproved && decision.outcome == Outcome::kVetoed) {
    next.outcome = Outcome::kRevoked;
  } else if (current->outcome != Outcome::kPending) {
    return Error(StatusCode::kFailedPrecondition, "ALREADY_DECIDED", "{} decided already",
                 decision.country);
  }
  *current = std::move(next);
  application.events.push_back(
      {decision.outcome == Outcome::kApproved  ? "approved by " + decision.country
       : current->outcome == Outcome::kRevoked ? "revoked by " + decision.country
                                               : "vetoed by " + decision.country,
       decision.country, now, decision.reason});
  if (application.state == ApplicationState::kUnderReview) {
    auto pending = [](const CountryDecision& d) { return d.outcome == Outcome::kPending; };
    auto approved = [](const CountryDecision& d) { return d.outcome == Outcome::kApproved; };
    const auto& all = application.decisions;
    if (std::none_of(all.begin(), all.end(), pending)) {
      application.state = std::any_of(all.begin(), all.end(), approved)
                              ? ApplicationState::kDecided
                              : ApplicationState::kRefused;
    }
  }
  return absl::OkStatus();
}

Status SignAgreement(Application& application, const User& user, const std::string& digest,
                     const std::string& agreement, const std::string& agreement_sha256, Time now) {
  GF_TRY(RequireOfficial(application, user));
  if (digest != application.digest) {
    return InvalidField("digest", "DIGEST_MISMATCH",
                        "is not the digest of what the countries decided on");
  }
  GF_TRY(InState(application, ApplicationState::kDecided, "signing the agreement"));
  application.agreement = agreement;
  application.agreement_sha256 = agreement_sha256;
  application.state = ApplicationState::kActive;
  Note(application, "agreement signed", user, now);
  return absl::OkStatus();
}

}  // namespace genofed::access
