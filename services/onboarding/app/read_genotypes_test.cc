// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/read_genotypes.h"

#include <gtest/gtest.h>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/vcf_reader.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::onboarding {
namespace {

using genofed::testing::IsOk;

class ReadGenotypesTest : public ::testing::Test {
 protected:
  // A file of one person, who is the given row. In records blanks stand for tabs.
  void Add(std::uint32_t row, const std::vector<std::string>& records) {
    std::string text =
        "##fileformat=VCFv4.2\n##contig=<ID=chr20,length=64444167>\n"
        "##INFO=<ID=END,Number=1,Type=Integer,Description=\"End\">\n"
        "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n"
        "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"Depths\">\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tSAMPLE\n";
    for (std::string record : records) {
      std::replace(record.begin(), record.end(), ' ', '\t');
      text += record + "\n";
    }
    const auto path = directory_ / fmt::format("{}.vcf", row);
    ASSERT_THAT(WriteFileAtomically(path, text), IsOk());
    rows_.variants.push_back({path, path.filename().string(), "", {{"SAMPLE", row}}});
    rows_.pseudonyms.resize(std::max<std::size_t>(rows_.pseudonyms.size(), row + 1));
    rows_.pseudonyms[row] = fmt::format("p{}", row);
  }

  // "pos ref gt gt gt" of each record, genotypes by row.
  std::vector<std::string> Records() {
    std::vector<std::string> out;
    auto reader = genomics::VcfReader::Open(out_.vcf);
    EXPECT_THAT(reader, IsOk());
    auto samples = rows_.pseudonyms;
    std::erase(samples, "");  // rows of nobody
    EXPECT_EQ((*reader)->header().samples, samples);
    genomics::VcfRecord record;
    while (true) {
      auto outcome = (*reader)->Next(record);
      EXPECT_THAT(outcome, IsOk());
      if (!outcome.ok() || *outcome == genomics::VcfReader::Outcome::kEnd) return out;
      const auto columns = Split((*reader)->line(), '\t');
      std::string text = fmt::format("{} {}", columns[1], columns[3]);
      for (std::size_t i = 9; i < columns.size(); ++i) text += " " + std::string(columns[i]);
      out.push_back(text);
    }
  }

  // AC and AN of an allele of the index.
  std::pair<std::uint64_t, std::uint64_t> Counts(std::int64_t pos, const std::string& ref,
                                                 const std::string& alt) {
    auto index = genomics::CohortIndex::Open(out_.index);
    EXPECT_THAT(index, IsOk());
    const auto hit = (*index)->FindExact({"20", pos - 1, ref, alt});
    EXPECT_TRUE(hit.has_value());
    const auto counts = (*index)->Count(*hit);
    return {counts.ac, counts.an};
  }

  testing::TemporaryDirectory directory_;
  CohortRows rows_;
  const GenotypesOutput out_{directory_ / "index", directory_ / "genotypes.vcf.gz"};
};

// Worked out by hand: inside its blocks a person of a gVCF is like the reference, elsewhere not
// called; of a plain VCF is taken that it lists everything.
TEST_F(ReadGenotypesTest, ReferenceBlocksSayWhoWasCalledWhereOthersHaveAVariant) {
  Add(1, {"chr20 100 . A <NON_REF> . . END=149 GT 0/0", "chr20 150 . C T,<NON_REF> . . . GT 1/1",
          "chr20 151 . A <NON_REF> . . END=160 GT 0/0"});
  Add(0, {"chr20 100 . A <NON_REF> . . END=199 GT 0/0", "chr20 200 . A G,<NON_REF> . . . GT 0/1",
          "chr20 201 . A <NON_REF> . . END=250 GT 0/0"});
  Add(2, {"chr20 300 . G A . . . GT 0/1"});
  auto result = ReadGenotypes(Context::Background(),
                              {"GOE-FI-A-1", 1, genomics::Assembly::kGrch38, nullptr, rows_}, out_);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->sites, 3);
  EXPECT_EQ(Records(), (std::vector<std::string>{"150 C 0/0 1/1 0/0", "200 A 0/1 ./. 0/0",
                                                 "300 G ./. ./. 0/1"}));
  EXPECT_EQ(Counts(150, "C", "T"), (std::pair<std::uint64_t, std::uint64_t>(2, 6)));
  EXPECT_EQ(Counts(200, "A", "G"), (std::pair<std::uint64_t, std::uint64_t>(1, 4)));
  EXPECT_EQ(Counts(300, "G", "A"), (std::pair<std::uint64_t, std::uint64_t>(1, 2)));
}

