// SPDX-License-Identifier: Apache-2.0
//
// How versions follow one another: people added, follow-up data, return to an earlier version, and the end.
#include <nlohmann/json.hpp>
#include <set>

#include "libs/genomics/individuals.h"
#include "libs/testing/matchers.h"
#include "services/onboarding/adapters/sql_published_objects.h"
#include "services/onboarding/app/snapshot_files.h"
#include "services/onboarding/testing_cohort.h"

namespace genofed::onboarding {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using test::Cohort;
using test::Files;
using test::Lines;
using test::People;

constexpr char kDataset[] = "GOE-FI-HEART-1";

class SnapshotsTest : public test::SiteTest {
 protected:
  // Runs a submission, and the coordinator lists what it made.
  Submission Publish(const Files& files, Mode mode = Mode::kFull) {
    const std::string id = Submit(files, Dataset(), mode);
    EXPECT_THAT(RunOnce(), IsOk());
    Submission submission = Find(id);
    if (submission.state == State::kPublished) publisher_.listed = submission.version;
    return submission;
  }

  // Another submission's turn comes first.
  void Defer(const std::string& id, const std::string& by = "1 hour") {
    ASSERT_TRUE(
        database_
            ->Transact(ctx_,
                       [&](sql::Tx& tx) {
                         return tx
                             .Exec(
                                 "UPDATE jobs SET not_before = now() + $2::interval WHERE id = $1",
                                 id, by)
                             .status();
                       })
            .ok());
  }

