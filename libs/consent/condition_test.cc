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
  EXPECT_EQ(AttestableConditions().size(), 10u);
  EXPECT_TRUE(std::ranges::is_sorted(AttestableConditions(), {}, &Condition::code));
  for (const char* code :
       {"DUO:0000012", "DUO:0000022", "DUO:0000024", "DUO:0000025", "DUO:0000026", "DUO:0000027",
        "DUO:0000028", "DUO:0000043", "DUO:0000006", "DUO:0000017", "EX:1", ""})
    EXPECT_EQ(FindCondition(code), nullptr) << code;
}

TEST(Condition, HasWordsForPeople) {
  EXPECT_EQ(InWords({"DUO:0000021", "DUO:0000045"}),
            "has the approval of an ethics committee; is done by a not-for-profit organisation");
  EXPECT_EQ(InWords({}), "");
}

TEST(Condition, SetsAreCompared) {
  EXPECT_EQ(ConditionSet({"b", "a", "b"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(AreAllIn({}, {}));
  EXPECT_TRUE(AreAllIn({"a"}, {"a", "b"}));
  EXPECT_FALSE(AreAllIn({"a", "b"}, {"a"}));
}

}  // namespace
}  // namespace genofed::consent
