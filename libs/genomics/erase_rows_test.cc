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
  // With the records of everybody, who are in them by other names, or without.
  std::unique_ptr<PersonRecords> records;
  if (*rc::gen::arbitrary<bool>()) {
    const std::vector<std::string> names(n, "somebody");
    RC_ASSERT(WritePersonRecords(Context::Background(), **index, names, dir / "people").ok());
    auto opened = PersonRecords::Open(dir / "people");
    RC_ASSERT(opened.ok());
    records = *std::move(opened);
  }
  const auto built =
      EraseRows(Context::Background(), **index, std::vector(erased.begin(), erased.end()),
                records.get(), dir / "out");
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
  EXPECT_EQ(Reason(EraseRows(Context::Background(), **index, none, nullptr, dir / "a").status()),
            "ROW_INVALID");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(EraseRows(Context::Background().WithStop(stop.get_token()), **index, first, nullptr,
                         dir / "b")
                   .ok());
}

// Two people and three alleles; the first carries two of them.
class EraseRowsByRecords : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kFirst[] = {0};

  std::unique_ptr<CohortIndex> Index(const std::string& name,
                                     const std::vector<std::pair<Variant, CarrierSets>>& sites) {
    auto builder = SegmentBuilder::Create(dir_ / name, Info(2));
    for (const auto& [variant, sets] : sites) EXPECT_TRUE((*builder)->Add(variant, sets).ok());
    EXPECT_TRUE((*builder)->Finish().ok());
    return *CohortIndex::Open(dir_ / name);
  }
  // Why the first person cannot be taken out of `index` by the records of `made`; "" if they can.
  std::string Why(const CohortIndex& index, const CohortIndex& made) {
    const std::vector<std::string> names = {"a", "b"};
    EXPECT_TRUE(WritePersonRecords(Context::Background(), made, names, dir_ / "people").ok());
    const auto records = PersonRecords::Open(dir_ / "people");
    const auto out = dir_ / fmt::format("out{}", ++outputs_);
    const auto built = EraseRows(Context::Background(), index, kFirst, records->get(), out);
    EXPECT_EQ(CohortIndex::Open(out).ok(), built.ok()) << "what was refused is no index";
    return Reason(built.status());
  }

  TempDir dir_;
  int outputs_ = 0;
  const Variant a_{"1", 5, "A", "C"}, b_{"1", 1'000'005, "A", "C"}, c_{"2", 5, "A", "C"};
};

TEST_F(EraseRowsByRecords, WhatGoesIsWhatTheRecordSays) {
  const CarrierSets het{{0}, {}, {}, {}, {}}, hom{{}, {0}, {}, {}, {}}, both{{0, 1}, {}, {}, {}, {}},
      other{{1}, {}, {}, {}, {}};
  const auto index = Index("index", {{a_, het}, {b_, other}, {c_, both}});
  EXPECT_EQ(Why(*index, *index), "");
  struct Case {
    const char* what;
    std::vector<std::pair<Variant, CarrierSets>> recorded;
  };
  const Case cases[] = {
      {"the index has more at the end", {{a_, het}, {b_, other}}},
      {"the index has more in between", {{a_, het}, {c_, both}, {Variant{"3", 1, "A", "C"}, het}}},
      {"the record has more at the end",
       {{a_, het}, {b_, other}, {c_, both}, {Variant{"3", 1, "A", "C"}, het}}},
      {"the record has more in between", {{a_, het}, {b_, het}, {c_, both}}},
      {"another number of copies", {{a_, hom}, {b_, other}, {c_, both}}},
      {"another allele", {{Variant{"1", 5, "A", "G"}, het}, {b_, other}, {c_, both}}},
      {"of somebody else", {{a_, other}, {b_, het}, {c_, both}}},
      {"nobody's", {{a_, other}, {b_, other}, {c_, other}}}};
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    const auto made = Index(fmt::format("made{}", i), cases[i].recorded);
    EXPECT_EQ(Why(*index, *made), "RECORDS_DISAGREE") << cases[i].what;
  }
}

}  // namespace
}  // namespace genofed::genomics