  std::vector<genomics::Individual> Individuals(std::int32_t version) {
    auto read = genomics::ReadIndividuals(layout_.Index(kDataset, version) / genomics::kIndividualsFile);
    EXPECT_THAT(read, IsOk());
    return *read;
  }
  // Smart layers are shown the same objects, and of each genotypes the index that belongs to it.
  void CheckBundle(const std::vector<ObjectRecord>& expected) {
    const auto ids = [](const auto& objects, auto id_of) {
      std::set<std::string> set;
      for (const auto& object : objects) set.insert(id_of(object));
      return set;
    };
    const auto ctx = Context::Background();
    SqlPublishedObjects store(*database_);
    for (std::int32_t version : {0, 2}) {
      auto bundle = store.FindDataset(ctx, kDataset, version);
      ASSERT_THAT(bundle, IsOk());
      EXPECT_EQ(ids(*bundle, [](const PublishedObject& object) { return object.record.id; }),
                ids(expected, [](const ObjectRecord& object) { return object.id; }));
      EXPECT_EQ(bundle->front().version, 2);
    }
    EXPECT_EQ(store.FindDataset(ctx, kDataset, 1)->size(), 3u);
    EXPECT_THAT(store.FindDataset(ctx, kDataset, 3), HasReason("OBJECT_UNKNOWN"));
    auto second = store.Find(ctx, expected[1].id);
    ASSERT_THAT(second, IsOk());
    EXPECT_EQ(second->version, 2);
    EXPECT_EQ(store.FindBeside(ctx, *second, "index")->submission, expected[1].submission);
    EXPECT_THAT(store.FindBeside(ctx, *second, "reads"), HasReason("OBJECT_UNKNOWN"));
    EXPECT_THAT(store.Find(ctx, "obj-none"), HasReason("OBJECT_UNKNOWN"));
  }
  // Words of the newest call to discovery for a version: path and digest of each segment, digest of the table.
  std::vector<std::string> IndexOf(std::int32_t version) {
    std::vector<std::string> words;
    const std::string text = *publisher_.indices[{kDataset, version}].rbegin();
    for (std::string_view word : Split(text, ' ')) words.emplace_back(word);
    return words;
  }
};

TEST_F(SnapshotsTest, NewPeopleComeBehindTheOthersAndNothingIsRebuilt) {
  const Submission first = Publish(People(0, 40));
  ASSERT_EQ(first.state, State::kPublished) << first.message;
  const auto before = Individuals(1);
  const auto written = std::filesystem::last_write_time(layout_.Index(kDataset, 1) / "manifest.json");
  // Two of the first people are in the second batch again.
  const Submission second = Publish(People(38, 60), Mode::kAdd);
  ASSERT_EQ(second.state, State::kPublished) << second.message;
  EXPECT_EQ(second.version, 2);
  EXPECT_EQ(second.base_version, 1);
  EXPECT_EQ(second.difference.segments_kept, 1);
  EXPECT_EQ(second.difference.segments_added, 1);
  EXPECT_EQ(second.difference.people_kept, static_cast<int>(before.size()));
  EXPECT_EQ(second.difference.people_added + second.difference.people_kept,
            static_cast<int>(consent_.rows[{kDataset, 2}].size()));
  EXPECT_EQ(IndexOf(2).size(), 5u);
  EXPECT_EQ(IndexOf(2)[0], IndexOf(1)[0]);
  EXPECT_EQ(IndexOf(2)[1], first.index_sha256);
  EXPECT_EQ(IndexOf(2)[3], second.index_sha256);
  EXPECT_EQ(written, std::filesystem::last_write_time(layout_.Index(kDataset, 1) / "manifest.json"));
  const auto after = Individuals(2);
  const std::vector<std::string> rows = consent_.rows[{kDataset, 2}];
  ASSERT_EQ(after.size(), rows.size());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));
  // A task reads both objects of genotypes, in the order of rows, and one table of everybody.
  auto objects = *submissions_->Objects(Context::Background(), kDataset, 2);
  ASSERT_EQ(objects.size(), 5u);  // genotypes and their indices of two segments, phenotypes
  EXPECT_EQ(objects[0].submission, first.id);
  EXPECT_EQ(objects[1].submission, second.id);
  EXPECT_EQ(objects[1].first_row, objects[0].rows);
  CheckBundle(objects);
  auto table = Lines(Decrypt(objects.back()));
  ASSERT_EQ(table.size(), after.size() + 1);
  for (std::size_t row = 0; row < after.size(); ++row) {
    const std::string& pseudonym = rows[row];
    EXPECT_TRUE(table[row + 1].starts_with(pseudonym + "\t"));
  }
  if (!test::HasBcftools()) return;
  std::vector<std::string> samples;
  for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    auto vcf = test::Write(directory_ / "genotypes.vcf.gz", Decrypt(objects[i]));
    for (auto& sample : Lines(test::Output("bcftools query -l " + vcf.string()))) samples.push_back(sample);
  }
  EXPECT_EQ(samples, rows);
}

TEST_F(SnapshotsTest, FollowUpDataChangeWhatIsKnownAndNothingElse) {
  Publish(People(0, 40));
  const auto before = Individuals(1);
  Files later = People(0, 45);
  later.variants.clear();
  auto packets = Lines(later.clinical);
  for (std::size_t i : {std::size_t{2}, std::size_t{3}}) {
    auto packet = nlohmann::json::parse(packets[i]);
    packet["phenotypicFeatures"].push_back({{"type", {{"id", "HP:0009999"}, {"label", "Something new"}}}});
    ASSERT_TRUE(packet["subject"].contains("timeAtLastEncounter"));
    packet["subject"].erase("timeAtLastEncounter");
    packet["subject"].erase("sex");
    packets[i] = packet.dump();
  }
  later.clinical = test::Join(packets);
  const Submission second = Publish(later, Mode::kFollowUp);
  ASSERT_EQ(second.state, State::kPublished) << second.message;
  EXPECT_EQ(second.difference.segments_added, 0);
  EXPECT_EQ(second.difference.people_added, 0);
  EXPECT_EQ(second.counts.records, 0);
  const auto after = Individuals(2);
  ASSERT_EQ(after.size(), before.size());
  int changed = 0;
  for (std::size_t row = 0; row < after.size(); ++row) {
    if (before[row] == after[row]) continue;
    ++changed;
    EXPECT_EQ(std::ranges::count(after[row].terms, "HP:0009999"), 1);
    EXPECT_TRUE(after[row].age_months.has_value());
    EXPECT_EQ(after[row].age_months, before[row].age_months) << "not taken back by silence";
    EXPECT_EQ(after[row].sex, before[row].sex);
  }
  EXPECT_EQ(changed, second.difference.people_changed);
  EXPECT_GT(changed, 0);
  EXPECT_EQ(IndexOf(2)[1], IndexOf(1)[1]) << "the same segment";
  auto objects = *submissions_->Objects(Context::Background(), kDataset, 2);
  ASSERT_EQ(objects.size(), 3u);
  EXPECT_NE(Decrypt(objects.back()).find("HP:0009999"), std::string::npos);
  // What lies beside the version turns the first into the second.
  auto diff = nlohmann::json::parse(*ReadFile(layout_.Index(kDataset, 2) / kDiffFile));
  EXPECT_EQ(diff["changed"].size(), static_cast<std::size_t>(changed));
}

