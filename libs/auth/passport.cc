// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/passport.h"

#include <algorithm>
#include <optional>

#include "libs/auth/claims.h"
#include "libs/auth/visa_check.h"

namespace genofed::auth {
namespace {

using internal::CheckedVisa;
using internal::Refuse;
using Json = nlohmann::json;

constexpr char kPassportClaim[] = "ga4gh_passport_v1";
constexpr std::chrono::seconds kMaxDraftLifetime = std::chrono::hours(1);

crypto::JwsPolicy PolicyFor(const TrustLimits& limits) {
  return {.types = {"vnd.ga4gh.passport+jwt"}, .max_bytes = limits.passport_bytes, .max_depth = limits.json_depth};
}

struct Envelope {
  Passport passport;
  std::vector<std::string> visas;
};

Result<std::vector<std::string>> ReadVisas(const Json& claims, std::size_t limit) {
  const auto list = claims.find(kPassportClaim);
  GF_REFUSE_IF(list == claims.end() || !list->is_array() ||
                   !std::all_of(list->begin(), list->end(), [](const Json& visa) { return visa.is_string(); }),
               "CLAIM_INVALID", "the passport holds no list of visas");
  if (list == claims.end() || !list->is_array()) return std::vector<std::string>();
  GF_REFUSE_IF(list->size() > limit, "TOO_MANY_VISAS", "the passport holds too many visas");
  return list->get<std::vector<std::string>>();
}

Result<Envelope> CheckEnvelope(const TrustStore& trust, Time now, std::string_view token,
                               const PassportExpectation& expected, Refusal& refusal) {
  const TrustLimits& limits = trust.limits();
  GF_ASSIGN(const auto opened, internal::Open(trust, token, PolicyFor(limits)));
  const internal::Claims claims(*opened.jws.claims);
  Envelope envelope;
  envelope.passport.issuer = opened.jws.issuer;
  GF_ASSIGN(envelope.passport.subject, claims.Id("sub"));
  if (claims.Has("jti")) {
    GF_ASSIGN(envelope.passport.id, claims.Id("jti"));
  }
  refusal.jti = envelope.passport.id;
  GF_ASSIGN(const auto validity, internal::ReadValidity(claims));
  GF_TRY(internal::CheckKind(claims, kPassportClaim));
  GF_TRY(internal::CheckValidity(validity, now, limits.skew, limits.passport_lifetime));
  GF_TRY(internal::CheckRevoked(trust, *opened.issuer, envelope.passport.id, envelope.passport.subject));
  GF_TRY(internal::CheckRole(*opened.issuer, role::kPassport));
  GF_ASSIGN(const auto audiences, claims.Audiences());
  GF_REFUSE_IF(!internal::Contains(audiences, expected.audience), "AUDIENCE_MISMATCH", "passport is for another site");
  GF_REFUSE_IF(!expected.person.IsCalled(envelope.passport.subject, *opened.issuer), "SUBJECT_MISMATCH",
               "passport is for somebody else");
  GF_ASSIGN(envelope.visas, ReadVisas(*opened.jws.claims, limits.visas));
  envelope.passport.expires_at = validity.expires_at;
  return envelope;
}

// The visas of one passport that are genuine, and who they are about.
class VisaDesk {
 public:
  VisaDesk(const TrustStore& trust, Time now, const PassportExpectation& expected)
      : trust_(trust), now_(now), expected_(expected) {}

  void Take(const std::vector<std::string>& tokens, Refusal& last) {
    for (const std::string& token : tokens) {
      auto checked = internal::CheckVisa(trust_, now_, token, expected_.audience, last);
      if (checked.ok()) {
        visas_.push_back(*std::move(checked));
      } else {
        last.check = Reason(checked.status());
        last.detail = Message(checked.status());
      }
    }
  }

  // When the grant ends, or why it does not count.
  Result<Time> Accept(const CheckedVisa& grant) const {
    const auto known = Belongs(grant);
    GF_REFUSE_IF(!known, "SUBJECT_MISMATCH", "visa is for somebody else");
    const auto met = grant.visa->has_conditions ? Meet(grant.visa->conditions) : std::optional<Time>(Time::max());
    GF_REFUSE_IF(!met, "CONDITIONS_UNMET", "no visa meets the conditions");
    return std::min({grant.visa->expires_at, known.value_or(Time::max()), met.value_or(Time::max())});
  }

  const std::vector<CheckedVisa>& visas() const { return visas_; }

