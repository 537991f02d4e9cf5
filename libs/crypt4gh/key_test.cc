// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/key.h"

#include <map>

#include "libs/crypt4gh/kdf.h"
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
  int files = 0;
  for (const auto& row : Rows("keys/expected.tsv")) {
    const std::string& file = row.at(0);
    if (file.starts_with("kdf:")) continue;
    ++files;
    std::string text = Load("keys/" + file);
    std::string hex;
    Status status;
    if (file.find(".pub") != std::string::npos) {
      auto key = ParsePublicKeyFile(text);
      status = key.status();
      if (key.ok()) hex = key->Hex();
    } else {
      auto key = ParseSecretKeyFile(text, row.at(1) == "-" ? "" : row.at(1));
      status = key.status();
      if (key.ok()) hex = HexEncode(key->bytes());
    }
    EXPECT_EQ(status.ok() ? hex : "ERROR", row.at(2)) << file << ": " << Describe(status);
  }
  EXPECT_EQ(files, 15);
}

TEST(KeyFile, HalvesOfAPairBelongTogether) {
  GF_NEED_VECTORS();
  const std::map<std::string, std::string> halves = {
      {"../ega/alice.sec", "../ega/alice.pub"},
      {"../ega/bob.sec", "../ega/bob.pub"},
      {"../htsget-rs/c4gh/keys/alice.sec", "../htsget-rs/c4gh/keys/alice.pub"},
      {"../htsget-rs/c4gh/keys/bob.sec", "../htsget-rs/c4gh/keys/bob.pub"},
      {"crypt4gh-x25519-enc.sec.pem", "crypt4gh-x25519.pub.pem"},
      {"ssh-ed25519.sec.pem", "ssh-ed25519.pub"},
      {"ssl-ed25519.sec.pem", "ssl-ed25519.pub.pem"},
      {"ssl-x25519.sec.pem", "ssl-x25519.pub.pem"}};
  std::size_t compared = 0;
  for (const auto& row : Rows("keys/expected.tsv")) {
    auto half = halves.find(row.at(0));
    if (half == halves.end()) continue;
    EXPECT_EQ(SecretKey::FromHex(row.at(2))->public_key(),
              *ParsePublicKeyFile(Load("keys/" + half->second)))
        << row.at(0);
    ++compared;
  }
  EXPECT_EQ(compared, halves.size());
}

TEST(KeyFile, KeyDerivationsMatchTheVectors) {
  GF_NEED_VECTORS();
  int derivations = 0;
  std::string salt = "\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3\4";
  for (const auto& row : Rows("keys/expected.tsv")) {
    if (!row.at(0).starts_with("kdf:")) continue;
    auto key = internal::DeriveKey(row.at(0).substr(4), 4, salt, row.at(1), 32);
    ASSERT_TRUE(key.ok()) << row.at(0);
    EXPECT_EQ(HexEncode(key->bytes), row.at(2)) << row.at(0);
    ++derivations;
  }
  EXPECT_EQ(derivations, 3);
}

TEST(KeyFile, KeyDerivationIsBounded) {
  for (std::uint32_t rounds : {0U, 0xffffffffU}) {
    for (std::string name : {"bcrypt", "pbkdf2_hmac_sha256"}) {
      EXPECT_EQ(Reason(internal::DeriveKey(name, rounds, "salt", "pass", 32).status()),
                "CRYPT4GH_KEY_INVALID");
    }
  }
  EXPECT_EQ(Reason(internal::DeriveKey("bcrypt", 4, "", "pass", 32).status()),
            "CRYPT4GH_KEY_INVALID");
  EXPECT_EQ(Reason(internal::DeriveKey("argon2", 4, "salt", "pass", 32).status()),
            "CRYPT4GH_KEY_UNSUPPORTED");
}

