// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/applications.h"

#include "libs/auth/decision.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/access/app/agreement.h"

namespace genofed::access {
namespace {

// The dispatcher's policy admits users only, so a missing one is a defect.
const User& Caller(const Context& ctx) {
  GF_CHECK(ctx.principal().user.has_value());
  return *ctx.principal().user;
}

Status Unknown(const std::string& id) {
  return Error(StatusCode::kNotFound, "APPLICATION_UNKNOWN", "there is no application {}", id);
}

}  // namespace

Applications::Applications(ApplicationStore& store, DatasetDirectory& datasets,
                           const ApplicationCodec& codec, const auth::TrustSource& trust,
                           const Clock& clock, Random& random)
    : store_(store),
      datasets_(datasets),
      codec_(codec),
      trust_(trust),
      clock_(clock),
      random_(random) {}

Result<Application> Applications::Create(const Context& ctx, const Content& content,
                                         const std::string& idempotency_key) {
  const User& user = Caller(ctx);
  GF_TRY(Validate(content));
  if (user.organisation.empty()) {
    return Error(
        StatusCode::kFailedPrecondition, "ORGANISATION_MISSING",
        "your access token names no organisation; ask your home organisation to release it");
  }
  for (std::size_t i = 0; i < content.datasets.size(); ++i) {
    Status listed = datasets_.Listed(ctx, content.datasets[i]);
    if (listed.code() == StatusCode::kNotFound) {
      return InvalidField(fmt::format("content.datasets[{}]", i), "DATASET_UNKNOWN",
                          "no dataset {} is listed", content.datasets[i]);
    }
    GF_TRY(listed);
  }
  Application application;
  application.id = NewId("app", clock_, random_);
  application.content = content;
  application.applicant_issuer = user.issuer;
  application.applicant_subject = user.subject;
  application.applicant_name = user.name;
  application.organisation = user.organisation;
  application.created = clock_.Now();
  application.events.push_back(
      {"created", user.name.empty() ? user.subject : user.name, application.created, ""});
  return store_.Add(ctx, application, idempotency_key);
}

Result<Application> Applications::Submit(const Context& ctx, const std::string& id) {
  return store_.Change(ctx, id, [&](Application& application) -> Status {
    if (!MaySee(application, Caller(ctx))) return Unknown(id);
    std::string frozen = codec_.Freeze(application);
    std::string digest = HexEncode(crypto::Sha256(frozen));
    return access::Submit(application, Caller(ctx), std::move(frozen), std::move(digest),
                          clock_.Now());
  });
}

Result<Application> Applications::Confirm(const Context& ctx, const std::string& id, bool confirm,
                                          const std::vector<std::string>& attested,
                                          const std::string& note) {
  return store_.Change(ctx, id, [&](Application& application) {
    return access::Confirm(application, Caller(ctx), confirm, attested, note, clock_.Now());
  });
}

Result<Application> Applications::Recommend(const Context& ctx, const std::string& id,
                                            bool positive, const std::string& note) {
  return store_.Change(ctx, id, [&](Application& application) {
    return access::Recommend(application, Caller(ctx), positive, note, clock_.Now());
  });
}

Result<Application> Applications::SignAgreement(const Context& ctx, const std::string& id,
                                                const std::string& digest) {
  return store_.Change(ctx, id, [&](Application& application) -> Status {
    const std::string agreement = AgreementText(application, Caller(ctx));
    return access::SignAgreement(application, Caller(ctx), digest, agreement,
                                 HexEncode(crypto::Sha256(agreement)), clock_.Now());
  });
}

Result<Application> Applications::Get(const Context& ctx, const std::string& id) {
  GF_ASSIGN(Application application, store_.Find(ctx, id));
  if (!MaySee(application, Caller(ctx))) return Unknown(id);
  return application;
}

Result<Listed<Application>> Applications::List(const Context& ctx, const Page& page) {
  return store_.List(ctx, ViewerOf(Caller(ctx)), page);
}

Result<std::vector<Application>> Applications::ChangedSince(const Context& ctx,
                                                            const std::string& country,
                                                            std::int64_t after, int limit) {
  return store_.ChangedSince(ctx, country, after, limit <= 0 || limit > 100 ? 100 : limit);
}

Status Applications::TakeDecision(const Context& ctx, const std::string& country,
                                  const std::string& id, const std::string& signed_decision) {
  GF_ASSIGN(const auth::TrustStore trust, trust_.Current());
  return store_
      .Change(ctx, id,
              [&](Application& application) -> Status {
                auth::DecisionExpectation expected{
                    country, id, application.digest,
                    DatasetsOf(application.content.datasets, country)};
                GF_ASSIGN(auto verified,
                          auth::VerifyDecision(trust, clock_, signed_decision, expected));
                CountryDecision decision;
                decision.country = country;
                decision.outcome = verified->verdict == auth::Verdict::kApprove ? Outcome::kApproved
                                                                                : Outcome::kVetoed;
                decision.reason = verified->reason;
                decision.datasets = verified->datasets;
                decision.at = verified->issued_at;
                decision.signed_decision = signed_decision;
                decision.accepted_conditions = verified->accepted_conditions;
                return RecordDecision(application, decision, clock_.Now());
              })
      .status();
}

}  // namespace genofed::access
