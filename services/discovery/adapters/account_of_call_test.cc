// SPDX-License-Identifier: Apache-2.0
//
// What a hub whose discovery was captured can say about accounts, and what a node makes of it.
#include "services/discovery/adapters/account_of_call.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/auth/account_token.h"
#include "libs/auth/passport.h"
#include "libs/crypto/signer.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;
using testing::IsOk;
using Json = nlohmann::json;

constexpr char kBroker[] = "https://passports.example";
constexpr char kLogin[] = "https://login.example";
constexpr char kFi[] = "urn:genofed:site:fi";

class AccountOfCallTest : public ::testing::Test {
 protected:
  auth::TrustStore Trust() {
    Json issuer = {{"iss", kBroker}, {"roles", Json::array({"passport"})}};
    issuer["jwks"]["keys"] = Json::array({Json::parse(broker_.public_key().Jwk())});
    auto store = auth::TrustStore::FromJson(Json{{"issuers", Json::array({issuer})}}.dump());
    EXPECT_THAT(store, IsOk());
    return *store;
  }
  // With the caller's access token verified, where there is a subject.
  static Context From(std::string site, std::string service, std::string subject = "",
                      std::string organisation = "") {
    Principal principal;
    principal.workload = {std::move(site), std::move(service)};
    if (!subject.empty()) {
      principal.user.emplace();
      principal.user->issuer = kLogin;
      principal.user->subject = std::move(subject);
      principal.user->organisation = std::move(organisation);
    }
    return Context::Background().WithPrincipal(std::move(principal));
  }
  std::string Token(crypto::Signer& signer, std::string audience = kFi) {
    return *auth::MintAccountToken(signer,
                                   {.issuer = kBroker,
                                    .account = auth::AccountOf(kLogin, "ann", "Uni"),
                                    .id = "act-1",
                                    .audience = std::move(audience),
                                    .issued_at = clock_.Now(),
                                    .expires_at = clock_.Now() + auth::AccountToken::kLifetime});
  }

  testing::FakeClock clock_;
  crypto::FileSigner broker_{*crypto::SigningKey::Generate()};
  crypto::FileSigner captured_{*crypto::SigningKey::Generate()};
  auth::FixedTrust trust_{Trust()};
  const PayerOfCall node_ = PayerAtNode(trust_, clock_, kFi);
  const Context hub_ = From("hub", "discovery");
};

TEST_F(AccountOfCallTest, ThroughTheHubAndAtTheNodeItIsTheSameAccount) {
  const auto through_hub = node_(hub_, Token(broker_));
  ASSERT_THAT(through_hub, IsOk());
  EXPECT_EQ(through_hub->account, node_(From("fi", "gateway", "bob", "Uni"), "")->account);
  EXPECT_NE(through_hub->account, node_(From("fi", "gateway", "ann"), "")->account);
  EXPECT_EQ(through_hub->tokens, nullptr);
}

TEST_F(AccountOfCallTest, WhoDoesNotSignInIsOneAccount) {
  EXPECT_EQ(node_(hub_, "")->account, kAnonymous);
  EXPECT_EQ(node_(From("fi", "gateway"), "")->account, kAnonymous);
}

TEST_F(AccountOfCallTest, ACapturedHubInventsNoAccounts) {
  auth::PassportDraft passport{kBroker,      auth::AccountOf(kLogin, "ann", "Uni"),   "ppt-1", kFi,
                               clock_.Now(), clock_.Now() + std::chrono::minutes(10), {}};
  const std::string invented[] = {
      std::string(64, 'a'),  // as hubs named accounts once
      "anonymous",
      "*",
      Token(captured_),  // by a key that it made
      Token(broker_, "urn:genofed:site:es"),
      *auth::MintPassport(broker_, passport),
  };
  for (const std::string& token : invented)
    EXPECT_THAT(node_(hub_, token), HasReason("ACCOUNT_TOKEN_REFUSED")) << token;
  EXPECT_EQ(node_(hub_, invented[3]).status().code(), StatusCode::kPermissionDenied);
  const std::string old = Token(broker_);
  clock_.Advance(std::chrono::minutes(12));
  EXPECT_THAT(node_(hub_, old), HasReason("ACCOUNT_TOKEN_REFUSED"));
}

TEST_F(AccountOfCallTest, NobodyElseChoosesAnAccountEither) {
  const std::string token = Token(broker_);
  EXPECT_EQ(node_(From("fi", "gateway"), token)->account, kAnonymous);
  EXPECT_EQ(node_(From("hub", "gateway"), token)->account, kAnonymous);
  EXPECT_EQ(node_(From("es", "discovery"), token)->account, kAnonymous);
  EXPECT_EQ(node_(From("fi", "gateway", "eve"), token)->account,
            auth::AccountOf(kLogin, "eve", ""));
}

class Unheard final : public auth::TrustSource {
  Result<auth::TrustStore> Current() const override {
    return Error(StatusCode::kUnavailable, "REVOCATIONS_STALE", "not heard");
  }
};

TEST_F(AccountOfCallTest, ANodeThatMayBelieveNothingBelievesNoAccount) {
  const Unheard trust;
  EXPECT_THAT(PayerAtNode(trust, clock_, kFi)(hub_, Token(broker_)),
              HasReason("REVOCATIONS_STALE"));
}

class OneBroker final : public Broker {
 public:
  Result<Issued> Issue(const Context& ctx) override {
    ++asked;
    return Issued{{{"fi", "for " + ctx.principal().user->subject}}, std::chrono::minutes(10)};
  }
  int asked = 0;
};

TEST_F(AccountOfCallTest, TheHubExchangesTheTokenOfWhoSignedIn) {
  OneBroker broker;
  AccountTokenCache cache(broker, clock_, std::chrono::seconds(1));
  const PayerOfCall at_hub = PayerAtHub(cache);
  EXPECT_EQ(at_hub(From("hub", "gateway"), "")->account, kAnonymous);
  EXPECT_EQ(at_hub(From("hub", "gateway"), "")->tokens, nullptr);
  EXPECT_EQ(broker.asked, 0);
  const auto ann = at_hub(From("hub", "gateway", "ann", "Uni"), "");
  ASSERT_THAT(ann, IsOk());
  EXPECT_EQ(ann->account, auth::AccountOf(kLogin, "ann", "Uni"));
  EXPECT_EQ(ann->tokens->at("fi"), "for ann");
  // Colleagues are one account, and one exchange does for both.
  EXPECT_EQ(at_hub(From("hub", "gateway", "bob", "Uni"), "")->tokens, ann->tokens);
  EXPECT_EQ(broker.asked, 1);
  EXPECT_EQ(at_hub(From("hub", "gateway", "eve"), "")->tokens->at("fi"), "for eve");
}

}  // namespace
}  // namespace genofed::discovery
