// SPDX-License-Identifier: Apache-2.0
//
// From a grant to what a passport opens: the node makes visas, the hub packs them, the node judges.
#include "services/access/app/passports.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/auth/account_token.h"
#include "libs/core/strings.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/access/app/fake_stores.h"
#include "services/access/app/passport_check.h"

namespace genofed::access {
namespace {

using auth::RevocationKind;
using testing::HasReason;
using testing::IsOk;
using Json = nlohmann::json;

constexpr char kLogin[] = "https://login.example";
constexpr char kFi[] = "https://dac.fi.example";
constexpr char kHub[] = "https://hub.example";
constexpr char kPrefix[] = "https://data.example/datasets/";

class FakeApplicationStore final : public ApplicationStore {
 public:
  Result<Application> Add(const Context&, const Application& a, const std::string&) override {
    return applications[a.id] = a;
  }
  Result<Application> Change(const Context&, const std::string& id,
                             const std::function<Status(Application&)>& change) override {
    GF_TRY(change(applications[id]));
    return applications[id];
  }
  Result<Application> Find(const Context&, const std::string& id) override {
    if (!applications.contains(id)) return Error(StatusCode::kNotFound, "APPLICATION_UNKNOWN", "");
    return applications[id];
  }
  Result<Listed<Application>> List(const Context&, const Viewer&, const Page&) override {
    return Listed<Application>();
  }
  Result<std::vector<Application>> ChangedSince(const Context&, const std::string&, std::int64_t,
                                                int) override {
    return std::vector<Application>();
  }
  std::map<std::string, Application> applications;
};

class FakeHeldVisas final : public HeldVisaStore {
 public:
  Status Put(const Context&, const HeldVisa& visa) override {
    visas.insert_or_assign({visa.application, visa.dataset}, visa);
    return {};
  }
  Result<std::vector<HeldVisa>> Of(const Context&, const std::string& subject, Time now) override {
    std::vector<HeldVisa> held;
    for (const auto& [key, visa] : visas) {
      if (visa.subject == subject && visa.expires > now) held.push_back(visa);
    }
    return held;
  }
  std::map<std::pair<std::string, std::string>, HeldVisa> visas;
};

// The hub's end of a delivery, called directly.
class DirectHub final : public HubVisas {
 public:
  Status Deliver(const Context& ctx, const MintedVisa& visa) override {
    ++delivered;
    return passports->Take(
        ctx, country,
        {visa.application, visa.dataset, visa.value, visa.token, visa.id, visa.expires});
  }
  Passports* passports = nullptr;
  std::string country = "FI";
  int delivered = 0;
};

class FakeMinted final : public MintedVisaStore {
 public:
  Status Remember(const Context&, const MintedVisa& visa) override {
    applications[visa.id] = visa.application;
    return {};
  }
  Result<std::optional<std::string>> ApplicationOf(const Context&, const std::string& id) override {
    const auto found = applications.find(id);
    return found == applications.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::string, std::string> applications;  // by visa
};

class PassportsTest : public ::testing::Test {
 protected:
  static Json Issuer(const char* iss, Json roles, const crypto::FileSigner& signer) {
    Json issuer = {{"iss", iss},
                   {"jku", std::string(iss) + "/jwks.json"},
                   {"roles", std::move(roles)},
                   {"sub_namespace", "login"}};
    issuer["jwks"]["keys"] = Json::array({Json::parse(signer.public_key().Jwk())});
    return issuer;
  }
  auth::TrustStore Trust() {
    Json fi = Issuer(kFi, {"decision", "approval", "visa:ControlledAccessGrants"}, fi_signer_);
    fi["country"] = "FI";
    fi["datasets"] = "^(https://data\\.example/datasets/)?GOE-FI-[A-Z]+-[0-9]+$";
    fi["sources"] = Json::array({std::string(kFi) + "/dac"});
    Json all = Json::array({Issuer(kLogin, Json::array({"access_token"}), login_signer_), fi,
                            Issuer(kHub, Json::array({"passport"}), hub_signer_)});
    auto store = auth::TrustStore::FromJson(Json{{"issuers", all}}.dump());
    EXPECT_THAT(store, IsOk());
    return *store;
  }
  void SetUp() override {
    hub_end_.passports = &passports_;
    Application application;
    application.id = "app-1";
    application.applicant_issuer = kLogin;
    application.applicant_subject = "ann";
    application.organisation = "Uni";
    application.content.title = "Hearts";
    application.content.purpose_code = "DUO:0000006";
    application.agreement_sha256 = std::string(64, 'a');
    CountryDecision decision;
    decision.country = "FI";
    decision.outcome = Outcome::kApproved;
    decision.datasets = {"GOE-FI-A-1", "GOE-FI-B-1"};
    decision.at = clock_.Now();
    application.decisions = {decision};
    applications_.applications["app-1"] = application;
    Grant& grant = grants_.grants["app-1"];
    grant.application = application;
    grant.decision = decision;
    grant.decision_sha256 = std::string(64, 'd');
    grant.permit_from = clock_.Now();
    grant.permit_until = clock_.Now() + std::chrono::hours(24 * 30);
  }
  Context As(std::string subject) {
    Principal principal;
    principal.user.emplace();
    principal.user->issuer = kLogin;
    principal.user->subject = std::move(subject);
    return Context::Background().WithPrincipal(std::move(principal));
  }
  std::string PassportOf(std::string subject) {
    auto passport = passports_.Exchange(As(std::move(subject)), "urn:genofed:site:fi");
    EXPECT_THAT(passport, IsOk());
    return passport.ok() ? passport->token : "";
  }
  static std::size_t VisasIn(const std::string& passport) {
    const auto parts = Split(passport, '.');
    return Json::parse(*Base64UrlDecode(parts.at(1))).at("ga4gh_passport_v1").size();
  }

