// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/slot_set.h"

#include <rapidcheck.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "libs/core/strings.h"
#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

// Written out by hand from RoaringFormatSpec: a set of runs (cookie 12347), and one of two single
// values (cookie 12346).
TEST(SlotSet, HasThePublishedFormat) {
  std::vector<std::uint32_t> ten(10);
  std::iota(ten.begin(), ten.end(), 0U);
  EXPECT_EQ(HexEncode(SlotSet(ten).Serialise()), "3b300000" "01" "0000" "0900" "0100" "0000" "0900");
  EXPECT_EQ(HexEncode(SlotSet(std::vector<std::uint32_t>{5, 1}).Serialise()),
            "3a300000" "01000000" "0000" "0100" "10000000" "0100" "0500");
}

// The sizes that the design calculates with.
TEST(SlotSet, IsSmall) {
  std::vector<std::uint32_t> all(1'000'000);
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_LT(SlotSet(all).Serialise().size(), 300U);
  std::vector<std::uint32_t> half;
  for (std::uint32_t slot = 0; slot < all.size(); ++slot) {
    if (static_cast<unsigned char>(LeafHash(std::to_string(slot)).bytes[0]) % 2 == 0) half.push_back(slot);
  }
  EXPECT_LT(SlotSet(half).Serialise().size(), 135'000U);
}

TEST(SlotSet, RefusesWhatIsBroken) {
  const std::string bytes = SlotSet(std::vector<std::uint32_t>{1, 5, 70'000}).Serialise();
  EXPECT_EQ(Reason(SlotSet::Parse("").status()), "SLOT_SET_BROKEN");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(Reason(SlotSet::Parse(bytes.substr(0, size)).status()), "SLOT_SET_BROKEN") << size;
}

TEST(SlotSet, IsTheSetThatItWasMadeOf) {
  EXPECT_TRUE(rc::check([](const std::set<std::uint16_t>& some, const std::set<std::uint16_t>& others) {
    // Over several containers.
    const auto spread = [](const std::set<std::uint16_t>& values) {
      std::vector<std::uint32_t> slots;
      for (const std::uint32_t value : values) slots.push_back(value * 7U);
      std::ranges::reverse(slots);
      return slots;
    };
    const SlotSet set(spread(some));
    const SlotSet back = SlotSet::Parse(set.Serialise()).value();
    RC_ASSERT(back == set);
    RC_ASSERT(back.size() == some.size());
    for (std::uint32_t value = 0; value <= 0xffff; value += 13) {
      const bool in = some.contains(static_cast<std::uint16_t>(value));
      RC_ASSERT(back.Contains(value * 7U) == in);
      RC_ASSERT(!back.Contains(value * 7U + 1));
    }
    RC_ASSERT(set.ContainsAll(SlotSet(spread(others))) ==
              std::ranges::includes(some, others));
    RC_ASSERT((set == SlotSet(spread(others))) == (some == others));
  }));
}

}  // namespace
}  // namespace genofed::ledger
