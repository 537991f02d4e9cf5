// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/compact.h"

#include <array>

#include "libs/auth/claims.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"

namespace genofed::auth::internal {
namespace {

using Json = nlohmann::json;

constexpr std::array<const char*, 8> kRefusedHeaders = {"crit", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "b64"};

Result<Json> DecodeObject(std::string_view part, std::size_t max_bytes) {
  const auto text = Base64UrlDecode(part);
  if (!text.ok()) return Refuse("TOKEN_MALFORMED", "part is not canonical base64url");
  auto json = crypto::ParseStrictJson(*text, {.max_bytes = max_bytes});
  if (!json.ok()) return Refuse(Reason(json.status()), Message(json.status()));
  if (!json->is_object()) return Refuse("TOKEN_MALFORMED", "part is not a JSON object");
  return json;
}

}  // namespace

Result<CompactJws> ReadCompact(std::string_view token, std::size_t max_bytes) {
  if (token.size() > max_bytes) return Refuse("TOKEN_TOO_LARGE", "token exceeds its byte limit");
  const std::vector<std::string_view> parts = Split(token, '.');
  if (parts.size() != 3) return Refuse("TOKEN_MALFORMED", "token has not three parts");
  CompactJws jws;
  jws.signing_input = token.substr(0, parts[0].size() + 1 + parts[1].size());
  GF_ASSIGN(jws.header, DecodeObject(parts[0], max_bytes));
  GF_ASSIGN(jws.claims, DecodeObject(parts[1], max_bytes));
  auto signature = Base64UrlDecode(parts[2]);
  if (!signature.ok()) return Refuse("TOKEN_MALFORMED", "signature is not canonical base64url");
  jws.signature = *std::move(signature);
  for (const char* name : kRefusedHeaders) {
    if (jws.header.contains(name)) return Refuse("HEADER_REFUSED", "header is never accepted");
  }
  return jws;
}

const std::string* StringMember(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() ? nullptr : member->get_ptr<const std::string*>();
}

}  // namespace genofed::auth::internal
