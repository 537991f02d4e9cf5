// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/jws.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::crypto {
namespace {

const SigningKey& Key() {
  static const SigningKey key = *SigningKey::Generate();
  return key;
}

const JwsPolicy kPolicy = {.types = {"test+jwt"}};
constexpr std::string_view kClaims = R"({"iss":"https://issuer.example","n":1})";

Result<PublicKey> Find(const KeyQuery& query) {
  if (query.issuer == "https://issuer.example" && query.kid == Key().kid()) return Key().public_key();
  return Error(StatusCode::kUnauthenticated, "KEY_UNKNOWN", "no such key");
}

std::string Reassemble(std::string_view header, std::string_view claims) {
  const std::string input = Base64UrlEncode(header) + "." + Base64UrlEncode(claims);
  return input + "." + Base64UrlEncode(Key().Sign(input));
}

std::string Header(std::string_view extra = "", std::string_view alg = "ES256", std::string_view typ = "test+jwt") {
  return fmt::format(R"({{"alg":"{}","kid":"{}","typ":"{}"{}}})", alg, Key().kid(), typ, extra);
}

std::string WhyRefused(std::string_view token) { return Reason(VerifyJws(token, kPolicy, &Find).status()); }

TEST(Jws, VerifiesWhatItSigned) {
  const auto token = SignJws(Key(), "test+jwt", kClaims);
  ASSERT_TRUE(token.ok());
  const auto verified = VerifyJws(*token, kPolicy, &Find);
  ASSERT_TRUE(verified.ok()) << Describe(verified.status());
  EXPECT_EQ(verified->issuer, "https://issuer.example");
  EXPECT_EQ(verified->kid, Key().kid());
  EXPECT_EQ(verified->claims->at("n"), 1);
}

TEST(Jws, NamesTheKeySetWhenAsked) {
  const std::string plain = *SignJws(Key(), "test+jwt", kClaims);
  EXPECT_EQ(Base64UrlDecode(Split(plain, '.')[0])->find("jku"), std::string::npos);
  const auto token = SignJws(Key(), "test+jwt", kClaims, "https://issuer.example/jwks.json");
  ASSERT_TRUE(token.ok());
  std::string seen;
  ASSERT_TRUE(VerifyJws(*token, kPolicy, [&](const KeyQuery& query) {
                seen = query.jku;
                return Find(query);
              }).ok());
  EXPECT_EQ(seen, "https://issuer.example/jwks.json");
  EXPECT_EQ(Reason(SignJws(Key(), "test+jwt", kClaims, "\xff").status()), "CLAIMS_INVALID");
}

TEST(Jws, RefusesToSignWhatIsNoObject) {
  for (const char* claims : {"", "[]", "7", R"({"a":1,"a":2})"}) {
    EXPECT_EQ(Reason(SignJws(Key(), "test+jwt", claims).status()), "CLAIMS_INVALID") << claims;
  }
}

TEST(Jws, RefusesATokenWithAnyByteChangedAddedOrRemoved) {
  const std::string token = *SignJws(Key(), "test+jwt", kClaims);
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char replacement : {'A', 'B', '.', '=', '\0', '\xff'}) {
      if (token[i] == replacement) continue;
      std::string bad = token;
      bad[i] = replacement;
      ASSERT_FALSE(VerifyJws(bad, kPolicy, &Find).ok()) << i << " " << replacement;
    }
    std::string flipped = token;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    ASSERT_FALSE(VerifyJws(flipped, kPolicy, &Find).ok()) << i;
    std::string shorter = token;
    shorter.erase(i, 1);
    ASSERT_FALSE(VerifyJws(shorter, kPolicy, &Find).ok()) << i;
    ASSERT_FALSE(VerifyJws(token.substr(0, i), kPolicy, &Find).ok()) << i;
  }
  for (const char* tail : {".", "=", "A", " ", "\n"}) EXPECT_FALSE(VerifyJws(token + tail, kPolicy, &Find).ok());
}

struct HeaderCase {
  const char* name;
  std::string header;
  const char* reason;  // empty: accepted
};

