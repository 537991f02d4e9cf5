// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/variant.h"

#include <gtest/gtest.h>

namespace genofed::genomics {
namespace {

TEST(Contig, NormalisesEverySpellingOfTheSameChromosome) {
  for (const char* name : {"20", "chr20", "CHR20", "NC_000020.10", "NC_000020.11",
                           "refseq:NC_000020.11", "CM000682.2"}) {
    EXPECT_EQ(*NormaliseContig(name), "20") << name;
  }
  EXPECT_EQ(*NormaliseContig("chrM"), "MT");
  EXPECT_EQ(*NormaliseContig("NC_012920.1"), "MT");
  EXPECT_EQ(*NormaliseContig("CM000686.1"), "Y");
  EXPECT_EQ(*NormaliseContig("CM000687.1"), "CM000687.1");
  EXPECT_EQ(*NormaliseContig("x"), "X");
  EXPECT_EQ(*NormaliseContig("chrUn_KI270752v1"), "chrUn_KI270752v1");
}

TEST(Contig, RefusesWhatCannotBeAName) {
  for (const char* name : {"", "../x", "a/b", "chr 1", ".", "<DEL>", "refseq:"}) {
    EXPECT_EQ(Reason(NormaliseContig(name).status()), "CONTIG_INVALID") << name;
  }
  EXPECT_FALSE(NormaliseContig(std::string(65, 'a')).ok());
}

TEST(Contig, AccessionsNameTheirAssembly) {
  EXPECT_EQ(AssemblyOfAccession("NC_000020.10"), Assembly::kGrch37);
  EXPECT_EQ(AssemblyOfAccession("refseq:NC_000020.11"), Assembly::kGrch38);
  EXPECT_EQ(AssemblyOfAccession("NC_000023.10"), Assembly::kGrch37);
  EXPECT_EQ(AssemblyOfAccession("CM000663.1"), Assembly::kGrch37);
  EXPECT_EQ(AssemblyOfAccession("CM000685.2"), Assembly::kGrch38);
  EXPECT_EQ(AssemblyOfAccession("NC_012920.1"), std::nullopt);
  EXPECT_EQ(AssemblyOfAccession("20"), std::nullopt);
  EXPECT_EQ(ParseAssembly("GRCh38.p14"), Assembly::kGrch38);
  EXPECT_EQ(ParseAssembly("hg19"), Assembly::kGrch37);
  EXPECT_EQ(ParseAssembly("T2T"), std::nullopt);
  EXPECT_EQ(ContigLength(Assembly::kGrch37, "20"), 63025520);
}

TEST(Allele, KindsOfTheVcfSpecification) {
  EXPECT_EQ(ClassifyAllele("ACGTNacgtn"), AlleleKind::kBases);
  EXPECT_EQ(ClassifyAllele("."), AlleleKind::kMissing);
  EXPECT_EQ(ClassifyAllele("*"), AlleleKind::kSpanningDeletion);
  EXPECT_EQ(ClassifyAllele("<INS:ME>"), AlleleKind::kSymbolic);
  EXPECT_EQ(ClassifyAllele("G]17:198982]"), AlleleKind::kBreakend);
  EXPECT_EQ(ClassifyAllele("]HLA:1:9]CA"), AlleleKind::kBreakend);
  EXPECT_EQ(ClassifyAllele("[<ctg1>:7[C"), AlleleKind::kBreakend);
  EXPECT_EQ(ClassifyAllele(".[13:123457["), AlleleKind::kBreakend);
  EXPECT_EQ(ClassifyAllele(".A"), AlleleKind::kBreakend);
  for (const char* bad :
       {"[1:9[", "A[1:9[C", "A[1:9]", "A[1[", "A[:9[", "Q[1:9[", "A[1:-9[", "A["}) {
    EXPECT_EQ(ClassifyAllele(bad), AlleleKind::kInvalid) << bad;
  }
  EXPECT_EQ(ClassifyAllele("R"), AlleleKind::kInvalid);
  EXPECT_EQ(ClassifyAllele(""), AlleleKind::kInvalid);
  EXPECT_EQ(ClassifyAllele("<a,b>"), AlleleKind::kInvalid);
  EXPECT_EQ(ClassifyAllele(std::string(kMaxAlleleLength + 1, 'A')), AlleleKind::kTooLong);
}

TEST(Variant, FormatAndParseAreInverse) {
  Variant variant{"20", 1000225, "A", "T"};
  EXPECT_EQ(FormatVariant(variant), "20-1000226-A-T");
  EXPECT_EQ(*ParseVariant("chr20:1000226:a:t"), variant);
  EXPECT_EQ(ParseVariant("HLA-A-5-A-G")->contig, "HLA-A");
  for (const char* bad :
       {"", "20-1-A", "20-0-A-T", "20-x-A-T", "20-1-A-<DEL>", "20-1--T", "20-99999999999-A-T"}) {
    EXPECT_FALSE(ParseVariant(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace genofed::genomics