// Made for this test by ssh-keygen -t ed25519 -a 5; the X25519 keys were calculated from the seed
// with Python's hashlib and cryptography.
constexpr char kSshSecret[] = R"(-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAW+R/nBt
x6ezxMEh8G3RyHAAAABQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIN5zMkLx5hfeSCQ3
4dqsotw4qT6E2APw1152QNyKn66yAAAAkDjY+vrvBKFydMUQt8MLnkzv0wQtojyYydBk2q
KpdTwJSpS7NcK/KpaKCOYJI03Ef5bBvmW/ktDEwK+IS6yqly+Xa+dv8u8fLx5GOQNXn1HJ
tjkcNFZ+0eoglKBnBnLJwYBUN1ZfgGkK4ISqNNagSjmgR2sQEIzcYY4jme6Gc3VTD75efg
Hl5WSA8ZDFyXBFTw==
-----END OPENSSH PRIVATE KEY-----
)";
constexpr char kSshPublic[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN5zMkLx5hfeSCQ34dqsotw4qT6E2APw1152QNyKn66y\n";

TEST(KeyFile, ReadsWhatSshKeygenWrites) {
  auto key = ParseSecretKeyFile(kSshSecret, "second vector");
  ASSERT_TRUE(key.ok()) << Describe(key.status());
  EXPECT_EQ(HexEncode(key->bytes()),
            "a8eb24c3b32f6ef49e5a8f37c77f865e654d2a58018983d942a29acfdd51bc7a");
  EXPECT_EQ(ParsePublicKeyFile(kSshPublic)->Hex(),
            "cb3bf90b5cbaf5583aca564b73fbc52266f4ed4891670cb2284990e3022b1c79");
  EXPECT_EQ(key->public_key(), *ParsePublicKeyFile(kSshPublic));
  EXPECT_EQ(Reason(ParseSecretKeyFile(kSshSecret, "other").status()), "CRYPT4GH_PASSPHRASE_WRONG");
  EXPECT_EQ(Reason(ParseSecretKeyFile(kSshSecret).status()), "CRYPT4GH_PASSPHRASE_MISSING");
}

TEST(KeyFile, ReadsRawHex) {
  std::string hex = "0102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
  for (std::string end : {"", "\n", "\r\n"}) {
    EXPECT_EQ(ParseSecretKeyFile(hex + end)->bytes(), CountingKey(1).bytes());
    EXPECT_EQ(HexEncode(ParsePublicKeyFile(hex + end)->raw()), ToLower(hex));
  }
  for (std::string bad : {hex.substr(2), hex + "00", hex.substr(1) + "g", hex + "\n" + hex}) {
    EXPECT_EQ(Reason(ParseSecretKeyFile(bad).status()), "CRYPT4GH_KEY_INVALID");
    EXPECT_EQ(Reason(ParsePublicKeyFile(bad).status()), "CRYPT4GH_KEY_INVALID");
  }
}

TEST(KeyFile, RefusesWhatItCannotRead) {
  GF_NEED_VECTORS();
  std::string scrypt = Load("keys/crypt4gh-x25519-enc.sec.pem");
  EXPECT_EQ(Reason(ParseSecretKeyFile(scrypt, "wrong").status()), "CRYPT4GH_PASSPHRASE_WRONG");
  EXPECT_EQ(Reason(ParseSecretKeyFile(scrypt).status()), "CRYPT4GH_PASSPHRASE_MISSING");
  EXPECT_EQ(Reason(ParseSecretKeyFile(Load("ega/alice.sec")).status()),
            "CRYPT4GH_PASSPHRASE_MISSING");
  EXPECT_EQ(Reason(ParsePublicKeyFile(scrypt).status()), "CRYPT4GH_KEY_INVALID");
  EXPECT_EQ(Reason(ParseSecretKeyFile(Load("ega/alice.pub")).status()), "CRYPT4GH_KEY_INVALID");
  EXPECT_EQ(Reason(ParseSecretKeyFile("").status()), "CRYPT4GH_KEY_INVALID");
  EXPECT_EQ(Reason(ParseSecretKeyFile(std::string(70'000, 'a')).status()), "CRYPT4GH_KEY_INVALID");
  // Keys of other algorithms are named as such: `openssl genpkey -algorithm ed448`.
  EXPECT_EQ(
      Reason(ParseSecretKeyFile("-----BEGIN PRIVATE KEY-----\n"
                                "MEcCAQAwBQYDK2VxBDsEOcpO10/DwfcUsQAOkb0m4/6qHJgfV4DUuQbcTDyU4pWQ\n"
                                "ZQpmQ2ULY1Lw/OfTapbcPhfSjjiFdWrnJQ==\n"
                                "-----END PRIVATE KEY-----\n")
                 .status()),
      "CRYPT4GH_KEY_UNSUPPORTED");
  EXPECT_EQ(Reason(ParsePublicKeyFile("ssh-rsa AAAAB3NzaC1yc2E= x").status()),
            "CRYPT4GH_KEY_UNSUPPORTED");
  // Every shorter file is refused.
  for (std::string file : {"keys/ssh-ed25519.sec.pem", "keys/ssl-ed25519.sec.pem",
                           "keys/crypt4gh-unencrypted.sec.pem"}) {
    std::string text = Load(file);
    std::string end = text.substr(text.rfind("\n-----END"));
    for (std::size_t size = 0; size < text.size() - end.size(); ++size)
      EXPECT_FALSE(ParseSecretKeyFile(text.substr(0, size) + end).ok()) << file << " " << size;
  }
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
