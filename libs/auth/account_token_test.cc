// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/account_token.h"

#include <gtest/gtest.h>

#include <functional>

#include "libs/auth/access_token.h"
#include "libs/auth/approval.h"
#include "libs/auth/passport.h"
#include "libs/auth/testing_authority.h"
#include "libs/auth/token_cache.h"
#include "libs/core/strings.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;

constexpr char kFi[] = "urn:genofed:site:fi";
constexpr char kType[] = "1mg-account+jwt";

Time At(std::int64_t offset) { return FromUnixSeconds(kNow + offset); }

class AccountTokenTest : public testing::Test {
 protected:
  // The hub of the test federation with the role of a broker.
  Json File() const {
    Json file = federation_.File();
    file["issuers"][2]["roles"] = Json::array({"passport"});
    return file;
  }
  AccountToken Good() const {
    return {.issuer = federation_.hub.iss,
            .account = AccountOf(federation_.login.iss, "alice", "Uni"),
            .id = "act-1",
            .audience = kFi,
            .issued_at = At(0),
            .expires_at = At(600)};
  }
  Json Claims() const {
    return {{"iss", federation_.hub.iss},
            {"sub", Good().account},
            {"aud", kFi},
            {"jti", "act-1"},
            {"iat", kNow},
            {"exp", kNow + 600}};
  }
  std::string Mint(const AccountToken& token) {
    auto minted = MintAccountToken(federation_.hub.signer, token);
    EXPECT_TRUE(minted.ok()) << Describe(minted.status());
    return *std::move(minted);
  }
  std::string WhyRefused(const TrustStore& trust, std::string_view token,
                         std::string_view audience = kFi) const {
    Refusal why;
    const auto verified = VerifyAccountToken(trust, clock_, token, audience, &why);
    EXPECT_EQ(verified.ok(), why.check.empty());
    if (!verified.ok()) {
      EXPECT_EQ(Describe(verified.status()),
                "PERMISSION_DENIED/ACCOUNT_TOKEN_REFUSED: the token is not accepted");
    }
    return why.check;
  }
  std::string WhyRefused(std::string_view token) const { return WhyRefused(trust_, token); }

  TestFederation federation_;
  FixedClock clock_;
  TrustStore trust_ = *TrustStore::FromJson(File().dump());
};

// Digests by another program: printf 'genofed account|11:https://idp|organisation|Uni' | sha256sum
TEST(AccountOf, IsSharedByAnOrganisationAndNobodysName) {
  EXPECT_EQ(AccountOf("https://idp", "ada", "Uni"),
            "83ce18baa7cc52d31ed4386b0df4abb9d39e5bd54501f8100784d326b5f29328");
  EXPECT_EQ(AccountOf("https://idp", "bob", "Uni"), AccountOf("https://idp", "ada", "Uni"));
  EXPECT_EQ(AccountOf("https://idp", "ada", ""),
            "3535e9756da5d36aee345125367cc4cce456e8eaef732b101c094659f10cd1ac");
  EXPECT_NE(AccountOf("https://idp", "bob", ""), AccountOf("https://idp", "ada", ""));
  EXPECT_NE(AccountOf("https://idp", "Uni", ""), AccountOf("https://idp", "x", "Uni"));
  EXPECT_NE(AccountOf("https://other", "ada", ""), AccountOf("https://idp", "ada", ""));
}

TEST_F(AccountTokenTest, ReadsBackWhatWasMintedAndNamesNobody) {
  const std::string token = Mint(Good());
  const auto verified = VerifyAccountToken(trust_, clock_, token, kFi);
  ASSERT_TRUE(verified.ok()) << Describe(verified.status());
  EXPECT_EQ((*verified)->account, Good().account);
  EXPECT_EQ((*verified)->issuer, federation_.hub.iss);
  EXPECT_EQ((*verified)->id, "act-1");
  EXPECT_EQ((*verified)->expires_at, At(600));
  const auto parts = Split(token, '.');
  EXPECT_EQ(Json::parse(*Base64UrlDecode(parts.at(0))).at("typ"), kType);
  EXPECT_EQ(Json::parse(*Base64UrlDecode(parts.at(1))), Claims());
}

