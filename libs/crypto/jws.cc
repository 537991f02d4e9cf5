// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/jws.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"

namespace genofed::crypto {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxKidBytes = 256;
constexpr std::array<std::string_view, 9> kRefusedHeaders = {
    "crit", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "zip", "b64", "cty"};

Status Refuse(std::string_view reason, std::string_view message) {
  return MakeError(StatusCode::kUnauthenticated, reason, std::string(message));
}

struct Parts {
  std::string_view signing_input;
  Json header;
  Json claims;
  std::string signature;
};

Result<Json> DecodeObject(std::string_view part, std::size_t max_bytes) {
  const auto text = Base64UrlDecode(part);
  if (!text.ok()) return Refuse("TOKEN_MALFORMED", "part is not canonical base64url");
  auto json = ParseStrictJson(*text, {.max_bytes = max_bytes});
  if (!json.ok()) return Refuse(Reason(json.status()), Message(json.status()));
  if (!json->is_object()) return Refuse("TOKEN_MALFORMED", "part is not a JSON object");
  return json;
}

Result<Parts> Decode(std::string_view token, std::size_t max_bytes) {
  if (token.size() > max_bytes) return Refuse("TOKEN_TOO_LARGE", "token exceeds its byte limit");
  const std::vector<std::string_view> parts = Split(token, '.');
  if (parts.size() != 3) return Refuse("TOKEN_MALFORMED", "token has not three parts");
  Parts decoded;
  decoded.signing_input = token.substr(0, parts[0].size() + 1 + parts[1].size());
  GF_ASSIGN(decoded.header, DecodeObject(parts[0], max_bytes));
  GF_ASSIGN(decoded.claims, DecodeObject(parts[1], max_bytes));
  auto signature = Base64UrlDecode(parts[2]);
  if (!signature.ok()) return Refuse("TOKEN_MALFORMED", "signature is not canonical base64url");
  decoded.signature = *std::move(signature);
  return decoded;
}

// The string member `name`; nullptr when it is absent or something else.
const std::string* StringMember(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() ? nullptr : member->get_ptr<const std::string*>();
}

// RFC 7515 section 4.1.9: "application/" may be left out of a type without another slash.
std::string NormalType(std::string_view type) {
  constexpr std::string_view kPrefix = "application/";
  if (StartsWithIgnoreCase(type, kPrefix)) type.remove_prefix(kPrefix.size());
  return ToLower(type);
}

Status CheckHeader(const Json& header, const JwsPolicy& policy) {
  const std::string* type = StringMember(header, "typ");
  if (type == nullptr || std::none_of(policy.types.begin(), policy.types.end(), [&](const auto& accepted) {
        return NormalType(accepted) == NormalType(*type);
      })) {
    return Refuse("TYPE_MISMATCH", "token is not of the expected type");
  }
  for (const std::string_view name : kRefusedHeaders) {
    if (header.contains(std::string(name))) return Refuse("HEADER_REFUSED", "header is never accepted");
  }
  const std::string* algorithm = StringMember(header, "alg");
  if (algorithm == nullptr || (*algorithm != "ES256" && *algorithm != "RS256")) {
    return Refuse("ALGORITHM_REFUSED", "algorithm is not ES256 or RS256");
  }
  const std::string* kid = StringMember(header, "kid");
  if (kid == nullptr || kid->empty() || kid->size() > kMaxKidBytes) {
    return Refuse("KEY_UNKNOWN", "token names no key");
  }
  if (header.contains("jku") && StringMember(header, "jku") == nullptr) {
    return Refuse("HEADER_REFUSED", "jku is not a string");
  }
  return {};
}

}  // namespace

Result<VerifiedJws> VerifyJws(std::string_view token, const JwsPolicy& policy, const KeyFinder& find_key) {
  GF_ASSIGN(Parts parts, Decode(token, policy.max_bytes));
  GF_TRY(CheckHeader(parts.header, policy));
  const std::string* issuer = StringMember(parts.claims, "iss");
  if (issuer == nullptr || issuer->empty()) return Refuse("ISSUER_UNKNOWN", "token names no issuer");
  const std::string& kid = *StringMember(parts.header, "kid");
  const std::string* jku = StringMember(parts.header, "jku");

  const auto key = find_key({.issuer = *issuer, .kid = kid, .jku = jku == nullptr ? "" : *jku});
  if (!key.ok()) return Refuse(Reason(key.status()), Message(key.status()));
  if (*StringMember(parts.header, "alg") != AlgorithmName(key->algorithm())) {
    return Refuse("ALGORITHM_REFUSED", "algorithm is not the one of the key");
  }
  if (!key->Verify(parts.signing_input, parts.signature)) {
    return Refuse("SIGNATURE_INVALID", "signature does not match");
  }
  VerifiedJws verified{.issuer = *issuer, .kid = kid, .claims = nullptr};
  verified.claims = std::make_shared<const Json>(std::move(parts.claims));
  return verified;
}

Result<std::string> JwsSigningInput(std::string_view kid, std::string_view type, std::string_view claims,
                                    std::string_view jku) {
  const auto parsed = ParseStrictJson(claims);
  if (!parsed.ok() || !parsed->is_object() || !IsUtf8(kid) || !IsUtf8(type) || !IsUtf8(jku)) {
    return Error(StatusCode::kInvalidArgument, "CLAIMS_INVALID", "claims are not a strict JSON object");
  }
  Json header = {{"alg", "ES256"}, {"kid", std::string(kid)}, {"typ", std::string(type)}};
  if (!jku.empty()) header["jku"] = std::string(jku);
  return Base64UrlEncode(header.dump()) + "." + Base64UrlEncode(claims);
}

Result<std::string> SignJws(const SigningKey& key, std::string_view type, std::string_view claims,
                            std::string_view jku) {
  GF_ASSIGN(const std::string token, JwsSigningInput(key.kid(), type, claims, jku));
  return token + "." + Base64UrlEncode(key.Sign(token));
}

}  // namespace genofed::crypto
