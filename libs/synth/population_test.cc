// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/population.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "libs/cohort/cohort.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::synth {
namespace {

namespace fs = std::filesystem;
using cohort::Cohort;
using cohort::Segment;
using genomics::Bitmap;
using testing::TemporaryDirectory;

std::vector<std::uint32_t> Rows(std::string_view list) {
  std::vector<std::uint32_t> rows;
  for (const std::string_view row : Split(list.substr(1, list.size() - 2), ',')) {
    if (!row.empty()) rows.push_back(static_cast<std::uint32_t>(*ParseInt(row)));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::unique_ptr<Cohort> Open(const fs::path& dir, int n) {
  std::vector<std::unique_ptr<Segment>> segments;
  for (int i = 0; i < n; ++i) {
    segments.push_back(*Segment::Open(n == 1 ? dir : dir / std::to_string(i)));
    EXPECT_TRUE(segments.back()->Verify().ok());
  }
  return *Cohort::Create(std::move(segments));
}

TEST(PopulationTest, SegmentsAndListsSayTheSameAndTheModelHolds) {
  TemporaryDirectory dir;
  PopulationOptions options;
  options.people = 3000;
  options.bases = 100'000;
  options.segments = 3;
  options.all_lists = true;
  const auto report = WritePopulation(dir / "a", options, nullptr);
  ASSERT_TRUE(report.ok()) << Describe(report.status());
  const auto one = Open(dir / "a" / "one", 1);
  const auto many = Open(dir / "a" / "many", 3);
  const Bitmap everybody(options.people, true);
  const Bitmap live = *ReadLive(dir / "a" / "live", options.people);
  EXPECT_NEAR(static_cast<double>(live.Count()) / options.people, 0.995, 0.006);
  cohort::Workspace work, work_many;
  std::ifstream lists(dir / "a" / "sites.tsv");
  std::string line;
  std::uint64_t sites = 0, missing = 0, hom = 0;
  double expected_hom = 0;
  while (std::getline(lists, line)) {
    const auto columns = Split(line, '\t');
    ASSERT_EQ(columns.size(), 9U);
    const genomics::Variant variant{"20", *ParseInt(columns[0]) - 1, std::string(columns[1]),
                                    std::string(columns[2])};
    const auto carriers = Rows(columns[7]);
    const auto two = Rows(columns[8]);
    const auto counts = *one->CountExact(variant, everybody, work);
    ASSERT_TRUE(counts.has_value());
    ASSERT_EQ(counts->n_individuals, carriers.size());
    ASSERT_EQ(counts->n_hom, two.size());
    ASSERT_EQ(counts->an, 2 * (options.people - static_cast<std::uint64_t>(*ParseInt(columns[6]))));
    if (!carriers.empty()) {
      const auto in_many = *many->CountExact(variant, everybody, work_many);
      ASSERT_TRUE(in_many.has_value());
      ASSERT_EQ(in_many->n_individuals, carriers.size());
    }
    ++sites;
    missing += static_cast<std::uint64_t>(*ParseInt(columns[6]));
    const double frequency = static_cast<double>(counts->ac) / static_cast<double>(counts->an);
    if (frequency > 0.05) {
      hom += two.size();
      expected_hom += frequency * frequency * static_cast<double>(counts->an) / 2;
    }
  }
  EXPECT_EQ(sites, report->sites);
  // The anchors of the model: singletons, 0.3 % without a call, Hardy-Weinberg proportions.
  EXPECT_NEAR(static_cast<double>(report->singletons) / static_cast<double>(sites), 0.44, 0.06);
  EXPECT_NEAR(static_cast<double>(missing) / static_cast<double>(sites * options.people), 0.003,
              0.001);
  EXPECT_NEAR(static_cast<double>(hom) / expected_hom, 1.0, 0.05);
  // The same seed gives the same bytes.
  ASSERT_TRUE(WritePopulation(dir / "b", options, nullptr).ok());
  for (const char* file :
       {"one/segment.json", "many/2/segment.json", "people", "live", "sites.tsv"})
    EXPECT_EQ(*ReadFile(dir / "a" / file), *ReadFile(dir / "b" / file)) << file;
}

TEST(PopulationTest, RefusesWhatItCannotMake) {
  TemporaryDirectory dir;
  PopulationOptions options;
  options.people = 1;
  EXPECT_EQ(Reason(WritePopulation(dir / "a", options, nullptr).status()), "SYNTH_INVALID");
  options.people = 1000;
  std::ofstream(dir / "file") << "x";
  EXPECT_EQ(Reason(WritePopulation(dir.path(), options, nullptr).status()), "DIRECTORY_NOT_EMPTY");
}

}  // namespace
}  // namespace genofed::synth
