// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/claims.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::auth::internal {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxIdBytes = 255;
constexpr std::size_t kMaxFreeTextBytes = 4096;
constexpr std::size_t kMaxEntries = 1000;
constexpr std::int64_t kMaxSeconds = 253'402'300'799;  // the end of the year 9999

Status InvalidClaim(const char* name) {
  return Error(StatusCode::kUnauthenticated, "CLAIM_INVALID", "claim \"{}\" is missing or malformed", name);
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool IsId(const Json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  return text != nullptr && !text->empty() && text->size() <= kMaxIdBytes && IsUtf8(*text) &&
         std::none_of(text->begin(), text->end(), IsControl);
}

bool IsFreeText(const Json& value) {
  const auto* text = value.get_ptr<const std::string*>();
  return text != nullptr && text->size() <= kMaxFreeTextBytes && IsUtf8(*text) &&
         text->find('\0') == std::string::npos;
}

Result<std::vector<std::string>> List(const Json& object, const char* name, bool required,
                                      bool (*accept)(const Json&)) {
  const auto member = object.find(name);
  if (member == object.end() && !required) return std::vector<std::string>();
  if (member == object.end() || !member->is_array() || member->size() > kMaxEntries ||
      (required && member->empty()) || !std::all_of(member->begin(), member->end(), accept)) {
    return InvalidClaim(name);
  }
  return member->get<std::vector<std::string>>();
}

}  // namespace

Result<std::string> Claims::Id(const char* name) const {
  const auto member = object_.find(name);
  if (member == object_.end() || !IsId(*member)) return InvalidClaim(name);
  return member->get<std::string>();
}

Result<std::string> Claims::OptionalId(const char* name) const {
  const auto member = object_.find(name);
  if (member == object_.end() || *member == "") return std::string();
  return Id(name);
}

Result<std::string> Claims::FreeText(const char* name) const {
  const auto member = object_.find(name);
  if (member == object_.end()) return std::string();
  if (!IsFreeText(*member)) return InvalidClaim(name);
  return member->get<std::string>();
}

Result<std::string> Claims::Sha256Hex(const char* name) const {
  GF_ASSIGN(std::string text, Id(name));
  const bool hex = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (text.size() != 64 || !hex) return InvalidClaim(name);
  return text;
}

Result<std::string> Claims::Country(const char* name) const {
  GF_ASSIGN(const std::string text, Id(name));
  std::string country = ToLower(text);
  if (country.size() != 2 || !std::all_of(country.begin(), country.end(), [](char c) {
        return c >= 'a' && c <= 'z';
      })) {
    return InvalidClaim(name);
  }
  return country;
}

Result<std::vector<std::string>> Claims::Ids(const char* name, bool required) const {
  return List(object_, name, required, &IsId);
}

Result<std::vector<std::string>> Claims::FreeTexts(const char* name) const {
  return List(object_, name, false, &IsFreeText);
}

Result<Time> Claims::Seconds(const char* name) const {
  const auto member = object_.find(name);
  if (member == object_.end() || !member->is_number_integer() || *member < 0 || *member > kMaxSeconds) {
    return InvalidClaim(name);
  }
  return FromUnixSeconds(member->get<std::int64_t>());
}

Result<std::optional<Time>> Claims::OptionalSeconds(const char* name) const {
  if (!Has(name)) return std::optional<Time>();
  GF_ASSIGN(const Time time, Seconds(name));
  return std::optional<Time>(time);
}

Result<Claims> Claims::Object(const char* name) const {
  const auto member = object_.find(name);
  if (member == object_.end() || !member->is_object()) return InvalidClaim(name);
  return Claims(*member);
}

Result<std::vector<std::string>> Claims::Audiences() const {
  const auto member = object_.find("aud");
  if (member != object_.end() && member->is_array()) return Ids("aud", true);
  GF_ASSIGN(std::string audience, Id("aud"));
  return std::vector<std::string>{std::move(audience)};
}

Result<OpenedToken> Open(const TrustStore& trust, std::string_view token, const crypto::JwsPolicy& policy) {
  OpenedToken opened;
  GF_ASSIGN(opened.jws, crypto::VerifyJws(token, policy, [&trust](const crypto::KeyQuery& query) {
              return trust.FindKey(query);
            }));
  opened.issuer = trust.Find(opened.jws.issuer);
  GF_CHECK(opened.issuer != nullptr);
  return opened;
}

Result<Validity> ReadValidity(const Claims& claims) {
  Validity validity;
  GF_ASSIGN(validity.issued_at, claims.Seconds("iat"));
  GF_ASSIGN(validity.expires_at, claims.Seconds("exp"));
  GF_ASSIGN(const auto not_before, claims.OptionalSeconds("nbf"));
  validity.not_before = not_before.value_or(validity.issued_at);
  return validity;
}

Status CheckValidity(const Validity& validity, Time now, std::chrono::seconds skew,
                     std::chrono::seconds max_lifetime) {
  GF_REFUSE_IF(validity.expires_at <= validity.issued_at || validity.expires_at <= validity.not_before,
               "TIMES_CONTRADICT", "token ends before it begins");
  GF_REFUSE_IF(validity.expires_at - validity.issued_at > max_lifetime, "LIFETIME_TOO_LONG",
               "token lives longer than allowed");
  GF_REFUSE_IF(now >= validity.expires_at + skew, "EXPIRED", "token has expired");
  GF_REFUSE_IF(now + skew < validity.issued_at || now + skew < validity.not_before, "NOT_YET_VALID",
               "token is not valid yet");
  return {};
}

Status CheckRevoked(const TrustStore& trust, const TrustedIssuer& issuer, std::string_view jti,
                    std::string_view subject) {
  GF_REFUSE_IF(trust.IsRevokedToken(jti), "TOKEN_REVOKED", "token is revoked");
  GF_REFUSE_IF(trust.IsRevokedUser(issuer, subject), "USER_REVOKED", "the person is revoked");
  return {};
}

Status CheckRole(const TrustedIssuer& issuer, std::string_view role) {
  GF_REFUSE_IF(!issuer.HasRole(role), "ROLE_MISMATCH", "issuer may not sign such tokens");
  return {};
}

Status CheckKind(const Claims& claims, std::string_view own_claim) {
  for (const char* claim : {"ga4gh_visa_v1", "ga4gh_passport_v1", "application_sha256"}) {
    GF_REFUSE_IF(own_claim != claim && claims.Has(claim), "KIND_MIXED", "token has claims of another kind of token");
  }
  return {};
}

Result<std::string> Sign(crypto::Signer& signer, const crypto::JwsPolicy& policy, const Json& claims,
                         std::string_view jku) {
  GF_ASSIGN(std::string token, signer.SignJws(policy.types.front(), claims.dump(), jku));
  if (token.size() > policy.max_bytes) {
    return Error(StatusCode::kInvalidArgument, "CLAIM_INVALID", "token of {} bytes, at most {} are accepted",
                 token.size(), policy.max_bytes);
  }
  return token;
}

bool IsUrlName(std::string_view text) {
  const auto colon = text.find(':');
  if (text.size() > kMaxIdBytes || colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto in_scheme = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; };
  // RFC 3986: printable ASCII without delimiters that must be encoded.
  const auto in_url = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '^' && c != '`' && c != '{' && c != '|' && c != '}'; };
  return is_letter(text[0]) && std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), in_scheme) &&
         std::all_of(text.begin(), text.end(), in_url);
}

bool Contains(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace genofed::auth::internal
