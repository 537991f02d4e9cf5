// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/hgvs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "libs/genomics/norm_test_support.h"
#include "libs/genomics/normalise.h"

namespace genofed::genomics {
namespace {

// Examples of hgvs-nomenclature.org (recommendations/DNA) and of vrs-python (tests of its HGVS
// translator), as VCF would write them; the bases around them are those of the examples.
struct Example {
  Assembly assembly;
  Variant variant;
  std::int64_t piece_start;
  std::string piece;
  std::string_view hgvs;
};

const Example kExamples[] = {
    // deletion.md
    {Assembly::kGrch38,
     {"X", 33344589, "GA", "G"},
     33344586,
     "TGTGATTCT",
     "NC_000023.11:g.33344591del"},
    {Assembly::kGrch38,
     {"X", 33344588, "TGAT", "T"},
     33344585,
     "GTGTGATTCTG",
     "NC_000023.11:g.33344590_33344592del"},
    // the last T of eight, given as the first
    {Assembly::kGrch38,
     {"X", 32343174, "AT", "A"},
     32343171,
     "CTAATTTTTTTTCAAT",
     "NC_000023.11:g.32343183del"},
    {Assembly::kGrch38,
     {"X", 32343174, "A", "AT"},
     32343171,
     "CTAATTTTTTTTCAAT",
     "NC_000023.11:g.32343183dup"},
    // insertion.md
    {Assembly::kGrch37,
     {"X", 32867860, "A", "AT"},
     32867860,
     "AC",
     "NC_000023.10:g.32867861_32867862insT"},
    // delins.md
    {Assembly::kGrch38,
     {"X", 32386322, "T", "GA"},
     32386318,
     "CAGCTCTTT",
     "NC_000023.11:g.32386323delinsGA"},
    // inversion.md
    {Assembly::kGrch37,
     {"X", 32361329, "TCAG", "CTGA"},
     32361327,
     "CATCAGCCT",
     "NC_000023.10:g.32361330_32361333inv"},
    // substitution.md
    {Assembly::kGrch37, {"X", 33038254, "C", "A"}, 33038254, "C", "NC_000023.10:g.33038255C>A"},
    // vrs-python
    {Assembly::kGrch38, {"7", 55181319, "A", "T"}, 55181319, "A", "NC_000007.14:g.55181320A>T"},
    {Assembly::kGrch38,
     {"13", 32331081, "G", "GTT"},
     32331081,
     "GTTTTTTTTTTTTA",
     "NC_000013.11:g.32331093_32331094dup"},
    {Assembly::kGrch38, {"13", 32316466, "A", "AA"}, 32316465, "CAG", "NC_000013.11:g.32316467dup"},
    // "289464_289465insCACA" is at its last place two bases further
    {Assembly::kGrch38,
     {"19", 289463, "T", "TCACA"},
     289463,
     "TCAT",
     "NC_000019.10:g.289466_289467insCACA"},
};

std::string Described(const Variant& variant, Assembly assembly, Reference* reference) {
  auto described = DescribeHgvs(variant, assembly, reference);
  return described.ok() ? FormatHgvs(*described, assembly) : Describe(described.status());
}

TEST(Hgvs, PublishedExamples) {
  for (const Example& one : kExamples) {
    SCOPED_TRACE(one.hgvs);
    SparseReference reference(one.variant.contig,
                              ContigLength(one.assembly, one.variant.contig).value(),
                              {{one.piece_start, one.piece}});
    EXPECT_EQ(Described(one.variant, one.assembly, &reference), one.hgvs);
    // And back, to the same haplotype in left-aligned form.
    auto parsed = ParseHgvs(one.hgvs);
    ASSERT_TRUE(parsed.ok()) << Describe(parsed.status());
    EXPECT_EQ(FormatHgvs(*parsed, one.assembly), one.hgvs);
    auto variant = VariantOfHgvs(*parsed, &reference);
    ASSERT_TRUE(variant.ok()) << Describe(variant.status());
    EXPECT_EQ(Described(*variant, one.assembly, &reference), one.hgvs);
  }
}

TEST(Hgvs, AllelesWithFlanksSayTheSame) {
  TextReference reference("7", "ACGTTTGCA");
  // Deleting the first of three T: HGVS names the last, position 6.
  EXPECT_EQ(Described({"7", 1, "CGTTTG", "CGTTG"}, Assembly::kGrch38, &reference),
            "NC_000007.14:g.6del");
  EXPECT_EQ(Reason(DescribeHgvs({"7", 0, "A", "CA"}, Assembly::kGrch38, &reference).status()),
            "RANGE_INVALID");
  EXPECT_EQ(Reason(DescribeHgvs({"7", 8, "A", "AC"}, Assembly::kGrch38, &reference).status()),
            "RANGE_INVALID");
  EXPECT_EQ(Described({"7", 0, "ACG", "ATG"}, Assembly::kGrch38, &reference),
            "NC_000007.14:g.2C>T");
  // The partial palindrome of biocommons/hgvs issue 285: GGTCCCCAAGGC becomes its reverse
  // complement, but its outer bases stay.
  TextReference palindrome("7", "AGGTCCCCAAGGCA");
  EXPECT_EQ(Described({"7", 1, "GGTCCCCAAGGC", "GCCTTGGGGACC"}, Assembly::kGrch38, &palindrome),
            "NC_000007.14:g.3_12inv");
}

TEST(Hgvs, MitochondrialGenome) {
  EXPECT_EQ(Described({"MT", 3242, "A", "G"}, Assembly::kGrch37, nullptr), "NC_012920.1:m.3243A>G");
  auto parsed = ParseHgvs("NC_012920.1:m.3243A>G");
  ASSERT_TRUE(parsed.ok()) << Describe(parsed.status());
  EXPECT_EQ(parsed->contig, "MT");
  EXPECT_FALSE(parsed->assembly.has_value());
}

TEST(Hgvs, NeedsTheReferenceForInsertionsAndDeletions) {
  EXPECT_EQ(Described({"7", 10, "A", "C"}, Assembly::kGrch38, nullptr), "NC_000007.14:g.11A>C");
  EXPECT_EQ(Described({"7", 10, "AC", "GT"}, Assembly::kGrch38, nullptr),
            "NC_000007.14:g.11_12inv");
  EXPECT_EQ(Reason(DescribeHgvs({"7", 10, "AC", "A"}, Assembly::kGrch38, nullptr).status()),
            "REFERENCE_NEEDED");
  EXPECT_EQ(Reason(DescribeHgvs({"7", 10, "A", "N"}, Assembly::kGrch38, nullptr).status()),
            "VARIANT_INVALID");
  EXPECT_EQ(Reason(DescribeHgvs({"7", 10, "A", "A"}, Assembly::kGrch38, nullptr).status()),
            "VARIANT_INVALID");
  EXPECT_EQ(Reason(DescribeHgvs({"GL000207.1", 10, "A", "C"}, Assembly::kGrch38, nullptr).status()),
            "ACCESSION_UNKNOWN");
}

TEST(Hgvs, ErrorsNameThePlace) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "character 1"},
      {"NC_000007.14", "character 1"},
      {"NM_000088.3:c.589G>T", "character 1"},
      {"NC_000007.15:g.1A>T", "character 1"},
      {"NC_000007.14:c.1A>T", "character 14"},
      {"NC_012920.1:g.1A>T", "character 13"},
      {"NC_000007.14:g.", "character 16"},
      {"NC_000007.14:g.0A>T", "character 16"},
      {"NC_000007.14:g.99999999999999999999A>T", "character 16"},
      {"NC_000007.14:g.159345974A>T", "character 25"},  // one behind the end of chromosome 7
      {"NC_000007.14:g.5_5del", "character 18"},
      {"NC_000007.14:g.5_6_7del", "character 19"},
      {"NC_000007.14:g.(5_6)del", "character 16"},
      {"NC_000007.14:g.5", "character 17"},
      {"NC_000007.14:g.5A", "character 18"},
      {"NC_000007.14:g.5A>", "character 19"},
      {"NC_000007.14:g.5A>A", "character 17"},
      {"NC_000007.14:g.5_6GC>TG", "character 20"},
      {"NC_000007.14:g.5_6G>T", "character 19"},
      {"NC_000007.14:g.5inv", "character 17"},
      {"NC_000007.14:g.5_7insA", "character 19"},
      {"NC_000007.14:g.5_6ins", "character 22"},
      {"NC_000007.14:g.5_6delins", "character 25"},
      {"NC_000007.14:g.5delA", "character 20"},
      {"NC_000007.14:g.5del ", "character 20"},
  };
  for (const auto& [text, place] : cases) {
    SCOPED_TRACE(text);
    auto parsed = ParseHgvs(text);
    ASSERT_FALSE(parsed.ok());
    EXPECT_EQ(Reason(parsed.status()), "HGVS_INVALID");
    EXPECT_THAT(Message(parsed.status()), testing::HasSubstr(std::string(place) + ":"));
  }
}

