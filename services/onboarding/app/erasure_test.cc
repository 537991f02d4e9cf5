// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/erasure.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/beacon/snapshot.h"
#include "libs/core/strings.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/erase_rows.h"
#include "libs/genomics/individuals.h"
#include "libs/genomics/person_records.h"
#include "libs/genomics/vcf_reader.h"
#include "libs/qc/fingerprints.h"
#include "libs/testing/matchers.h"
#include "services/onboarding/adapters/sql_erasure_store.h"
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
using ::testing::IsEmpty;

constexpr char kDataset[] = "GOE-FI-HEART-1";

// Dies with the others.
class MortalErasureStore final : public ErasureStore {
 public:
  MortalErasureStore(ErasureStore& store, test::Crash& crash) : store_(store), crash_(crash) {}
  Result<std::vector<StoredVersion>> Versions(const Context& ctx,
                                              const std::string& dataset) override {
    return test::Mortal(crash_, [&] { return store_.Versions(ctx, dataset); });
  }
  Result<bool> IsBusy(const Context& ctx, const std::string& dataset) override {
    return store_.IsBusy(ctx, dataset);
  }
  Result<std::vector<ObjectRecord>> Objects(const Context& ctx,
                                            const std::string& submission) override {
    return store_.Objects(ctx, submission);
  }
  Status Discard(const Context& ctx, const std::vector<Discarded>& what) override {
    return test::Mortal(crash_, [&] { return store_.Discard(ctx, what); });
  }
  Status Commit(const Context& ctx, const Rewrite& rewrite) override {
    return test::Mortal(crash_, [&] { return store_.Commit(ctx, rewrite); });
  }
  Result<std::vector<StoredVersion>> Unannounced(const Context& ctx) override {
    return store_.Unannounced(ctx);
  }
  Status Announced(const Context& ctx, const std::string& dataset, std::int32_t version) override {
    return test::Mortal(crash_, [&] { return store_.Announced(ctx, dataset, version); });
  }
  Result<std::vector<Discarded>> ListDiscarded(const Context& ctx) override {
    return store_.ListDiscarded(ctx);
  }
  Status Drop(const Context& ctx, const Discarded& what) override {
    return test::Mortal(crash_, [&] { return store_.Drop(ctx, what); });
  }

 private:
  ErasureStore& store_;
  test::Crash& crash_;
};

class ErasureTest : public test::SiteTest {
 protected:
  void SetUp() override {
    SiteTest::SetUp();
    stored_ = std::make_unique<SqlErasureStore>(*database_);
    mortal_ = std::make_unique<MortalErasureStore>(*stored_, crash_);
    erasure_ = std::make_unique<Erasure>(layout_, *mortal_, *bodies_, consent_, publisher_, clock_,
                                         random_, metrics_);
  }

