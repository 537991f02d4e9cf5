// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_cohort_opener.h"

#include <gtest/gtest.h>

#include <fstream>

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
  Publication Grown(std::uint32_t batches, const cohort::Annotations* newer = nullptr) {
    Publication all;
    for (std::uint32_t i = 0; i < batches; ++i) {
      TestSite site{kVariant, {}};
      site.sets.het = {0};
      const Publication one =
          WriteCohort(directory_.path(), "GOE-FI-A-1", static_cast<std::int32_t>(i + 1), 3, {site},
                      {}, genomics::Assembly::kGrch38, i + 1 == batches ? newer : nullptr);
      if (i == 0) all = one;
      if (i > 0) all.segments.push_back(one.segments[0]);
      all.version = one.version;
    }
    return all;
  }
  std::vector<std::string> Merged() const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(directory_ / "merged")) return names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "merged"))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  // Carriers among everybody, and people of whom it is known.
  std::pair<std::uint64_t, std::uint64_t> Count(const Cohort& cohort) {
    const Cohort::Buffers work(cohort);
    const auto counts = cohort.genotypes().CountExact(
        kVariant, genomics::Bitmap(cohort.rows(), true), *work);
    EXPECT_THAT(counts, IsOk());
    return {(*counts)->n_het, (*counts)->an / 2};
  }
  using Counts = std::pair<std::uint64_t, std::uint64_t>;

  testing::TemporaryDirectory directory_;
  FileCohortOpener opener_{directory_.path(), directory_ / "merged"};
};

TEST_F(FileCohortOpenerTest, FewBatchesStayAsTheyAre) {
  const auto cohort = opener_.Open(Grown(10));
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Count(**cohort), Counts(10, 30));
  EXPECT_EQ((*cohort)->genotypes().n_segments(), 10U);
  EXPECT_TRUE(Merged().empty());
}

TEST_F(FileCohortOpenerTest, ManyAreMergedAndLeftAloneWhileTheyStayTheSame) {
  // 13 = 8 + 4 + 1.
  Publication publication = Grown(13);
  const auto cohort = opener_.Open(publication);
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Count(**cohort), Counts(13, 39));
  EXPECT_EQ((*cohort)->genotypes().n_segments(), 3U);
  const auto merged = Merged();
  EXPECT_EQ(merged.size(), 2U);
  const auto written = std::filesystem::last_write_time(directory_ / "merged" / merged[0]);
  ASSERT_THAT(opener_.Open(publication), IsOk());
  EXPECT_EQ(Merged(), merged);
  EXPECT_EQ(std::filesystem::last_write_time(directory_ / "merged" / merged[0]), written);
  // Rows keep their order, and who was let in together is not forgotten.
  EXPECT_EQ((*cohort)->Released(4), 36U);
  EXPECT_EQ((*cohort)->Released(38), 39U);
  EXPECT_EQ((*cohort)->Released(40), 0U);
}

TEST_F(FileCohortOpenerTest, WhatWasMergedIsMadeAnewWhenItIsDamaged) {
  const Publication publication = Grown(12);
  ASSERT_THAT(opener_.Open(publication), IsOk());
  for (const std::string& name : Merged()) {
    for (const auto& file :
         std::filesystem::directory_iterator(directory_ / "merged" / name)) {
      if (file.path().extension() == ".tile") std::ofstream(file.path(), std::ios::app) << "x";
    }
  }
  const auto again = opener_.Open(publication);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(Count(**again), Counts(12, 36));
}

TEST_F(FileCohortOpenerTest, RarerMeansOneThingThoughTheTableChanged) {
  std::ofstream(directory_ / "table") << "20\t1001\tA\tT\t0.001\tBRCA1\tmissense_variant\n";
  const auto table = *cohort::Annotations::Read(directory_ / "table");
  const auto cohort = opener_.Open(Grown(4, &table));
  ASSERT_THAT(cohort, IsOk());
  EXPECT_EQ(Count(**cohort), Counts(4, 12));
  // One of six alleles, whatever the newer table said of the last batch.
  const Cohort::Buffers work(**cohort);
  cohort::VariantFilter filter;
  filter.contig = "20";
  filter.end = 2000;
  auto carriers = [&](double below) {
    filter.below_frequency = below;
    return *(*cohort)->genotypes().CountCarriers(Context::Background(), filter,
                                                 genomics::Bitmap(12, true), *work);
  };
  EXPECT_EQ(carriers(0.16), 0U);
  EXPECT_EQ(carriers(0.17), 4U);
}

TEST_F(FileCohortOpenerTest, SegmentsOfOthersAreRefused) {
  Publication publication = Grown(1);
  publication.dataset = "GOE-FI-B-1";
  EXPECT_THAT(opener_.Open(publication), HasReason("INDEX_MISMATCH"));
  publication = WriteCohort(directory_.path(), "GOE-FI-C-1", 2, 3, {});
  publication.version = 1;  // a segment of a later version
  EXPECT_THAT(opener_.Open(publication), HasReason("INDEX_MISMATCH"));
}

}  // namespace
}  // namespace genofed::discovery
