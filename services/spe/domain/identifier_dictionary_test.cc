// SPDX-License-Identifier: Apache-2.0
#include "services/spe/domain/identifier_dictionary.h"

#include <gtest/gtest.h>

namespace genofed::spe {
namespace {

const std::string kPseudonym = "00112233445566778899aabbccddeeff";

TEST(IdentifierDictionary, FindsPseudonymsHoweverTheyAreHidden) {
  const IdentifierDictionary dictionary({kPseudonym, "HG00096"});
  EXPECT_TRUE(dictionary.FoundIn(kPseudonym));
  EXPECT_TRUE(dictionary.FoundIn("00112233445566778899AABBCCDDEEFF"));
  EXPECT_TRUE(dictionary.FoundIn("chr1:1000:00112233445566778899aabbccddeeff"));
  EXPECT_TRUE(dictionary.FoundIn("abc" + kPseudonym + "def"));
  EXPECT_TRUE(dictionary.FoundIn("rs5566778899aabbcc"));  // 16 digits from its middle
  EXPECT_TRUE(dictionary.FoundIn("hg00096"));
  EXPECT_TRUE(dictionary.FoundIn("sample=HG00096;x"));
}

TEST(IdentifierDictionary, LeavesOtherTextAlone) {
  const IdentifierDictionary dictionary({kPseudonym, "HG00096"});
  EXPECT_FALSE(dictionary.FoundIn(""));
  EXPECT_FALSE(dictionary.FoundIn("chr1"));
  EXPECT_FALSE(dictionary.FoundIn("HG000961"));         // another word
  EXPECT_FALSE(dictionary.FoundIn("112233445566778"));  // 15 digits: too short to recognise
  EXPECT_FALSE(dictionary.FoundIn("ffeeddccbbaa99887766554433221100"));
  EXPECT_FALSE(IdentifierDictionary().FoundIn(kPseudonym));
}

}  // namespace
}  // namespace genofed::spe