  Submission Publish(const Files& files, Mode mode = Mode::kFull) {
    const std::string id = Submit(files, Dataset(), mode);
    EXPECT_THAT(RunOnce(), IsOk());
    Submission submission = Find(id);
    EXPECT_EQ(submission.state, State::kPublished) << submission.message;
    publisher_.listed = submission.version;
    return submission;
  }
  StoredVersion Stored(std::int32_t version, const std::string& dataset = kDataset) {
    const auto versions = *stored_->Versions(Context::Background(), dataset);
    for (const StoredVersion& one : versions) {
      if (one.snapshot.version == version) return one;
    }
    ADD_FAILURE() << "no version " << version;
    return {};
  }
  SnapshotContent Content(std::int32_t version) {
    auto content = ReadContent(layout_, Stored(version).snapshot);
    EXPECT_THAT(content, IsOk());
    return *content;
  }
  // Somebody who has a row.
  std::string SomebodyOf(std::int32_t version, std::size_t row,
                         const std::string& dataset = kDataset) {
    const std::string pseudonym = consent_.rows[{dataset, version}].at(row);
    for (const auto& [of, people] : consent_.registrations) {
      for (const auto& [person, permissions] : people) {
        if (test::FakeConsent::Pseudonym(person) == pseudonym) return person;
      }
    }
    ADD_FAILURE() << "nobody has row " << row;
    return "";
  }
  // Names of all files below the site's directory, and of all bodies.
  std::set<std::string> Everything() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(layout_.root())) {
      if (entry.is_regular_file())
        names.insert(std::filesystem::relative(entry.path(), layout_.root()));
    }
    return names;
  }
  // All but bodies, which are encrypted.
  std::size_t OpenFiles() {
    const auto files = Everything();
    return static_cast<std::size_t>(
        std::count_if(files.begin(), files.end(),
                      [](const std::string& name) { return !name.ends_with(".c4gh"); }));
  }
  // A task on the version is given the keys of all its objects.
  void CheckOpensToRuns(std::int32_t version) {
    const auto objects = submissions_->Objects(background_, kDataset, version);
    ASSERT_THAT(objects, IsOk());
    for (const ObjectRecord& object : *objects)
      EXPECT_TRUE(consent_.IsOfRun(object.id, kDataset, version)) << object.role << " " << version;
  }
  // Samples, and for each record of an object: what bcftools says of AC and AN.
  struct Vcf {
    std::vector<std::string> samples;
    std::map<std::string, std::string> counts;
  };
  Vcf Read(const ObjectRecord& object) {
    const auto path = test::Write(directory_ / "read.vcf.gz", Decrypt(object));
    Vcf vcf;
    vcf.samples = Lines(test::Output("bcftools query -l " + path.string()));
    for (const std::string& line : Lines(test::Output(
             "bcftools query -f '%CHROM-%POS-%REF-%ALT %AC %AN\\n' " + path.string()))) {
      const std::size_t blank = line.find(' ');
      vcf.counts[line.substr(0, blank)] = line.substr(blank + 1);
    }
    return vcf;
  }
  // What each person of a batch carries.
  ObjectRecord RecordsOf(const Submission& submission) {
    const auto objects = *stored_->Objects(background_, submission.id);
    const auto found = std::ranges::find(objects, kPersonRecordsRole, &ObjectRecord::role);
    return found == objects.end() ? ObjectRecord() : *found;
  }
  // "chr20 1000 A C het" of each allele of a record.
  std::set<std::string> AllelesOf(const genomics::PersonRecords& records, std::uint32_t row) {
    std::set<std::string> alleles;
    genomics::PersonRecord record = records.Of(row);
    genomics::CarriedAllele allele;
    for (auto any = record.Next(allele); any.ok() && *any; any = record.Next(allele)) {
      constexpr const char* kCopies[] = {"het", "hom", "hemi"};
      alleles.insert(fmt::format("{} {} {} {} {}", allele.variant.contig, allele.variant.pos + 1,
                                 allele.variant.ref, allele.variant.alt,
                                 kCopies[static_cast<std::size_t>(allele.copies)]));
    }
    return alleles;
  }
  // The index says the same as the object it was made with.
  void CheckAgree(const Vcf& vcf, const SegmentRef& segment) {
    const auto index =
        genomics::CohortIndex::Open(layout_.SitePath(segment.index_path), segment.manifest_sha256);
    ASSERT_THAT(index, IsOk());
    ASSERT_GT(vcf.counts.size(), 200U);
    for (const auto& [site, counts] : vcf.counts) {
      if (site.find(',') != std::string::npos || site.find('<') != std::string::npos) continue;
      auto variant = genomics::ParseVariant(site.starts_with("chr") ? site.substr(3) : site);
      ASSERT_THAT(variant, IsOk()) << site;
      const auto hit = (*index)->FindExact(*variant);
      ASSERT_TRUE(hit.has_value()) << site;
      const auto counted = (*index)->Count(*hit);
      EXPECT_EQ(fmt::format("{} {}", counted.ac, counted.an), counts) << site;
    }
  }

  Context background_ = Context::Background();
  std::unique_ptr<SqlErasureStore> stored_;
  std::unique_ptr<MortalErasureStore> mortal_;
  std::unique_ptr<Erasure> erasure_;
};

