// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/erase_rows.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <set>

#include "libs/genomics/build_segment.h"
#include "libs/genomics/slow_cohort.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

IndexInfo Info(std::uint32_t n_people, std::uint32_t batch = kDefaultBatchSize) {
  return IndexInfo{"ds", "1", Assembly::kGrch38, n_people, batch};
}

std::vector<std::string> Digests(const CohortIndex& index) {
  std::vector<std::string> digests;
  for (const TileEntry& tile : index.tiles()) digests.push_back(tile.sha256);
  return digests;
}

// The index without the rows is, byte by byte, the one of the same people's files with everything
// of the rows missing and without the alleles that only they had.
RC_GTEST_PROP(EraseRowsProperty, EqualsAnIndexThatNeverHadThem, ()) {
  const auto n = *rc::gen::inRange<std::uint32_t>(1, 200);
  const auto batch = *rc::gen::element<std::uint32_t>(64, 128, 65'536);
  std::set<std::uint32_t> erased;
  for (std::uint32_t row = 0; row < n; ++row) {
    if (*rc::gen::inRange(0, 4) == 0) erased.insert(row);
  }
  TempDir dir;
  auto with = SegmentBuilder::Create(dir / "with", Info(n, batch));
  auto without = SegmentBuilder::Create(dir / "without", Info(n, batch));
  RC_ASSERT(with.ok() && without.ok());
  std::vector<std::int32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0);
  for (std::int64_t s = 0; s < 8; ++s) {
    VcfRecord record;
    bool only_erased = false, others = false;
    for (std::uint32_t row = 0; row < n; ++row) {
      const std::array<std::int8_t, 2> genotype = {
          *rc::gen::element<std::int8_t>(0, 0, 0, 1, kAlleleMissing),
          *rc::gen::element<std::int8_t>(0, 0, 0, 1, 2, kAlleleAbsent)};
      record.alleles.insert(record.alleles.end(), genotype.begin(), genotype.end());
      if (genotype[0] == 1 || genotype[1] == 1)
        (erased.contains(row) ? only_erased : others) = true;
    }
    const Variant variant{s < 5 ? "1" : "X", s % 5 * 400'000, "A", "C"};
    RC_ASSERT((*with)->Add(variant, SlowCarriersOf(record, 1, rows)).ok());
    std::vector<std::int32_t> left = rows;
    for (const std::uint32_t row : erased) left[row] = -1;
    if (!only_erased || others)
      RC_ASSERT((*without)->Add(variant, SlowCarriersOf(record, 1, left)).ok());
    for (std::uint32_t row = 0; row < n; row += 7) {
      const std::int64_t begin = variant.pos + 10 * row;
      RC_ASSERT(
          (*with)->AddCoverage(variant.contig, row, begin, begin + 300'000, row % 2 == 0).ok());
      if (!erased.contains(row))
        RC_ASSERT((*without)
                      ->AddCoverage(variant.contig, row, begin, begin + 300'000, row % 2 == 0)
                      .ok());
    }
  }
  RC_ASSERT((*with)->Finish().ok() && (*without)->Finish().ok());
  const auto index = CohortIndex::Open(dir / "with"), expected = CohortIndex::Open(dir / "without");
  RC_ASSERT(index.ok() && expected.ok());
  const auto built = EraseRows(Context::Background(), **index,
                               std::vector(erased.begin(), erased.end()), dir / "out");
  RC_ASSERT(built.ok());
  const auto out = CohortIndex::Open(dir / "out", built->manifest_sha256);
  RC_ASSERT(out.ok());
  RC_ASSERT(Digests(**out) == Digests(**expected));
}

TEST(EraseRows, RefusesRowsThatAreNotThereAndStopsWhenItIsTold) {
  TempDir dir;
  auto builder = SegmentBuilder::Create(dir / "index", Info(2));
  ASSERT_TRUE((*builder)->Add(Variant{"1", 5, "A", "C"}, CarrierSets{{0}, {}, {}, {}, {}}).ok());
  ASSERT_TRUE((*builder)->Finish().ok());
  const auto index = CohortIndex::Open(dir / "index");
  const std::uint32_t none[] = {2}, first[] = {0};
  EXPECT_EQ(Reason(EraseRows(Context::Background(), **index, none, dir / "a").status()),
            "ROW_INVALID");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(
      EraseRows(Context::Background().WithStop(stop.get_token()), **index, first, dir / "b").ok());
}

}  // namespace
}  // namespace genofed::genomics
