// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_cohort_opener.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <map>
#include <thread>

#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;
using testing::IsOk;

const genomics::Variant kVariant = {"20", 1000, "A", "T"};

class FileCohortOpenerTest : public ::testing::Test {
 protected:
  // A dataset that grew by three people at a time; of each batch the first person carries the
  // variant.
  Publication Grown(std::uint32_t batches) {
    Publication all;
    for (std::uint32_t i = 0; i < batches; ++i) {
      TestSite site{kVariant, {}};
      site.sets.het = {0};
      const Publication one =
          WriteCohort(directory_.path(), "GOE-FI-A-1", static_cast<std::int32_t>(i + 1), 3, {site});
      if (i == 0) all = one;
      if (i > 0) all.segments.push_back(one.segments[0]);
      all.version = one.version;
    }
    return all;
  }
  FileCohortOpener Opener(AnnotationTable table = {}) {
    return {directory_.path(), directory_ / "derived", std::move(table)};
  }
  AnnotationTable Table(const std::string& lines) {
    EXPECT_THAT(WriteFileAtomically(directory_ / "table", lines), IsOk());
    return *AnnotationTable::Find(directory_ / "table");
  }
  // Names and times of what was made.
  std::map<std::string, std::filesystem::file_time_type> Derived() const {
    std::map<std::string, std::filesystem::file_time_type> made;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "derived"))
      made.emplace(entry.path().filename(), entry.last_write_time());
    return made;
  }
  void MakeOlder(const std::string& name) {
    const auto age = [](const std::filesystem::path& path) {
      std::filesystem::last_write_time(
          path, std::filesystem::last_write_time(path) - std::chrono::hours(1));
    };
    for (const auto& file : std::filesystem::directory_iterator(directory_ / "derived" / name))
      age(file.path());
    age(directory_ / "derived" / name);
  }
  // What somebody is making who has come so far, or had when it was killed.
  void Begin(const std::string& name) {
    std::filesystem::create_directories(directory_ / "derived" / name);
    std::ofstream(directory_ / "derived" / name / "20.0000.tile") << "begun";
  }
  // Carriers among everybody, and people who were called.
  using Counts = std::pair<std::uint64_t, std::uint64_t>;
  Counts Count(const Cohort& cohort) {
    const Cohort::Buffers work(cohort);
    const auto counts =
        cohort.genotypes().CountExact(kVariant, genomics::Bitmap(cohort.rows(), true), *work);
    EXPECT_THAT(counts, IsOk());
    return {(*counts)->n_het, (*counts)->an / 2};
  }
  std::uint64_t InGene(const Cohort& cohort, const std::string& gene, double below) {
    cohort::VariantFilter filter;
    filter.gene = gene;
    filter.below_frequency = below;
    const Cohort::Buffers work(cohort);
    return *cohort.genotypes().CountCarriers(Context::Background(), filter,
                                             genomics::Bitmap(cohort.rows(), true), *work);
  }

  testing::TemporaryDirectory directory_;
};

TEST_F(FileCohortOpenerTest, AFewBatchesAreASegmentEach) {
  FileCohortOpener opener = Opener();
  const auto cohort = opener.Open(Grown(10));
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Count(**cohort), Counts(10, 30));
  EXPECT_EQ((*cohort)->genotypes().n_segments(), 10U);
  EXPECT_EQ(Derived().size(), 10U);
}

TEST_F(FileCohortOpenerTest, ManyGoTogetherAndAreMadeOnce) {
  // 13 = 8 + 4 + 1.
  const Publication publication = Grown(13);
  const auto cohort = Opener().Open(publication);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Count(**cohort), Counts(13, 39));
  EXPECT_EQ((*cohort)->genotypes().n_segments(), 3U);
  const auto made = Derived();
  EXPECT_EQ(made.size(), 3U);
  ASSERT_THAT(Opener().Open(publication), IsOk());
  EXPECT_EQ(Derived(), made);
  // Rows keep their order, and who was let in together is not forgotten.
  EXPECT_EQ((*cohort)->Released(4), 36U);
  EXPECT_EQ((*cohort)->Released(38), 39U);
  EXPECT_EQ((*cohort)->Released(40), 0U);
}

TEST_F(FileCohortOpenerTest, WhatWasMadeForOthersIsSweptAway) {
  const Publication publication = Grown(3);
  Publication gone = publication, kept = publication;
  gone.segments = {publication.segments[2]};
  kept.segments.pop_back();
  FileCohortOpener opener = Opener();
  EXPECT_THAT(opener.Sweep({kept}), IsOk()) << "before anything was made";
  ASSERT_THAT(opener.Open(kept), IsOk());
  const auto wanted = Derived();
  const auto still_open = opener.Open(gone);
  ASSERT_THAT(still_open, IsOk());
  ASSERT_THAT(opener.Sweep({kept}), IsOk());
  EXPECT_EQ(Derived().size(), 3U) << "another replica may know more";
  for (const auto& [name, time] : Derived()) MakeOlder(name);
  ASSERT_THAT(opener.Sweep({kept}), IsOk());
  EXPECT_EQ(Derived().size(), 2U);
  for (const auto& [name, time] : Derived()) EXPECT_TRUE(wanted.contains(name));
  EXPECT_EQ(Count(**still_open), Counts(1, 3)) << "questions that were asked before";
  // A version that was taken out of use has no index any more.
  std::filesystem::remove_all(directory_ / kept.segments[0].index_path);
  ASSERT_THAT(opener.Sweep({kept}), IsOk());
  EXPECT_TRUE(Derived().empty());
}