TEST_F(ErasureTest, NothingOfAForgottenPersonStays) {
  if (!test::HasBcftools()) GTEST_SKIP() << "needs bcftools to read the objects";
  Publish(People(0, 40));
  Publish(People(40, 60), Mode::kAdd);
  constexpr std::size_t kRow = 3;
  const std::string person = SomebodyOf(1, kRow);
  const std::string pseudonym = test::FakeConsent::Pseudonym(person);
  const auto objects = *submissions_->Objects(background_, kDataset, 2);
  const Vcf before = Read(objects[0]);
  ASSERT_EQ(before.samples[kRow], pseudonym);
  const SnapshotContent content = Content(2);
  const auto segments = content.segments;
  EXPECT_THAT(erasure_->Run(background_), IsOk()) << "nobody was forgotten";
  const auto files = Everything();
  EXPECT_EQ(Content(2), content);

  consent_.Forget(person);
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  // The segment of the second batch is as it was; that of the first is another, in both versions.
  const SnapshotContent after = Content(2);
  EXPECT_EQ(after.segments[1], segments[1]);
  EXPECT_NE(after.segments[0], segments[0]);
  EXPECT_EQ(Content(1).segments[0], after.segments[0]);
  // Everybody else is as they were, the person blank.
  ASSERT_EQ(after.individuals.size(), content.individuals.size());
  for (std::size_t row = 0; row < after.individuals.size(); ++row)
    EXPECT_EQ(after.individuals[row],
              row == kRow ? genomics::Individual() : content.individuals[row])
        << row;
  // The object holds the others, the index says the same, and whatever only the person carried is
  // nowhere.
  const auto anew = *submissions_->Objects(background_, kDataset, 2);
  ASSERT_EQ(anew.size(), objects.size());
  for (const ObjectRecord& object : anew) EXPECT_NE(object.role, kPersonRecordsRole) << "nobody's";
  const Vcf left = Read(anew[0]);
  EXPECT_EQ(left.samples.size(), before.samples.size() - 1);
  EXPECT_EQ(std::count(left.samples.begin(), left.samples.end(), pseudonym), 0);
  CheckAgree(left, after.segments[0]);
  std::size_t lost = 0;
  const auto index = genomics::CohortIndex::Open(layout_.SitePath(after.segments[0].index_path));
  for (const auto& [site, counts] : before.counts) {
    if (left.counts.contains(site) || site.find(',') != std::string::npos) continue;
    ++lost;
    EXPECT_FALSE((*index)->FindExact(*genomics::ParseVariant(site.substr(3))).has_value()) << site;
    EXPECT_FALSE(counts.starts_with("0 ")) << "was there because of the person: " << site;
  }
  EXPECT_GT(lost, 0U) << "the cohort has singletons";
  // The table for tasks, and the fingerprints by which relatives are found.
  const auto table = Lines(Decrypt(anew.back()));
  EXPECT_TRUE(table[kRow + 1].ends_with("\tUNKNOWN_SEX\t\t")) << table[kRow + 1];
  for (const std::string& line : table) EXPECT_FALSE(line.starts_with(pseudonym));
  const auto prints = qc::Fingerprints::Load(layout_.SitePath(after.segments[0].index_path) /
                                             qc::kFingerprintsFile);
  ASSERT_THAT(prints, IsOk());
  for (const std::uint64_t word : prints->Person(kRow).ref) EXPECT_EQ(word, 0U);
  // The old files, bodies and headers are gone.
  EXPECT_FALSE(std::filesystem::exists(layout_.SitePath(segments[0].index_path)));
  for (const ObjectRecord& object : objects) {
    const bool same =
        std::any_of(anew.begin(), anew.end(), [&](const auto& one) { return one.id == object.id; });
    EXPECT_EQ(same, object.id == anew[1].id || object.id == anew[3].id)
        << object.role << " of the second batch stays";
    EXPECT_EQ(consent_.headers.contains(object.id), same);
    EXPECT_EQ(bodies_->Stat(background_, BodyName(object.id)).ok(), same);
  }
  EXPECT_THAT(*stored_->ListDiscarded(background_), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(layout_.Scratch()));
  CheckOpensToRuns(1);
  CheckOpensToRuns(2);
  // Discovery answers from the new files, and the ledger says that something was erased, not what.
  for (const std::int32_t version : {1, 2}) {
    const auto& published = publisher_.indices[{kDataset, version}];
    ASSERT_EQ(published.size(), 1U);
    EXPECT_NE(published.begin()->find(after.segments[0].manifest_sha256), std::string::npos);
    EXPECT_EQ(std::count_if(consent_.events.begin(), consent_.events.end(),
                            [&](const auto& event) {
                              return event.second.outcome == "erased" &&
                                     event.second.version == version;
                            }),
              1);
  }
  EXPECT_EQ(Everything().size(), files.size() - 1)
      << "the diff between the versions told of the person";

  // That is all there is to do, also once people were added.
  const auto settled = Everything();
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_EQ(Everything(), settled);
  Files later = People(0, 30);
  later.variants.clear();
  const auto packets = Lines(later.clinical);
  auto packet = nlohmann::json::parse(packets[0]);
  if (packet["subject"]["id"] == person) packet = nlohmann::json::parse(packets[1]);
  packet["phenotypicFeatures"].push_back(
      {{"type", {{"id", "HP:0009999"}, {"label", "Something new"}}}});
  later.clinical = packet.dump() + "\n";
  Publish(later, Mode::kFollowUp);
  EXPECT_EQ(Stored(3).erased, (std::set<std::int32_t>{kRow}));
  EXPECT_EQ(Content(3).individuals[kRow], genomics::Individual());
  const auto third = Everything();
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_EQ(Everything(), third);
}