TEST_F(SnapshotsTest, UpdatesNeedAListedVersionToGoOnFrom) {
  EXPECT_THAT(submissions_->Create(ctx_, {Dataset(), "early", Mode::kAdd}), HasReason("DATASET_UNKNOWN"));
  Publish(People(0, 40));
  publisher_.listed = 0;  // not reviewed yet
  const Submission early = Publish(People(40, 60), Mode::kAdd);
  EXPECT_EQ(early.state, State::kRejected);
  EXPECT_EQ(early.findings.at(0).code, "NO_LISTED_VERSION");
}

TEST_F(SnapshotsTest, StrangersAreNotAddedByFollowUpData) {
  Publish(People(0, 40));
  Files strangers = People(40, 60);
  strangers.variants.clear();
  const Submission second = Publish(strangers, Mode::kFollowUp);
  EXPECT_EQ(second.state, State::kRejected);
  EXPECT_EQ(second.findings.at(0).code, "NO_KNOWN_SUBJECT");
}

TEST_F(SnapshotsTest, AnEarlierVersionIsListedAgain) {
  Publish(People(0, 40));
  Publish(People(40, 60), Mode::kAdd);
  publisher_.indices.clear();
  const std::string id = Submit({}, Dataset(), Mode::kRollback, 1);
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(id).state, State::kPublished);
  EXPECT_EQ(publisher_.listed, 1);
  EXPECT_EQ(IndexOf(1).size(), 3u) << "discovery is told again, should it have let go of it";
  ASSERT_EQ(consent_.events.count("dataset:" + id), 1u);
  EXPECT_EQ(consent_.events["dataset:" + id].outcome, "rolled-back");
  // The next version goes on from there.
  const Submission third = Publish(People(40, 50), Mode::kAdd);
  EXPECT_EQ(third.version, 3);
  EXPECT_EQ(third.base_version, 1);
  const std::string unknown = Submit({}, Dataset(), Mode::kRollback, 9);
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(unknown).state, State::kRejected);
  EXPECT_EQ(Find(unknown).findings.at(0).code, "VERSION_UNKNOWN");
}

TEST_F(SnapshotsTest, OfADecommissionedDatasetNothingIsLeft) {
  Publish(People(0, 40));
  Publish(People(40, 60), Mode::kAdd);
  const std::string id = Submit({}, Dataset(), Mode::kDecommission);
  EXPECT_THAT(RunOnce(), IsOk());
  EXPECT_EQ(Find(id).state, State::kPublished);
  EXPECT_TRUE(publisher_.decommissioned);
  EXPECT_TRUE(consent_.headers.empty());
  EXPECT_TRUE(std::filesystem::is_empty(layout_.root() / "objects"));
  EXPECT_FALSE(std::filesystem::exists(layout_.Indices(kDataset)));
  EXPECT_TRUE(submissions_->Objects(Context::Background(), kDataset, 1)->empty());
  EXPECT_EQ(consent_.events["dataset:" + id].outcome, "decommissioned");
  const Submission later = Publish(People(0, 40));
  EXPECT_EQ(later.state, State::kFailed);
  EXPECT_EQ(later.message, "catalogue refused: DATASET_DECOMMISSIONED");
}

