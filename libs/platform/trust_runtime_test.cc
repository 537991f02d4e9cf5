// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/trust_runtime.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/crypto/key.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed {
namespace {

using auth::RevocationKind;
using nlohmann::json;
using testing::HasReason;
using testing::IsOk;

class TrustRuntimeTest : public ::testing::Test {
 protected:
  void SetUp() override { Write("https://a.example"); }
  void Write(const std::string& iss) {
    json issuer = {{"iss", iss}, {"roles", {"access_token"}}};
    issuer["jwks"]["keys"] = json::array({json::parse(jwk_)});
    ASSERT_TRUE(WriteFileAtomically(file_, json{{"issuers", json::array({issuer})}}.dump()).ok());
  }
  std::unique_ptr<TrustRuntime> Open(bool hosts_access = false) {
    TrustRuntime::Options options;
    options.file = file_;
    options.dataset_url_prefix = "https://data.example/datasets/";
    options.hosts_access = hosts_access;
    auto runtime = TrustRuntime::Open(options, metrics_, random_);
    EXPECT_THAT(runtime, IsOk());
    return *std::move(runtime);
  }
  RevocationFeed Feed() {
    return [this](const Context&, std::int64_t known) -> Result<HeardRevocations> {
      asked_.push_back(known);
      if (!answer_.ok()) return answer_.status();
      if (answer_->sequence == known) return HeardRevocations{known, true, {}};
      return answer_;
    };
  }

  testing::TemporaryDirectory directory_;
  const std::filesystem::path file_ = directory_.path() / "trust.json";
  const std::string jwk_ = crypto::SigningKey::Generate()->public_key().Jwk();
  obs::Metrics metrics_;
  testing::SeededRandom random_;
  Result<HeardRevocations> answer_ =
      HeardRevocations{7, false, {{RevocationKind::kToken, "jti", ""}}};
  std::vector<std::int64_t> asked_;
  Context ctx_ = Context::Background();
};

TEST_F(TrustRuntimeTest, BelievesNothingBeforeTheListWasHeard) {
  auto runtime = Open();
  EXPECT_THAT(runtime->Ready(), HasReason("REVOCATIONS_STALE"));
  EXPECT_THAT(runtime->source().Current(), HasReason("REVOCATIONS_STALE"));
  EXPECT_THAT(runtime->CheckIdentity({"fi", "spe"}), HasReason("REVOCATIONS_STALE"));
  // Access must answer before it has heard itself, or nobody would ever hear anything.
  EXPECT_THAT(Open(true)->CheckIdentity({"fi", "spe"}), IsOk());
  runtime->Hear(ctx_, Feed());
  EXPECT_THAT(runtime->Ready(), IsOk());
  EXPECT_TRUE(runtime->source().Current()->IsRevokedToken("jti"));
}

TEST_F(TrustRuntimeTest, AsksForChangesOnlyAndForAllAfterAFailure) {
  auto runtime = Open();
  runtime->Hear(ctx_, Feed());
  runtime->Hear(ctx_, Feed());
  EXPECT_TRUE(runtime->source().Current()->IsRevokedToken("jti"));
  answer_ = Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "away");
  runtime->Hear(ctx_, Feed());
  EXPECT_TRUE(runtime->source().Current()->IsRevokedToken("jti")) << "for as long as it is fresh";
  answer_ = HeardRevocations{7, false, {}};
  runtime->Hear(ctx_, Feed());
  EXPECT_FALSE(runtime->source().Current()->IsRevokedToken("jti"));
  EXPECT_EQ(asked_, (std::vector<std::int64_t>{0, 7, 7, 0}));
}

TEST_F(TrustRuntimeTest, RevokedWorkloadsAndDatasetsByBothNames) {
  auto runtime = Open();
  answer_->entries = {{RevocationKind::kIdentity, "fi/spe", ""},
                      {RevocationKind::kDataset, "GOE-FI-A-1", ""},
                      {RevocationKind::kDataset, "https://data.example/datasets/GOE-FI-B-1", ""}};
  runtime->Hear(ctx_, Feed());
  EXPECT_THAT(runtime->CheckIdentity({"fi", "spe"}), HasReason("IDENTITY_REVOKED"));
  EXPECT_THAT(runtime->CheckIdentity({"es", "spe"}), IsOk());
  const auto trust = *runtime->source().Current();
  for (const char* dataset : {"GOE-FI-A-1", "GOE-FI-B-1"}) {
    EXPECT_TRUE(trust.IsRevokedDataset(dataset));
    EXPECT_TRUE(trust.IsRevokedDataset(std::string("https://data.example/datasets/") + dataset));
  }
  EXPECT_FALSE(trust.IsRevokedDataset("GOE-FI-C-1"));
}

TEST_F(TrustRuntimeTest, ABrokenFileChangesNothingAndIsCountedOnce) {
  auto runtime = Open();
  runtime->Hear(ctx_, Feed());
  auto failures = [&](const char* count) {
    return metrics_.Expose().find("genofed_trust_reload_failures_total " + std::string(count)) !=
           std::string::npos;
  };
  EXPECT_TRUE(failures("0"));
  ASSERT_TRUE(WriteFileAtomically(file_, "{\"issuers\": 7}").ok());
  runtime->ReloadFile();
  runtime->ReloadFile();
  EXPECT_TRUE(failures("1")) << metrics_.Expose();
  EXPECT_NE(runtime->source().Current()->Find("https://a.example"), nullptr);
  Write("https://b.example");
  runtime->ReloadFile();
  EXPECT_NE(runtime->source().Current()->Find("https://b.example"), nullptr);
  EXPECT_EQ(runtime->source().Current()->Find("https://a.example"), nullptr);
  EXPECT_TRUE(runtime->source().Current()->IsRevokedToken("jti"));
}

}  // namespace
}  // namespace genofed