TEST_F(ErasureTest, EverybodysRecordSaysWhatTheyCarryAndGoesWithThem) {
  if (!test::HasBcftools()) GTEST_SKIP() << "needs bcftools to read the genotypes";
  const Submission submission = Publish(People(0, 40));
  const auto objects = *submissions_->Objects(background_, kDataset, 1);
  const auto vcf = test::Write(directory_ / "all.vcf.gz", Decrypt(objects[0]));
  const std::vector<std::string> people = consent_.rows[{kDataset, 1}];
  const ObjectRecord before = RecordsOf(submission);
  const std::string clear = Decrypt(before);
  const auto records = genomics::PersonRecords::Read(clear);
  ASSERT_THAT(records, IsOk());
  ASSERT_EQ((*records)->people().size(), people.size());
  for (const std::uint32_t row : {0U, 3U, 7U}) {
    EXPECT_EQ((*records)->Find(row)->name, people[row]);
    std::set<std::string> expected;
    for (const std::string& line : Lines(test::Output(fmt::format(
             "bcftools norm -m-any {0} 2>/dev/null | bcftools view -s {1} | "
             "bcftools query -i 'GT=\"alt\"' -f '%CHROM %POS %REF %ALT [%GT]\n'",
             vcf.string(), people[row])))) {
      const auto columns = Split(line, ' ');
      const auto copies = std::ranges::count(columns[4], '1');
      const bool both = columns[4].size() == 3 && columns[4].find('.') == std::string_view::npos;
      expected.insert(fmt::format("{} {} {} {} {}",
                                  columns[0].starts_with("chr") ? columns[0].substr(3) : columns[0],
                                  columns[1], columns[2], columns[3],
                                  copies == 2 ? "hom" : both ? "het" : "hemi"));
    }
    EXPECT_GT(expected.size(), 20U);
    EXPECT_EQ(AllelesOf(**records, row), expected) << row;
  }

  consent_.Forget(SomebodyOf(1, 3));
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  const ObjectRecord after = RecordsOf(submission);
  EXPECT_NE(after.id, before.id);
  EXPECT_FALSE(consent_.headers.contains(before.id));
  EXPECT_FALSE(bodies_->Stat(background_, BodyName(before.id)).ok());
  const std::string left_clear = Decrypt(after);
  const auto left = genomics::PersonRecords::Read(left_clear);
  ASSERT_THAT(left, IsOk());
  EXPECT_EQ((*left)->Find(3), nullptr);
  EXPECT_EQ((*left)->people().size(), people.size() - 1);
  EXPECT_EQ(AllelesOf(**left, 7), AllelesOf(**records, 7));
  EXPECT_EQ(left_clear.find(people[3]), std::string::npos);
  // The others' records are still those of the index that was written anew.
  consent_.Forget(SomebodyOf(1, 7));
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_EQ(Stored(1).erased, (std::set<std::int32_t>{3, 7}));
}

// Whoever is erased by mistake is gone for good.
TEST_F(ErasureTest, ARowOfSomebodyWhoStaysErasesNothing) {
  Publish(People(0, 20));
  const auto files = Everything();
  consent_.forgotten.push_back({kDataset, 1, 3});
  EXPECT_THAT(erasure_->Run(background_), HasReason("CONSENT_ANSWER_INVALID"));
  EXPECT_EQ(Everything(), files);
  EXPECT_THAT(Stored(1).erased, IsEmpty());
  EXPECT_THAT(*stored_->ListDiscarded(background_), IsEmpty());
}