TEST_F(ReadGenotypesTest, ARowOfNobodyIsCalledNowhereAndHasNoColumn) {
  Add(3, {"chr20 100 . A G . . . GT 1/1"});
  Add(1, {"chr20 100 . A G . . . GT 0/1", "chr20 200 . C T . . . GT 0/1"});
  const auto result = ReadGenotypes(
      Context::Background(), {"GOE-FI-A-1", 1, genomics::Assembly::kGrch38, nullptr, rows_}, out_);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(Records(), (std::vector<std::string>{"100 A 0/1 1/1", "200 C 0/1 0/0"}));
  EXPECT_EQ(Counts(100, "A", "G"), (std::pair<std::uint64_t, std::uint64_t>(3, 4)));
  EXPECT_EQ(Counts(200, "C", "T"), (std::pair<std::uint64_t, std::uint64_t>(1, 4)));
}

TEST_F(ReadGenotypesTest, NorInAFileThatIsTheOnlyOne) {
  Add(4, {"chr20 100 . A G . . . GT 1/1", "chr20 200 . C T . . . GT 0/1"});
  const auto result = ReadGenotypes(
      Context::Background(), {"GOE-FI-A-1", 1, genomics::Assembly::kGrch38, nullptr, rows_}, out_);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(Records(), (std::vector<std::string>{"100 A 1/1", "200 C 0/1"}));
  EXPECT_EQ(Counts(100, "A", "G"), (std::pair<std::uint64_t, std::uint64_t>(2, 2)));
}

// Of a homozygous call with other reads among its own, and a heterozygous one out of balance. Where
// row 1 is homozygous half of the alleles are other ones: row 0 has none of two, row 1 both.
TEST_F(ReadGenotypesTest, DepthsOfJoinedFilesAreKnown) {
  Add(0, {"chr20 300 . G A . . . GT:AD 0/1:29,1"});
  Add(1, {"chr20 100 . A G . . . GT:AD 1/1:3,27", "chr20 300 . G A . . . GT:AD 0/1:15,15"});
  const GenotypesRequest request{"GOE-FI-A-1", 1, genomics::Assembly::kGrch38, nullptr, rows_};
  const auto result = ReadGenotypes(Context::Background(), request, out_);
  ASSERT_THAT(result, IsOk());
  const auto again = CountGenotypes(Context::Background(), request,
                                    {directory_ / "index2", directory_ / "2.vcf.gz"});
  ASSERT_THAT(again, IsOk());
  for (const qc::Accumulator* counts : {&result->counts, &*again}) {
    const auto& clean = counts->DepthsOf(0);
    EXPECT_EQ(clean.homs, 0U);
    EXPECT_EQ(clean.hets, 1U);
    EXPECT_EQ(clean.unbalanced, 1U);
    const auto& mixed = counts->DepthsOf(1);
    EXPECT_EQ(mixed.homs, 1U);
    EXPECT_EQ(mixed.charr_sum, static_cast<std::uint64_t>(0.2 * qc::Accumulator::kRatioUnit + 0.5));
    EXPECT_EQ(mixed.hets, 1U);
    EXPECT_EQ(mixed.unbalanced, 0U);
    EXPECT_EQ(counts->cohort().Sites(qc::Region::kDiploid), 2U) << "counted once";
  }
}

}  // namespace
}  // namespace genofed::onboarding
