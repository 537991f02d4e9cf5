// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/access_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "libs/auth/testing_authority.h"

namespace genofed::auth {
namespace {

using testing::ElementsAre;
using Json = nlohmann::json;

class AccessTokenTest : public testing::Test {
 protected:
  Json Claims() const {
    return {{"iss", federation_.login.iss}, {"sub", "alice"}, {"aud", "urn:genofed:site:fi"},
            {"iat", kNow - 10},             {"exp", kNow + 3600}};
  }
  std::string Sign(const Json& claims) { return federation_.login.Sign("at+jwt", claims); }

  TestFederation federation_;
  FixedClock clock_;
  FixedTrust trust_{federation_.Trust()};
  AccessTokenVerifier verifier_{trust_, clock_, "urn:genofed:site:fi",
                                {{federation_.login.iss, "alice", {"data_holder", "ncp"}},
                                 {federation_.other_login.iss, "alice", {"operator"}},
                                 {federation_.login.iss, "bob", {"operator"}}}};
};

TEST_F(AccessTokenTest, NamesTheUserWithTheRolesOfThisSite) {
  Json claims = Claims();
  claims["name"] = "Alice A";
  claims["organisation"] = "University";
  claims["roles"] = {"operator"};  // a token cannot bring its own
  const std::string token = Sign(claims);
  const auto user = verifier_.Verify(token);
  ASSERT_TRUE(user.ok()) << Describe(user.status());
  EXPECT_EQ(user->issuer, federation_.login.iss);
  EXPECT_EQ(user->subject, "alice");
  EXPECT_EQ(user->name, "Alice A");
  EXPECT_EQ(user->organisation, "University");
  EXPECT_EQ(user->access_token, token);
  EXPECT_TRUE(user->person_identifier.empty());
  EXPECT_THAT(user->roles, ElementsAre("user", "data_holder", "ncp"));
}

TEST_F(AccessTokenTest, NamesTheClientThatItWasIssuedTo) {
  Json claims = Claims();
  EXPECT_EQ(verifier_.Verify(Sign(claims))->client_id, "");
  claims["azp"] = "older";
  EXPECT_EQ(verifier_.Verify(Sign(claims))->client_id, "older");
  claims["client_id"] = "viewer";
  EXPECT_EQ(verifier_.Verify(Sign(claims))->client_id, "viewer");
  claims["client_id"] = 1;
  EXPECT_FALSE(verifier_.Verify(Sign(claims)).ok());
}

TEST_F(AccessTokenTest, ARoleBelongsToIssuerAndSubjectTogether) {
  Json claims = Claims();
  claims["iss"] = federation_.other_login.iss;
  claims["person_identifier"] = "010190-123A";
  const auto user = verifier_.Verify(federation_.other_login.Sign("JWT", claims));
  ASSERT_TRUE(user.ok()) << Describe(user.status());
  EXPECT_THAT(user->roles, ElementsAre("user", "operator"));
  EXPECT_TRUE(user->person_identifier.empty());  // this issuer's identifiers are not believed
}

TEST_F(AccessTokenTest, APersonIdentifierMakesACitizen) {
  Json claims = Claims();
  claims["sub"] = "carol";
  claims["person_identifier"] = "010190-123A";
  const auto user = verifier_.Verify(Sign(claims));
  ASSERT_TRUE(user.ok());
  EXPECT_EQ(user->person_identifier, "010190-123A");
  EXPECT_THAT(user->roles, ElementsAre("user", "citizen"));
}

struct Case {
  const char* name;
  std::function<void(Json&)> change;
  const char* check;  // empty: accepted
};

TEST_F(AccessTokenTest, ChecksEveryClaim) {
  const Case cases[] = {
      {"audience in a list", [](auto& c) { c["aud"] = {"other", "urn:genofed:site:fi"}; }, ""},
      {"expired within the skew", [](auto& c) { c["exp"] = kNow - 59; c["iat"] = kNow - 600; }, ""},
      {"issued within the skew", [](auto& c) { c["iat"] = kNow + 60; }, ""},
      {"nbf", [](auto& c) { c["nbf"] = kNow; }, ""},
      {"empty name", [](auto& c) { c["name"] = ""; }, ""},
      {"longest life", [](auto& c) { c["iat"] = kNow; c["exp"] = kNow + 86400; }, ""},
      {"too long a life", [](auto& c) { c["iat"] = kNow; c["exp"] = kNow + 86401; }, "LIFETIME_TOO_LONG"},
      {"expired", [](auto& c) { c["exp"] = kNow - 60; c["iat"] = kNow - 600; }, "EXPIRED"},
      {"from the future", [](auto& c) { c["iat"] = kNow + 61; }, "NOT_YET_VALID"},
      {"not yet valid", [](auto& c) { c["nbf"] = kNow + 61; }, "NOT_YET_VALID"},
      {"ends before it begins", [](auto& c) { c["exp"] = kNow - 20; }, "TIMES_CONTRADICT"},
      {"no exp", [](auto& c) { c.erase("exp"); }, "CLAIM_INVALID"},
      {"no iat", [](auto& c) { c.erase("iat"); }, "CLAIM_INVALID"},
      {"exp is text", [](auto& c) { c["exp"] = "tomorrow"; }, "CLAIM_INVALID"},
      {"exp is a fraction", [](auto& c) { c["exp"] = 1795335628.5; }, "CLAIM_INVALID"},
      {"exp is huge", [](auto& c) { c["exp"] = 9223372036854775807; }, "CLAIM_INVALID"},
      {"exp is beyond signed", [](auto& c) { c["exp"] = 18446744073709551615U; }, "CLAIM_INVALID"},
      {"iat is negative", [](auto& c) { c["iat"] = -1; }, "CLAIM_INVALID"},
      {"no audience", [](auto& c) { c.erase("aud"); }, "CLAIM_INVALID"},
      {"empty audience", [](auto& c) { c["aud"] = Json::array(); }, "CLAIM_INVALID"},
      {"other audience", [](auto& c) { c["aud"] = "urn:genofed:site:es"; }, "AUDIENCE_MISMATCH"},
      {"audience as prefix", [](auto& c) { c["aud"] = "urn:genofed:site:fi2"; }, "AUDIENCE_MISMATCH"},
      {"no subject", [](auto& c) { c.erase("sub"); }, "CLAIM_INVALID"},
      {"empty subject", [](auto& c) { c["sub"] = ""; }, "CLAIM_INVALID"},
      {"subject with control character", [](auto& c) { c["sub"] = std::string("alice\0", 6); }, "CLAIM_INVALID"},
      {"long subject", [](auto& c) { c["sub"] = std::string(256, 'a'); }, "CLAIM_INVALID"},
      {"person identifier is a number", [](auto& c) { c["person_identifier"] = 7; }, "CLAIM_INVALID"},
      {"revoked", [](auto& c) { c["jti"] = "revoked-1"; }, "TOKEN_REVOKED"},
      {"other issuer's name", [](auto& c) { c["iss"] = "https://other-login.example"; }, "KEY_UNKNOWN"},
      {"unknown issuer", [](auto& c) { c["iss"] = "https://nobody.example"; }, "ISSUER_UNKNOWN"},
  };
  for (const auto& c : cases) {
    Json claims = Claims();
    c.change(claims);
    Refusal why;
    const auto user = verifier_.Verify(Sign(claims), &why);
    EXPECT_EQ(why.check, c.check) << c.name;
    EXPECT_EQ(user.ok(), std::string_view(c.check).empty()) << c.name;
    if (!user.ok()) {  // the caller learns nothing
      EXPECT_EQ(Describe(user.status()), "UNAUTHENTICATED/TOKEN_REFUSED: the token is not accepted") << c.name;
    }
  }
}

TEST_F(AccessTokenTest, RefusesOtherKindsOfTokenAndOtherSigners) {
  Refusal why;
  for (const char* type : {"vnd.ga4gh.visa+jwt", "1mg-approval+jwt", "logout+jwt"}) {
    EXPECT_FALSE(verifier_.Verify(federation_.login.Sign(type, Claims()), &why).ok());
    EXPECT_EQ(why.check, "TYPE_MISMATCH");
  }
  Json claims = Claims();
  claims["iss"] = federation_.hub.iss;
  EXPECT_FALSE(verifier_.Verify(federation_.hub.Sign("at+jwt", claims), &why).ok());
  EXPECT_EQ(why.check, "ROLE_MISMATCH");
  EXPECT_FALSE(verifier_.Verify("", &why).ok());
  EXPECT_FALSE(verifier_.Verify("not a token").ok());
}

TEST_F(AccessTokenTest, AnEmptyAudienceRefusesEverything) {
  const AccessTokenVerifier verifier(trust_, clock_, "", {});
  EXPECT_FALSE(verifier.Verify(Sign(Claims())).ok());
  Json claims = Claims();
  claims["aud"] = "";
  EXPECT_FALSE(verifier.Verify(Sign(claims)).ok());
}

TEST_F(AccessTokenTest, RefusesATokenWithAnyByteChanged) {
  const std::string token = Sign(Claims());
  ASSERT_TRUE(verifier_.Verify(token).ok());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string bad = token;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    ASSERT_FALSE(verifier_.Verify(bad).ok()) << i;
  }
}

}  // namespace
}  // namespace genofed::auth