TEST_F(AccountTokenTest, EveryMismatchHasItsReason) {
  struct Case {
    const char* name;
    std::function<void(Json&)> change;
    const char* check;  // empty: accepted
  };
  const Case cases[] = {
      {"expired within the skew",
       [](auto& c) {
         c["iat"] = kNow - 659;
         c["exp"] = kNow - 59;
       },
       ""},
      {"expired",
       [](auto& c) {
         c["iat"] = kNow - 660;
         c["exp"] = kNow - 60;
       },
       "EXPIRED"},
      {"from the future",
       [](auto& c) {
         c["iat"] = kNow + 61;
         c["exp"] = kNow + 600;
       },
       "NOT_YET_VALID"},
      {"too long a life", [](auto& c) { c["exp"] = kNow + 601; }, "LIFETIME_TOO_LONG"},
      {"ends before it begins", [](auto& c) { c["exp"] = kNow - 1; }, "TIMES_CONTRADICT"},
      {"no end", [](auto& c) { c.erase("exp"); }, "CLAIM_INVALID"},
      {"another node", [](auto& c) { c["aud"] = "urn:genofed:site:es"; }, "AUDIENCE_MISMATCH"},
      {"two nodes",
       [](auto& c) {
         c["aud"] = {kFi, "urn:genofed:site:es"};
       },
       "AUDIENCE_NOT_SINGLE"},
      {"no node", [](auto& c) { c.erase("aud"); }, "CLAIM_INVALID"},
      {"a person", [](auto& c) { c["sub"] = "alice"; }, "CLAIM_INVALID"},
      {"everybody", [](auto& c) { c["sub"] = "*"; }, "CLAIM_INVALID"},
      {"nobody", [](auto& c) { c["sub"] = "anonymous"; }, "CLAIM_INVALID"},
      {"upper case", [](auto& c) { c["sub"] = std::string(64, 'A'); }, "CLAIM_INVALID"},
      {"without a name", [](auto& c) { c.erase("jti"); }, "CLAIM_INVALID"},
      {"revoked", [](auto& c) { c["jti"] = "revoked-1"; }, "TOKEN_REVOKED"},
      {"a passport besides", [](auto& c) { c["ga4gh_passport_v1"] = Json::array(); }, "KIND_MIXED"},
  };
  for (const Case& one : cases) {
    Json claims = Claims();
    one.change(claims);
    EXPECT_EQ(WhyRefused(federation_.hub.Sign(kType, claims)), one.check) << one.name;
  }
}

TEST_F(AccountTokenTest, NobodyButTheBrokerNamesAccounts) {
  EXPECT_EQ(WhyRefused(federation_.hub.Sign(kType, Claims())), "");
  // By a key that is not the broker's, by others in their own name, and by an unknown one.
  EXPECT_EQ(WhyRefused(federation_.fi.Sign(kType, Claims())), "KEY_UNKNOWN");
  for (TestIssuer* other : {&federation_.fi, &federation_.login}) {
    Json claims = Claims();
    claims["iss"] = other->iss;
    EXPECT_EQ(WhyRefused(other->Sign(kType, claims)), "ROLE_MISMATCH");
  }
  TestIssuer stranger{"https://stranger.example"};
  Json claims = Claims();
  claims["iss"] = stranger.iss;
  EXPECT_EQ(WhyRefused(stranger.Sign(kType, claims)), "ISSUER_UNKNOWN");
  // Where the hub's entry has no such role, it names no accounts.
  EXPECT_EQ(WhyRefused(federation_.Trust(), Mint(Good())), "ROLE_MISMATCH");
  // What another account's signature is put on.
  Json altered = Claims();
  altered["sub"] = std::string(64, 'a');
  const std::string good = Mint(Good()), other = federation_.hub.Sign(kType, altered);
  EXPECT_EQ(WhyRefused(fmt::format("{}.{}.{}", Split(good, '.')[0], Split(other, '.')[1],
                                   Split(good, '.')[2])),
            "SIGNATURE_INVALID");
}

TEST_F(AccountTokenTest, RefusesATokenWithAnyByteChanged) {
  const std::string token = Mint(Good());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string bad = token;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    ASSERT_NE(WhyRefused(bad), "") << i;
  }
}