 private:
  // Until when the visa is known to be about the person: for ever when it names them, until the link ends when it names
  // somebody who is linked with them. Links of links do not count.
  std::optional<Time> Belongs(const CheckedVisa& checked) const {
    if (expected_.person.IsCalled(checked.visa->subject, *checked.issuer)) return Time::max();
    std::optional<Time> until;
    for (const CheckedVisa& linker : visas_) {
      const Visa& link = *linker.visa;
      if (link.type != visa_type::kLinkedIdentities || link.has_conditions ||
          !expected_.person.IsCalled(link.subject, *linker.issuer)) {
        continue;
      }
      const auto links = internal::ParseLinks(link.value);
      if (!links.ok() || !links->contains({checked.visa->subject, checked.visa->issuer})) continue;
      until = std::max(until.value_or(Time::min()), link.expires_at);
    }
    return until;
  }

  // Until when one visa without conditions meets the clause.
  std::optional<Time> Meet(const ConditionClause& clause) const {
    std::optional<Time> until;
    for (const CheckedVisa& checked : visas_) {
      const Visa& visa = *checked.visa;
      if (visa.has_conditions || visa.type != clause.type) continue;
      if ((clause.value && !clause.value->Matches(visa.value)) ||
          (clause.source && !clause.source->Matches(visa.source)) ||
          (clause.by && (visa.by.empty() || !clause.by->Matches(visa.by)))) {
        continue;
      }
      const auto known = Belongs(checked);
      if (known) until = std::max(until.value_or(Time::min()), std::min(*known, visa.expires_at));
    }
    return until;
  }

  std::optional<Time> Meet(const Conditions& conditions) const {
    std::optional<Time> best;
    for (const ConditionBranch& branch : conditions) {
      std::optional<Time> until = Time::max();
      for (const ConditionClause& clause : branch) {
        const auto met = Meet(clause);
        until = until && met ? std::optional<Time>(std::min(*until, *met)) : std::nullopt;
      }
      if (until) best = std::max(best.value_or(Time::min()), *until);
    }
    return best;
  }

  const TrustStore& trust_;
  const Time now_;
  const PassportExpectation& expected_;
  std::vector<CheckedVisa> visas_;
};

Result<Passport> Check(const TrustStore& trust, const Clock& clock, std::string_view token,
                       const PassportExpectation& expected, Refusal& refusal) {
  const Time now = clock.Now();
  GF_ASSIGN(Envelope envelope, CheckEnvelope(trust, now, token, expected, refusal));
  Refusal last{.check = "GRANT_MISSING", .detail = "no visa of the passport grants the dataset", .jti = ""};
  VisaDesk desk(trust, now, expected);
  desk.Take(envelope.visas, last);
  Time until = Time::min();
  for (const CheckedVisa& checked : desk.visas()) {
    if (checked.visa->type != visa_type::kControlledAccessGrants || checked.visa->value != expected.dataset) continue;
    const auto end = desk.Accept(checked);
    if (!end.ok()) {
      last.check = Reason(end.status());
      last.detail = Message(end.status());
      continue;
    }
    until = std::max(until, *end);
    envelope.passport.grants.push_back(*checked.visa);
  }
  if (envelope.passport.grants.empty()) return Refuse(last.check, last.detail);
  envelope.passport.expires_at = std::min(envelope.passport.expires_at, until);
  return std::move(envelope.passport);
}

}  // namespace

Result<Verified<Passport>> VerifyPassport(const TrustStore& trust, const Clock& clock, std::string_view token,
                                          const PassportExpectation& expected, Refusal* why) {
  Refusal refusal;
  auto checked = Check(trust, clock, token, expected, refusal);
  GF_ASSIGN(Passport passport, internal::Conclude(std::move(checked), std::move(refusal), why,
                                                  StatusCode::kPermissionDenied, "PASSPORT_REFUSED"));
  return VerifiedMaker::Make(std::move(passport));
}

Result<std::string> MintPassport(crypto::Signer& signer, const PassportDraft& draft) {
  const Json claims = {{"iss", draft.issuer},
                       {"sub", draft.subject},
                       {"aud", draft.audience},
                       {"jti", draft.id},
                       {"iat", UnixSeconds(draft.issued_at)},
                       {"exp", UnixSeconds(draft.expires_at)},
                       {kPassportClaim, draft.visas}};
  const internal::Claims reader(claims);
  const TrustLimits limits;
  Status valid = reader.Id("sub").status();
  for (const char* name : {"iss", "aud", "jti"}) {
    if (valid.ok()) valid = reader.Id(name).status();
  }
  if (valid.ok()) {
    valid = internal::CheckValidity(
        {.issued_at = draft.issued_at, .not_before = draft.issued_at, .expires_at = draft.expires_at}, draft.issued_at,
        std::chrono::seconds(0), kMaxDraftLifetime);
  }
  if (valid.ok() && draft.visas.size() > limits.visas) valid = Refuse("CLAIM_INVALID", "too many visas");
  if (!valid.ok()) return Error(StatusCode::kInvalidArgument, "CLAIM_INVALID", "{}", Message(valid));
  return internal::Sign(signer, PolicyFor(limits), claims);
}

}  // namespace genofed::auth