TEST_F(ErasureTest, AnIndexThatDisagreesWithTheRecordsStaysAsItIs) {
  Publish(People(0, 20));
  // One that lacks what somebody carries took its place.
  const SegmentRef segment = Content(1).segments[0];
  const auto index = genomics::CohortIndex::Open(layout_.SitePath(segment.index_path));
  const std::uint32_t rows[] = {3};
  const auto other = genomics::EraseRows(background_, **index, rows, nullptr,
                                         layout_.SitePath(segment.index_path + ".9"));
  ASSERT_THAT(other, IsOk());
  const auto replace = [&](const std::string& path, const std::string& sha256) {
    return database_->Transact(background_, [&](sql::Tx& tx) {
      return tx
          .Exec("UPDATE snapshot_segments SET index_path = $1, manifest_sha256 = $2", path, sha256)
          .status();
    });
  };
  ASSERT_THAT(replace(segment.index_path + ".9", other->manifest_sha256), IsOk());
  const auto files = Everything();
  consent_.Forget(SomebodyOf(1, 3));
  EXPECT_THAT(erasure_->Run(background_), HasReason("RECORDS_DISAGREE"));
  EXPECT_EQ(Everything(), files);
  EXPECT_THAT(Stored(1).erased, IsEmpty());
  // The right one again, from a backup.
  ASSERT_THAT(replace(segment.index_path, segment.manifest_sha256), IsOk());
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_EQ(Stored(1).erased, (std::set<std::int32_t>{3}));
}

TEST_F(ErasureTest, ABatchFromBeforeThereWereRecordsIsWrittenAnewWithoutThem) {
  const Submission submission = Publish(People(0, 20));
  const ObjectRecord records = RecordsOf(submission);
  ASSERT_THAT(database_->Transact(background_,
                                  [&](sql::Tx& tx) {
                                    return tx
                                        .Exec("DELETE FROM objects WHERE id = $1", records.id)
                                        .status();
                                  }),
              IsOk());
  consent_.Forget(SomebodyOf(1, 3));
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_EQ(Stored(1).erased, (std::set<std::int32_t>{3}));
  EXPECT_EQ(RecordsOf(submission).id, "");
}

// Whatever of them was kept by then is erased, and the records agree with it.
TEST_F(ErasureTest, WhoIsForgottenWhileTheirVersionIsMadeIsErasedFromIt) {
  constexpr std::size_t kRow = 2;
  int forgotten = 0;
  for (int step = 10;; step += 3) {
    const std::string dataset = fmt::format("GOE-FI-HEART-{}", step);
    publisher_.listed = 0;
    const std::string id = Submit(People(0, 20), Dataset(dataset));
    crash_.Arm(step);
    (void)RunOnce();
    const bool died = crash_.fired();
    crash_.Arm(0);
    if (!died) break;
    const bool registered = consent_.rows[{dataset, 1}].size() > kRow;
    if (registered) {
      consent_.Forget(SomebodyOf(1, kRow, dataset), dataset);
      ++forgotten;
    }
    ASSERT_THAT(pipeline_->EmptyScratch(), IsOk());
    ExpireLeases();
    ASSERT_THAT(RunOnce(), IsOk()) << step;
    ASSERT_EQ(Find(id).state, State::kPublished) << step << " " << Find(id).message;
    ASSERT_THAT(erasure_->Run(background_), IsOk()) << step;
    if (!registered) continue;
    ASSERT_EQ(Stored(1, dataset).erased, (std::set<std::int32_t>{kRow})) << step;
    const std::string clear = Decrypt(RecordsOf(Find(id)));
    const auto records = genomics::PersonRecords::Read(clear);
    ASSERT_THAT(records, IsOk());
    EXPECT_EQ((*records)->Find(kRow), nullptr) << step;
  }
  EXPECT_GT(forgotten, 5);
}

