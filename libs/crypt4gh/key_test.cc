// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/key.h"

#include "libs/crypt4gh/key_file.h"
#include "libs/crypt4gh/primitives.h"
#include "libs/crypt4gh/test_support.h"

namespace genofed::crypt4gh {
namespace {

TEST(Key, RefusesOtherLengths) {
  EXPECT_EQ(Reason(SecretKey::FromRaw(std::string(31, 'x')).status()), "CRYPT4GH_KEY_INVALID");
  EXPECT_EQ(Reason(PublicKey::FromRaw(std::string(33, 'x')).status()), "CRYPT4GH_KEY_INVALID");
  EXPECT_FALSE(PublicKey::FromHex("zz").ok());
}

TEST(Key, SharedKeyMatchesTheVector) {
  GF_NEED_VECTORS();
  auto row = Rows("generated/kshared.tsv").at(1);
  auto reader = SecretKey::FromHex(row[0]).value();
  auto writer = SecretKey::FromHex(row[2]).value();
  EXPECT_EQ(reader.public_key().Hex(), row[1]);
  EXPECT_EQ(writer.public_key().Hex(), row[3]);
  auto at_reader =
      internal::SharedKey(reader, writer.public_key(), reader.public_key(), writer.public_key());
  auto at_writer =
      internal::SharedKey(writer, reader.public_key(), reader.public_key(), writer.public_key());
  ASSERT_TRUE(at_reader && at_writer);
  EXPECT_EQ(HexEncode(at_reader->bytes()), row[5]);
  EXPECT_TRUE(*at_reader == *at_writer);
}

TEST(Key, LowOrderPointsShareNothing) {
  auto zero = PublicKey::FromRaw(std::string(32, '\0')).value();
  auto own = CountingKey(1);
  EXPECT_FALSE(internal::SharedKey(own, zero, own.public_key(), zero));
}

TEST(KeyFile, ReadsTheVectors) {
  GF_NEED_VECTORS();
  int read = 0;
  for (const auto& row : Rows("keys/expected.tsv")) {
    const std::string& file = row.at(0);
    if (row.at(3).find("c4gh-v1, kdf none") == std::string::npos &&
        row.at(3).find("c4gh-v1, scrypt") == std::string::npos)
      continue;
    auto key = ParseSecretKeyFile(Load("keys/" + file), row.at(1) == "-" ? "" : row.at(1));
    ASSERT_TRUE(key.ok()) << file << ": " << Describe(key.status());
    EXPECT_EQ(HexEncode(key->bytes()), row.at(2)) << file;
    ++read;
  }
  EXPECT_EQ(read, 4);
  auto public_key = ParsePublicKeyFile(Load("keys/crypt4gh-x25519.pub.pem"));
  ASSERT_TRUE(public_key.ok());
  EXPECT_EQ(public_key->Hex(), "cbaeec90614aa9837ed27fb53f4172c586bf9473d45a296837891daf1ec9dc10");
}

TEST(KeyFile, RefusesWhatItCannotRead) {
  GF_NEED_VECTORS();
  std::string scrypt = Load("keys/crypt4gh-x25519-enc.sec.pem");
  EXPECT_EQ(Reason(ParseSecretKeyFile(scrypt, "wrong").status()), "CRYPT4GH_PASSPHRASE_WRONG");
  EXPECT_EQ(Reason(ParseSecretKeyFile(scrypt, "").status()), "CRYPT4GH_PASSPHRASE_WRONG");
  EXPECT_EQ(Reason(ParseSecretKeyFile(Load("ega/alice.sec"), "alice").status()),
            "CRYPT4GH_KDF_UNSUPPORTED");
  EXPECT_EQ(Reason(ParseSecretKeyFile(Load("keys/bad.pem")).status()), "CRYPT4GH_KEY_INVALID");
  EXPECT_FALSE(ParseSecretKeyFile(Load("keys/ssh-ed25519.sec.pem")).ok());
  EXPECT_FALSE(ParsePublicKeyFile(scrypt).ok());
}

TEST(KeyFile, RoundTrips) {
  SystemRandom random;
  auto key = SecretKey::Generate(random);
  for (std::string passphrase : {"", "correct horse"}) {
    auto again = ParseSecretKeyFile(FormatSecretKeyFile(key, passphrase, random), passphrase);
    ASSERT_TRUE(again.ok()) << Describe(again.status());
    EXPECT_EQ(again->bytes(), key.bytes());
  }
  auto again = ParsePublicKeyFile(FormatPublicKeyFile(key.public_key()));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, key.public_key());
}

}  // namespace
}  // namespace genofed::crypt4gh
