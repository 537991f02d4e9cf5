// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vrs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "libs/genomics/norm_test_support.h"
#include "libs/genomics/sequence_digests.h"

namespace genofed::genomics {
namespace {

constexpr std::int64_t kLength19 = 58617616;

std::string Refget(std::string_view contig) {
  return std::string(RefgetAccession(Assembly::kGrch38, contig).value_or(""));
}

// validation/functions.yaml of the VRS specification.
TEST(SequenceDigests, TruncatedDigestOfTheSpecification) {
  EXPECT_EQ(Sha512t24u(""), "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXc");
  EXPECT_EQ(Sha512t24u("ACGT"), "aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2");
}

TEST(SequenceDigests, ComputesFromTheReferenceInUpperCase) {
  TextReference reference("1", "acGT");
  SequenceDigests digests(reference);
  EXPECT_EQ(digests.Accession("1").value(), "SQ.aKF498dAxcJAqme6QYQ7EZ07-fiw8Kw2");
  EXPECT_EQ(Reason(digests.Accession("2").status()), "CONTIG_UNKNOWN");
}

TEST(SequenceDigests, TableHasEveryPrimaryContigOnce) {
  std::set<std::string_view> seen;
  for (Assembly assembly : {Assembly::kGrch37, Assembly::kGrch38}) {
    for (int i = 1; i <= 25; ++i) {
      std::string contig = i <= 22 ? std::to_string(i) : i == 23 ? "X" : i == 24 ? "Y" : "MT";
      auto accession = RefgetAccession(assembly, contig);
      ASSERT_TRUE(accession.has_value()) << contig;
      EXPECT_EQ(accession->size(), 35U);
      EXPECT_TRUE(accession->starts_with("SQ."));
      EXPECT_TRUE(seen.insert(*accession).second || contig == "MT") << contig;
    }
    EXPECT_FALSE(RefgetAccession(assembly, "chrUn").has_value());
  }
  EXPECT_EQ(seen.size(), 49U);  // both assemblies share the mitochondrial genome
  // The three sequences that the validation data of the specification name.
  EXPECT_EQ(RefgetAccession(Assembly::kGrch37, "1"), "SQ.S_KjnFVz-FE7M0W6yoaUDgYxLPc1jyWU");
  EXPECT_EQ(Refget("1"), "SQ.Ya6Rs7DHhDeg7YaOSg1EoNi3U_nQ9SvO");
  EXPECT_EQ(Refget("19"), "SQ.IIB53T8CNeJJdUqzn9V_JnRtQadwWCbl");
}

// validation/models.yaml of the VRS specification, versions 1.3.0 and 2.x.
TEST(Vrs, SerialisesAsTheSpecificationDoes) {
  VrsAllele rs7412 = NormaliseVrsAllele({"19", 44908821, "C", "T"}, Refget("19"), nullptr).value();
  EXPECT_EQ(
      SerialiseVrsLocation(rs7412, VrsVersion::k1_3),
      R"({"interval":{"end":{"type":"Number","value":44908822},"start":{"type":"Number","value":44908821},"type":"SequenceInterval"},"sequence_id":"IIB53T8CNeJJdUqzn9V_JnRtQadwWCbl","type":"SequenceLocation"})");
  EXPECT_EQ(VrsLocationId(rs7412, VrsVersion::k1_3), "ga4gh:VSL.QrRSuBj-VScAGV_gEdxNgsnh41jYH1Kg");
  EXPECT_EQ(
      SerialiseVrsAllele(rs7412, VrsVersion::k1_3),
      R"({"location":"QrRSuBj-VScAGV_gEdxNgsnh41jYH1Kg","state":{"sequence":"T","type":"LiteralSequenceExpression"},"type":"Allele"})");
  EXPECT_EQ(VrsAlleleId(rs7412, VrsVersion::k1_3), "ga4gh:VA.CxiA_hvYbkD8Vqwjhx5AYuyul4mtlkpD");
  EXPECT_EQ(
      SerialiseVrsAllele(rs7412, VrsVersion::k2_0),
      R"({"location":"wIlaGykfwHIpPY2Fcxtbx4TINbbODFVz","state":{"sequence":"T","type":"LiteralSequenceExpression"},"type":"Allele"})");
  EXPECT_EQ(VrsAlleleId(rs7412, VrsVersion::k2_0), "ga4gh:VA.0AePZIWZUNsUlQTamyLrjm2HWUw2opLt");

  VrsAllele repeat{Refget("1"), 40819438, 40819446, "CTCCTCCTCCT", true, 3};
  EXPECT_EQ(
      SerialiseVrsAllele(repeat, VrsVersion::k2_0),
      R"({"location":"nQGBuvRQOLEboA5TYtcz975fp_GulxbZ","state":{"length":11,"repeatSubunitLength":3,"type":"ReferenceLengthExpression"},"type":"Allele"})");
  EXPECT_EQ(VrsAlleleId(repeat, VrsVersion::k2_0), "ga4gh:VA.Oop4kjdTtKcg1kiZjIJAAR3bp7qi4aNT");
}

// A record of the VCF that vrs-python annotates in its tests (releases 0.8.5 for VRS 1.3 and 2.1
// for VRS 2.0). The bases around it follow from the published starts, ends and states.
struct Annotated {
  Variant variant;
  std::string_view id_1_3;
  std::string_view id_2_0;
};

TEST(Vrs, AgreesWithAnnotatedVcf) {
  SparseReference reference("19", kLength19,
                            {{82663, "C"},
                             {284349, "C" + std::string(16, 'A') + "C"},
                             {289463, "TCAT"},
                             {490413, "ACTG"},
                             {28946399, "T"},
                             {54220023, "G"}});
  const Annotated cases[] = {
      {{"19", 82663, "C", "T"},
       "ga4gh:VA.efKxla2JHi4nUJfyBTO0I0YQ4g-QEgwO",
       "ga4gh:VA.b9AIUegs1SOYO7nKY8l01yllkyUns-u4"},
      {{"19", 82663, "C", "C"},  // the reference allele
       "ga4gh:VA.rwf_BiVjd5H0oPQA8StTQSOMpdm2SuFg",
       "ga4gh:VA.esmv8nARRRdSysDFuIErJxRAdUSVsWNE"},
      {{"19", 284349, "CA", "C"},  // a deletion in a repeat
       "ga4gh:VA.T8PVc5sNeHz6iP7oa_gEyBSBccFwSjUl",
       "ga4gh:VA.a04jFsNg0bS0RMIWjKWSbwJS4_vp7S6x"},
      {{"19", 284349, "CA", "CA"},
       "ga4gh:VA.7P59-KKIpXJ7wFiUzTZJeGhk1b24X3Av",
       "ga4gh:VA.xgtXGA3ZkV1WgMc6eD9l64fX27S_TScW"},
      {{"19", 289463, "T", "TCACGCCTGTAATCC"},  // ambiguous, but not derived from the reference
       "ga4gh:VA.uYj3ceyO1ArFyYKXOpvYY3_3rlNaqhLd",
       "ga4gh:VA.ySvDptXfHB_9WEfu78v32DzBXJfwGgO7"},
      {{"19", 28946399, "T", "C"},
       "ga4gh:VA.RV4gnaEgTH5jghr1mEutXUQAwYLlmDn2",
       "ga4gh:VA.uV5O4M9zpiwk6sftOd-EDvtw_pkSAvdf"},
      {{"19", 490413, "ACT", "A"},  // an unambiguous deletion
       "ga4gh:VA.2lVnmodLqsjIn21ob_77LwGQyWHH2vBB",
       "ga4gh:VA.lok7a3lot_cvUyw626otpJi4yxk0X07v"},
      {{"19", 54220023, "G", "A"},
       "ga4gh:VA.n1WbRdIYphnoGHWVwvKQg6EBql0hmssM",
       "ga4gh:VA.I7J3i1B36BACEUINcTwEh7uMv3I-PXT1"},
  };
  for (const Annotated& one : cases) {
    SCOPED_TRACE(FormatVariant(one.variant));
    auto allele = NormaliseVrsAllele(one.variant, Refget("19"), &reference);
    ASSERT_TRUE(allele.ok()) << Describe(allele.status());
    EXPECT_EQ(VrsAlleleId(*allele, VrsVersion::k1_3), one.id_1_3);
    EXPECT_EQ(VrsAlleleId(*allele, VrsVersion::k2_0), one.id_2_0);
  }
}

// tests/test_vrs_normalize.py of vrs-python: changes in CCT repeats that do not keep the frame.
TEST(Vrs, PartialRepeatsAsInVrsPython) {
  std::string repeat = "T";  // stands for what is before the region
  for (int i = 0; i < 9; ++i) repeat += "CCT";
  repeat += "CGA";
  SparseReference reference("1", 248956422, {{1752907, "G" + repeat.substr(1)}});
  struct Case {
    std::int64_t start;
    std::string ref, alt;
    std::int64_t want_start, want_end, length, unit;  // unit 0: literal
  };
  const Case cases[] = {
      {1752915, "", "CT", 1752915, 1752918, 5, 2},   {1752915, "", "CCTC", 1752911, 1752916, 9, 4},
      {1752934, "", "CT", 1752934, 1752934, 2, 0},   {1752934, "", "CCTC", 1752933, 1752934, 5, 0},
      {1752912, "CTCC", "", 1752911, 1752916, 1, 4}, {1752913, "TC", "", 1752912, 1752915, 1, 2},
      {1752934, "TC", "", 1752933, 1752936, 1, 2},   {1752932, "CCTC", "", 1752932, 1752936, 0, 4},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(fmt::format("{}:{}:{}", one.start, one.ref, one.alt));
    std::string anchor = reference.Fetch("1", one.start - 1, 1).value();
    auto allele = NormaliseVrsAllele({"1", one.start - 1, anchor + one.ref, anchor + one.alt},
                                     Refget("1"), &reference);
    ASSERT_TRUE(allele.ok()) << Describe(allele.status());
    EXPECT_EQ(allele->start, one.want_start);
    EXPECT_EQ(allele->end, one.want_end);
    EXPECT_EQ(static_cast<std::int64_t>(allele->sequence.size()), one.length);
    EXPECT_EQ(allele->repeat_subunit_length, one.unit);
    EXPECT_EQ(allele->reference_derived, one.unit > 0);
  }
}

TEST(Vrs, NeedsTheReferenceForInsertionsAndDeletionsOnly) {
  EXPECT_TRUE(NormaliseVrsAllele({"19", 10, "AC", "GT"}, Refget("19"), nullptr).ok());
  auto deletion = NormaliseVrsAllele({"19", 10, "AC", "A"}, Refget("19"), nullptr);
  EXPECT_EQ(Reason(deletion.status()), "REFERENCE_NEEDED");
  auto broken = NormaliseVrsAllele({"19", 10, "AX", "A"}, Refget("19"), nullptr);
  EXPECT_EQ(Reason(broken.status()), "VARIANT_INVALID");
}

TEST(Vrs, RefusesEndlessRepeats) {
  TextReference reference("19", std::string(250'000, 'A'));
  auto allele = NormaliseVrsAllele({"19", 120'000, "AA", "A"}, Refget("19"), &reference);
  EXPECT_EQ(Reason(allele.status()), "REPEAT_TOO_LONG");
}

// However an insertion or deletion is written, the identifier is the same, and the Allele makes the
// same sequence of the reference.
RC_GTEST_PROP(VrsProperties, IdentifierIsIndependentOfSpelling, ()) {
  std::string unit =
      *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::elementOf(std::string("ACGT"))));
  unit.resize(std::min<std::size_t>(unit.size(), 4));
  std::string bases = "TG";
  int copies = *rc::gen::inRange(2, 8);
  for (int i = 0; i < copies; ++i) bases += unit;
  bases += *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ACGT")));
  bases += "GT";
  TextReference reference("1", bases);
  auto size = static_cast<int>(bases.size());
  int from = *rc::gen::inRange(1, size - 1);
  int length = *rc::gen::inRange(1, std::min(6, size - from));
  bool insertion = *rc::gen::arbitrary<bool>();
  std::string part = bases.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(length));
  std::string anchor = bases.substr(static_cast<std::size_t>(from) - 1, 1);
  Variant written{"1", from - 1, anchor + (insertion ? "" : part),
                  anchor + (insertion ? part : "")};
  std::string haplotype = Applied(bases, written);
  auto first = NormaliseVrsAllele(written, "SQ.x", &reference);
  RC_ASSERT(first.ok());
  RC_ASSERT(Applied(bases, {"1", first->start,
                            bases.substr(static_cast<std::size_t>(first->start),
                                         static_cast<std::size_t>(first->end - first->start)),
                            first->sequence}) == haplotype);
  // Every other spelling of the same length that gives the same haplotype.
  for (int start = 0; start + (insertion ? 0 : length) < size; ++start) {
    Variant other{"1", start,
                  bases.substr(static_cast<std::size_t>(start),
                               insertion ? 1U : 1U + static_cast<std::size_t>(length)),
                  ""};
    if (other.end() > size) break;
    other.alt = insertion ? other.ref + haplotype.substr(static_cast<std::size_t>(start) + 1,
                                                         static_cast<std::size_t>(length))
                          : other.ref.substr(0, 1);
    if (Applied(bases, other) != haplotype) continue;
    auto again = NormaliseVrsAllele(other, "SQ.x", &reference);
    RC_ASSERT(again.ok());
    RC_ASSERT(VrsAlleleId(*again, VrsVersion::k2_0) == VrsAlleleId(*first, VrsVersion::k2_0));
    RC_ASSERT(VrsAlleleId(*again, VrsVersion::k1_3) == VrsAlleleId(*first, VrsVersion::k1_3));
  }
}

}  // namespace
}  // namespace genofed::genomics