TEST_F(FileCohortOpenerTest, WhatIsDamagedIsMadeAnew) {
  const Publication publication = Grown(2);
  ASSERT_THAT(Opener().Open(publication), IsOk());
  for (const auto& [name, time] : Derived()) {
    for (const auto& file : std::filesystem::directory_iterator(directory_ / "derived" / name)) {
      if (file.path().extension() == ".tile") std::ofstream(file.path(), std::ios::app) << "x";
    }
  }
  const auto again = Opener().Open(publication);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(Count(**again), Counts(2, 6));
}

// In containers all processes have the same number, and they may share a disk.
TEST_F(FileCohortOpenerTest, WhatAProcessWithTheSameNumberMakesIsLeftAlone) {
  const Publication publication = Grown(1);
  ASSERT_THAT(Opener().Open(publication), IsOk());
  const std::string run = Derived().begin()->first;
  std::filesystem::remove_all(directory_ / "derived" / run);
  const std::string other = run + "." + std::to_string(::getpid());
  Begin(other);
  const auto cohort = Opener().Open(publication);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Count(**cohort), Counts(1, 3));
  EXPECT_EQ(Derived().size(), 2U);
  EXPECT_THAT(ReadFile(directory_ / "derived" / other / "20.0000.tile"), IsOk());
}

TEST_F(FileCohortOpenerTest, TwoMakeTheSameAtTheSameTime) {
  const Publication publication = Grown(3);
  for (int round = 0; round < 20; ++round) {
    FileCohortOpener one = Opener(), other = Opener();
    {
      const std::jthread first([&] { EXPECT_THAT(one.Open(publication), IsOk()); });
      const std::jthread second([&] { EXPECT_THAT(other.Open(publication), IsOk()); });
    }
    EXPECT_EQ(Derived().size(), 3U) << "nothing is left of who came second";
    std::filesystem::remove_all(directory_ / "derived");
  }
}

TEST_F(FileCohortOpenerTest, WhatKilledProcessesLeftIsRemoved) {
  const Publication publication = Grown(1);
  FileCohortOpener opener = Opener();
  ASSERT_THAT(opener.Open(publication), IsOk());
  const std::string run = Derived().begin()->first;
  std::filesystem::remove_all(directory_ / "derived" / run);
  const std::string another(64, 'a');
  for (const std::string& name : {run + ".1", run + ".2", another + ".1", another + ".2"})
    Begin(name);
  MakeOlder(run + ".1");
  MakeOlder(another + ".1");
  // Before the same is made once more, though nothing was swept yet.
  ASSERT_THAT(opener.Open(publication), IsOk());
  EXPECT_FALSE(Derived().contains(run + ".1"));
  EXPECT_TRUE(Derived().contains(run + ".2"));
  EXPECT_TRUE(Derived().contains(another + ".1"));
  ASSERT_THAT(opener.Sweep({publication}), IsOk());
  EXPECT_FALSE(Derived().contains(another + ".1"));
  EXPECT_TRUE(Derived().contains(another + ".2"));
  // Its files are still being written, though none was begun for a while.
  MakeOlder(another + ".2");
  std::ofstream(directory_ / "derived" / (another + ".2") / "20.0000.tile", std::ios::app)
      << "more";
  ASSERT_THAT(opener.Sweep({publication}), IsOk());
  EXPECT_TRUE(Derived().contains(another + ".2"));
}

TEST_F(FileCohortOpenerTest, NothingIsLeftOfWhatCouldNotBeMade) {
  // As on a disk that is full.
  const Publication publication = Grown(1);
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small = {64, before.rlim_max};
  const auto signal = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto cohort = Opener().Open(publication);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, signal);
  EXPECT_FALSE(cohort.ok());
  EXPECT_TRUE(Derived().empty());
  EXPECT_THAT(Opener().Open(publication), IsOk());
}

TEST_F(FileCohortOpenerTest, AnotherTableMakesOtherSegments) {
  const Publication publication = Grown(2);
  const auto first =
      Opener(Table("20\t1001\tA\tT\t0.001\tBRCA1\tmissense_variant\n")).Open(publication);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(InGene(**first, "BRCA1", 0.002), 2U);
  EXPECT_EQ(InGene(**first, "BRCA1", 0.001), 0U);
  const auto second = Opener(Table("20\t1001\tA\tT\t0.5\tNBR2\tstop_gained\n")).Open(publication);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(InGene(**second, "BRCA1", 1), 0U);
  EXPECT_EQ(InGene(**second, "NBR2", 0.6), 2U);
  EXPECT_EQ(Derived().size(), 4U);
  // Without one a frequency is counted: one of six alleles.
  const auto none = Opener().Open(publication);
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(InGene(**none, "NBR2", 1), 0U);
  FileCohortOpener bad = Opener(Table("20\tA\n"));
  EXPECT_THAT(bad.Open(publication), HasReason("ANNOTATIONS_UNUSABLE"));
  EXPECT_THAT(AnnotationTable::Find(directory_ / "nowhere"), HasReason("FILE_FAILED"));
}