TEST_F(ErasureTest, AKilledProcessLeavesNothingBehindAndLosesNothing) {
  Publish(People(0, 55));
  Publish(People(55, 60), Mode::kAdd);
  // Somebody else is forgotten at each step at which the process dies.
  int step = 1;
  for (std::size_t row = 0;; ++row, step += 3) {
    const std::size_t people = consent_.rows[{kDataset, 1}].size();
    ASSERT_LT(row, people) << "not so many steps";
    const std::size_t files = OpenFiles();
    const std::size_t headers = consent_.headers.size();
    consent_.Forget(SomebodyOf(2, row));
    crash_.Arm(step);
    (void)erasure_->Run(background_.WithStop(crash_.token()));
    const bool died = crash_.fired();
    crash_.Arm(0);
    ASSERT_THAT(pipeline_->EmptyScratch(), IsOk());
    ASSERT_THAT(erasure_->Run(background_), IsOk()) << step;
    std::set<std::int32_t> erased;
    for (std::size_t i = 0; i <= row; ++i) erased.insert(static_cast<std::int32_t>(i));
    ASSERT_EQ(Stored(1).erased, erased) << step;
    ASSERT_EQ(Stored(2).erased, erased) << step;
    ASSERT_THAT(*stored_->ListDiscarded(background_), IsEmpty()) << step;
    ASSERT_THAT(*stored_->Unannounced(background_), IsEmpty()) << step;
    ASSERT_EQ(consent_.headers.size(), headers) << step;
    ASSERT_THAT(StrayBodies(), IsEmpty()) << step;
    if (row > 0) {
      ASSERT_EQ(OpenFiles(), files) << step;
    }
    const auto objects = *submissions_->Objects(background_, kDataset, 2);
    for (const ObjectRecord& object : objects) ASSERT_FALSE(Decrypt(object).empty()) << object.role;
    const SnapshotContent content = Content(2);
    for (const SegmentRef& segment : content.segments)
      ASSERT_THAT(genomics::CohortIndex::Open(layout_.SitePath(segment.index_path),
                                              segment.manifest_sha256),
                  IsOk());
    if (!died) break;
  }
  EXPECT_GT(step, 20);
}

TEST_F(ErasureTest, ABatchOfWhichNobodyIsLeftHasNoObject) {
  Publish(People(0, 20));
  const Submission second = Publish(People(20, 22), Mode::kAdd);
  Publish(People(22, 30), Mode::kAdd);
  const std::size_t first = consent_.rows[{kDataset, 1}].size(),
                    end = consent_.rows[{kDataset, 2}].size();
  ASSERT_LT(first, end);
  for (std::size_t row = first; row < end; ++row) consent_.Forget(SomebodyOf(3, row));
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  const auto objects = *submissions_->Objects(background_, kDataset, 3);
  ASSERT_EQ(objects.size(), 5U) << "genotypes and index of the first and third batch, phenotypes";
  EXPECT_EQ(objects[0].first_row, 0);
  EXPECT_EQ(objects[1].first_row, static_cast<int>(end));
  const auto index =
      genomics::CohortIndex::Open(layout_.SitePath(Content(3).segments[1].index_path));
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ((*index)->info().n_people, end - first);
  EXPECT_EQ(RecordsOf(second).id, "");
}

TEST_F(ErasureTest, WaitsForASubmissionUnderWayAndLeavesWhatIsGoneAlone) {
  Publish(People(0, 20));
  consent_.Forget(SomebodyOf(1, 0));
  // Another version is being made: its run died before the end.
  Submit(People(20, 25), Dataset(), Mode::kAdd);
  crash_.Arm(30);
  (void)RunOnce();
  ASSERT_TRUE(crash_.fired());
  crash_.Arm(0);
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_THAT(Stored(1).erased, IsEmpty());
  ExpireLeases();
  ASSERT_THAT(RunOnce(), IsOk());
  // Decommissioned: there is nothing to erase from.
  publisher_.decommissioned = true;
  const auto files = Everything();
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_EQ(Stored(1).erased, (std::set<std::int32_t>{0}));
  EXPECT_EQ(Everything(), files);
  EXPECT_THAT(*stored_->Unannounced(background_), IsEmpty());
}

