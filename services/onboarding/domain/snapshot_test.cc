// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/snapshot.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace genofed::onboarding {
namespace {

using genomics::Individual;
using genomics::Sex;

SegmentRef Segment(int number, std::int32_t rows) {
  return {"sub-" + std::to_string(number), "index/" + std::to_string(number), std::string(64, 'a'),
          rows};
}
Individual Person(int kind) {
  Individual person;
  person.sex = kind % 2 == 0 ? Sex::kFemale : Sex::kMale;
  if (kind % 3 == 0) person.age_months = static_cast<std::uint32_t>(kind) * 12;
  if (kind % 5 == 0) person.terms = {"HP:0001250"};
  return person;
}

TEST(SnapshotDiffTest, SaysWhatWasAddedAndWhatChanged) {
  SnapshotContent first{{Segment(1, 2)}, {Person(0), Person(1)}};
  SnapshotContent second = first;
  second.segments.push_back(Segment(2, 1));
  second.individuals.push_back(Person(7));
  second.individuals[1] = Person(4);
  const SnapshotDiff diff = Diff(first, second);
  EXPECT_EQ(diff.segments_kept, 1u);
  EXPECT_EQ(diff.segments_added, std::vector{Segment(2, 1)});
  EXPECT_EQ(diff.rows_kept, 2u);
  ASSERT_EQ(diff.changed.size(), 1u);
  EXPECT_EQ(diff.changed[0].first, 1);
  EXPECT_EQ(diff.added, std::vector{Person(7)});
  EXPECT_TRUE(Diff(first, first).changed.empty());
}

TEST(SnapshotDiffTest, ASnapshotMadeAnewSharesNothing) {
  SnapshotContent first{{Segment(1, 2)}, {Person(0), Person(1)}};
  SnapshotContent anew{{Segment(2, 2)}, {Person(0), Person(1)}};
  const SnapshotDiff diff = Diff(first, anew);
  EXPECT_EQ(diff.segments_kept, 0u);
  EXPECT_EQ(diff.rows_kept, 0u) << "row 0 may be somebody else now";
  EXPECT_EQ(diff.added.size(), 2u);
}

TEST(SnapshotDiffTest, ADiffOfAnotherSnapshotIsRefused) {
  SnapshotContent small{{Segment(1, 1)}, {Person(0)}};
  SnapshotContent large{{Segment(1, 1), Segment(2, 1)}, {Person(0), Person(1)}};
  EXPECT_EQ(Reason(Apply(small, Diff(large, large)).status()), "DIFF_INVALID");
  SnapshotDiff wild;
  wild.changed.emplace_back(5, Person(0));
  EXPECT_EQ(Reason(Apply(small, wild).status()), "DIFF_INVALID");
}

RC_GTEST_PROP(SnapshotDiffProperty, ASnapshotPlusItsDiffEqualsTheNext, ()) {
  auto content = [] {
    SnapshotContent made;
    for (int number : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4)))
      made.segments.push_back(Segment(number, 1));
    for (int kind : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 9)))
      made.individuals.push_back(Person(kind));
    return made;
  };
  const SnapshotContent from = content();
  SnapshotContent to = content();
  if (*rc::gen::arbitrary<bool>()) {  // goes on from the first
    to.segments.insert(to.segments.begin(), from.segments.begin(), from.segments.end());
    to.individuals.insert(to.individuals.begin(), from.individuals.begin(), from.individuals.end());
    if (!to.individuals.empty())
      to.individuals[*rc::gen::inRange<std::size_t>(0, to.individuals.size())] = Person(8);
  }
  auto next = Apply(from, Diff(from, to));
  RC_ASSERT(next.ok());
  RC_ASSERT(*next == to);
}

}  // namespace
}  // namespace genofed::onboarding