TEST_F(FileCohortOpenerTest, SegmentsOfAnotherDivisionAreNotLeftLying) {
  const auto data = directory_ / "discovery";
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(data))
      found.insert(entry.path().filename().string());
    return found;
  };
  const auto begin_with = [&](const cohort::Shard& shard, bool stored) {
    const auto directory = SegmentsDirectory(data, shard, stored);
    EXPECT_THAT(directory, IsOk());
    std::filesystem::create_directories(*directory / "0123");
    return directory->filename().string();
  };
  std::filesystem::create_directories(data / "frequencies");
  EXPECT_EQ(begin_with({}, true), "segments");
  // Without a store the processes of a machine share what one of them made.
  EXPECT_EQ(begin_with({1, 3}, false), "segments");
  EXPECT_EQ(begin_with({1, 3}, true), "segments-2-of-3");
  EXPECT_EQ(begin_with({0, 3}, true), "segments-1-of-3");
  EXPECT_EQ(names(), (std::set<std::string>{"frequencies", "segments-1-of-3", "segments-2-of-3"}));
  EXPECT_EQ(begin_with({0, 4}, true), "segments-1-of-4");
  EXPECT_EQ(names(), (std::set<std::string>{"frequencies", "segments-1-of-4"}));
  EXPECT_EQ(begin_with({}, false), "segments");
  EXPECT_EQ(names(), (std::set<std::string>{"frequencies", "segments"}));
}

// Block 349 is of chromosome 20 up to 8 Mb: the second of two shards has it.
TEST_F(FileCohortOpenerTest, AShardOpensItsPartAndAllMeanTheSameFiles) {
  const Publication publication = Grown(3);
  std::vector<std::shared_ptr<const Cohort>> shards;
  for (const std::uint32_t number : {0U, 1U}) {
    FileCohortOpener opener(directory_.path(), directory_ / "derived", {}, nullptr, {number, 2});
    const auto cohort = opener.Open(publication);
    ASSERT_THAT(cohort, IsOk());
    shards.push_back(*cohort);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(shards[0]->genotypes().segment(i).n_tiles(), 0U);
    EXPECT_EQ(shards[1]->genotypes().segment(i).n_tiles(), 1U);
  }
  EXPECT_EQ(Count(*shards[1]), Counts(3, 9));
  EXPECT_EQ(shards[0]->rows(), 9U);
  EXPECT_EQ(shards[0]->files(), shards[1]->files());
  EXPECT_EQ(shards[0]->files().size(), 64U);
  EXPECT_EQ((*Opener().Open(publication))->files(), shards[0]->files());
  Publication fewer = publication;
  fewer.segments.pop_back();
  EXPECT_NE((*Opener().Open(fewer))->files(), shards[0]->files());
  EXPECT_NE((*Opener(Table("20\t1001\tA\tT\t0.5\tNBR2\tstop_gained\n")).Open(publication))->files(),
            shards[0]->files());
}

TEST_F(FileCohortOpenerTest, SegmentsThatCannotBeDividedAreMadeAnew) {
  const Publication publication = Grown(1);
  ASSERT_THAT(Opener().Open(publication), IsOk());
  const auto file =
      std::filesystem::directory_iterator(directory_ / "derived")->path() / cohort::kSegmentFile;
  cohort::SegmentManifest manifest = *cohort::ParseSegment(*ReadFile(file));
  for (cohort::SegmentTile& tile : manifest.tiles) tile.reach.reset();
  ASSERT_THAT(WriteFileAtomically(file, cohort::FormatSegment(manifest), 0640), IsOk());
  ASSERT_THAT(Opener().Open(publication), IsOk());
  EXPECT_FALSE(cohort::ParseSegment(*ReadFile(file))->tiles[0].reach);
  FileCohortOpener shard(directory_.path(), directory_ / "derived", {}, nullptr, {1, 2});
  const auto cohort = shard.Open(publication);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Count(**cohort), Counts(1, 3));
  EXPECT_TRUE(cohort::ParseSegment(*ReadFile(file))->tiles[0].reach);
}

TEST_F(FileCohortOpenerTest, IndicesOfOthersAreRefused) {
  Publication publication = Grown(1);
  publication.dataset = "GOE-FI-B-1";
  EXPECT_THAT(Opener().Open(publication), HasReason("INDEX_MISMATCH"));
  publication = WriteCohort(directory_.path(), "GOE-FI-C-1", 2, 3, {});
  publication.version = 1;  // an index of a later version
  EXPECT_THAT(Opener().Open(publication), HasReason("INDEX_MISMATCH"));
}

}  // namespace
}  // namespace genofed::discovery
