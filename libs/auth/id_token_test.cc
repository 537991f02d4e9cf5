// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/id_token.h"

#include <gtest/gtest.h>

#include <functional>

#include "libs/auth/testing_authority.h"
#include "libs/core/strings.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;

class IdTokenTest : public testing::Test {
 protected:
  Json Claims() const {
    return {{"iss", federation_.login.iss}, {"sub", "alice"},      {"aud", "genofed"},
            {"nonce", "n-1"},               {"iat", kNow - 1}, {"exp", kNow + 600}};
  }
  std::string Check(const std::string& token) {
    Refusal why;
    const auto subject = VerifyIdToken(federation_.Trust(), clock_, token, expected_, &why);
    if (subject.ok()) {
      EXPECT_EQ(*subject, "alice");
    } else {
      EXPECT_EQ(Reason(subject.status()), "ID_TOKEN_REFUSED");
    }
    return why.check;
  }

  TestFederation federation_;
  FixedClock clock_;
  ExpectedLogin expected_{federation_.login.iss, "genofed", "n-1"};
};

TEST_F(IdTokenTest, ChecksEveryClaim) {
  const struct {
    const char* name;
    std::function<void(Json&)> change;
    const char* check;
  } cases[] = {
      {"good", [](auto&) {}, ""},
      {"audiences with azp", [](auto& c) { c["aud"] = {"genofed", "x"}; c["azp"] = "genofed"; }, ""},
      {"audiences without azp", [](auto& c) { c["aud"] = {"genofed", "x"}; }, "AUDIENCE_MISMATCH"},
      {"other azp", [](auto& c) { c["azp"] = "other"; }, "AUDIENCE_MISMATCH"},
      {"other client", [](auto& c) { c["aud"] = "other"; }, "AUDIENCE_MISMATCH"},
      {"no audience", [](auto& c) { c.erase("aud"); }, "CLAIM_INVALID"},
      {"other nonce", [](auto& c) { c["nonce"] = "n-2"; }, "NONCE_MISMATCH"},
      {"no nonce", [](auto& c) { c.erase("nonce"); }, "NONCE_MISMATCH"},
      {"no subject", [](auto& c) { c.erase("sub"); }, "CLAIM_INVALID"},
      {"expired", [](auto& c) { c["exp"] = kNow - 60; c["iat"] = kNow - 600; }, "EXPIRED"},
      {"from the future", [](auto& c) { c["iat"] = kNow + 61; }, "NOT_YET_VALID"},
      {"no exp", [](auto& c) { c.erase("exp"); }, "CLAIM_INVALID"},
      {"other issuer", [](auto& c) { c["iss"] = "https://other-login.example"; }, "KEY_UNKNOWN"},
      {"no issuer", [](auto& c) { c.erase("iss"); }, "ISSUER_UNKNOWN"},
  };
  for (const auto& c : cases) {
    Json claims = Claims();
    c.change(claims);
    EXPECT_EQ(Check(federation_.login.Sign("JWT", claims)), c.check) << c.name;
  }
}

TEST_F(IdTokenTest, AnEmptyNonceIsNeverRight) {
  expected_.nonce = "";
  Json claims = Claims();
  claims["nonce"] = "";
  EXPECT_EQ(Check(federation_.login.Sign("JWT", claims)), "NONCE_MISMATCH");
}

TEST_F(IdTokenTest, IsSignedByTheIssuerThatWasAsked) {
  EXPECT_EQ(Check(federation_.login.Sign("at+jwt", Claims())), "TYPE_MISMATCH");
  EXPECT_EQ(Check(federation_.other_login.Sign("JWT", Claims())), "KEY_UNKNOWN");
  Json elsewhere = Claims();
  elsewhere["iss"] = federation_.other_login.iss;  // trusted, but not the one that was asked
  EXPECT_EQ(Check(federation_.other_login.Sign("JWT", elsewhere)), "ISSUER_MISMATCH");
  std::string token = federation_.login.Sign("JWT", Claims());
  token.replace(token.rfind('.') + 1, 10, "AAAAAAAAAA");
  EXPECT_EQ(Check(token), "SIGNATURE_INVALID");
  expected_.issuer = federation_.hub.iss;  // in the trust file, but not for people
  Json claims = Claims();
  claims["iss"] = federation_.hub.iss;
  EXPECT_EQ(Check(federation_.hub.Sign("JWT", claims)), "ROLE_MISMATCH");
  EXPECT_EQ(Check(""), "TOKEN_MALFORMED");
}

TEST_F(IdTokenTest, NeedsNoTypeButTheAlgorithmOfItsKey) {
  const auto key = *crypto::SigningKey::Generate();
  Json entry = {{"iss", "https://plain.example"}, {"roles", {"access_token"}}};
  entry["jwks"]["keys"] = {Json::parse(key.public_key().Jwk())};
  const auto trust = *TrustStore::FromJson(Json{{"issuers", {entry}}}.dump());
  Json claims = Claims();
  claims["iss"] = "https://plain.example";
  const ExpectedLogin expected{"https://plain.example", "genofed", "n-1"};
  for (const auto& [algorithm, check] : {std::pair("ES256", ""), {"RS256", "ALGORITHM_MISMATCH"}, {"none", "ALGORITHM_REFUSED"}}) {
    const std::string input =
        Base64UrlEncode(Json{{"alg", algorithm}, {"kid", key.kid()}}.dump()) + "." + Base64UrlEncode(claims.dump());
    Refusal why;
    EXPECT_EQ(VerifyIdToken(trust, clock_, input + "." + Base64UrlEncode(key.Sign(input)), expected, &why).ok(),
              *check == '\0');
    EXPECT_EQ(why.check, check);
  }
}

}  // namespace
}  // namespace genofed::auth