TEST(Jws, ChecksEveryHeaderThoughTheSignatureIsRight) {
  const std::string kid = Key().kid();
  const HeaderCase cases[] = {
      {"plain", Header(), ""},
      {"media type", Header("", "ES256", "application/Test+JWT"), ""},
      {"unknown header", Header(R"(,"x-note":"hello")"), ""},
      {"jku is passed on", Header(R"(,"jku":"https://issuer.example/jwks")"), ""},
      {"jku is no string", Header(R"(,"jku":7)"), "JKU_MISSING"},
      {"none", Header("", "none"), "ALGORITHM_REFUSED"},
      {"None", Header("", "None"), "ALGORITHM_REFUSED"},
      {"HMAC", Header("", "HS256"), "ALGORITHM_REFUSED"},
      {"RSA algorithm for an EC key", Header("", "RS256"), "ALGORITHM_MISMATCH"},
      {"ES384", Header("", "ES384"), "ALGORITHM_REFUSED"},
      {"EdDSA", Header("", "EdDSA"), "ALGORITHM_REFUSED"},
      {"no algorithm", fmt::format(R"({{"kid":"{}","typ":"test+jwt"}})", kid), "ALGORITHM_REFUSED"},
      {"critical", Header(R"(,"crit":["exp"])"), "HEADER_REFUSED"},
      {"empty critical", Header(R"(,"crit":[])"), "HEADER_REFUSED"},
      {"key in header", Header(R"(,"jwk":)" + Key().public_key().Jwk()), "HEADER_REFUSED"},
      {"x5c", Header(R"(,"x5c":[])"), "HEADER_REFUSED"},
      {"x5u", Header(R"(,"x5u":"https://evil.example")"), "HEADER_REFUSED"},
      {"x5t", Header(R"(,"x5t":"AA")"), "HEADER_REFUSED"},
      {"x5t#S256", Header(R"(,"x5t#S256":"AA")"), "HEADER_REFUSED"},
      {"zip", Header(R"(,"zip":"DEF")"), "HEADER_REFUSED"},
      {"b64", Header(R"(,"b64":true)"), "HEADER_REFUSED"},
      {"cty", Header(R"(,"cty":"JWT")"), "HEADER_REFUSED"},
      {"other type", Header("", "ES256", "other+jwt"), "TYPE_MISMATCH"},
      {"type JWT", Header("", "ES256", "JWT"), "TYPE_MISMATCH"},
      {"no type", fmt::format(R"({{"alg":"ES256","kid":"{}"}})", kid), "TYPE_MISMATCH"},
      {"type is no string", fmt::format(R"({{"alg":"ES256","kid":"{}","typ":["test+jwt"]}})", kid), "TYPE_MISMATCH"},
      {"no kid", R"({"alg":"ES256","typ":"test+jwt"})", "KEY_ID_MISSING"},
      {"other kid", R"({"alg":"ES256","typ":"test+jwt","kid":"other"})", "KEY_UNKNOWN"},
      {"long kid", fmt::format(R"({{"alg":"ES256","typ":"test+jwt","kid":"{}"}})", std::string(300, 'k')),
       "KEY_ID_MISSING"},
      {"duplicate name", Header(R"(,"alg":"ES256")"), "JSON_DUPLICATE_NAME"},
      {"no object", "[]", "TOKEN_MALFORMED"},
      {"no JSON", "alg=ES256", "JSON_INVALID"},
  };
  for (const auto& c : cases) EXPECT_EQ(WhyRefused(Reassemble(c.header, kClaims)), c.reason) << c.name;
}

TEST(Jws, ChecksTheClaims) {
  const HeaderCase cases[] = {
      {"no issuer", R"({"n":1})", "ISSUER_UNKNOWN"},
      {"issuer is no string", R"({"iss":["https://issuer.example"]})", "ISSUER_UNKNOWN"},
      {"other issuer", R"({"iss":"https://issuer.example/"})", "KEY_UNKNOWN"},
      {"duplicate name", R"({"iss":"https://issuer.example","iss":"https://issuer.example"})", "JSON_DUPLICATE_NAME"},
      {"array", "[]", "TOKEN_MALFORMED"},
      {"empty", "", "JSON_INVALID"},
      {"trailing bytes", R"({"iss":"https://issuer.example"} )" "x", "JSON_INVALID"},
      {"invalid UTF-8", "{\"iss\":\"\xff\"}", "JSON_INVALID"},
      {"too deep", R"({"iss":"https://issuer.example","a":)" + std::string(16, '[') + std::string(16, ']') + "}",
       "JSON_TOO_DEEP"},
  };
  for (const auto& c : cases) EXPECT_EQ(WhyRefused(Reassemble(Header(), c.header)), c.reason) << c.name;
}

TEST(Jws, RefusesWrongShapes) {
  const std::string token = *SignJws(Key(), "test+jwt", kClaims);
  EXPECT_EQ(WhyRefused(""), "TOKEN_MALFORMED");
  EXPECT_EQ(WhyRefused(".."), "JSON_INVALID");
  EXPECT_EQ(WhyRefused(token + ".x"), "TOKEN_MALFORMED");
  EXPECT_EQ(WhyRefused(token + std::string(8192, 'A')), "TOKEN_TOO_LARGE");
  const std::string unsigned_token = token.substr(0, token.rfind('.') + 1);
  EXPECT_EQ(WhyRefused(unsigned_token), "SIGNATURE_INVALID");
  // The classic confusion: HMAC keyed with the public key's text.
  const std::string input = Base64UrlEncode(Header("", "HS256")) + "." + Base64UrlEncode(kClaims);
  const std::string mac = HmacSha256(Key().public_key().Jwk(), input);
  EXPECT_EQ(WhyRefused(input + "." + Base64UrlEncode(mac)), "ALGORITHM_REFUSED");
}

}  // namespace
}  // namespace genofed::crypto