// Wherever the run was cut off that made a version.
TEST_F(SnapshotsTest, WhatIsUnderWayWhileItsDatasetIsDecommissionedEndsAndLeavesNothing) {
  for (const bool with_index : {false, true}) {
    SCOPED_TRACE(with_index);
    publisher_.decommissioned = false;
    const std::string dataset = with_index ? "GOE-FI-LATE-1" : "GOE-FI-EARLY-1";
    publisher_.listed = 0;
    Submit(People(0, 20), Dataset(dataset));
    ASSERT_THAT(RunOnce(), IsOk());
    publisher_.listed = 1;
    const std::string under_way = Submit(People(20, 30), Dataset(dataset), Mode::kAdd);
    consent_.away_for_keys = with_index ? 0 : 1;
    publisher_.record_errors = with_index ? 1 : 0;
    ASSERT_FALSE(RunOnce().ok());
    Defer(under_way);
    Submit({}, Dataset(dataset), Mode::kDecommission);
    ASSERT_THAT(RunOnce(), IsOk());
    Defer(under_way, "-1 hour");
    EXPECT_THAT(RunOnce(), IsOk());
    EXPECT_EQ(Find(under_way).state, State::kFailed);
    EXPECT_EQ(Find(under_way).message, "catalogue refused: DATASET_DECOMMISSIONED");
    EXPECT_TRUE(std::filesystem::is_empty(layout_.root() / "objects"));
    EXPECT_FALSE(std::filesystem::exists(layout_.Index(dataset, 2)));
    EXPECT_TRUE(NothingInClear(under_way));
    EXPECT_TRUE(consent_.headers.empty());
    const std::string back = Submit({}, Dataset(dataset), Mode::kRollback, 1);
    ASSERT_THAT(RunOnce(), IsOk());
    EXPECT_EQ(Find(back).state, State::kFailed);
  }
}

TEST_F(SnapshotsTest, EveryStepSurvivesTheDeathOfTheProcess) {
  int step = 0;
  std::string baseline;
  for (bool crashed = true; crashed; ++step) {
    SCOPED_TRACE(step);
    consent_.registrations.clear();
    consent_.rows.clear();
    consent_.headers.clear();
    publisher_.indices.clear();
    publisher_.listed = 0;
    ASSERT_TRUE(database_->Transact(Context::Background(), [](sql::Tx& tx) {
                  return tx.Exec("TRUNCATE submissions, files, objects, jobs, snapshots, snapshot_segments, reports")
                      .status();
                }).ok());
    crash_.Arm(0);
    Publish(People(0, 10));
    const std::string id = Submit(People(10, 20), Dataset(), Mode::kAdd);
    crash_.Arm(step);  // 0: never
    RunOnce().IgnoreError();
    crashed = crash_.fired() || step == 0;
    crash_.Arm(0);
    if (step > 0 && crashed) {
      ExpireLeases();
      MakePipeline("");
      EXPECT_THAT(RunOnce(), IsOk());
    }
    const Submission done = Find(id);
    ASSERT_EQ(done.state, State::kPublished) << done.message;
    EXPECT_EQ(done.base_version, 1);
    const std::string outcome = IndexOf(2)[1] + IndexOf(2)[3] + done.individuals_sha256;
    if (step == 0) baseline = outcome;
    else EXPECT_EQ(outcome, baseline);
    EXPECT_EQ(submissions_->Objects(Context::Background(), kDataset, 2)->size(), 5u);
  }
  EXPECT_GT(step, 40);
}

}  // namespace
}  // namespace genofed::onboarding
