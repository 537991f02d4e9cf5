// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/site_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "libs/auth/trust.h"
#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/crypto/key.h"
#include "libs/disclosure/policy.h"
#include "services/cli/federation/test_support.h"

namespace genofed::federation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SiteConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    PortBook ports(dir_ / "ports.json");
    plan_ = MakePlan(dir_.path(), {"fi", "es"}, Layout::kServices, ports).value();
    auto keys = PrepareKeys(plan_, clock_, random_);
    ASSERT_TRUE(keys.ok()) << Describe(keys.status());
    keys_ = *keys;
    SiteExtras extras;
    extras.postgres_host = "/run/somewhere";
    extras.postgres_port = 5432;
    extras.postgres_database = "genofed";
    extras.allowed_workflows = {"ab12"};
    for (const SitePlan& site : plan_.sites) ASSERT_TRUE(WriteSiteConfig(plan_, site, keys_, extras).ok());
  }
  config::v1::SiteConfig Load(std::size_t site) {
    auto config = config::Load({{plan_.sites[site].config_file().string()}, {}});
    EXPECT_TRUE(config.ok()) << Describe(config.status());
    return *config;
  }
  std::vector<std::string> Issuers(std::size_t site, std::string_view role) {
    auto store = auth::TrustStore::Load(plan_.sites[site].dir / "trust.json");
    EXPECT_TRUE(store.ok()) << Describe(store.status());
    EXPECT_THAT(store->ignored(), IsEmpty());
    std::vector<std::string> issuers;
    for (const auto& issuer : store->issuers()) {
      if (issuer.HasRole(role)) issuers.push_back(issuer.iss);
    }
    return issuers;
  }

  SystemClock clock_;
  SystemRandom random_;
  TestDirectory dir_;
  Plan plan_;
  PinnedKeys keys_;
};

TEST_F(SiteConfigTest, RenewalIssuesAllAgainWhenTheyNearTheirEnd) {
  struct LaterClock final : Clock {
    Time Now() const override { return SystemClock().Now() + std::chrono::minutes(50); }
  } later;
  const auto consent = plan_.sites[1].tls() / "consent.pem", idp = plan_.idp_dir() / "cert.pem";
  const std::string bundle = ReadFile(plan_.bundle_file()).value();
  const std::string first = ReadFile(consent).value(), first_idp = ReadFile(idp).value();
  ASSERT_TRUE(RenewCertificates(plan_, clock_).ok());
  EXPECT_EQ(ReadFile(consent).value(), first);
  ASSERT_TRUE(RenewCertificates(plan_, later).ok());
  EXPECT_NE(ReadFile(consent).value(), first);
  EXPECT_NE(ReadFile(idp).value(), first_idp);
  EXPECT_EQ(ReadFile(plan_.bundle_file()).value(), bundle);
}

TEST_F(SiteConfigTest, NodesPublishFrequenciesUnderTheProductsPolicy) {
  EXPECT_TRUE(Load(0).discovery().disclosure_policy_file().empty());
  const auto text = ReadFile(Load(1).discovery().disclosure_policy_file());
  ASSERT_TRUE(text.ok());
  auto policy = disclosure::ParsePolicy(*text);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  EXPECT_TRUE(policy->table);
  EXPECT_LT(policy->table_auc, 1);
  // Everything else is the product's.
  const disclosure::Policy product;
  policy->name = product.name;
  policy->table = product.table;
  policy->table_auc = product.table_auc;
  EXPECT_EQ(*policy, product);
}

TEST_F(SiteConfigTest, ServicesCanLoadIt) {
  auto hub = Load(0);
  EXPECT_EQ(hub.site().role(), config::v1::Site::ROLE_HUB);
  EXPECT_EQ(hub.network().nodes().size(), 2U);
  EXPECT_EQ(hub.trust().audience(), "urn:genofed:site:hub");
  EXPECT_FALSE(hub.access().has_poll_interval());
  EXPECT_TRUE(hub.access().national_key_file().empty());
  EXPECT_FALSE(hub.consent().has_dataset_key());
  auto fi = Load(1);
  EXPECT_EQ(fi.site().name(), "fi");
  EXPECT_EQ(fi.network().hub().at("access"), hub.network().grpc().at("access"));
  EXPECT_EQ(hub.network().nodes().at("fi"), fi.network().grpc().at("discovery"));
  EXPECT_THAT(fi.spe().allowed_workflows(), ElementsAre("ab12"));
}

