// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/soft_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/pkcs11_signer.h"
#include "services/cli/federation/secrets.h"
#include "services/cli/federation/site_config.h"
#include "services/cli/federation/test_support.h"

namespace genofed::federation {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class SoftTokenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(SoftTokensInstalled()) << "are the packages softhsm2 and opensc installed?";
    PortBook ports(dir_ / "ports.json");
    plan_ = MakePlan(dir_.path(), {"fi", "es"}, Layout::kSite, ports).value();
    spain_ = &plan_.sites[2];
    spain_->soft_token = true;
  }
  TestDirectory dir_;
  SystemRandom random_;
  Plan plan_;
  SitePlan* spain_ = nullptr;
};

TEST_F(SoftTokenTest, TheKeyOfTheConfigurationIsTheOneOfTheTrustFile) {
  SystemClock clock;
  auto keys = PrepareKeys(plan_, clock, random_);
  ASSERT_TRUE(keys.ok()) << Describe(keys.status());
  ASSERT_TRUE(WriteSiteConfig(plan_, *spain_, *keys, {}).ok());
  EXPECT_FALSE(fs::exists(spain_->secrets() / "national.pem"));
  EXPECT_TRUE(fs::exists(plan_.sites[1].secrets() / "national.pem"));
  auto config = config::Load({{spain_->config_file().string()}, {}});
  ASSERT_TRUE(config.ok()) << Describe(config.status());
  EXPECT_TRUE(config->access().national_key_file().empty());
  const std::string pin = config::ReadSecret(config->access().national_key_pin(), "pin").value();

  const std::string environment = SoftTokenEnvironment(*spain_);
  setenv("SOFTHSM2_CONF", environment.substr(environment.find('=') + 1).c_str(), 1);
  auto signer = crypto::Pkcs11Signer::Open({config->access().national_key_uri(), pin});
  ASSERT_TRUE(signer.ok()) << Describe(signer.status());
  EXPECT_TRUE((*signer)->warnings().empty());
  EXPECT_EQ((*signer)->public_key().Jwk(), keys->national.at("es"));
  EXPECT_THAT(ReadFile(spain_->dir / "trust.json").value(),
              HasSubstr((*signer)->public_key().kid()));
}

TEST_F(SoftTokenTest, IsMadeOnceAndPrivate) {
  ASSERT_TRUE(MakePrivateDirectory(spain_->secrets()).ok());
  EXPECT_FALSE(HasSoftToken(*spain_));
  auto first = MakeSoftToken(*spain_, random_);
  ASSERT_TRUE(first.ok()) << Describe(first.status());
  EXPECT_EQ(MakeSoftToken(*spain_, random_).value(), *first);
  EXPECT_EQ(fs::status(spain_->secrets() / "token").permissions(), fs::perms::owner_all);
  for (const char* name : {"pin", "so-pin", "softhsm2.conf"}) {
    EXPECT_EQ(fs::status(spain_->secrets() / "token" / name).permissions(),
              fs::perms::owner_read | fs::perms::owner_write)
        << name;
  }
  // Interrupted before the public key was out: made anew.
  fs::remove(spain_->secrets() / "token" / "national.pub.der");
  auto second = MakeSoftToken(*spain_, random_);
  ASSERT_TRUE(second.ok()) << Describe(second.status());
  EXPECT_NE(*second, *first);
}

TEST_F(SoftTokenTest, WithoutTheToolThereAreNoTokens) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", dir_.path().c_str(), 1);
  EXPECT_FALSE(SoftTokensInstalled());
  EXPECT_EQ(Reason(MakeSoftToken(*spain_, random_).status()), "NO_PKCS11_TOOL");
  setenv("PATH", path.c_str(), 1);
}

TEST_F(SoftTokenTest, ADirectoryKeepsTheKeyItHas) {
  std::vector<std::string> said;
  auto say = [&](std::string_view line) { said.emplace_back(line); };
  ChooseNationalKeys({"es", "se"}, say, &plan_);
  EXPECT_TRUE(spain_->soft_token);
  EXPECT_FALSE(plan_.sites[1].soft_token);
  EXPECT_TRUE(said.empty());
  ASSERT_TRUE(MakePrivateDirectory(spain_->secrets()).ok());
  ASSERT_TRUE(Es256Key(spain_->secrets() / "national.pem").ok());
  ChooseNationalKeys({"es"}, say, &plan_);
  EXPECT_FALSE(spain_->soft_token);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("Spain"));
  fs::remove(spain_->secrets() / "national.pem");
  ASSERT_TRUE(MakeSoftToken(*spain_, random_).ok());
  ChooseNationalKeys({}, say, &plan_);
  EXPECT_TRUE(spain_->soft_token);
}

TEST_F(SoftTokenTest, FallsBackToAFileAndSaysSo) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", dir_.path().c_str(), 1);
  std::vector<std::string> said;
  ChooseNationalKeys(
      {"es"}, [&](std::string_view line) { said.emplace_back(line); }, &plan_);
  setenv("PATH", path.c_str(), 1);
  EXPECT_FALSE(spain_->soft_token);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], HasSubstr("softhsm2"));
}

}  // namespace
}  // namespace genofed::federation
