// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/hash.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "libs/core/strings.h"

namespace genofed::crypto {
namespace {

// FIPS 180-4 examples, as published by NIST.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(HexEncode(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexEncode(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, StreamEqualsOneShotHoweverTheDataIsCut) {
  EXPECT_TRUE(rc::check([](const std::vector<std::string>& pieces) {
    std::string whole;
    Sha256Stream stream;
    for (const auto& piece : pieces) {
      whole += piece;
      stream.Update(piece);
    }
    RC_ASSERT(stream.Finish() == Sha256(whole));
    RC_ASSERT(stream.Finish() == Sha256(""));
  }));
}

struct HmacCase {
  std::string key;
  std::string data;
  std::string digest;
};

// RFC 4231 sections 4.2, 4.3 and 4.7; and the empty key over the empty text, from Python's hmac module.
TEST(HmacSha256, KnownAnswers) {
  const HmacCase cases[] = {
      {std::string(20, '\x0b'), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  for (const auto& c : cases) EXPECT_EQ(HexEncode(HmacSha256(c.key, c.data)), c.digest) << c.data;
}

TEST(ConstantTimeEquals, ComparesContentAndLength) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("secret", "secret"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "secreT"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "secrets"));
  EXPECT_FALSE(ConstantTimeEquals("", "s"));
}

}  // namespace
}  // namespace genofed::crypto
