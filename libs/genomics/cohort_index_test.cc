// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/cohort_index.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <numeric>

#include "libs/core/strings.h"
#include "libs/genomics/ingest.h"
#include "libs/genomics/slow_cohort.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

using ::testing::ElementsAre;

IndexInfo Info(std::uint32_t n_people, std::uint32_t batch_size = kDefaultBatchSize) {
  return IndexInfo{"ds", "1", Assembly::kGrch38, n_people, batch_size};
}

Result<PassReport> Feed(const std::filesystem::path& vcf, std::span<const std::string> rows,
                        SegmentBuilder& builder) {
  IndexStage index(builder);
  SiteConsumer* stages[] = {&index};
  return RunPass(vcf, rows, {}, stages);
}

// The genotypes of one site, and the counts that the definition of AC and AN gives.
using Genotype = std::array<std::int8_t, 2>;
AlleleCounts BruteForce(const std::vector<Genotype>& genotypes, const Bitmap& live) {
  AlleleCounts counts;
  for (std::size_t i = 0; i < genotypes.size(); ++i) {
    if (!live.Test(i)) continue;
    auto [a, b] = genotypes[i];
    std::uint64_t called = (a >= 0 ? 1U : 0U) + (b >= 0 ? 1U : 0U);
    std::uint64_t alt = (a == 1 ? 1U : 0U) + (b == 1 ? 1U : 0U);
    counts.an += called;
    counts.ac += alt;
    counts.n_het += alt == 1 && called == 2 ? 1U : 0U;
    counts.n_hom += alt == 2 ? 1U : 0U;
    counts.n_hemi += alt == 1 && called == 1 ? 1U : 0U;
    counts.n_individuals += alt > 0 ? 1U : 0U;
  }
  return counts;
}

