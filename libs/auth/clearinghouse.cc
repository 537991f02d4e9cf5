// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/clearinghouse.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libs/auth/access_token.h"
#include "libs/auth/approval.h"
#include "libs/auth/passport.h"
#include "libs/crypto/strict_json.h"

namespace genofed::auth {
namespace {

constexpr std::array<std::string_view, 4> kKindNames = {"access_token", "visa", "passport", "approval"};
constexpr std::size_t kMaxFileBytes = 4U << 20;

class RequestClock final : public Clock {
 public:
  explicit RequestClock(Time now) : now_(now) {}
  Time Now() const override { return now_; }

 private:
  const Time now_;
};

}  // namespace

Result<ClearinghouseRequest> ClearinghouseRequest::FromTrustFile(std::string_view text) {
  GF_ASSIGN(const auto root, crypto::ParseStrictJson(text, {.max_bytes = kMaxFileBytes}));
  const auto invalid = [](const char* name) {
    return InvalidField(fmt::format("request.{}", name), "REQUEST_INVALID", "is missing or no text");
  };
  if (!root.is_object() || !root.contains("request") || !root.at("request").is_object()) {
    return InvalidField("request", "REQUEST_INVALID", "the trust file says of no request that is to be judged");
  }
  const auto& json = root.at("request");
  ClearinghouseRequest request;
  const std::pair<const char*, std::string*> members[] = {
      {"subject", &request.person.subject},
      {"sub_namespace", &request.person.sub_namespace},
      {"audience", &request.audience},
      {"country", &request.country},
      {"dataset", &request.dataset},
      {"application", &request.application},
      {"application_sha256", &request.application_sha256},
      {"client_x5t_s256", &request.client_certificate_sha256}};
  for (const auto& [name, member] : members) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) return invalid(name);
    *member = found->get<std::string>();
  }
  const auto now = json.find("now");
  if (now == json.end() || !now->is_number_integer() || *now < 0 || *now > 253'402'300'799) return invalid("now");
  request.now = FromUnixSeconds(now->get<std::int64_t>());
  return request;
}

std::string_view TokenKindName(TokenKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

Result<TokenKind> ParseTokenKind(std::string_view name) {
  const auto found = std::find(kKindNames.begin(), kKindNames.end(), name);
  if (found == kKindNames.end()) {
    return InvalidField("kind", "KIND_UNKNOWN", "must be access_token, visa, passport or approval");
  }
  return static_cast<TokenKind>(found - kKindNames.begin());
}

Judgement Judge(const TrustStore& trust, const ClearinghouseRequest& request, TokenKind kind, std::string_view token) {
  const RequestClock clock(request.now);
  Judgement judgement;
  const auto conclude = [&](const auto& verified, auto expires_at) {
    judgement.accepted = verified.ok();
    if (verified.ok()) judgement.expires_at = expires_at(*verified);
    return judgement;
  };
  switch (kind) {
    case TokenKind::kAccessToken: {
      const FixedTrust fixed(trust);
      const AccessTokenVerifier verifier(fixed, clock, request.audience, {});
      return conclude(verifier.Verify(token, &judgement.why), [](const User& user) { return user.token_expires; });
    }
    case TokenKind::kVisa:
      return conclude(VerifyVisa(trust, clock, token,
                                 {.person = request.person, .audience = request.audience, .dataset = request.dataset},
                                 &judgement.why),
                      [](const auto& visa) { return visa->expires_at; });
    case TokenKind::kPassport:
      return conclude(VerifyPassport(trust, clock, token,
                                     {.person = request.person, .audience = request.audience, .dataset = request.dataset},
                                     &judgement.why),
                      [](const auto& passport) { return passport->expires_at; });
    case TokenKind::kApproval:
      return conclude(VerifyApproval(trust, clock, token,
                                     {.audience = request.audience,
                                      .country = request.country,
                                      .subject = request.person.subject,
                                      .application = request.application,
                                      .datasets = {request.dataset},
                                      .subject_issuer = {},
                                      .sub_namespace = request.person.sub_namespace,
                                      .application_sha256 = request.application_sha256,
                                      .dua_sha256 = {},
                                      .purpose = {},
                                      .client_certificate_sha256 = request.client_certificate_sha256},
                                     &judgement.why),
                      [](const auto& approval) { return approval->expires_at; });
  }
  return judgement;
}

}  // namespace genofed::auth
