// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/normalise.h"

#include <gmock/gmock.h>

#include "libs/core/strings.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

using ::testing::ElementsAre;

std::string Normalised(const char* text, Reference* reference = nullptr) {
  auto variant = ParseVariant(text);
  GF_CHECK(variant.ok());
  Status status = NormaliseVariant(*variant, reference);
  return status.ok() ? FormatVariant(*variant) : Reason(status);
}

class NormaliseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    //                                   123456789012
    WriteText(dir_ / "ref.fa", ">20\nGGGCACACACGT\n>3\nCCCC\n");
    WriteText(dir_ / "ref.fa.fai", "20\t12\t4\t12\t13\n3\t4\t20\t4\t5\n");
    auto reference = Reference::Open(dir_ / "ref.fa");
    GF_CHECK(reference.ok());
    reference_ = std::move(*reference);
  }
  TempDir dir_;
  std::unique_ptr<Reference> reference_;
};

TEST_F(NormaliseTest, TrimsWithoutReference) {
  EXPECT_EQ(Normalised("20-5-A-T"), "20-5-A-T");
  EXPECT_EQ(Normalised("20-5-ACG-ATG"), "20-6-C-T");
  EXPECT_EQ(Normalised("20-5-ACGT-AT"), "20-5-ACG-A");
  EXPECT_EQ(Normalised("20-5-AA-AAA"), "20-5-A-AA");
  EXPECT_EQ(Normalised("20-5-CACAG-CACAT"), "20-9-G-T");
  EXPECT_EQ(Normalised("20-5-AC-GT"), "20-5-AC-GT");
}

// The example of Tan et al. 2015, figure 2: five spellings of one CA deletion.
TEST_F(NormaliseTest, LeftAlignsEverySpellingToTheSameVariant) {
  for (const char* spelling :
       {"20-8-CAC-C", "20-6-CACAC-CAC", "20-3-GCACA-GCA", "20-2-GGCA-GG", "20-3-GCA-G"}) {
    EXPECT_EQ(Normalised(spelling, reference_.get()), "20-3-GCA-G") << spelling;
  }
  EXPECT_EQ(Normalised("20-10-C-CAC", reference_.get()), "20-3-G-GCA");
}

TEST_F(NormaliseTest, StopsAtTheContigsStart) {
  EXPECT_EQ(Normalised("3-3-CC-C", reference_.get()), "3-1-CC-C");
  EXPECT_EQ(Normalised("7-3-CC-C", reference_.get()),
            "7-3-CC-C");  // a contig that the reference lacks
}

TEST(CarriersTest, CountsAllelesOnTheOriginalRecord) {
  VcfRecord record;
  record.contig = "X";
  record.ref = "A";
  record.alts = {"C", "G", "*", "<DEL>", "N"};
  // 1/2, 1/1, haploid 1, haploid 0, ./1, ./., 0/3, 0/0
  record.alleles = {1, 2, 1, 1, 1, -2, 0, -2, -1, 1, -1, -1, 0, 3, 0, 0};
  std::vector<std::int32_t> rows = {0, 1, 2, 3, 4, 5, 6, 7, -1};
  CarrierSets first = CarriersOf(record, 1, rows);
  EXPECT_THAT(first.het, ElementsAre(0));
  EXPECT_THAT(first.hom, ElementsAre(1));
  EXPECT_THAT(first.hemi, ElementsAre(2, 4));
  EXPECT_THAT(first.single, ElementsAre(3));
  EXPECT_THAT(first.nocall, ElementsAre(5, 8));
  CarrierSets second = CarriersOf(record, 2, rows);
  EXPECT_THAT(second.het, ElementsAre(0));
  EXPECT_THAT(second.hom, ElementsAre());
  EXPECT_THAT(second.single, ElementsAre(2, 3, 4));
  std::uint64_t skipped = 0;
  EXPECT_EQ(SplitRecord(record, nullptr, &skipped)->size(), 2U);
  EXPECT_EQ(skipped, 3U);
}

// The expected file of bcftools' own tests: norm -m- -f norm.fa on norm.split.vcf.
TEST(NormaliseOracle, AgreesWithTheExpectedFilesOfBcftools) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the bcftools norm cases";
  auto dir = SharedDir() / "vcf/norm";
  TempDir temp;
  std::filesystem::copy_file(dir / "norm.fa", temp / "norm.fa");
  if (!HasBcftools()) GTEST_SKIP() << "needs bcftools to index the reference";
  Output("bcftools norm -m- -f " + (temp / "norm.fa").string() + " " +
         (dir / "norm.split.vcf").string());
  auto reference = Reference::Open(temp / "norm.fa");
  ASSERT_TRUE(reference.ok()) << Describe(reference.status());
  std::multiset<std::string> ours;
  auto reader = VcfReader::Open(dir / "norm.split.vcf");
  ASSERT_TRUE(reader.ok()) << Describe(reader.status());
  VcfRecord record;
  for (auto next = (*reader)->Next(record); *next != VcfReader::Outcome::kEnd;
       next = (*reader)->Next(record)) {
    ASSERT_EQ(*next, VcfReader::Outcome::kRecord) << (*reader)->problem().message;
    auto split = SplitRecord(record, reference->get());
    for (const SplitAllele& allele : *split) ours.insert(FormatVariant(allele.variant));
  }
  std::multiset<std::string> expected;
  std::string text = ReadText(dir / "norm.split.and.norm.out");
  for (std::string_view line : Split(text, '\n')) {
    auto columns = Split(line, '\t');
    if (line.starts_with('#') || columns.size() < 5 ||
        ClassifyAllele(columns[4]) != AlleleKind::kBases)
      continue;
    expected.insert(FormatVariant(
        *ParseVariant(fmt::format("{}-{}-{}-{}", columns[0], columns[1], columns[3], columns[4]))));
  }
  EXPECT_EQ(ours, expected);
}

}  // namespace
}  // namespace genofed::genomics
