// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/open.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::objects {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;

class OpenStoreTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<ObjectStore>> Open(std::string_view json) {
    config::v1::SiteConfig site;
    const std::string document = fmt::format(R"({{"onboarding": {{"object_store": {}}}}})", json);
    GF_TRY(config::MergeJson("test", document, &site));
    return OpenStore(site.onboarding().object_store(), directory_ / "default", clock_,
                     "onboarding.object_store");
  }

  genofed::testing::TemporaryDirectory directory_;
  genofed::testing::FakeClock clock_;
};

TEST_F(OpenStoreTest, ADirectoryUnlessToldOtherwise) {
  EXPECT_THAT(Open("{}"), IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(directory_ / "default"));
  EXPECT_THAT(
      Open(fmt::format(R"({{"local": {{"directory": "{}"}}}})", (directory_ / "named").string())),
      IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(directory_ / "named"));
}

TEST_F(OpenStoreTest, S3WithSecretsFromFiles) {
  ASSERT_THAT(WriteFileAtomically(directory_ / "access", "AKIAEXAMPLE\n", 0600), IsOk());
  ASSERT_THAT(WriteFileAtomically(directory_ / "secret", "secret\n", 0600), IsOk());
  const auto json = [&](std::string_view more) {
    return fmt::format(
        R"({{"s3": {{"endpoint": "https://s3.example", "bucket": "genomes", "prefix": "fi/",
                       "access_key": {{"file": "{}"}}, "secret_key": {{"file": "{}"}}{}}}}})",
        (directory_ / "access").string(), (directory_ / "secret").string(), more);
  };
  const auto store = Open(json(R"(, "path_style": true, "part_mib": 64, "region": "eu-north-1")"));
  ASSERT_THAT(store, IsOk());
  GF_ASSERT_OK_AND_ASSIGN(const std::string url,
                          (*store)->PresignGet("a", std::chrono::seconds(60)));
  EXPECT_THAT(url, ::testing::StartsWith("https://s3.example/genomes/fi/a?"));
  EXPECT_THAT(url, ::testing::HasSubstr("Credential=AKIAEXAMPLE%2F20260101%2Feu-north-1%2Fs3"));
  for (const char* part : {"4", "1025", "-1"}) {
    EXPECT_THAT(Open(json(fmt::format(R"(, "part_mib": {})", part))), HasReason("CONFIG_INVALID"))
        << part;
  }
}

TEST_F(OpenStoreTest, SecretsThatAreMissingAreNamed) {
  const auto store = Open(R"({"s3": {"endpoint": "https://s3.example", "bucket": "genomes"}})");
  EXPECT_THAT(store, HasReason("SECRET_MISSING"));
  EXPECT_EQ(Fields(store.status()).at(0).field, "onboarding.object_store.s3.access_key");
  config::v1::ObjectStoreConfig config;
  config.mutable_s3()->set_bucket("genomes");
  const auto other = OpenStore(config, {}, clock_, "discovery.segment_store");
  EXPECT_EQ(Fields(other.status()).at(0).field, "discovery.segment_store.s3.access_key");
}

}  // namespace
}  // namespace genofed::objects
