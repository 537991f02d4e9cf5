// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/sha256_pair.h"

#include <rapidcheck.h>

#include "libs/crypt4gh/test_support.h"

namespace genofed::crypt4gh::internal {
namespace {

class Sha256PairTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && !Sha256Pair::HasShaInstructions())
      GTEST_SKIP() << "this processor has no SHA instructions";
  }
};

TEST_P(Sha256PairTest, MatchesFips180Examples) {
  Sha256Pair pair(GetParam());
  pair.Update("abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
  auto digests = pair.Finish();
  EXPECT_EQ(HexEncode(digests.first),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HexEncode(digests.second),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_P(Sha256PairTest, AgreesWithOpenSslAtEveryLength) {
  std::string text = Pattern(300);
  for (std::size_t size = 0; size <= 260; ++size) {
    Sha256Pair pair(GetParam());
    pair.Update(text.substr(0, size), text.substr(size));
    auto digests = pair.Finish();
    ASSERT_EQ(digests.first, crypto::Sha256(text.substr(0, size))) << size;
    ASSERT_EQ(digests.second, crypto::Sha256(text.substr(size))) << size;
  }
}

TEST_P(Sha256PairTest, AgreesWithOpenSslInAnyPieces) {
  EXPECT_TRUE(rc::check([this](const std::vector<std::pair<std::uint8_t, std::uint16_t>>& pieces) {
    Sha256Pair pair(GetParam());
    std::string first, second;
    for (auto [one, two] : pieces) {
      std::string a = Pattern(one), b = Pattern(two % 1000U);
      pair.Update(a, b);
      first += a;
      second += b;
    }
    auto digests = pair.Finish();
    RC_ASSERT(digests.first == crypto::Sha256(first));
    RC_ASSERT(digests.second == crypto::Sha256(second));
  }));
}

INSTANTIATE_TEST_SUITE_P(Instructions, Sha256PairTest, ::testing::Bool());

}  // namespace
}  // namespace genofed::crypt4gh::internal