TEST_F(ErasureTest, WhatWasSetAsideGoesAlsoWhereTheyHaveNoRow) {
  const auto with_a_stray_record = [](Files files) {
    files.clinical += "{\"colour\":\"red\"}\n";
    return files;
  };
  const auto sets_aside = [&](const Submission& submission) {
    const auto objects = *stored_->Objects(background_, submission.id);
    return std::ranges::count(objects, kQuarantineRole, &ObjectRecord::role) > 0;
  };
  const Submission first = Publish(with_a_stray_record(People(0, 30)));
  const Submission second = Publish(with_a_stray_record(People(30, 40)));
  ASSERT_TRUE(sets_aside(first) && sets_aside(second));
  std::string left_out;
  for (const auto& [person, permissions] : consent_.registrations[{kDataset, 1}]) {
    if (permissions == 0) left_out = person;
  }
  ASSERT_FALSE(left_out.empty());
  const SnapshotContent content = Content(1);
  const std::size_t files = Everything().size();
  consent_.Forget(left_out);
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_FALSE(sets_aside(first));
  EXPECT_FALSE(sets_aside(second)) << "their record may be among these";
  EXPECT_EQ(Everything().size(), files - 2);
  EXPECT_EQ(Content(1), content) << "of the version nothing is written anew";
  EXPECT_EQ(Stored(1).erased, (std::set<std::int32_t>{-1}));
  // What is set aside later is not of people who were forgotten before.
  const Submission third = Publish(with_a_stray_record(People(40, 60)));
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_TRUE(sets_aside(third));
}

TEST_F(ErasureTest, AVersionThatFailedDoesNotStandInTheWay) {
  Publish(People(0, 20));
  publisher_.refuse_index = true;
  const std::string failed = Submit(People(20, 25), Dataset(), Mode::kAdd);
  ASSERT_THAT(RunOnce(), IsOk());
  ASSERT_EQ(Find(failed).state, State::kFailed);
  publisher_.refuse_index = false;
  consent_.Forget(SomebodyOf(1, 0));
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_EQ(Stored(1).erased, (std::set<std::int32_t>{0}));
}

// However long the catalogue refuses its record.
TEST_F(ErasureTest, AVersionThatOnlyTheCatalogueLacksIsWrittenAnewToo) {
  Publish(People(0, 20));
  const std::size_t first = consent_.rows[{kDataset, 1}].size();
  publisher_.record_errors = 1;
  const std::string id = Submit(People(20, 30), Dataset(), Mode::kAdd);
  ASSERT_THAT(RunOnce(), HasReason("RECORD_INVALID"));
  for (const std::size_t row : {std::size_t{0}, first + 1}) consent_.Forget(SomebodyOf(2, row));
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  ASSERT_THAT(RunOnce(), IsOk());
  ASSERT_EQ(Find(id).state, State::kPublished) << Find(id).message;
  EXPECT_EQ(Content(2).individuals[0], genomics::Individual());
  EXPECT_EQ(Content(2).individuals[first + 1], genomics::Individual());
  EXPECT_NE(Content(2).individuals[first + 2], genomics::Individual());
  EXPECT_EQ((publisher_.indices[{kDataset, 2}].size()), 1U) << "the one that was written anew";
  CheckOpensToRuns(2);
  if (!test::HasBcftools()) return;
  const auto objects = *submissions_->Objects(background_, kDataset, 2);
  EXPECT_EQ(Read(objects[1]).samples.size() + first + 1, (consent_.rows[{kDataset, 2}].size()));
}

TEST_F(ErasureTest, ARowThatTheVersionDoesNotHaveErasesNothing) {
  Publish(People(0, 20));
  const auto files = Everything();
  consent_.forgotten.push_back({kDataset, 1, 4000});
  EXPECT_THAT(erasure_->Run(background_), HasReason("CONSENT_ANSWER_INVALID"));
  EXPECT_EQ(Everything(), files);
  EXPECT_THAT(*stored_->ListDiscarded(background_), IsEmpty());
}

TEST_F(ErasureTest, TheOldFilesStayUntilDiscoveryAnswersFromTheNew) {
  Publish(People(0, 20));
  const auto before = Content(1).segments[0];
  consent_.Forget(SomebodyOf(1, 5));
  publisher_.refuse_index = true;
  EXPECT_FALSE(erasure_->Run(background_).ok());
  EXPECT_FALSE(erasure_->Run(background_).ok());
  EXPECT_TRUE(std::filesystem::exists(layout_.SitePath(before.index_path)));
  publisher_.refuse_index = false;
  ASSERT_THAT(erasure_->Run(background_), IsOk());
  EXPECT_FALSE(std::filesystem::exists(layout_.SitePath(before.index_path)));
}

}  // namespace
}  // namespace genofed::onboarding
