// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/build_segment.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>

#include "libs/genomics/slow_cohort.h"
#include "libs/genomics/test_support.h"
#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

IndexInfo Info(std::uint32_t n_people) {
  return IndexInfo{"ds", "1", Assembly::kGrch38, n_people, kDefaultBatchSize};
}

class BuildSegmentTest : public ::testing::Test {
 protected:
  // A file of one person, who is called SAMPLE in each.
  SegmentInput Single(const std::string& name, std::uint32_t row,
                      const std::vector<std::string>& records) {
    return {WriteText(dir_ / name, MakeVcf("SAMPLE", records)), {{"SAMPLE", row}}, ""};
  }
  SegmentReport Build(std::uint32_t people, std::vector<SegmentInput> inputs,
                      const SegmentOptions& options = {}) {
    auto report = BuildSegment(dir_ / "index", Info(people), inputs, options);
    EXPECT_TRUE(report.ok()) << Describe(report.status());
    auto index = CohortIndex::Open(dir_ / "index");
    EXPECT_TRUE(index.ok()) << Describe(index.status());
    index_ = std::move(*index);
    return report.ok() ? *report : SegmentReport();
  }
  SiteHit Site(const char* variant) {
    auto hit = index_->FindExact(*ParseVariant(variant));
    EXPECT_TRUE(hit.has_value()) << variant;
    return hit.value_or(SiteHit());
  }
  AlleleCounts Counts(const char* variant) { return index_->Count(Site(variant)); }

  TempDir dir_;
  std::unique_ptr<CohortIndex> index_;
};

// Two gVCFs as GATK writes them. By hand: row 0 is called on [100, 300) but for 250-259; row 1 on
// [150, 210) with a deletion at 200, and from 260 on.
TEST_F(BuildSegmentTest, ReferenceBlocksSayWhoWasCalled) {
  auto report = Build(
      2, {Single("a.vcf", 0,
                 {"chr20 101 . A <NON_REF> . . END=199 GT:DP 0/0:20",
                  "chr20 200 . A C,<NON_REF> 50 . . GT:DP 0/1:20",
                  "chr20 201 . A <NON_REF> . . END=250 GT:DP 0/0:20",
                  "chr20 251 . A <NON_REF> . . END=260 GT:DP ./.:0",
                  "chr20 261 . A <NON_REF> . . END=300 GT:DP 0/0:9"}),
          Single("b.vcf", 1,
                 {"chr20 151 . A <*> . . END=180 GT 0/0", "chr20 181 . G T,<*> . . . GT 1/1",
                  "chr20 182 . A <*> . . END=200 GT 0/0",
                  "chr20 201 . ACGTACGTA A,<*> . . . GT 0/1", "chr20 255 . C G,<*> . . . GT 0/1",
                  "chr20 261 . A <*> . . END=400 GT 0/0", "chr20 401 . C G,<*> . . . GT 0/1"})});
  EXPECT_TRUE(report.joined);
  EXPECT_EQ(report.build.sites, 5U);
  EXPECT_EQ(report.pass.skipped_alleles, 0U);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].code, "REFERENCE_BLOCKS_KEPT");
  EXPECT_EQ(report.findings[0].count, 7);
  // ac, an, n_het, n_hom, n_hemi, n_individuals
  EXPECT_EQ(Counts("20-200-A-C"), (AlleleCounts{1, 4, 1, 0, 0, 1}));
  EXPECT_EQ(Counts("20-181-G-T"), (AlleleCounts{2, 4, 0, 1, 0, 1}));
  EXPECT_EQ(Counts("20-201-ACGTACGTA-A"), (AlleleCounts{1, 4, 1, 0, 0, 1}));
  EXPECT_EQ(Counts("20-255-C-G"), (AlleleCounts{1, 2, 1, 0, 0, 1})) << "row 0 is ./. here";
  EXPECT_EQ(Counts("20-401-C-G"), (AlleleCounts{1, 2, 1, 0, 0, 1})) << "behind row 0's last block";
  // The blocks stay in the segment: positions 100-249 and 260-299 of row 0.
  EXPECT_THAT(index_->CoveredAt("20", 99).diploid.ToRows(), IsEmpty());
  EXPECT_THAT(index_->CoveredAt("20", 100).diploid.ToRows(), ElementsAre(0));
  EXPECT_THAT(index_->CoveredAt("20", 199).diploid.ToRows(), ElementsAre(0, 1));
  EXPECT_THAT(index_->CoveredAt("20", 249).diploid.ToRows(), ElementsAre(0));
  EXPECT_THAT(index_->CoveredAt("20", 254).diploid.ToRows(), ElementsAre(1));
  EXPECT_THAT(index_->CoveredAt("20", 399).diploid.ToRows(), ElementsAre(1));
}