TEST_F(SiteConfigTest, EveryFileItNamesIsThere) {
  for (std::size_t i = 0; i < plan_.sites.size(); ++i) {
    auto config = Load(i);
    for (const std::string& service : plan_.sites[i].services) {
      for (const auto& file : {config.network().certificate_file(), config.network().private_key_file(),
                               config.network().bundle_file()}) {
        EXPECT_TRUE(ReadFile(config::ForService(file, service)).ok()) << file << " " << service;
      }
    }
    EXPECT_TRUE(ReadFile(config.gateway().certificate_file()).ok());
    EXPECT_EQ(config.gateway().oidc().issuer(), plan_.issuer());
    EXPECT_TRUE(ReadFile(config.gateway().oidc().ca_file()).ok());
    EXPECT_EQ(config::ReadSecret(config.gateway().session_key(), "gateway.session_key").value().size(), 64U);
    auto ledger = ReadFile(config.consent().ledger_key_file());
    ASSERT_TRUE(ledger.ok());
    EXPECT_TRUE(crypto::Ed25519Key::FromPem(*ledger).ok());
    EXPECT_TRUE(ReadFile(config.consent().witness_key_file()).ok());
    EXPECT_EQ(config.consent().ledger_peers_size(), 2) << "every other site";
    for (const auto& peer : config.consent().ledger_peers())
      EXPECT_NE(peer.ledger_key().find("/ledger+"), std::string::npos) << peer.ledger_key();
    if (plan_.sites[i].is_hub()) continue;
    EXPECT_EQ(config::ReadSecret(config.consent().dataset_key(), "consent.dataset_key").value().size(), 64U);
    EXPECT_EQ(config::ReadSecret(config.consent().pseudonym_key(), "consent.pseudonym_key").value().size(), 64U);
    EXPECT_EQ(config::ReadSecret(config.discovery().disclosure_key(), "discovery.disclosure_key").value().size(), 64U);
    auto national = ReadFile(config.access().national_key_file());
    ASSERT_TRUE(national.ok());
    EXPECT_TRUE(crypto::SigningKey::FromPem(*national).ok());
  }
}

TEST_F(SiteConfigTest, NodesTrustOnlyTheirOwnCountryAndTheHubGrantsNothing) {
  EXPECT_THAT(Issuers(0, "approval"), ElementsAre("https://dac.fi.1mg.example", "https://dac.es.1mg.example"));
  EXPECT_THAT(Issuers(1, "approval"), ElementsAre("https://dac.fi.1mg.example"));
  EXPECT_THAT(Issuers(2, "decision"), ElementsAre("https://dac.es.1mg.example"));
  EXPECT_THAT(Issuers(1, "access_token"), ElementsAre(plan_.issuer()));
  auto store = auth::TrustStore::Load(plan_.sites[1].dir / "trust.json");
  const auto* fi = store->Find("https://dac.fi.1mg.example");
  ASSERT_NE(fi, nullptr);
  EXPECT_EQ(fi->country, "fi");
  EXPECT_TRUE(fi->MaySpeakFor("GOE-FI-DATASET-1"));
  EXPECT_FALSE(fi->MaySpeakFor("GOE-ES-DATASET-1"));
  EXPECT_FALSE(fi->MaySpeakFor("GOE-FI-DATASET-1x"));
  EXPECT_TRUE(fi->MaySpeakFor("https://data.1mg.example/datasets/GOE-FI-DATASET-1"));
  EXPECT_FALSE(fi->MaySpeakFor("https://data.evil.example/datasets/GOE-FI-DATASET-1"));
  EXPECT_EQ(fi->jku, plan_.sites[1].rest_url() + "/jwks.json");
  EXPECT_TRUE(fi->refresh.has_value());
  EXPECT_THAT(Issuers(1, "passport"), ElementsAre("https://passports.1mg.example"));
  EXPECT_THAT(Issuers(0, "passport"), IsEmpty());
  EXPECT_TRUE(Load(1).access().passport_key_file().empty());
  EXPECT_EQ(Load(0).access().passport_issuer(), "https://passports.1mg.example");
}

TEST_F(SiteConfigTest, RolesAreBoundAtTheHomeSiteOnly) {
  auto bound = [&](std::size_t site) {
    std::vector<std::string> subjects;
    auto config = Load(site);
    for (const auto& binding : config.trust().role_bindings()) {
      EXPECT_EQ(binding.issuer(), plan_.issuer());
      subjects.push_back(binding.subject());
    }
    return subjects;
  };
  EXPECT_THAT(bound(1), ElementsAre("dac_fi", "dac_second_fi", "holder_fi", "clinician_fi", "ncp_fi", "operator_fi", "dpo_fi", "broker_fi"));
  auto hub = bound(0);
  EXPECT_EQ(std::count(hub.begin(), hub.end(), "dac_fi"), 0);
  EXPECT_EQ(std::count(hub.begin(), hub.end(), "researcher"), 1);
}

TEST_F(SiteConfigTest, WorkflowDigests) {
  std::ofstream(dir_ / "b.workflow.json") << "abc";
  std::ofstream(dir_ / "a.workflow.json") << "";
  std::ofstream(dir_ / "other.json") << "x";
  // FIPS 180-4 examples: the empty message and "abc".
  EXPECT_THAT(WorkflowDigests(dir_.path()).value(),
              ElementsAre("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_THAT(WorkflowDigests(dir_ / "missing").value(), IsEmpty());
}

}  // namespace
}  // namespace genofed::federation
