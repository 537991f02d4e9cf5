// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/kept_keys.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/crypto/key.h"
#include "libs/testing/fakes.h"
#include "libs/testing/temporary_directory.h"

namespace genofed {
namespace {

TEST(KeptKeys, CountAfterARestartUntilTheirEndAndNeverForOthers) {
  const testing::TemporaryDirectory directory;
  const auto pinned = crypto::SigningKey::Generate()->public_key(), next = crypto::SigningKey::Generate()->public_key();
  const nlohmann::json issuer = {{"iss", "https://dac.example"},
                                 {"jku", "https://dac.example/jwks.json"},
                                 {"refresh", nlohmann::json::object()},
                                 {"roles", {"access_token"}},
                                 {"jwks", {{"keys", {nlohmann::json::parse(pinned.Jwk())}}}}};
  const auto file = directory / "trust.json";
  ASSERT_TRUE(WriteFileAtomically(file, nlohmann::json{{"issuers", {issuer}}}.dump()).ok());
  const KeptKeys kept(directory / "keys");
  testing::FakeClock clock;
  const std::string jwks = R"({"keys":[)" + next.Jwk() + "]}";
  ASSERT_TRUE(kept.Keep("https://dac.example", jwks, clock.Now() + std::chrono::hours(1)).ok());
  ASSERT_TRUE(kept.Keep("https://other.example", jwks, clock.Now() + std::chrono::hours(1)).ok());
  ASSERT_TRUE(WriteFileAtomically(directory / "keys/broken.json", "{").ok());
  const auto knows = [&] {
    const auto trust = *auth::LiveTrust::Open({.file = file});
    kept.Restore(*trust, clock);
    EXPECT_FALSE(trust->Current()->FindKey({.issuer = "https://other.example", .kid = next.kid(), .jku = ""}).ok());
    return trust->Current()->FindKey({.issuer = "https://dac.example", .kid = next.kid(), .jku = ""}).ok();
  };
  EXPECT_TRUE(knows());
  clock.Advance(std::chrono::hours(1));
  EXPECT_FALSE(knows());
}

}  // namespace
}  // namespace genofed
