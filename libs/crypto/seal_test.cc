// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/seal.h"

#include <gtest/gtest.h>

#include "libs/core/strings.h"

namespace genofed::crypto {
namespace {

constexpr char kKey[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr char kPurpose[] = "cookie/1";

class FixedRandom final : public Random {
 public:
  void Fill(std::span<std::uint8_t> bytes) override {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  }
};

SealingKey Key(std::string_view hex = kKey) { return *SealingKey::FromHex(hex); }

TEST(Seal, OpensWhatItSealed) {
  SystemRandom random;
  for (const std::string& plain : {std::string(), std::string("a"), std::string(4000, '\0')}) {
    const std::string sealed = Key().Seal(plain, kPurpose, random);
    EXPECT_EQ(sealed.size(), plain.size() + SealingKey::kOverheadBytes);
    EXPECT_EQ(Key().Open(sealed, kPurpose).value(), plain);
    EXPECT_NE(sealed, Key().Seal(plain, kPurpose, random));  // a new nonce each time
  }
}

// Ciphertext and tag were computed with another program: Node.js 20, crypto.createCipheriv('aes-256-gcm').
TEST(Seal, IsAes256GcmWithVersionAndPurposeAuthenticated) {
  FixedRandom random;
  const std::string sealed = Key().Seal("hello", kPurpose, random);
  EXPECT_EQ(HexEncode(sealed), "01000102030405060708090a0b2f67ba77aa9c32c063820a297c1fc1fbcd5cd824bf");
}

TEST(Seal, NoticesEveryFlippedByte) {
  SystemRandom random;
  const std::string sealed = Key().Seal("the session of somebody", kPurpose, random);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string broken = sealed;
      broken[i] = static_cast<char>(broken[i] ^ (1 << bit));
      const auto opened = Key().Open(broken, kPurpose);
      EXPECT_FALSE(opened.ok()) << "byte " << i << " bit " << bit;
      EXPECT_EQ(Reason(opened.status()), "SEAL_BROKEN");
    }
  }
}

TEST(Seal, NoticesEveryLength) {
  SystemRandom random;
  const std::string sealed = Key().Seal("the session of somebody", kPurpose, random);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(Key().Open(std::string_view(sealed).substr(0, size), kPurpose).ok()) << size;
  }
  EXPECT_FALSE(Key().Open(sealed + "x", kPurpose).ok());
}

TEST(Seal, BelongsToOneKeyAndOnePurpose) {
  SystemRandom random;
  const std::string sealed = Key().Seal("x", kPurpose, random);
  EXPECT_FALSE(Key().Open(sealed, "cookie/2").ok());
  EXPECT_FALSE(Key().Open(sealed, "").ok());
  EXPECT_FALSE(Key(std::string(64, '0')).Open(sealed, kPurpose).ok());
}

TEST(Seal, KeysAreSixtyFourHexDigits) {
  for (const std::string& hex : {std::string(), std::string(62, '0'), std::string(66, '0'), std::string(64, 'g')}) {
    EXPECT_EQ(Reason(SealingKey::FromHex(hex).status()), "SEAL_KEY_INVALID") << hex;
  }
}

}  // namespace
}  // namespace genofed::crypto