  Context ctx_ = Context::Background();
  testing::FakeClock clock_;
  testing::SeededRandom random_;
  crypto::FileSigner login_signer_{*crypto::SigningKey::Generate()};
  crypto::FileSigner fi_signer_{*crypto::SigningKey::Generate()};
  crypto::FileSigner hub_signer_{*crypto::SigningKey::Generate()};
  auth::FixedTrust trust_{Trust()};
  FakeRevocationStore node_revocations_, hub_revocations_;
  FakeGrantStore grants_{node_revocations_};
  FakeApplicationStore applications_;
  FakeHeldVisas held_;
  FakeMinted minted_;
  DirectHub hub_end_;
  Passports passports_{held_,
                       applications_,
                       hub_revocations_,
                       trust_,
                       &hub_signer_,
                       {kHub,
                        "urn:genofed:site:hub",
                        {{"urn:genofed:site:fi", "FI"}, {"urn:genofed:site:es", "ES"}}},
                       clock_,
                       random_};
  Visas visas_{grants_,
               node_revocations_,
               minted_,
               hub_end_,
               trust_,
               fi_signer_,
               {kFi, std::string(kFi) + "/jwks.json", kPrefix, std::chrono::hours(12)},
               clock_,
               random_};
  PassportCheck check_{grants_, minted_, node_revocations_, trust_, "urn:genofed:site:fi", kPrefix, clock_};
};

TEST_F(PassportsTest, APassportOpensWhatTheCountryGrantedToItsHolderOnly) {
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  const std::string passport = PassportOf("ann");
  EXPECT_EQ(VisasIn(passport), 2u);
  auto opened = check_.Run(As("ann"), passport, "");
  ASSERT_THAT(opened, IsOk());
  ASSERT_EQ(opened->size(), 2u);
  EXPECT_EQ((*opened)[0].dataset, "GOE-FI-A-1");
  EXPECT_EQ((*opened)[0].until, clock_.Now() + std::chrono::minutes(10));
  EXPECT_EQ((*opened)[0].application, "app-1");
  EXPECT_EQ((*opened)[0].content.purpose_code, "DUO:0000006");
  EXPECT_EQ((*opened)[0].organisation, "Uni");
  EXPECT_EQ((*opened)[0].decision_sha256, std::string(64, 'd'));
  EXPECT_EQ(minted_.applications.at((*opened)[0].visa), "app-1");
  EXPECT_EQ((*opened)[0].visa_source, std::string(kFi) + "/dac");
  minted_.applications.clear();
  EXPECT_EQ(check_.Run(As("ann"), passport, "")->front().application, "")
      << "as a visa of another authority";
  EXPECT_THAT(check_.Run(As("eve"), passport, ""), HasReason("PASSPORT_REFUSED"));
  EXPECT_THAT(check_.Run(As("ann"), passport, "GOE-FI-C-1"), HasReason("PASSPORT_REFUSED"));
  PassportCheck elsewhere(grants_, minted_, node_revocations_, trust_, "urn:genofed:site:es",
                          kPrefix, clock_);
  EXPECT_THAT(elsewhere.Run(As("ann"), passport, "GOE-FI-A-1"), HasReason("PASSPORT_REFUSED"));
  EXPECT_EQ(VisasIn(PassportOf("eve")), 0u);
  clock_.Advance(std::chrono::minutes(12));
  EXPECT_THAT(check_.Run(As("ann"), passport, ""), HasReason("PASSPORT_REFUSED"));
  EXPECT_THAT(passports_.Exchange(As("ann"), "urn:genofed:site:hub"),
              HasReason("AUDIENCE_UNKNOWN"));
}

TEST_F(PassportsTest, NamesTheAccountToEachNodeAndThePersonToNone) {
  const auto of_ann = [&](std::string organisation) {
    Principal principal = As("ann").principal();
    principal.user->organisation = std::move(organisation);
    return passports_.NameAccount(ctx_.WithPrincipal(std::move(principal)));
  };
  const auto tokens = of_ann("");
  ASSERT_THAT(tokens, IsOk());
  EXPECT_EQ(tokens->lifetime, std::chrono::minutes(10));
  ASSERT_EQ(tokens->by_site.size(), 2u);
  for (const auto& [site, token] : tokens->by_site) {
    for (const std::string node : {"fi", "es"}) {
      const auto verified =
          auth::VerifyAccountToken(*trust_.Current(), clock_, token, "urn:genofed:site:" + node);
      EXPECT_EQ(verified.ok(), site == node) << site << " at " << node;
      if (verified.ok()) {
        EXPECT_EQ((*verified)->account, auth::AccountOf(kLogin, "ann", ""));
      }
    }
    EXPECT_EQ(Base64UrlDecode(Split(token, '.').at(1))->find("ann"), std::string::npos);
    EXPECT_THAT(check_.Run(As("ann"), token, ""), HasReason("PASSPORT_REFUSED"));
  }
  const auto shared = of_ann("Uni");
  ASSERT_THAT(shared, IsOk());
  EXPECT_EQ((*auth::VerifyAccountToken(*trust_.Current(), clock_, shared->by_site.at("fi"),
                                       "urn:genofed:site:fi"))
                ->account,
            auth::AccountOf(kLogin, "bob", "Uni"));
  Passports without(held_, applications_, hub_revocations_, trust_, nullptr, {}, clock_, random_);
  EXPECT_THAT(without.NameAccount(As("ann")), HasReason("PASSPORTS_DISABLED"));
}

TEST_F(PassportsTest, VisasAreMadeAnewAtHalfTheirLifeAndNotForWhatIsRevoked) {
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  EXPECT_EQ(hub_end_.delivered, 2);
  clock_.Advance(std::chrono::hours(6));
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  EXPECT_EQ(hub_end_.delivered, 4);
  node_revocations_.Revoke(RevocationKind::kDataset, "GOE-FI-A-1");
  clock_.Advance(std::chrono::hours(6));
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  EXPECT_EQ(hub_end_.delivered, 5);
  EXPECT_EQ(visas_.Mint(ctx_, "ann")->size(), 1u);
  node_revocations_.Revoke(RevocationKind::kApplication, "app-1");
  clock_.Advance(std::chrono::hours(6));
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  EXPECT_EQ(hub_end_.delivered, 5);
  EXPECT_TRUE(visas_.Mint(ctx_, "ann")->empty());
}

TEST_F(PassportsTest, TheLastVisaEndsWithThePermit) {
  grants_.grants["app-1"].permit_until = clock_.Now() + std::chrono::hours(1);
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  const auto held = held_.visas.begin()->second;
  EXPECT_EQ(held.expires, clock_.Now() + std::chrono::hours(1));
  clock_.Advance(std::chrono::minutes(50));
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  EXPECT_EQ(hub_end_.delivered, 2);
}

TEST_F(PassportsTest, TheNodeHonoursWhatItRevoked) {
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  const std::string passport = PassportOf("ann");
  auto refused_by = [&](RevocationKind kind, std::string value) {
    node_revocations_.records.clear();
    node_revocations_.Revoke(kind, std::move(value));
    return Reason(check_.Run(As("ann"), passport, "GOE-FI-A-1").status());
  };
  EXPECT_EQ(refused_by(RevocationKind::kDataset, "GOE-FI-A-1"), "PASSPORT_REFUSED");
  EXPECT_EQ(refused_by(RevocationKind::kUser, "ann"), "PASSPORT_REFUSED");
  EXPECT_EQ(refused_by(RevocationKind::kToken, held_.visas.begin()->second.id), "PASSPORT_REFUSED");
  EXPECT_EQ(refused_by(RevocationKind::kDataset, "GOE-FI-B-1"), "");
}

TEST_F(PassportsTest, TheHubHandsOutNothingThatACountryTookBack) {
  ASSERT_THAT(visas_.DeliverDue(ctx_), IsOk());
  EXPECT_EQ(passports_.Permissions(ctx_, "ann")->size(), 2u);
  EXPECT_TRUE(passports_.Permissions(ctx_, "eve")->empty());
  hub_revocations_.Revoke(RevocationKind::kDataset, "GOE-FI-A-1");
  EXPECT_EQ(passports_.Permissions(ctx_, "ann")->size(), 1u);
  applications_.applications["app-1"].decisions[0].outcome = Outcome::kRevoked;
  EXPECT_TRUE(passports_.Permissions(ctx_, "ann")->empty());
  EXPECT_EQ(VisasIn(PassportOf("ann")), 0u);
}

TEST_F(PassportsTest, TheHubTakesOnlyWhatTheDeliveringCountrySigned) {
  hub_end_.country = "ES";
  EXPECT_THAT(visas_.DeliverDue(ctx_), HasReason("VISA_WITHOUT_DECISION"));
  CountryDecision es = applications_.applications["app-1"].decisions[0];
  es.country = "ES";
  applications_.applications["app-1"].decisions.push_back(es);
  clock_.Advance(std::chrono::seconds(3));
  EXPECT_THAT(visas_.DeliverDue(ctx_), HasReason("VISA_REFUSED"));
  EXPECT_TRUE(held_.visas.empty());
  hub_end_.country = "FI";
  applications_.applications["app-1"].applicant_subject = "eve";
  clock_.Advance(std::chrono::seconds(3));
  EXPECT_THAT(visas_.DeliverDue(ctx_), HasReason("VISA_REFUSED"));
}

}  // namespace
}  // namespace genofed::access