TEST_F(BuildSegmentTest, HaploidBlocksAndOtherAllelesAtTheSamePlace) {
  Build(3, {Single("a.vcf", 0, {"chrX 100 . A C,<NON_REF> . . . GT 0/1"}),
            Single("b.vcf", 1, {"chrX 90 . A <NON_REF> . . END=120 GT 0"}),
            Single("c.vcf", 2, {"chrX 100 . A G,<NON_REF> . . . GT 1"})});
  // Row 1: one reference allele; row 2: one allele, another one.
  EXPECT_EQ(Counts("X-100-A-C"), (AlleleCounts{1, 4, 1, 0, 0, 1}));
  EXPECT_THAT(Site("X-100-A-C").single.ToRows(), ElementsAre(1, 2));
  EXPECT_EQ(Counts("X-100-A-G"), (AlleleCounts{1, 4, 0, 0, 1, 1}));
  EXPECT_THAT(Site("X-100-A-G").hemi.ToRows(), ElementsAre(2));
}

TEST_F(BuildSegmentTest, AbsentSitesOfPlainFiles) {
  std::vector<SegmentInput> inputs = {
      Single("a.vcf", 2, {"chr20 100 . A C . . . GT 0/1", "chr20 300 . A C . . . GT ./."}),
      Single("b.vcf", 0, {"chr20 200 . A C . . . GT 1/1", "chr20 300 . A C . . . GT 0/1"})};
  auto report = Build(3, inputs);  // nobody's file has row 1
  EXPECT_EQ(Counts("20-100-A-C"), (AlleleCounts{1, 4, 1, 0, 0, 1}));
  EXPECT_EQ(Counts("20-300-A-C"), (AlleleCounts{1, 2, 1, 0, 0, 1}));
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].code, "ABSENT_IS_REFERENCE");
  EXPECT_EQ(report.findings[0].count, 2);
  std::filesystem::remove_all(dir_ / "index");
  SegmentOptions options;
  options.absent = AbsentSite::kIsNotCalled;
  report = Build(3, inputs, options);
  EXPECT_EQ(Counts("20-100-A-C"), (AlleleCounts{1, 2, 1, 0, 0, 1}));
  EXPECT_EQ(report.findings[0].code, "ABSENT_IS_NOT_CALLED");
  EXPECT_THAT(index_->CoveredAt("20", 99).diploid.ToRows(), IsEmpty());
}

