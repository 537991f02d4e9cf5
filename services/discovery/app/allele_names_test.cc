// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/allele_names.h"

#include <gtest/gtest.h>

#include "libs/genomics/norm_test_support.h"
#include "libs/genomics/sequence_digests.h"
#include "libs/testing/matchers.h"

namespace genofed::discovery {
namespace {

using genomics::Assembly;
using genomics::VariantNames;

// m.9 to m.12 are four C; all else is N, so that it is another sequence than the one NCBI has.
std::unique_ptr<genomics::Reference> Mitochondrion() {
  return std::make_unique<genomics::SparseReference>(
      "MT", 16569, std::vector<std::pair<std::int64_t, std::string>>{{0, "GATCACAGCCCCT"}});
}

AlleleNames WithReference() {
  return AlleleNames(
      []() -> Result<std::unique_ptr<genomics::Reference>> { return Mitochondrion(); });
}

// Identifiers as vrs-python gives them (libs/genomics/vrs_test.cc).
void ExpectPublishedNames(const VariantNames& names) {
  EXPECT_EQ(names.hgvs, "NC_000019.10:g.28946400T>C");
  EXPECT_EQ(names.vrs_1_3, "ga4gh:VA.RV4gnaEgTH5jghr1mEutXUQAwYLlmDn2");
  EXPECT_EQ(names.vrs_2_0, "ga4gh:VA.uV5O4M9zpiwk6sftOd-EDvtw_pkSAvdf");
}

void ExpectNone(const VariantNames& names) {
  EXPECT_EQ(names.hgvs + names.vrs_1_3 + names.vrs_2_0, "");
}

TEST(AlleleNames, WithoutReferenceSubstitutionsHaveThem) {
  AlleleNames names;
  ASSERT_THAT(names.Prepare(Context::Background()), testing::IsOk());
  ExpectPublishedNames(names.Of(Assembly::kGrch38, {"19", 28946399, "T", "C"}));
  EXPECT_NE(names.Of(Assembly::kGrch37, {"19", 28946399, "T", "C"}).vrs_2_0,
            names.Of(Assembly::kGrch38, {"19", 28946399, "T", "C"}).vrs_2_0);
  ExpectNone(names.Of(Assembly::kGrch38, {"19", 28946399, "TA", "T"}));
  ExpectNone(names.Of(Assembly::kGrch38, {"GL000008.2", 99, "T", "C"}));
}

TEST(AlleleNames, WithTheReferenceAllOfItsSequencesHaveThem) {
  AlleleNames names = WithReference();
  const genomics::Variant deletion{"MT", 7, "GC", "G"};
  ExpectNone(names.Of(Assembly::kGrch38, deletion));  // not read yet
  ASSERT_THAT(names.Prepare(Context::Background()), testing::IsOk());
  const VariantNames got = names.Of(Assembly::kGrch38, deletion);
  EXPECT_EQ(got.hgvs, "NC_012920.1:m.12del");
  const auto reference = Mitochondrion();
  const std::string refget = *genomics::SequenceDigests(*reference).Accession("MT");
  const VariantNames expected =
      genomics::NameVariant(deletion, Assembly::kGrch38, refget, reference.get());
  EXPECT_EQ(got.vrs_1_3, expected.vrs_1_3);
  EXPECT_EQ(got.vrs_2_0, expected.vrs_2_0);
  EXPECT_TRUE(got.vrs_2_0.starts_with("ga4gh:VA."));
  // Wherever in the run the deletion is written.
  EXPECT_EQ(names.Of(Assembly::kGrch38, {"MT", 9, "CC", "C"}).vrs_2_0, got.vrs_2_0);
  // What it does not have is named by the published sequence.
  ExpectPublishedNames(names.Of(Assembly::kGrch38, {"19", 28946399, "T", "C"}));
}

TEST(AlleleNames, WhatIsNotInTheReferenceHasNone) {
  AlleleNames names = WithReference();
  ASSERT_THAT(names.Prepare(Context::Background()), testing::IsOk());
  ExpectNone(names.Of(Assembly::kGrch38, {"MT", 7, "TC", "T"}));
  ExpectNone(names.Of(Assembly::kGrch38, {"MT", 16568, "TC", "T"}));
}

TEST(AlleleNames, AReferenceThatCannotBeReadIsSaid) {
  AlleleNames names([]() -> Result<std::unique_ptr<genomics::Reference>> {
    return Error(StatusCode::kNotFound, "REFERENCE_FAILED", "gone");
  });
  EXPECT_THAT(names.Prepare(Context::Background()), testing::HasReason("REFERENCE_FAILED"));
  ExpectNone(names.Of(Assembly::kGrch38, {"19", 28946399, "T", "C"}));
}

}  // namespace
}  // namespace genofed::discovery
