// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/published_keys.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/auth/key_set.h"
#include "libs/core/file.h"
#include "libs/crypto/key.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::access {
namespace {

TEST(PublishedKeys, ShowsTheNextKeyOnceTheFileHasIt) {
  testing::TemporaryDirectory directory;
  const auto file = directory.path() / "keys.json";
  const auto own = *crypto::SigningKey::Generate(), next = *crypto::SigningKey::Generate();
  PublishedKeys keys(own.public_key().Jwk(), file);
  auto kids = [&] { return auth::KeySet::FromJson(keys.Jwks())->kids(); };
  EXPECT_EQ(kids(), std::vector{own.public_key().kid()});
  const std::string both =
      "{\"keys\":[" + next.public_key().Jwk() + "," + own.public_key().Jwk() + "]}";
  ASSERT_TRUE(WriteFileAtomically(file, both).ok());
  EXPECT_EQ(kids().size(), 2u);  // its own key once
  ASSERT_TRUE(WriteFileAtomically(file, "{\"keys\": 7}").ok());
  EXPECT_EQ(kids().size(), 2u);  // a broken file changes nothing
  auto secret = nlohmann::json::parse(own.public_key().Jwk());
  secret["d"] = "AAAA";
  ASSERT_TRUE(
      WriteFileAtomically(file, nlohmann::json{{"keys", nlohmann::json::array({secret})}}.dump())
          .ok());
  EXPECT_EQ(keys.Jwks().find("\"d\""), std::string::npos);  // nor does one with a private key
  EXPECT_EQ(kids().size(), 2u);
  ASSERT_TRUE(WriteFileAtomically(file, "{\"keys\": []}").ok());
  EXPECT_EQ(kids().size(), 1u);
  EXPECT_EQ(PublishedKeys("", "").Jwks(), "{\"keys\":[]}");
}

}  // namespace
}  // namespace genofed::access
