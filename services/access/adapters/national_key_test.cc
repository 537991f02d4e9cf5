// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/national_key.h"

#include <gtest/gtest.h>

#include "genofed/config/v1/config.pb.h"
#include "libs/core/file.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::access {
namespace {

using testing::HasReason;

constexpr const char* kUri = "pkcs11:token=genofed-fi;object=national?module-path=/nowhere.so";

TEST(NationalKey, ExactlyOnePlaceIsNamed) {
  config::v1::AccessConfig config;
  EXPECT_THAT(OpenNationalKey(config), HasReason("CONFIG_MISSING"));
  config.set_national_key_file("/national.pem");
  config.set_national_key_uri(kUri);
  EXPECT_THAT(OpenNationalKey(config), HasReason("CONFIG_CONFLICT"));
}

TEST(NationalKey, ATokenNeedsItsPinAndErrorsNameTheSetting) {
  config::v1::AccessConfig config;
  config.set_national_key_uri(kUri);
  EXPECT_THAT(OpenNationalKey(config), HasReason("SECRET_MISSING"));
  testing::TemporaryDirectory dir;
  ASSERT_TRUE(WriteFileAtomically(dir / "pin", "1234\n", 0600).ok());
  config.mutable_national_key_pin()->set_file((dir / "pin").string());
  const Status status = OpenNationalKey(config).status();
  EXPECT_THAT(status, HasReason("KEY_STORE_INVALID"));
  EXPECT_EQ(Message(status).rfind("access.national_key_uri: ", 0), 0U) << Message(status);
}

TEST(NationalKey, AFileSignsAsItDid) {
  testing::TemporaryDirectory dir;
  auto key = crypto::SigningKey::Generate();
  ASSERT_TRUE(WriteFileAtomically(dir / "national.pem", key->ToPem(), 0600).ok());
  config::v1::AccessConfig config;
  config.set_national_key_file((dir / "national.pem").string());
  auto signer = OpenNationalKey(config);
  ASSERT_TRUE(signer.ok()) << Describe(signer.status());
  EXPECT_EQ((*signer)->public_key().kid(), key->kid());
}

}  // namespace
}  // namespace genofed::access