RC_GTEST_PROP(CohortIndexProperty, CountsEqualBruteForce, ()) {
  auto n = *rc::gen::inRange<std::uint32_t>(1, 400);
  auto batch = *rc::gen::element<std::uint32_t>(64, 128, 65536);
  auto n_sites = *rc::gen::inRange<std::size_t>(1, 12);
  auto rarity = *rc::gen::element(1, 4, 60);
  auto draw = rc::gen::tuple(rc::gen::inRange(0, 100), rc::gen::inRange(0, 100 * rarity));
  TempDir dir;
  auto builder = SegmentBuilder::Create(dir / "index", Info(n, batch));
  RC_ASSERT(builder.ok());
  std::vector<std::vector<Genotype>> sites;
  std::vector<std::int32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0);
  for (std::size_t s = 0; s < n_sites; ++s) {
    std::vector<Genotype> genotypes;
    VcfRecord record;
    for (std::uint32_t i = 0; i < n; ++i) {
      auto [shape, frequency] = *draw;
      std::int8_t alt = frequency < 50 ? 1 : 0;
      Genotype genotype = {0, alt};
      if (shape < 10)
        genotype = {alt, kAlleleAbsent};
      else if (shape < 15)
        genotype = {kAlleleMissing, kAlleleMissing};
      else if (shape < 18)
        genotype = {kAlleleMissing, alt};
      else if (shape < 40)
        genotype = {alt, alt};
      else if (shape < 45)
        genotype = {2, alt};
      genotypes.push_back(genotype);
      record.alleles.insert(record.alleles.end(), genotype.begin(), genotype.end());
    }
    sites.push_back(genotypes);
    auto pos = static_cast<std::int64_t>(s) * 400'000;  // several tiles
    RC_ASSERT((*builder)->Add(Variant{"X", pos, "A", "C"}, SlowCarriersOf(record, 1, rows)).ok());
  }
  RC_ASSERT((*builder)->Finish().ok());
  auto index = CohortIndex::Open(dir / "index");
  RC_ASSERT(index.ok());
  Bitmap live(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    if (*rc::gen::inRange(0, 10) > 0) live.Set(i);
  }
  Bitmap carriers(n);
  for (std::size_t s = 0; s < n_sites; ++s) {
    auto hit = (*index)->FindExact(Variant{"X", static_cast<std::int64_t>(s) * 400'000, "A", "C"});
    RC_ASSERT(hit.has_value());
    RC_ASSERT((*index)->Count(*hit, live) == BruteForce(sites[s], live));
    RC_ASSERT((*index)->Count(*hit) == BruteForce(sites[s], Bitmap(n, true)));
    for (std::uint32_t i = 0; i < n; ++i) {
      if (sites[s][i][0] == 1 || sites[s][i][1] == 1) carriers.Set(i);
    }
  }
  RC_ASSERT((*index)->CarriersInRange({"X", 0, 10'000'000, {}, {}}) == carriers);
}

class CohortIndexTest : public ::testing::Test {
 protected:
  std::unique_ptr<CohortIndex> Index(const std::string& vcf, std::vector<std::string> rows) {
    auto builder =
        SegmentBuilder::Create(dir_ / "index", Info(static_cast<std::uint32_t>(rows.size())));
    GF_CHECK(builder.ok());
    auto report = Feed(WriteText(dir_ / "in.vcf", vcf), rows, **builder);
    EXPECT_TRUE(report.ok()) << Describe(report.status());
    summary_ = *(*builder)->Finish();
    auto index = CohortIndex::Open(dir_ / "index", summary_.manifest_sha256);
    EXPECT_TRUE(index.ok()) << Describe(index.status());
    return std::move(*index);
  }
  TempDir dir_;
  BuildSummary summary_;
};

TEST_F(CohortIndexTest, MultiAllelicMissingAndHaploidCounts) {
  auto index = Index(MakeVcf("a b c d", {"chr20 100 . A C,G . . . GT 1/2 0/1 ./. 2/2",
                                         "chrX 50 . T G . . . GT 0 1 0/1 ./1"}),
                     {"d", "c", "b", "a", "absent"});
  // A>C: carriers a (1/2) and b (0/1); AN counts both alleles of a, b and d.
  auto c = index->FindExact({"20", 99, "A", "C"});
  ASSERT_TRUE(c.has_value());
  EXPECT_EQ(index->Count(*c), (AlleleCounts{2, 6, 2, 0, 0, 2}));
  EXPECT_THAT(c->het.ToRows(), ElementsAre(2, 3));
  EXPECT_THAT(c->nocall.ToRows(), ElementsAre(1, 4));
  auto g = index->FindExact({"20", 99, "A", "G"});
  EXPECT_EQ(index->Count(*g), (AlleleCounts{3, 6, 1, 1, 0, 2}));
  EXPECT_THAT(g->hom.ToRows(), ElementsAre(0));
  // X: a haploid reference, b haploid alternative, c 0/1, d half-missing.
  auto x = index->FindExact({"X", 49, "T", "G"});
  EXPECT_EQ(index->Count(*x), (AlleleCounts{3, 5, 1, 0, 2, 3}));
  Bitmap live(5, true);
  live.Clear(2);  // b withdraws
  EXPECT_EQ(index->Count(*x, live), (AlleleCounts{2, 4, 1, 0, 1, 2}));
  EXPECT_EQ(index->Carriers(*x).ToRows(), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_FALSE(index->FindExact({"20", 99, "A", "T"}).has_value());
  EXPECT_FALSE(index->FindExact({"21", 99, "A", "C"}).has_value());
}

TEST_F(CohortIndexTest, RangesOverlapAndFilter) {
  std::string deletion(300, 'A');
  auto index = Index(MakeVcf("a b", {"chr20 999900 . C" + deletion + " C . . . GT 0/1 0/0",
                                     "chr20 1000100 . G T . . . GT 0/0 1/1",
                                     "chr20 5000000 . G T . . . GT 0/1 0/1"}),
                     {"a", "b"});
  auto all = index->FindRange({"20", 0, 10'000'000, {}, {}});
  EXPECT_EQ(all->size(), 3U);
  // The deletion covers 0-based [999899, 1000200): it reaches into the second tile.
  EXPECT_EQ(index->FindRange({"20", 1'000'150, 1'000'160, {}, {}})->size(), 1U);
  EXPECT_EQ(index->FindRange({"20", 1'000'200, 1'000'300, {}, {}})->size(), 0U);
  EXPECT_EQ(index->FindRange({"20", 1'000'099, 1'000'100, {}, {}})->size(), 2U);
  EXPECT_EQ(index->FindRange({"20", 0, 10'000'000, "G", "T"})->size(), 2U);
  EXPECT_EQ(index->FindRange({"20", 50, 50, {}, {}})->size(), 0U);
  EXPECT_EQ(index->FindRange({"20", -5, INT64_MAX, {}, {}})->size(), 3U);
  EXPECT_EQ(Reason(index->FindRange({"20", 0, 10'000'000, {}, {}, 2}).status()), "TOO_MANY_SITES");
  EXPECT_THAT(index->CarriersInRange({"20", 0, 2'000'000, {}, "T"}).ToRows(), ElementsAre(1));
}

TEST_F(CohortIndexTest, RefusesDamageAndStrangers) {
  Index(MakeVcf("a b", {"chr20 100 . A C . . . GT 0/1 0/0"}), {"a", "b"});
  auto dir = dir_ / "index";
  auto file = dir / "20.0000.tiles";
  std::string good = ReadText(file);
  std::string bad = good;
  bad[150] = static_cast<char>(bad[150] ^ 1);
  WriteText(file, bad);
  EXPECT_EQ(Reason(CohortIndex::Open(dir).status()), "INDEX_CORRUPT");
  WriteText(file, good.substr(0, 40));
  EXPECT_EQ(Reason(CohortIndex::Open(dir).status()), "INDEX_CORRUPT");
  WriteText(file, good);
  EXPECT_TRUE(CohortIndex::Open(dir).ok());
  EXPECT_EQ(Reason(CohortIndex::Open(dir, std::string(64, '0')).status()), "INDEX_CORRUPT");
  EXPECT_EQ(Reason(CohortIndex::Open(dir_ / "none").status()), "INDEX_MISSING");
  EXPECT_EQ(Reason(SegmentBuilder::Create(dir, Info(2)).status()), "INDEX_EXISTS");
  std::string manifest = ReadText(dir / kManifestFile);
  manifest.replace(manifest.find("\"20.0000"), 8, "\"../0000");
  WriteText(dir / kManifestFile, manifest);
  EXPECT_EQ(Reason(CohortIndex::Open(dir).status()), "INDEX_CORRUPT");
}

TEST_F(CohortIndexTest, BuilderRefusesBadSites) {
  auto builder = *SegmentBuilder::Create(dir_ / "index", Info(3));
  auto het = [](std::vector<std::uint32_t> rows) {
    CarrierSets sets;
    sets.het = std::move(rows);
    return sets;
  };
  EXPECT_EQ(Reason(builder->Add({"20", 5, "A", "<DEL>"}, {})), "VARIANT_INVALID");
  EXPECT_EQ(Reason(builder->Add({"20", 5, "A", "C"}, het({3}))), "ROW_INVALID");
  EXPECT_EQ(Reason(builder->Add({"20", 5, "A", "C"}, het({1, 1}))), "ROW_INVALID");
  EXPECT_TRUE(builder->Add({"20", 5'000'000, "A", "C"}, het({1})).ok());
  EXPECT_TRUE(builder->Add({"20", 4'999'000, "A", "C"}, het({1})).ok());
  EXPECT_TRUE(builder->Add({"20", 4'999'000, "A", "C"}, het({1})).ok());
  EXPECT_EQ(Reason(builder->Add({"20", 5, "A", "C"}, het({1}))), "UNSORTED");
  EXPECT_TRUE(builder->Add({"21", 5, "A", "C"}, het({1})).ok());
  EXPECT_EQ(Reason(builder->Add({"20", 9'000'000, "A", "C"}, het({1}))), "UNSORTED");
  auto summary = builder->Finish();
  EXPECT_EQ(summary->sites, 3U);
  EXPECT_EQ(summary->duplicate_sites, 1U);
  EXPECT_EQ(Reason(SegmentBuilder::Create(dir_ / "b", Info(0)).status()), "INDEX_INVALID");
  EXPECT_EQ(Reason(SegmentBuilder::Create(dir_ / "b", Info(5, 100)).status()), "INDEX_INVALID");
}

// 300 people and 24,990 variants of the 1000 Genomes project; bcftools counts them independently.
TEST_F(CohortIndexTest, CountsOfRealPeopleEqualBcftools) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the 1000 Genomes file";
  auto vcf = SharedDir() / "vcf/1000g-chr20/kgp_chr20_1-4Mb.300samples.phased.vcf.gz";
  auto reader = VcfReader::Open(vcf);
  ASSERT_TRUE(reader.ok()) << Describe(reader.status());
  std::vector<std::string> rows = (*reader)->header().samples;
  ASSERT_EQ(rows.size(), 300U);
  std::sort(rows.rbegin(), rows.rend());  // not the file's order
  auto builder = *SegmentBuilder::Create(dir_ / "index", Info(300, 128));
  auto report = Feed(vcf, rows, *builder);
  ASSERT_TRUE(report.ok()) << Describe(report.status());
  EXPECT_EQ(report->records, 24'990U);
  EXPECT_TRUE(report->set_aside.empty());
  ASSERT_TRUE(builder->Finish().ok());
  auto index = CohortIndex::Open(dir_ / "index");
  ASSERT_TRUE(index.ok()) << Describe(index.status());
  if (!HasBcftools()) GTEST_SKIP() << "needs /usr/bin/bcftools as the oracle";
  // Counted by bcftools from the genotypes of a half of the people.
  Bitmap live(300);
  std::string names;
  for (std::size_t i = 0; i < 300; i += 2) {
    live.Set(i);
    names += (names.empty() ? "" : ",") + rows[i];
  }
  std::string table = Output("bcftools view -Ou -s " + names + " " + vcf.string() +
                             " | bcftools query -f '%POS\\t%REF\\t%ALT\\t%INFO/AC\\t%INFO/AN\\n'");
  std::size_t checked = 0;
  for (std::string_view line : Split(table, '\n')) {
    if (line.empty()) continue;
    auto columns = Split(line, '\t');
    Variant variant{"20", *ParseInt(columns[0]) - 1, std::string(columns[1]),
                    std::string(columns[2])};
    ASSERT_TRUE(NormaliseVariant(variant, nullptr).ok());
    auto hit = (*index)->FindExact(variant);
    ASSERT_TRUE(hit.has_value()) << "site " << checked;
    AlleleCounts counts = (*index)->Count(*hit, live);
    ASSERT_EQ(counts.ac, static_cast<std::uint64_t>(*ParseInt(columns[3]))) << "site " << checked;
    ASSERT_EQ(counts.an, static_cast<std::uint64_t>(*ParseInt(columns[4]))) << "site " << checked;
    ++checked;
  }
  EXPECT_EQ(checked, 24'990U);
}

TEST(BitmapTest, SetAlgebra) {
  Bitmap a = Bitmap::FromRows(130, std::vector<std::uint32_t>{0, 63, 64, 129});
  Bitmap b = Bitmap::FromRows(130, std::vector<std::uint32_t>{63, 129});
  EXPECT_EQ(a.Count(), 4U);
  EXPECT_EQ(a.CountAnd(b), 2U);
  EXPECT_THAT(Bitmap(a).AndNot(b).ToRows(), ElementsAre(0, 64));
  EXPECT_EQ(Bitmap(a).And(b), b);
  EXPECT_EQ(Bitmap(b).Or(a), a);
  EXPECT_EQ(Bitmap(130, true).Count(), 130U);
  EXPECT_FALSE(a.Test(1000));
}

}  // namespace
}  // namespace genofed::genomics