TEST(Hgvs, VariantsOfDescriptions) {
  TextReference reference("7", "ACGTTTGCA");
  auto variant = [&](std::string_view change) {
    auto parsed = ParseHgvs("NC_000007.14:g." + std::string(change));
    if (!parsed.ok()) return Describe(parsed.status());
    auto made = VariantOfHgvs(*parsed, &reference);
    return made.ok() ? FormatVariant(*made) : Reason(made.status());
  };
  EXPECT_EQ(variant("6del"), "7-3-GT-G");  // left-aligned
  EXPECT_EQ(variant("1del"), "7-1-AC-C");  // no base before it
  EXPECT_EQ(variant("4_6dup"), "7-3-G-GTTT");
  EXPECT_EQ(variant("2_3insAA"), "7-2-C-CAA");
  EXPECT_EQ(variant("2_3delinsT"), "7-2-CG-T");
  EXPECT_EQ(variant("7_8inv"), "VARIANT_INVALID");  // GC is its own reverse complement
  EXPECT_EQ(variant("2C>T"), "7-2-C-T");
  EXPECT_EQ(variant("2A>T"), "REF_MISMATCH");
  EXPECT_EQ(variant("8_20del"), "RANGE_INVALID");
  EXPECT_EQ(variant("1_9del"), "RANGE_INVALID");
  auto parsed = ParseHgvs("NC_000007.14:g.6del");
  EXPECT_EQ(Reason(VariantOfHgvs(*parsed, nullptr).status()), "REFERENCE_NEEDED");
}

