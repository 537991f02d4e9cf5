// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/live_trust.h"

#include <gtest/gtest.h>

#include <fstream>

#include "libs/auth/testing_authority.h"
#include "libs/core/file.h"

namespace genofed::auth {
namespace {

class LiveTrustTest : public testing::Test {
 protected:
  LiveTrustTest() { Write(federation_.File().dump()); }
  ~LiveTrustTest() override { std::filesystem::remove(file_); }
  void Write(const std::string& text) { ASSERT_TRUE(WriteFileAtomically(file_, text).ok()); }
  std::unique_ptr<LiveTrust> Open(std::chrono::milliseconds staleness) {
    return *LiveTrust::Open({.file = file_, .max_staleness = staleness, .now = [this] { return now_; }});
  }
  bool Knows(const LiveTrust& trust, const std::string& iss) const { return trust.Latest().Find(iss) != nullptr; }
  bool HasKey(const LiveTrust& trust, const crypto::PublicKey& key) const {
    return trust.Current()->FindKey({.issuer = federation_.fi.iss, .kid = key.kid(), .jku = ""}).ok();
  }
  KeySet SetOf(const crypto::PublicKey& key) const {
    return *KeySet::FromJson(R"({"keys":[)" + key.Jwk() + "]}");
  }

  TestFederation federation_;
  LiveTrust::Steady now_{std::chrono::hours(1)};
  const std::filesystem::path file_ = std::filesystem::temp_directory_path() / ("live_trust_test." + std::to_string(getpid()));
};

TEST_F(LiveTrustTest, DoesNotStartWithABrokenFile) {
  Write("{");
  EXPECT_FALSE(LiveTrust::Open({.file = file_}).ok());
}

TEST_F(LiveTrustTest, ABrokenNewFileKeepsTheOldOne) {
  const auto trust = Open(std::chrono::milliseconds(0));
  EXPECT_EQ(*trust->ReloadFile(), LiveTrust::Reload::kUnchanged);
  Write(R"({"issuers": [{"iss": ""}]})");
  const auto broken = trust->ReloadFile();
  EXPECT_EQ(Reason(broken.status()), "TRUST_FILE_INVALID");
  EXPECT_NE(Message(broken.status()).find("issuers[0].iss"), std::string::npos);
  EXPECT_EQ(*trust->ReloadFile(), LiveTrust::Reload::kUnchanged);  // told once
  EXPECT_TRUE(Knows(*trust, federation_.fi.iss));
  auto file = federation_.File();
  file["issuers"].erase(0);
  Write(file.dump());
  EXPECT_EQ(*trust->ReloadFile(), LiveTrust::Reload::kReplaced);
  EXPECT_FALSE(Knows(*trust, federation_.fi.iss));
  EXPECT_TRUE(Knows(*trust, federation_.es.iss));
}

TEST_F(LiveTrustTest, DeniesUntilRevocationsWereHeardAndAgainWhenTheyAreOld) {
  const auto trust = Open(std::chrono::seconds(5));
  EXPECT_EQ(Reason(trust->Current().status()), "REVOCATIONS_STALE");
  EXPECT_TRUE(Knows(*trust, federation_.fi.iss));
  trust->HearRevocations(RevocationList(), now_);
  EXPECT_TRUE(trust->Current().ok());
  now_ += std::chrono::seconds(5);
  EXPECT_TRUE(trust->Current().ok());
  now_ += std::chrono::milliseconds(1);
  EXPECT_EQ(trust->Current().status().code(), StatusCode::kUnavailable);
  trust->HearRevocations(RevocationList({{RevocationKind::kToken, "x", ""}}), now_);
  EXPECT_TRUE(trust->Current()->IsRevokedToken("x"));
  trust->HearRevocations(RevocationList(), now_ - std::chrono::seconds(1));  // overtaken
  EXPECT_TRUE(trust->Current()->IsRevokedToken("x"));
  EXPECT_TRUE(trust->Current()->IsRevokedToken("revoked-1"));  // of the file
}

TEST_F(LiveTrustTest, AUserIsRevokedUnderEveryNameOfTheNamespace) {
  const auto trust = Open(std::chrono::seconds(5));
  trust->HearRevocations(RevocationList({{RevocationKind::kUser, "alice", federation_.login.iss}}), now_);
  const TrustStore store = *trust->Current();
  EXPECT_TRUE(store.IsRevokedUser(*store.Find(federation_.login.iss), "alice"));
  EXPECT_TRUE(store.IsRevokedUser(*store.Find(federation_.fi.iss), "alice"));  // visas and approvals
  EXPECT_FALSE(store.IsRevokedUser(*store.Find(federation_.other_login.iss), "alice"));
  EXPECT_FALSE(store.IsRevokedUser(*store.Find(federation_.login.iss), "alic"));
}

TEST_F(LiveTrustTest, FetchedKeysCountBesideThePinnedOnesUntilTheyEnd) {
  auto file = federation_.File();
  file["issuers"][0]["jku"] = "https://dac.fi.example/jwks.json";
  file["issuers"][0]["refresh"] = {{"interval_s", 10}, {"lifetime_s", 60}};
  Write(file.dump());
  const auto trust = Open(std::chrono::milliseconds(0));
  const auto next = crypto::SigningKey::Generate()->public_key();
  EXPECT_FALSE(HasKey(*trust, next));
  trust->SetFetchedKeys(federation_.fi.iss, SetOf(next), now_ + std::chrono::seconds(60));
  trust->SetFetchedKeys(federation_.es.iss, SetOf(next), now_ + std::chrono::seconds(60));  // not to be refreshed
  EXPECT_TRUE(HasKey(*trust, next));
  EXPECT_TRUE(HasKey(*trust, federation_.fi.signer.public_key()));
  EXPECT_FALSE(trust->Current()->FindKey({.issuer = federation_.es.iss, .kid = next.kid(), .jku = ""}).ok());
  now_ += std::chrono::seconds(60);
  EXPECT_FALSE(HasKey(*trust, next));
  EXPECT_TRUE(HasKey(*trust, federation_.fi.signer.public_key()));
}

}  // namespace
}  // namespace genofed::auth