// Stages of one file see its records in a join, too: with text, and the file's people as rows.
TEST_F(BuildSegmentTest, StagesOfOneFileInAJoin) {
  class Lines final : public SiteConsumer {
   public:
    bool NeedsText() const override { return true; }
    Status Begin(const VcfHeader& header, std::span<const std::int32_t> columns) override {
      for (std::int32_t column : columns)
        seen.push_back(header.samples.at(static_cast<std::size_t>(column)));
      return absl::OkStatus();
    }
    Status Take(const SiteCall& site) override {
      seen.emplace_back(site.record.samples);
      for (const Call& call : site.calls) seen.push_back(fmt::format("row {}", call.index));
      return absl::OkStatus();
    }
    std::vector<std::string> seen;
  } pair, other;
  std::vector<SegmentInput> inputs = {
      {WriteText(dir_ / "a.vcf", MakeVcf("a b c", {"chr20 100 . A C . . . GT 0/1 0/0 0/0"})),
       {{"a", 2}, {"c", 1}},
       "",
       {&pair}},
      Single("b.vcf", 0, {"chr20 100 . A C . . . GT 1/1"})};
  inputs[1].stages = {&other};
  EXPECT_TRUE(NeedsJoin(inputs));
  EXPECT_TRUE(Build(3, inputs).joined);
  EXPECT_THAT(pair.seen, ElementsAre("c", "a", "0/1\t0/0\t0/0", "row 1"));
  EXPECT_THAT(other.seen, ElementsAre("SAMPLE", "1/1", "row 0"));
  EXPECT_EQ(Counts("20-100-A-C"), (AlleleCounts{3, 6, 1, 1, 0, 2}));
  SiteConsumer* all[] = {&pair};
  EXPECT_EQ(Reason(BuildSegment(dir_ / "again", Info(3), inputs, {}, all).status()),
            "STAGE_NEEDS_ONE_FILE");
}

// Left-alignment moves a deletion out of the position of its record; who was called there as
// something else stays called.
TEST_F(BuildSegmentTest, JoinsByNormalisedAlleles) {
  WriteText(dir_ / "ref.fa", ">20\nGGGCACACACGT\n");
  WriteText(dir_ / "ref.fa.fai", "20\t12\t4\t12\t13\n");
  auto reference = *Reference::Open(dir_ / "ref.fa");
  SegmentOptions options;
  options.pass.reference = reference.get();
  options.absent = AbsentSite::kIsNotCalled;
  Build(3,
        {Single("a.vcf", 0, {"chr20 8 . CAC C . . . GT 0/1"}),
         Single("b.vcf", 1, {"chr20 3 . GCA G . . . GT 1/1"}),
         Single("c.vcf", 2, {"chr20 6 . CACAC CAC . . . GT 0/0"})},
        options);
  EXPECT_EQ(index_->n_sites(), 1U);
  EXPECT_EQ(Counts("20-3-GCA-G"), (AlleleCounts{3, 6, 1, 1, 0, 2}));
}

TEST_F(BuildSegmentTest, FilesOfChromosomesFollowOneAnother) {
  std::vector<SegmentInput> inputs;
  for (const char* contig : {"chrX", "chr20"}) {
    inputs.push_back(
        {WriteText(dir_ / (std::string(contig) + ".vcf"),
                   MakeVcf("a b c", {std::string(contig) + " 50 . A C . . . GT 0/1 0/0 1/1"})),
         {{"c", 0}, {"a", 1}},
         ""});
  }
  auto report = Build(2, inputs);
  EXPECT_FALSE(report.joined);
  EXPECT_EQ(report.pass.records, 2U);
  EXPECT_EQ(Counts("20-50-A-C"), (AlleleCounts{3, 4, 1, 1, 0, 2}));
  EXPECT_THAT(Site("X-50-A-C").hom.ToRows(), ElementsAre(0));
  inputs.push_back(inputs[0]);
  EXPECT_EQ(Reason(BuildSegment(dir_ / "twice", Info(2), inputs).status()), "UNSORTED");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "twice"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "twice.partial"));
}