// Describing a variant and reading the description gives the same haplotype.
RC_GTEST_PROP(HgvsProperties, DescriptionsKeepTheHaplotype, ()) {
  auto bases_of = [](int min, int max) {
    return rc::gen::mapcat(rc::gen::inRange(min, max), [](int size) {
      return rc::gen::container<std::string>(static_cast<std::size_t>(size),
                                             rc::gen::elementOf(std::string("AACGT")));
    });
  };
  std::string bases = *bases_of(4, 40);
  TextReference reference("7", bases);
  auto size = static_cast<int>(bases.size());
  int pos = *rc::gen::inRange(0, size - 1);
  int length = *rc::gen::inRange(1, std::min(8, size - pos));
  Variant variant{"7", pos,
                  bases.substr(static_cast<std::size_t>(pos), static_cast<std::size_t>(length)),
                  *bases_of(1, 9)};
  RC_PRE(variant.ref != variant.alt);
  auto described = DescribeHgvs(variant, Assembly::kGrch38, &reference);
  RC_PRE(Reason(described.status()) != "RANGE_INVALID");  // inserted before or behind the contig
  RC_ASSERT(described.ok());
  auto parsed = ParseHgvs(FormatHgvs(*described, Assembly::kGrch38));
  RC_ASSERT(parsed.ok());
  RC_ASSERT(*parsed == *described);
  auto again = VariantOfHgvs(*parsed, &reference);
  RC_ASSERT(again.ok());
  RC_ASSERT(Applied(bases, *again) == Applied(bases, variant));
  RC_ASSERT(NormaliseVariant(variant, &reference).ok());
  RC_ASSERT(Applied(bases, variant) == Applied(bases, *again));
  RC_ASSERT(FormatHgvs(*DescribeHgvs(*again, Assembly::kGrch38, &reference), Assembly::kGrch38) ==
            FormatHgvs(*described, Assembly::kGrch38));
}

}  // namespace
}  // namespace genofed::genomics
