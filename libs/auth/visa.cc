// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/visa.h"

#include <algorithm>
#include <array>

#include "libs/auth/claims.h"
#include "libs/auth/token_cache.h"
#include "libs/auth/visa_check.h"
#include "libs/core/strings.h"

namespace genofed::auth {
namespace {

using internal::Refuse;
using Json = nlohmann::json;

constexpr char kVisaClaim[] = "ga4gh_visa_v1";
constexpr std::array<std::string_view, 5> kAuthorities = {"self", "peer", "system", "so", "dac"};
constexpr std::size_t kMaxLinks = 32;

crypto::JwsPolicy PolicyFor(const TrustLimits& limits) {
  return {.types = {"vnd.ga4gh.visa+jwt", "JWT"},
          .type_optional = true,
          .jku_required = true,
          .max_bytes = limits.visa_bytes,
          .max_depth = limits.json_depth};
}

bool IsOneOf(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

// "role@organisation", split at the first @ (Passport 1.2, AffiliationAndRole).
bool IsAffiliation(std::string_view value) {
  const auto at = value.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < value.size();
}

Status CheckValue(const Visa& visa) {
  using namespace visa_type;
  const bool url = IsOneOf(visa.type, {kControlledAccessGrants, kAcceptedTermsAndPolicies, kResearcherStatus});
  GF_REFUSE_IF((url && !internal::IsUrlName(visa.value)) ||
                   (visa.type == kAffiliationAndRole && !IsAffiliation(visa.value)) ||
                   (visa.type == kLinkedIdentities && !internal::ParseLinks(visa.value).ok()),
               "VALUE_INVALID", "value has not the form of its type");
  GF_REFUSE_IF(!internal::IsUrlName(visa.source), "SOURCE_INVALID", "source is not a URL");
  const bool needs_authority = IsOneOf(visa.type, {kControlledAccessGrants, kAcceptedTermsAndPolicies});
  const bool known = std::find(kAuthorities.begin(), kAuthorities.end(), visa.by) != kAuthorities.end();
  GF_REFUSE_IF(visa.by.empty() ? needs_authority : !known, "AUTHORITY_INVALID", "\"by\" is missing or unknown");
  GF_REFUSE_IF(visa.type == kControlledAccessGrants && visa.by != "dac", "AUTHORITY_INVALID",
               "a grant is not by a data access committee");
  return {};
}

Status ReadVisaObject(const internal::Claims& claims, const Json& object, Visa& visa) {
  GF_ASSIGN(visa.type, claims.Id("type"));
  GF_ASSIGN(visa.value, claims.Id("value"));
  GF_ASSIGN(visa.source, claims.Id("source"));
  if (claims.Has("by")) {
    GF_ASSIGN(visa.by, claims.Id("by"));
  }
  GF_ASSIGN(visa.asserted, claims.Seconds("asserted"));
  visa.has_conditions = claims.Has("conditions");
  if (visa.has_conditions) {
    GF_ASSIGN(visa.conditions, ParseConditions(object.at("conditions")));
  }
  return {};
}

// A visa document is not an access token: those have a scope with "openid" in it (AAI 1.2.1).
Status CheckScope(const Json& claims) {
  const auto scope = claims.find("scope");
  if (scope == claims.end()) return {};
  const auto* text = scope->get_ptr<const std::string*>();
  bool openid = text == nullptr;
  if (text != nullptr) {
    const auto scopes = Split(*text, ' ');
    openid = std::find(scopes.begin(), scopes.end(), "openid") != scopes.end();
  }
  GF_REFUSE_IF(openid, "SCOPE_REFUSED", "a visa document must not have the scope openid");
  return {};
}

Result<Visa> Read(const Json& json) {
  const internal::Claims claims(json);
  Visa visa;
  GF_ASSIGN(visa.issuer, claims.Id("iss"));
  GF_ASSIGN(visa.subject, claims.Id("sub"));
  GF_ASSIGN(visa.id, claims.Id("jti"));
  GF_ASSIGN(const auto validity, internal::ReadValidity(claims));
  visa.issued_at = validity.issued_at;
  visa.not_before = validity.not_before;
  visa.expires_at = validity.expires_at;
  if (claims.Has("aud")) {
    GF_ASSIGN(visa.audiences, claims.Audiences());
  }
  GF_TRY(internal::CheckKind(claims, kVisaClaim));
  GF_TRY(CheckScope(json));
  GF_ASSIGN(const auto object, claims.Object(kVisaClaim));
  GF_TRY(ReadVisaObject(object, json.at(kVisaClaim), visa));
  return visa;
}

Status CheckTimes(const Visa& visa, Time now, const TrustLimits& limits) {
  GF_TRY(internal::CheckValidity(
      {.issued_at = visa.issued_at, .not_before = visa.not_before, .expires_at = visa.expires_at}, now, limits.skew,
      limits.visa_lifetime));
  GF_REFUSE_IF(visa.asserted > now + limits.skew || visa.asserted > visa.issued_at + limits.skew, "ASSERTED_IN_FUTURE",
               "the assertion is later than now, or than the visa");
  GF_REFUSE_IF(now - visa.asserted > limits.assertion_age, "ASSERTED_TOO_LONG_AGO", "the assertion is too old");
  return {};
}

// Check 10: what this issuer may say. Depends on the token and the trust file alone.
Status CheckRights(const Visa& visa, const TrustedIssuer& issuer) {
  GF_TRY(internal::CheckRole(issuer, std::string(role::kVisaPrefix) + visa.type));
  const bool grant = visa.type == visa_type::kControlledAccessGrants;
  GF_REFUSE_IF(!issuer.MayNameSource(visa.source, grant), "SOURCE_NOT_PERMITTED", "issuer may not name this source");
  GF_REFUSE_IF(grant && !issuer.MaySpeakFor(visa.value), "DATASET_NOT_PERMITTED",
               "issuer may not speak for this dataset");
  return CheckValue(visa);
}

struct Genuine {
  internal::CheckedVisa checked;
  bool remembered = false;
  TokenCache::Key key{};
  std::string kid;
};

// Checks 1 to 7, or the memory of them.
Result<Genuine> OpenVisa(const TrustStore& trust, std::string_view token) {
  Genuine genuine;
  if (trust.cache() != nullptr && token.size() <= trust.limits().visa_bytes) {
    genuine.key = TokenCache::KeyOf(TokenCache::Kind::kVisa, token);
    if (const auto entry = trust.cache()->Find(genuine.key, trust)) {
      genuine.checked = {std::static_pointer_cast<const Visa>(entry->claims), entry->issuer};
      genuine.remembered = true;
      return genuine;
    }
  }
  GF_ASSIGN(const auto opened, internal::Open(trust, token, PolicyFor(trust.limits())));
  GF_ASSIGN(Visa visa, Read(*opened.jws.claims));
  genuine.checked = {std::make_shared<const Visa>(std::move(visa)), opened.issuer};
  genuine.kid = opened.jws.kid;
  return genuine;
}

Result<std::shared_ptr<const Visa>> Check(const TrustStore& trust, const Clock& clock, std::string_view token,
                                          const VisaExpectation& expected, Refusal& refusal) {
  GF_ASSIGN(const auto checked, internal::CheckVisa(trust, clock.Now(), token, expected.audience, refusal));
  const Visa& visa = *checked.visa;
  GF_REFUSE_IF(!expected.person.IsCalled(visa.subject, *checked.issuer), "SUBJECT_MISMATCH", "visa is for somebody else");
  GF_REFUSE_IF(visa.type == visa_type::kControlledAccessGrants && visa.value != expected.dataset, "DATASET_MISMATCH",
               "visa grants another dataset");
  GF_REFUSE_IF(visa.has_conditions, "CONDITIONS_UNMET", "conditions can only be met within a passport");
  return checked.visa;
}

}  // namespace

namespace internal {

Result<std::set<std::pair<std::string, std::string>>> ParseLinks(std::string_view value) {
  const auto decode = [](std::string_view text) -> Result<std::string> {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        out += text[i];
        continue;
      }
      const auto byte = HexDecode(ToLower(text.substr(i + 1, 2)));
      if (!byte.ok() || byte->size() != 1) return Refuse("CLAIM_INVALID", "a link is not URI-encoded");
      out += *byte;
      i += 2;
    }
    if (out.empty() || !IsUtf8(out) || out.find('\0') != std::string::npos) return Refuse("CLAIM_INVALID", "a link is empty or not text");
    return out;
  };
  std::set<std::pair<std::string, std::string>> links;
  for (const std::string_view entry : Split(value, ';')) {
    const auto halves = Split(entry, ',');
    if (halves.size() != 2 || links.size() == kMaxLinks) return Refuse("CLAIM_INVALID", "a link is not sub,iss");
    GF_ASSIGN(std::string subject, decode(halves[0]));
    GF_ASSIGN(std::string issuer, decode(halves[1]));
    links.emplace(std::move(subject), std::move(issuer));
  }
  return links;
}

Result<CheckedVisa> CheckVisa(const TrustStore& trust, Time now, std::string_view token, std::string_view audience,
                              Refusal& refusal) {
  GF_ASSIGN(Genuine genuine, OpenVisa(trust, token));
  const Visa& visa = *genuine.checked.visa;
  const TrustedIssuer& issuer = *genuine.checked.issuer;
  refusal.jti = visa.id;
  GF_TRY(CheckTimes(visa, now, trust.limits()));
  GF_TRY(CheckRevoked(trust, issuer, visa.id, visa.subject));
  GF_REFUSE_IF(trust.IsRevokedDataset(visa.value), "DATASET_REVOKED", "dataset is revoked");
  if (!genuine.remembered) {
    GF_TRY(CheckRights(visa, issuer));
    if (trust.cache() != nullptr) {
      trust.cache()->Put(genuine.key, {.kid = genuine.kid,
                                       .thumbprint = trust.FindKey(issuer, genuine.kid)->thumbprint(),
                                       .identity = issuer.identity(),
                                       .issuer = &issuer,
                                       .iss = issuer.iss,
                                       .claims = genuine.checked.visa});
    }
  }
  GF_REFUSE_IF(!visa.audiences.empty() && !Contains(visa.audiences, audience), "AUDIENCE_MISMATCH",
               "visa is for another site");
  return genuine.checked;
}

}  // namespace internal

