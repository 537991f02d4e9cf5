// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/condition.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace genofed::consent {
namespace {

// Labels of DUO's release 2021-02-23. What names a value, or permits instead of limiting, is
// absent.
TEST(Condition, IsWhatACodeSaysWhole) {
  EXPECT_EQ(FindCondition("DUO:0000045")->label, "not for profit organisation use only");
  EXPECT_EQ(FindCondition("DUO:0000021")->label, "ethics approval required");
  for (const char* code :
       {"DUO:0000012", "DUO:0000022", "DUO:0000024", "DUO:0000025", "DUO:0000026", "DUO:0000027",
        "DUO:0000028", "DUO:0000043", "DUO:0000006", "DUO:0000017", "EX:1", ""})
    EXPECT_FALSE(FindCondition(code)) << code;
}

TEST(Condition, MayNeedAValueOfItsKind) {
  const std::pair<const char*, const char*> good[] = {
      {"DUO:0000012=MONDO:0005027", "does research of the kind MONDO:0005027 alone"},
      {"DUO:0000022=EEA", "takes place in EEA alone"},
      {"DUO:0000024=2028-02-29", "publishes nothing before 2028-02-29"},
      {"DUO:0000025=24", "ends within 24 months"},
      {"DUO:0000026=0000-0002-1825-0097", "is done by 0000-0002-1825-0097 alone"},
      {"DUO:0000027=EPI25", "is the project EPI25"},
      {"DUO:0000028=ror.org:040af2s02", "is done at ror.org:040af2s02 alone"}};
  for (const auto& [condition, words] : good) {
    ASSERT_TRUE(FindCondition(condition)) << condition;
    EXPECT_EQ(FindCondition(condition)->words, words);
    EXPECT_TRUE(IsCondition(condition));
  }
  for (const char* bad :
       {"DUO:0000022=", "DUO:0000022=fi", "DUO:0000022=FINLAND", "DUO:0000022=F", "DUO:0000024=2027-02-29",
        "DUO:0000024=soon", "DUO:0000025=0", "DUO:0000025=1000", "DUO:0000025=-1", "DUO:0000028=a b",
        "DUO:0000028=a+b", "DUO:0000028=a/b", "DUO:0000028=a=b", "DUO:0000045=x", "DUO:0000006=FI", "=FI"}) {
    EXPECT_FALSE(FindCondition(bad)) << bad;
    EXPECT_FALSE(IsCondition(bad)) << bad;
  }
  EXPECT_FALSE(FindCondition("DUO:0000028=" + std::string(65, 'x')));
  // Kept, and met by nobody.
  for (const char* code : {"DUO:0000022", "DUO:0000043", "EX:1"}) EXPECT_TRUE(IsCondition(code)) << code;
}

TEST(Condition, HasWordsForPeople) {
  EXPECT_EQ(InWords({"DUO:0000021", "DUO:0000045"}),
            "has the approval of an ethics committee; is done by a not-for-profit organisation");
  EXPECT_EQ(InWords({"DUO:0000022=FI", "DUO:0000028"}), "takes place in FI alone; meets DUO:0000028");
  EXPECT_EQ(InWords({}), "");
}

TEST(Condition, AProjectStatesAFew) {
  EXPECT_TRUE(AreFew({}));
  EXPECT_TRUE(AreFew(std::vector<std::string>(20, "DUO:0000045")));
  EXPECT_FALSE(AreFew(std::vector<std::string>(21, "DUO:0000045")));
  EXPECT_FALSE(AreFew(std::vector<std::string>(11, std::string(72, 'x'))));
}

TEST(Condition, SetsAreCompared) {
  EXPECT_EQ(ConditionSet({"b", "a", "b"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(AreAllIn({}, {}));
  EXPECT_TRUE(AreAllIn({"a"}, {"a", "b"}));
  EXPECT_FALSE(AreAllIn({"a", "b"}, {"a"}));
  EXPECT_FALSE(AreAllIn({"DUO:0000025=24"}, {"DUO:0000025=12", "DUO:0000025"}));
}

}  // namespace
}  // namespace genofed::consent
