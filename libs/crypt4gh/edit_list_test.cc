// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/edit_list.h"

#include <rapidcheck.h>

#include <limits>
#include <string>

#include "libs/crypt4gh/test_support.h"

namespace genofed::crypt4gh {
namespace {

using Ranges = std::vector<ByteRange>;
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(EditLists, KeepWhatTheSpecificationSays) {
  EXPECT_EQ(KeptRanges({}, 10), (Ranges{{0, 10}}));
  EXPECT_EQ(KeptRanges({}, 0), Ranges{});
  EXPECT_EQ(KeptRanges({3}, 10), (Ranges{{3, 10}}));    // odd: the rest is kept
  EXPECT_EQ(KeptRanges({3, 2}, 10), (Ranges{{3, 5}}));  // even: the rest is not
  EXPECT_EQ(KeptRanges({3, 2, 0}, 10), (Ranges{{3, 10}}));
  EXPECT_EQ(KeptRanges({0, 0}, 10), Ranges{});
  EXPECT_EQ(KeptRanges({3, 100}, 10), (Ranges{{3, 10}}));  // overruns are cut
  EXPECT_EQ(KeptRanges({30, 1}, 10), Ranges{});
  EXPECT_EQ(KeptRanges({1, kMax, kMax, kMax}, 10), (Ranges{{1, 10}}));
  // The example of crypt4gh.tex.
  EXPECT_EQ(KeptRanges({0, 7853, 71721, 307929, 51299, 38}, 438'841),
            (Ranges{{0, 7853}, {79574, 387503}, {438802, 438840}}));
}

TEST(EditLists, ComposeIsOneAfterTheOther) {
  EXPECT_EQ(Compose({}, {}), EditList{});
  EXPECT_EQ(Compose({1, 2}, {}), (EditList{1, 2}));
  EXPECT_EQ(Compose({}, {1, 2, 3}), (EditList{1, 2, 3}));
  EXPECT_EQ(Compose({10}, {5}), EditList{15});
  EXPECT_EQ(Compose({10, 5}, {5}),
            (EditList{0, 0}));  // nothing is left: not the list without edits
  EXPECT_TRUE(rc::check([](std::vector<std::uint8_t> first, std::vector<std::uint8_t> second) {
    EditList a(first.begin(), first.end()), b(second.begin(), second.end());
    std::string text = Pattern(2000);
    RC_ASSERT(Edited(text, Compose(a, b)) == Edited(Edited(text, a), b));
  }));
}

TEST(Sizes, OfPlaintextAndBodyBelongTogether) {
  EXPECT_EQ(BodySize(0), 0U);
  EXPECT_EQ(BodySize(1), 29U);
  EXPECT_EQ(BodySize(65536), 65564U);
  EXPECT_EQ(BodySize(140'000), 140'084U);
  for (std::uint64_t size : {0U, 1U, 65535U, 65536U, 65537U, 140'000U})
    EXPECT_EQ(PlainSize(BodySize(size)).value(), size);
  EXPECT_EQ(PlainSize(28).value(), 0U);
  EXPECT_EQ(PlainSize(65564 + 28).value(), 65536U);
  for (std::uint64_t size : {1U, 27U, 65565U, 65564U + 27U})
    EXPECT_EQ(Reason(PlainSize(size).status()), "CRYPT4GH_BODY_INVALID") << size;
}

// crypt4gh.tex, section "Edit List", Example: three pieces of a CRAM file of 5,485,112 bytes.
TEST(Plan, IsTheExampleOfTheSpecification) {
  Ranges wanted = {{0, 7853}, {145110, 453039}, {5485074, 5485112}};
  RangePlan plan = PlanRange(5'485'112, wanted).value();
  EXPECT_EQ(plan.edit_list, (EditList{0, 7853, 71721, 307929, 51299, 38}));
  EXPECT_EQ(plan.plain_size, 7853U + 307929 + 38);
  EXPECT_EQ(plan.body, (Ranges{{0, 65564},
                               {2 * 65564, 7 * 65564},
                               {83 * 65564, 83 * 65564 + 5'485'112 - 83 * 65536 + 28}}));
  EXPECT_EQ(plan.body_size, 6 * 65564 + 45'624U + 28);
}

TEST(Plan, WholeSegmentsNeedNoEditList) {
  RangePlan all = PlanRange(140'000, Ranges{{0, kMax}}).value();
  EXPECT_EQ(all.body, (Ranges{{0, 140'084}}));
  EXPECT_EQ(all.edit_list, EditList{});
  RangePlan second = PlanRange(140'000, Ranges{{65536, 131072}}).value();
  EXPECT_EQ(second.body, (Ranges{{65564, 131128}}));
  EXPECT_EQ(second.edit_list, EditList{});
}

TEST(Plan, OfNothingSendsNothing) {
  for (const Ranges& wanted : {Ranges{}, Ranges{{5, 5}}, Ranges{{140'000, 150'000}}}) {
    RangePlan plan = PlanRange(140'000, wanted).value();
    EXPECT_EQ(plan.body, Ranges{});
    EXPECT_EQ(plan.plain_size, 0U);
    EXPECT_EQ(plan.edit_list, EditList{});
  }
  EXPECT_EQ(Reason(PlanRange(10, Ranges{{5, 4}}).status()), "RANGE_INVALID");
  EXPECT_EQ(Reason(PlanRange(kMax, Ranges{{0, kMax}}).status()), "RANGE_INVALID");
}

TEST(Plan, SendsEveryByteOnceInTheOrderOfTheFile) {
  RangePlan plan = PlanRange(300'000, Ranges{{100, 200}, {10, 20}, {150, 300}, {20, 30}}).value();
  EXPECT_EQ(plan.body, (Ranges{{0, 65564}}));
  EXPECT_EQ(plan.edit_list, (EditList{10, 20, 70, 200}));
  EXPECT_EQ(plan.plain_size, 220U);
}

TEST(Plan, CountsBehindAnEditList) {
  // The file as its readers see it: 70,000-79,999 and 200,000-…. Its bytes 9,990-10,009:
  RangePlan plan = PlanRange(300'000, Ranges{{9'990, 10'010}}, {70'000, 10'000, 120'000}).value();
  EXPECT_EQ(plan.body, (Ranges{{65564, 2 * 65564}, {3 * 65564, 4 * 65564}}));
  EXPECT_EQ(plan.edit_list, (EditList{79'990 - 65536, 10, 131072 - 80'000 + 200'000 - 196608, 10}));
}

}  // namespace
}  // namespace genofed::crypt4gh
