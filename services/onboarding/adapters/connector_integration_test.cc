// SPDX-License-Identifier: Apache-2.0
//
// What connectors and the inbox rest on, over a real database and the real pipeline.
#include <gmock/gmock.h>

#include <fstream>

#include "libs/testing/matchers.h"
#include "services/onboarding/adapters/sql_connector_store.h"
#include "services/onboarding/adapters/submissions_intake.h"
#include "services/onboarding/testing_cohort.h"

namespace genofed::onboarding {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using test::Cohort;

class ConnectorStoreTest : public test::SiteTest {
 protected:
  SqlConnectorStore Connectors() { return SqlConnectorStore(*database_); }
  static std::string Hash(char c) { return std::string(32, c); }
};

TEST_F(ConnectorStoreTest, KeepsEverythingOfAState) {
  auto store = Connectors();
  ConnectorState state = *store.Load(ctx_, "hus");
  EXPECT_EQ(state.name, "hus");
  EXPECT_EQ(state.dataset, "");
  state = {"hus",
           "GOE-FI-HEART-1",
           3,
           clock_.Now(),
           std::nullopt,
           "sub-1",
           clock_.Now(),
           2,
           clock_.Now(),
           std::nullopt,
           "X/Y: z",
           7,
           5};
  ASSERT_THAT(store.Save(ctx_, state), IsOk());
  const ConnectorState read = *store.Load(ctx_, "hus");
  EXPECT_EQ(read.dataset, state.dataset);
  EXPECT_EQ(read.base_version, 3);
  EXPECT_EQ(read.watermark, state.watermark);
  EXPECT_EQ(read.last_full, std::nullopt);
  EXPECT_EQ(read.submission, "sub-1");
  EXPECT_EQ(read.submission_watermark, state.submission_watermark);
  EXPECT_EQ(read.attempt, 2);
  EXPECT_EQ(read.last_attempt, state.last_attempt);
  EXPECT_EQ(read.last_success, std::nullopt);
  EXPECT_EQ(read.last_error, "X/Y: z");
  EXPECT_EQ(read.resources_pulled, 7);
  EXPECT_EQ(read.people_submitted, 5);
}

TEST_F(ConnectorStoreTest, RecordsCountOnceTheyAreInForce) {
  auto store = Connectors();
  ConnectorState state = *store.Load(ctx_, "hus");
  ASSERT_THAT(store.SetPending(ctx_, state,
                               {{Hash('a'), {Hash('1'), true}}, {Hash('b'), {Hash('2'), false}}}),
              IsOk());
  EXPECT_TRUE(store.Records(ctx_, "hus")->empty());
  ASSERT_THAT(store.SetPending(ctx_, state, {{Hash('a'), {Hash('3'), true}}}), IsOk());
  state.submission = "sub-2";
  ASSERT_THAT(store.CommitPending(ctx_, state), IsOk());
  EXPECT_EQ(*store.Records(ctx_, "hus"), (PersonRecords{{Hash('a'), {Hash('3'), true}}}))
      << "the first submission was replaced";
  EXPECT_EQ(store.Load(ctx_, "hus")->submission, "sub-2");
  ASSERT_THAT(store.SetPending(ctx_, state, {{Hash('a'), {Hash('4'), false}}}), IsOk());
  EXPECT_EQ(store.Records(ctx_, "hus")->at(Hash('a')).digest, Hash('3'));
  ASSERT_THAT(store.Forget(ctx_, state), IsOk());
  EXPECT_TRUE(store.Records(ctx_, "hus")->empty());
}

class IntakeTest : public test::SiteTest {
 protected:
  IntakeRequest FollowUp(const std::string& key, const std::string& clinical) {
    IntakeRequest request{{"https://idp.example", "anna", ""}, {}, Mode::kFollowUp, key, {}};
    request.dataset.id = "GOE-FI-HEART-1";
    for (const auto& [kind, text] :
         {std::pair(FileKind::kClinical, clinical),
          std::pair(FileKind::kConsents, Cohort::Get().files.consents)}) {
      const auto path = directory_ / ("intake-" + std::string(KindName(kind)));
      std::ofstream(path) << text;
      request.files.push_back(*OwnFile(ctx_, kind, path));
    }
    return request;
  }
};

TEST_F(IntakeTest, HandsInOnceInTheHoldersNameAndUnchangedDataMakeNoVersion) {
  Submit(Cohort::Get().files);
  ASSERT_THAT(RunOnce(), IsOk());
  publisher_.listed = 1;
  SubmissionsIntake intake(*submissions_);
  const Context nobody = Context::Background();
  const auto first = intake.Submit(nobody, FollowUp("k", Cohort::Get().files.clinical));
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->state, State::kQueued);
  EXPECT_EQ(intake.Submit(nobody, FollowUp("k", Cohort::Get().files.clinical))->id, first->id);
  ASSERT_THAT(RunOnce(), IsOk());
  const auto ended = intake.Find(nobody, {"https://idp.example", "anna", ""}, first->id);
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->state, State::kRejected);
  EXPECT_EQ(ended->findings.at(0).code, "NOTHING_CHANGED");
  EXPECT_FALSE(std::filesystem::exists(layout_.Index("GOE-FI-HEART-1", 2)));
  EXPECT_THAT(intake.Find(nobody, {"https://idp.example", "mallory", ""}, first->id),
              HasReason("SUBMISSION_UNKNOWN"));
}

TEST_F(IntakeTest, RefusesBytesThatAreNotThoseOfTheDigest) {
  Submit(Cohort::Get().files);
  ASSERT_THAT(RunOnce(), IsOk());
  publisher_.listed = 1;
  SubmissionsIntake intake(*submissions_);
  IntakeRequest request = FollowUp("k", Cohort::Get().files.clinical);
  std::ofstream(directory_ / "intake-clinical", std::ios::in) << "changed";
  EXPECT_THAT(intake.Submit(Context::Background(), request), HasReason("CHECKSUM_MISMATCH"));
}

}  // namespace
}  // namespace genofed::onboarding