TEST_F(AccountTokenTest, NoOtherTokenIsOneAndItIsNoOther) {
  for (const char* type : {"JWT", "at+jwt", "vnd.ga4gh.passport+jwt", "vnd.ga4gh.visa+jwt",
                           "1mg-approval+jwt", "1mg-decision+jwt", ""})
    EXPECT_EQ(WhyRefused(federation_.hub.Sign(type, Claims())), "TYPE_MISMATCH") << type;
  PassportDraft draft{federation_.hub.iss, Good().account, "ppt-1", kFi, At(0), At(600), {}};
  EXPECT_EQ(WhyRefused(*MintPassport(federation_.hub.signer, draft)), "TYPE_MISMATCH");

  const std::string token = Mint(Good());
  Refusal why;
  const FixedTrust trust(trust_);
  EXPECT_FALSE(AccessTokenVerifier(trust, clock_, kFi, {}).Verify(token, &why).ok());
  EXPECT_EQ(why.check, "TYPE_MISMATCH");
  const Person person = Person::Of(trust_, federation_.hub.iss, Good().account);
  EXPECT_FALSE(VerifyPassport(trust_, clock_, token, {person, kFi, "d"}, &why).ok());
  EXPECT_EQ(why.check, "TYPE_MISMATCH");
  EXPECT_FALSE(VerifyVisa(trust_, clock_, token, {person, kFi, "d"}, &why).ok());
  EXPECT_EQ(why.check, "TYPE_MISMATCH");
  ApprovalExpectation expected;
  EXPECT_FALSE(VerifyApproval(trust_, clock_, token, expected, &why).ok());
  EXPECT_EQ(why.check, "TYPE_MISMATCH");
}

TEST_F(AccountTokenTest, OnlyTheSignatureIsRemembered) {
  auto cache = std::make_shared<TokenCache>();
  const std::string token = Mint(Good());
  const TrustStore trust = trust_.With(cache);
  EXPECT_EQ(WhyRefused(trust, token, "urn:genofed:site:es"), "AUDIENCE_MISMATCH");
  EXPECT_EQ(WhyRefused(trust, token), "");
  ASSERT_NE(cache->Find(TokenCache::KeyOf(TokenCache::Kind::kAccount, token), trust), nullptr);
  EXPECT_EQ(WhyRefused(trust, token), "");
  EXPECT_EQ(VerifyAccountToken(trust, clock_, token, kFi)->operator->()->account, Good().account);
  EXPECT_EQ(WhyRefused(trust, token, "urn:genofed:site:es"), "AUDIENCE_MISMATCH");
  auto revoked = std::make_shared<RevocationList>();
  revoked->Add({RevocationKind::kToken, "act-1", ""});
  EXPECT_EQ(WhyRefused(trust.With(std::shared_ptr<const RevocationList>(revoked)), token),
            "TOKEN_REVOKED");
  // A trust file that was read again: the role is gone, then the key.
  EXPECT_EQ(WhyRefused(federation_.Trust().With(cache), token), "ROLE_MISMATCH");
  Json file = File();
  file["issuers"][2]["jwks"]["keys"] =
      Json::array({Json::parse(federation_.es.signer.public_key().Jwk())});
  EXPECT_EQ(WhyRefused(TrustStore::FromJson(file.dump())->With(cache), token), "KEY_UNKNOWN");
  clock_.now = At(660);
  EXPECT_EQ(WhyRefused(trust, token), "EXPIRED");
}

TEST_F(AccountTokenTest, RefusesToMintWhatNoNodeWouldAccept) {
  const std::function<void(AccountToken&)> changes[] = {
      [](AccountToken& t) { t.issuer.clear(); },
      [](AccountToken& t) { t.account = "alice"; },
      [](AccountToken& t) { t.audience.clear(); },
      [](AccountToken& t) { t.id.clear(); },
      [](AccountToken& t) { t.expires_at = t.issued_at; },
      [](AccountToken& t) { t.expires_at = At(601); }};
  for (const auto& change : changes) {
    AccountToken token = Good();
    change(token);
    EXPECT_EQ(Reason(MintAccountToken(federation_.hub.signer, token).status()), "CLAIM_INVALID");
  }
}

}  // namespace
}  // namespace genofed::auth