TEST_F(BuildSegmentTest, DoesTheSameWorkOnce) {
  std::vector<SegmentInput> inputs = {Single("a.vcf", 0, {"chr20 100 . A C . . . GT 0/1"}),
                                      Single("b.vcf", 1, {"chr20 100 . A C . . . GT 1/1"})};
  auto first = Build(2, inputs);
  EXPECT_FALSE(first.reused);
  auto before = std::filesystem::last_write_time(dir_ / "index" / kManifestFile);
  auto again = Build(2, inputs);
  EXPECT_TRUE(again.reused);
  EXPECT_EQ(again.build.manifest_sha256, first.build.manifest_sha256);
  EXPECT_EQ(again.build.sites, first.build.sites);
  EXPECT_EQ(again.build.bytes, first.build.bytes);
  EXPECT_EQ(std::filesystem::last_write_time(dir_ / "index" / kManifestFile), before);
  Single("a.vcf", 0, {"chr20 100 . A G . . . GT 0/1"});  // the file has changed
  EXPECT_EQ(Reason(BuildSegment(dir_ / "index", Info(2), inputs).status()), "INDEX_EXISTS");
  std::filesystem::remove_all(dir_ / "index");
  EXPECT_NE(Build(2, inputs).build.manifest_sha256, first.build.manifest_sha256);
  // An attempt that was interrupted leaves something beside it, which the next one removes.
  std::filesystem::remove_all(dir_ / "index");
  std::filesystem::create_directories(dir_ / "index.partial");
  WriteText(dir_ / "index.partial" / "20.0000.tiles", "half");
  WriteText(dir_ / "index.spill", "half");
  Build(2, inputs);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "index.spill"));
}

TEST_F(BuildSegmentTest, RefusesRowsThatCannotBe) {
  auto reason = [&](const std::vector<SegmentInput>& inputs) {
    return Reason(BuildSegment(dir_ / "index", Info(2), inputs).status());
  };
  auto a = Single("a.vcf", 0, {"chr20 100 . A C . . . GT 0/1"});
  EXPECT_EQ(reason({}), "INPUT_INVALID");
  a.rows = {};
  EXPECT_EQ(reason({a}), "ROW_INVALID");
  a.rows = {{"SAMPLE", 2}};
  EXPECT_EQ(reason({a}), "ROW_INVALID");
  a.rows = {{"SAMPLE", 1}, {"other", 1}};
  EXPECT_EQ(reason({a}), "ROW_INVALID");
  a.rows = {{"SAMPLE", 1}};
  a.path = dir_ / "none.vcf";
  EXPECT_EQ(reason({a}), "READ_FAILED");
}

// Joining the files of people gives what one file of all of them gives.
RC_GTEST_PROP(BuildSegmentProperty, JoinEqualsOneFile, ()) {
  constexpr std::uint32_t kPeople = 5;
  TempDir dir;
  std::vector<std::vector<std::string>> singles(kPeople);
  std::vector<std::string> all;
  std::mt19937 random(*rc::gen::arbitrary<std::uint32_t>());
  constexpr std::array kGenotypes = {"0/0", "0/0", "0/1", "1/1", "1/2", "./.", "./1"};
  for (std::uint64_t pos = 100; pos < 400'000; pos += 1 + random() % 60'000) {
    std::string site = fmt::format("chr20 {} . A C,G . . . GT", pos);
    std::string line = site;
    for (std::uint32_t i = 0; i < kPeople; ++i) {
      std::string genotype = kGenotypes[random() % kGenotypes.size()];
      line += " " + genotype;
      // Only what is not like the reference is in a file of variants.
      if (genotype != "0/0") singles[i].push_back(site + " " + genotype);
    }
    all.push_back(line);
  }
  std::vector<SegmentInput> joined;
  SegmentInput one{WriteText(dir / "all.vcf", MakeVcf("p0 p1 p2 p3 p4", all)), {}, ""};
  for (std::uint32_t i = 0; i < kPeople; ++i) {
    one.rows.emplace(fmt::format("p{}", i), i);
    auto path = WriteText(dir / fmt::format("{}.vcf", i), MakeVcf("SAMPLE", singles[i]));
    joined.push_back({path, {{"SAMPLE", i}}, ""});
  }
  auto a = BuildSegment(dir / "joined", Info(kPeople), joined);
  auto b = BuildSegment(dir / "one", Info(kPeople), {&one, 1});
  RC_ASSERT(a.ok() && b.ok());
  auto left = *CohortIndex::Open(dir / "joined");
  auto right = *CohortIndex::Open(dir / "one");
  auto hits = right->FindRange({"20", 0, kMaxPosition, {}, {}});
  for (const SiteHit& hit : *hits) {
    auto same = left->FindExact(hit.variant);
    if (!same) {
      // Nobody's file lists it.
      RC_ASSERT(right->Carriers(hit).Count() + hit.nocall.Count() + hit.single.Count() == 0U ||
                right->Count(hit).ac == 0U);
      continue;
    }
    RC_ASSERT(left->Count(*same) == right->Count(hit));
    RC_ASSERT(same->nocall.ToRows() == hit.nocall.ToRows());
    RC_ASSERT(same->het.ToRows() == hit.het.ToRows());
  }
}