Result<Verified<Visa>> VerifyVisa(const TrustStore& trust, const Clock& clock, std::string_view token,
                                  const VisaExpectation& expected, Refusal* why) {
  Refusal refusal;
  auto checked = Check(trust, clock, token, expected, refusal);
  GF_ASSIGN(auto visa, internal::Conclude(std::move(checked), std::move(refusal), why, StatusCode::kPermissionDenied,
                                          "VISA_REFUSED"));
  return VerifiedMaker::Make(std::move(visa));
}

Result<std::string> MintVisa(crypto::Signer& signer, const Visa& visa, std::string_view jku) {
  Json object = {{"type", visa.type},
                 {"asserted", UnixSeconds(visa.asserted)},
                 {"value", visa.value},
                 {"source", visa.source}};
  if (!visa.by.empty()) object["by"] = visa.by;
  Json claims = {{"iss", visa.issuer},
                 {"sub", visa.subject},
                 {"jti", visa.id},
                 {"iat", UnixSeconds(visa.issued_at)},
                 {"exp", UnixSeconds(visa.expires_at)},
                 {kVisaClaim, std::move(object)}};
  if (!visa.audiences.empty()) claims["aud"] = visa.audiences;
  const auto read = Read(claims);
  Status valid = read.status();
  if (valid.ok()) valid = CheckTimes(*read, read->issued_at, {});
  if (valid.ok()) valid = CheckValue(*read);
  if (valid.ok() && jku.empty()) valid = Refuse("CLAIM_INVALID", "a visa names where its keys are");
  if (!valid.ok()) return Error(StatusCode::kInvalidArgument, "CLAIM_INVALID", "{}", Message(valid));
  return internal::Sign(signer, PolicyFor({}), claims, jku);
}

}  // namespace genofed::auth
