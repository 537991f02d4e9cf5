// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/consent_view.h"

#include <gtest/gtest.h>

#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using std::chrono::seconds;
using testing::HasReason;
using testing::IsOk;

class ConsentViewTest : public ::testing::Test {
 protected:
  ConsentViewTest() {
    FileCohortOpener opener(directory_.path(), directory_ / "derived");
    for (std::int32_t version : {1, 2}) {
      cohorts_.push_back(
          *opener.Open(WriteCohort(directory_.path(), "GOE-FI-A-1", version, 10, {})));
    }
    consent_.rows["GOE-FI-A-1"] = 10;
  }
  testing::TemporaryDirectory directory_;
  std::vector<std::shared_ptr<const Cohort>> cohorts_;
  FakeConsent consent_;
  ConsentView::SteadyTime now_{};
  FakeListing listing_;
  const disclosure::Mechanism mechanism_{FloorOfFive(), ""};
  ConsentView view_{consent_, listing_, mechanism_, seconds(5), [this] { return now_; }};
  Context ctx_ = Context::Background();
};

TEST_F(ConsentViewTest, FailsClosedWhenTheEpochCannotBeChecked) {
  EXPECT_THAT(view_.Current(), HasReason("CONSENT_STALE"));
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  now_ += seconds(5);
  EXPECT_THAT(view_.Current(), IsOk());
  consent_.up = false;
  EXPECT_FALSE(view_.Refresh(ctx_).ok());
  now_ += std::chrono::milliseconds(1);
  EXPECT_THAT(view_.Current(), HasReason("CONSENT_STALE"));
  consent_.up = true;
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_THAT(view_.Current(), IsOk());
}

TEST_F(ConsentViewTest, AnswersFromListedVersionsOnlyAndFailsClosedWithoutTheList) {
  listing_.unlisted = {{"GOE-FI-A-1", 1}};
  view_.Put(cohorts_[0]);
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_TRUE((*view_.Current())->holdings.empty());
  EXPECT_EQ(consent_.fetches, 0);
  listing_.unlisted.clear();  // the coordinator lists it; no epoch changed
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_EQ((*view_.Current())->holdings.size(), 1u);
  listing_.unlisted = {{"GOE-FI-A-1", 1}};  // and takes it off again
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_TRUE((*view_.Current())->holdings.empty());
  listing_.up = false;
  EXPECT_FALSE(view_.Refresh(ctx_).ok());
  now_ += seconds(5) + std::chrono::milliseconds(1);
  EXPECT_THAT(view_.Current(), HasReason("CONSENT_STALE"));
}

TEST_F(ConsentViewTest, FetchesOnlyWhenTheEpochOrTheDatasetsChange) {
  view_.Put(cohorts_[0]);
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_EQ(consent_.fetches, 2);  // one for each permission
  auto before = *view_.Current();
  consent_.epoch = 2;
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {3};
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_EQ(consent_.fetches, 4);
  auto after = *view_.Current();
  EXPECT_EQ(after->epoch, 2);
  EXPECT_FALSE(after->holdings.at("GOE-FI-A-1").subject_level->rows().Test(3));
  EXPECT_TRUE(after->holdings.at("GOE-FI-A-1").allele_frequency->rows().Test(3));
  EXPECT_TRUE(before->holdings.at("GOE-FI-A-1").subject_level->rows().Test(3));  // a running query
                                                                                 // keeps its view
}

// Whatever the policy says of noise: counts before and after a change are of people who differ by
// many, of whom nobody is told who left.
TEST_F(ConsentViewTest, NobodyLeavesAlone) {
  constexpr std::uint32_t kPeople = 400;
  FileCohortOpener opener(directory_.path(), directory_ / "derived");
  const std::shared_ptr<const Cohort> cohort =
      *opener.Open(WriteCohort(directory_.path(), "GOE-FI-B-1", 1, kPeople, {}));
  consent_.rows["GOE-FI-B-1"] = kPeople;
  disclosure::Policy policy = FloorOfFive();
  policy.batch = 20;
  policy.table = true;
  const disclosure::Mechanism mechanism(policy, std::string(32, 'k'));
  ConsentView view(consent_, listing_, mechanism, seconds(5), [this] { return now_; });
  view.Put(cohort);
  std::vector<Holding> states;
  for (std::uint32_t row = 0; row < 30; ++row) {
    if (row > 0) consent_.withdrawn[Permission::kSubjectLevelQuery].push_back(row);
    ++consent_.epoch;
    ASSERT_THAT(view.Refresh(ctx_), IsOk());
    states.push_back((*view.Current())->holdings.at("GOE-FI-B-1"));
    const genomics::Bitmap& counted = states.back().subject_level->rows();
    EXPECT_EQ(counted.Count(), kPeople - row - 20);
    for (std::uint32_t gone = 1; gone <= row; ++gone) EXPECT_FALSE(counted.Test(gone));
    EXPECT_EQ(states.back().for_table->count(), kPeople);
    for (std::size_t i = 0; i + 1 < states.size(); ++i) {
      for (const auto of : {&Holding::subject_level, &Holding::allele_frequency}) {
        const genomics::Bitmap& then = (states[i].*of)->rows();
        const genomics::Bitmap& now = (states.back().*of)->rows();
        EXPECT_GE(then.Count() + now.Count() - 2 * then.CountAnd(now), 20u) << i << " and " << row;
      }
    }
  }
}

TEST_F(ConsentViewTest, AChangeThatCannotBeFetchedMakesTheOldViewStaleInTheEnd) {
  view_.Put(cohorts_[0]);
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  consent_.epoch = 2;
  consent_.cohort_epoch = 1;  // permissions from before the change
  now_ += seconds(3);
  EXPECT_THAT(view_.Refresh(ctx_), HasReason("CONSENT_BEHIND"));
  now_ += seconds(3);
  EXPECT_THAT(view_.Current(), HasReason("CONSENT_STALE"));
}

TEST_F(ConsentViewTest, LeavesOutADatasetThatConsentDoesNotKnowOrKnowsOtherwise) {
  view_.Put(cohorts_[0]);
  consent_.rows["GOE-FI-A-1"] = 11;
  EXPECT_THAT(view_.Check(ctx_, cohorts_[0]), HasReason("ROWS_MISMATCH"));
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_TRUE((*view_.Current())->holdings.empty());
  consent_.rows.clear();
  consent_.epoch = 2;
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_TRUE((*view_.Current())->holdings.empty());
}

TEST_F(ConsentViewTest, TheListedVersionIsAnsweredFrom) {
  view_.Put(cohorts_[1]);
  view_.Put(cohorts_[0]);
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());  // both are listed, which should not happen
  EXPECT_EQ((*view_.Current())->holdings.at("GOE-FI-A-1").cohort->version(), 2);
  listing_.unlisted = {{"GOE-FI-A-1", 2}};
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_EQ((*view_.Current())->holdings.at("GOE-FI-A-1").cohort->version(), 1);
  EXPECT_TRUE(view_.Holds("GOE-FI-A-1", 2));
  view_.Keep({{"GOE-FI-A-1", 1}});
  EXPECT_FALSE(view_.Holds("GOE-FI-A-1", 2));
  EXPECT_TRUE(view_.Holds("GOE-FI-A-1", 1));
}

}  // namespace
}  // namespace genofed::discovery