// A gVCF or a file of variants of one person, and what it says.
struct DrawnFile {
  std::vector<std::string> lines;
  OwnFile own;
};

DrawnFile DrawFile(bool blocks, std::mt19937& random) {
  constexpr std::array kGenotypes = {"0/0", "0/0", "0/0", "./.", "0", "0/."};
  constexpr std::array kVariant = {"0/1", "1/1", "1/2", "./.", "1", "./1", "0/0"};
  DrawnFile file;
  file.own.has_blocks = blocks;
  std::int64_t pos = 124'000 + static_cast<std::int64_t>(random() % 900);
  while (pos < 126'000) {
    bool variant = !blocks || random() % 3 == 0;
    std::string genotype =
        variant ? kVariant[random() % kVariant.size()] : kGenotypes[random() % kGenotypes.size()];
    // Positions and alleles that several people share.
    if (variant) pos = (pos / 20 + 1) * 20;
    bool deletion = variant && random() % 5 == 0;
    const char* alts = random() % 2 == 0 ? "C,G" : "G,T";
    std::int64_t end = pos + (deletion  ? 3
                              : variant ? 1
                                        : 1 + static_cast<std::int64_t>(random() % 150));
    OwnRecord own;
    own.end = end;
    own.record.contig = "20";
    own.record.pos = pos;
    own.record.ref = deletion ? "AGT" : "A";
    if (variant)
      own.record.alts =
          deletion ? std::vector<std::string>{"A", "AT"}
                   : std::vector<std::string>{std::string(1, alts[0]), std::string(1, alts[2])};
    auto allele = [](char c) { return static_cast<std::int8_t>(c == '.' ? -1 : c - '0'); };
    own.record.alleles = {allele(genotype[0]),
                          genotype.size() > 1 ? allele(genotype[2]) : kAlleleAbsent};
    file.own.records.push_back(own);
    std::string alt = !variant ? "<NON_REF>" : deletion ? "A,AT" : alts;
    if (variant && blocks) alt += ",<NON_REF>";
    std::string info = variant ? "." : fmt::format("END={}", end);
    file.lines.push_back(
        fmt::format("chr20 {} . {} {} . . {} GT {}", pos + 1, own.record.ref, alt, info, genotype));
    // Some gaps, and some deletions that the next record overlaps.
    pos = deletion && random() % 2 == 0 ? pos + 1 : end + (random() % 3 == 0 ? 30 : 0);
  }
  return file;
}

