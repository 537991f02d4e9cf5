// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/jws.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/refuse.h"
#include "libs/crypto/strict_json.h"

namespace genofed::crypto {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxKidBytes = 256;
constexpr std::array<const char*, 9> kRefusedHeaders = {
    "crit", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "zip", "b64", "cty"};

struct Parts {
  std::string_view signing_input;
  Json header;
  Json claims;
  std::string signature;
};

Result<Json> DecodeObject(std::string_view part, const JwsPolicy& policy) {
  const auto text = Base64UrlDecode(part);
  if (!text.ok()) return Refuse("TOKEN_MALFORMED", "part is not canonical base64url");
  auto json = ParseStrictJson(*text, {.max_bytes = policy.max_bytes, .max_depth = policy.max_depth});
  if (!json.ok()) return Refuse(Reason(json.status()), Message(json.status()));
  if (!json->is_object()) return Refuse("TOKEN_MALFORMED", "part is not a JSON object");
  return json;
}

Result<Parts> Decode(std::string_view token, const JwsPolicy& policy) {
  GF_REFUSE_IF(token.size() > policy.max_bytes, "TOKEN_TOO_LARGE", "token exceeds its byte limit");
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Refuse("TOKEN_MALFORMED", "token has not three parts");
  }
  Parts decoded;
  decoded.signing_input = token.substr(0, second);
  GF_ASSIGN(decoded.header, DecodeObject(token.substr(0, first), policy));
  GF_ASSIGN(decoded.claims, DecodeObject(token.substr(first + 1, second - first - 1), policy));
  auto signature = Base64UrlDecode(token.substr(second + 1));
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

// What a header claims; views into the header.
struct HeaderView {
  std::string_view algorithm;
  std::string_view kid;
  std::string_view jku;
};

Status CheckType(const Json& header, const JwsPolicy& policy) {
  const std::string* type = StringMember(header, "typ");
  const bool absent = policy.type_optional && !header.contains("typ");
  GF_REFUSE_IF(!absent && (type == nullptr ||
                           std::none_of(policy.types.begin(), policy.types.end(),
                                        [&](const auto& accepted) {
                                          return NormalType(accepted) == NormalType(*type);
                                        })),
               "TYPE_MISMATCH", "token is not of the expected type");
  return {};
}

// All but `allowed`.
Status CheckRefusedHeaders(const Json& header, std::string_view allowed) {
  for (const char* name : kRefusedHeaders) {
    GF_REFUSE_IF(name != allowed && header.contains(name), "HEADER_REFUSED", "header is never accepted");
  }
  return {};
}

Result<HeaderView> ReadHeader(const Json& header, const JwsPolicy& policy) {
  GF_TRY(CheckType(header, policy));
  GF_TRY(CheckRefusedHeaders(header, {}));
  HeaderView view;
  const std::string* algorithm = StringMember(header, "alg");
  if (algorithm != nullptr) view.algorithm = *algorithm;
  GF_REFUSE_IF(view.algorithm != "ES256" && view.algorithm != "RS256", "ALGORITHM_REFUSED",
               "algorithm is not ES256 or RS256");
  const std::string* kid = StringMember(header, "kid");
  if (kid != nullptr) view.kid = *kid;
  GF_REFUSE_IF(view.kid.empty() || view.kid.size() > kMaxKidBytes, "KEY_ID_MISSING", "token names no key");
  const std::string* jku = StringMember(header, "jku");
  if (jku != nullptr) view.jku = *jku;
  GF_REFUSE_IF(header.contains("jku") ? view.jku.empty() : policy.jku_required, "JKU_MISSING",
               "token names no key address, or something that is none");
  return view;
}

// The key that may have signed: pinned to issuer, key id and algorithm.
Result<PublicKey> SigningKeyOf(const Parts& parts, const HeaderView& header, const KeyFinder& find_key) {
  const std::string* issuer = StringMember(parts.claims, "iss");
  if (issuer == nullptr || issuer->empty()) return Refuse("ISSUER_UNKNOWN", "token names no issuer");
  auto key = find_key({.issuer = *issuer, .kid = header.kid, .jku = header.jku});
  if (!key.ok()) return Refuse(Reason(key.status()), Message(key.status()));
  GF_REFUSE_IF(header.algorithm != AlgorithmName(key->algorithm()), "ALGORITHM_MISMATCH",
               "algorithm is not the one of the key");
  return key;
}

// Keys for the work of a signature when there is no key to check it with. The RSA one is that of RFC 7515 appendix
// A.2, whose private half everybody knows: what it says is thrown away.
const PublicKey& DecoyKey(bool rsa) {
  static const PublicKey elliptic = SigningKey::Generate()->public_key();
  static const PublicKey published = *PublicKey::FromJwk(
      R"({"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPM)"
      R"(EzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsL)"
      R"(A9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8)"
      R"(q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"})");
  return rsa ? published : elliptic;
}

Result<VerifiedJws> VerifyParts(Parts& parts, const HeaderView& header, const KeyFinder& find_key) {
  const auto key = SigningKeyOf(parts, header, find_key);
  if (!key.ok()) return key.status();
  GF_REFUSE_IF(!key->Verify(parts.signing_input, parts.signature), "SIGNATURE_INVALID",
               "signature does not match");
  VerifiedJws verified{.issuer = parts.claims["iss"].get<std::string>(), .kid = std::string(header.kid), .claims = nullptr};
  verified.claims = std::make_shared<const Json>(std::move(parts.claims));
  return verified;
}

}  // namespace

Result<VerifiedJws> VerifyJws(std::string_view token, const JwsPolicy& policy, const KeyFinder& find_key) {
  GF_ASSIGN(Parts parts, Decode(token, policy));
  const auto header = ReadHeader(parts.header, policy);
  auto verified = header.ok() ? VerifyParts(parts, *header, find_key) : Result<VerifiedJws>(header.status());
  if (!verified.ok() && Reason(verified.status()) != "SIGNATURE_INVALID") {
    // With the signature as it came: what ends the work early does so with every key.
    const std::string* algorithm = StringMember(parts.header, "alg");
    (void)DecoyKey(algorithm != nullptr && *algorithm == "RS256").Verify(parts.signing_input, parts.signature);
  }
  return verified;
}

Result<ProvenJws> VerifyJwsByOwnKey(std::string_view token, const JwsPolicy& policy) {
  GF_ASSIGN(Parts parts, Decode(token, policy));
  GF_TRY(CheckType(parts.header, policy));
  GF_TRY(CheckRefusedHeaders(parts.header, "jwk"));
  // Keys of a trust file have no business here, nor addresses of keys.
  if (parts.header.contains("jku")) return Refuse("HEADER_REFUSED", "header is never accepted");
  const std::string* algorithm = StringMember(parts.header, "alg");
  if (algorithm == nullptr || *algorithm != "ES256") return Refuse("ALGORITHM_REFUSED", "algorithm is not ES256");
  const auto jwk = parts.header.find("jwk");
  if (jwk == parts.header.end() || !jwk->is_object()) return Refuse("JWK_MISSING", "token carries no key");
  auto key = PublicKey::FromJwk(jwk->dump());
  if (!key.ok()) return Refuse(Reason(key.status()), Message(key.status()));
  if (key->algorithm() != Algorithm::kEs256) return Refuse("ALGORITHM_REFUSED", "key is not one for ES256");
  if (!key->Verify(parts.signing_input, parts.signature)) {
    return Refuse("SIGNATURE_INVALID", "signature does not match");
  }
  return ProvenJws{*std::move(key), std::make_shared<const Json>(std::move(parts.claims))};
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