// Files of people who have reference blocks and of people who have not, around the border of a bin:
// everybody stands to each allele as the definition says, and so do their counts.
RC_GTEST_PROP(BuildSegmentProperty, JoinEqualsTheDefinition, ()) {
  std::mt19937 random(*rc::gen::arbitrary<std::uint32_t>());
  const auto absent = *rc::gen::element(AbsentSite::kIsReference, AbsentSite::kIsNotCalled);
  TempDir dir;
  std::vector<SegmentInput> inputs;
  std::vector<OwnFile> files;
  for (std::uint32_t row = 0; row < 6; ++row) {
    DrawnFile file = DrawFile(random() % 3 > 0, random);
    auto path = WriteText(dir / fmt::format("{}.vcf", row), MakeVcf("SAMPLE", file.lines));
    inputs.push_back({path, {{"SAMPLE", row}}, ""});
    files.push_back(std::move(file.own));
  }
  SegmentOptions options;
  options.absent = absent;
  auto report = BuildSegment(dir / "index", Info(6), inputs, options);
  RC_ASSERT(report.ok());
  RC_ASSERT(report->pass.set_aside.empty());
  auto index = *CohortIndex::Open(dir / "index");
  std::set<std::string> listed;
  for (const OwnFile& file : files) {
    for (const OwnRecord& own : file.records) {
      for (const SplitAllele& allele : SplitRecord(own.record, nullptr))
        listed.insert(FormatVariant(allele.variant));
    }
  }
  RC_ASSERT(index->n_sites() == listed.size());
  for (const std::string& name : listed) {
    const Variant variant = *ParseVariant(name);
    const CarrierSets expected =
        SlowJoin(files, variant, absent == AbsentSite::kIsReference ? 2 : 0);
    auto hit = index->FindExact(variant);
    RC_ASSERT(hit.has_value());
    RC_ASSERT(hit->het.ToRows() == expected.het);
    RC_ASSERT(hit->hom.ToRows() == expected.hom);
    RC_ASSERT(hit->hemi.ToRows() == expected.hemi);
    RC_ASSERT(hit->single.ToRows() == expected.single);
    RC_ASSERT(hit->nocall.ToRows() == expected.nocall);
    const std::uint64_t one = expected.hemi.size() + expected.single.size();
    RC_ASSERT(index->Count(*hit).an == 2 * (6 - expected.nocall.size()) - one);
  }
  // Also where nobody has a variant the segment knows who was called, of people with blocks.
  for (std::int64_t pos = 123'990; pos < 126'200; pos += 43) {
    const CarrierSets expected = SlowJoin(files, {"20", pos, "A", "AAAA"}, 0);
    const CallCoverage covered = index->CoveredAt("20", pos);
    for (std::uint32_t row = 0; row < 6; ++row) {
      const bool none = std::ranges::count(expected.nocall, row) > 0 || !files[row].has_blocks;
      const bool single = std::ranges::count(expected.single, row) > 0;
      RC_ASSERT(covered.haploid.Test(row) == (!none && single));
      RC_ASSERT(covered.diploid.Test(row) == (!none && !single));
    }
  }
}

RC_GTEST_PROP(CoverageProperty, SurvivesTheFile, ()) {
  auto rows = *rc::gen::inRange<std::uint32_t>(1, 8);
  CoverageWriter writer;
  std::vector<std::vector<int>> called(rows, std::vector<int>(1000, -1));
  std::vector<CoverageRun> runs;
  for (int i = 0; i < 20; ++i) {
    CoverageRun run;
    run.row = *rc::gen::inRange<std::uint32_t>(0, rows);
    run.begin = *rc::gen::inRange<std::uint32_t>(0, 900);
    run.end = run.begin + *rc::gen::inRange<std::uint32_t>(1, 100);
    run.haploid = *rc::gen::arbitrary<bool>();
    runs.push_back(run);
  }
  std::stable_sort(runs.begin(), runs.end(),
                   [](const auto& a, const auto& b) { return a.begin < b.begin; });
  for (const CoverageRun& run : runs) {
    writer.Add(run);
    for (std::uint32_t pos = run.begin; pos < run.end; ++pos) {
      int& place = called[run.row][pos];
      place = std::max(place, run.haploid ? 1 : 2);
    }
  }
  auto decoded = DecodeCoverage(writer.Encode(rows), rows);
  RC_ASSERT(decoded.ok());
  for (const CoverageRun& run : *decoded) {
    for (std::uint32_t pos = run.begin; pos < run.end; ++pos) {
      RC_ASSERT(called[run.row][pos] == (run.haploid ? 1 : 2));
      called[run.row][pos] = -1;
    }
  }
  for (const auto& row : called) RC_ASSERT(std::count(row.begin(), row.end(), -1) == 1000);
}

}  // namespace
}  // namespace genofed::genomics
