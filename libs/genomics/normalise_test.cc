// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/normalise.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "libs/core/strings.h"
#include "libs/genomics/row_mapper.h"
#include "libs/genomics/slow_cohort.h"
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

// Tan et al. 2015, algorithm 1, word for word.
void NormaliseByTheBook(Variant& v, const std::string& contig) {
  for (bool changed = true; changed;) {
    changed = false;
    // Nothing is in front of a contig.
    if (v.ref.back() == v.alt.back() && (std::min(v.ref.size(), v.alt.size()) > 1 || v.pos > 0)) {
      v.ref.pop_back();
      v.alt.pop_back();
      changed = true;
    }
    if (v.ref.empty() || v.alt.empty()) {
      --v.pos;
      v.ref.insert(0, 1, contig[static_cast<std::size_t>(v.pos)]);
      v.alt.insert(0, 1, contig[static_cast<std::size_t>(v.pos)]);
      changed = true;
    }
  }
  while (v.ref.size() > 1 && v.alt.size() > 1 && v.ref[0] == v.alt[0]) {
    v.ref.erase(0, 1);
    v.alt.erase(0, 1);
    ++v.pos;
  }
}

RC_GTEST_FIXTURE_PROP(NormaliseTest, EqualsThePublishedAlgorithm, ()) {
  auto bases = *rc::gen::container<std::string>(400, rc::gen::element('A', 'C'));
  TempDir dir;
  WriteText(dir / "r.fa", ">20\n" + bases + "\n");
  WriteText(dir / "r.fa.fai", "20\t400\t4\t400\t401\n");
  auto reference = Reference::Open(dir / "r.fa");
  RC_ASSERT(reference.ok());
  for (int i = 0; i < 20; ++i) {
    auto pos = *rc::gen::inRange<std::size_t>(0, 395);
    auto length = *rc::gen::inRange<std::size_t>(1, 5);
    Variant variant{"20", static_cast<std::int64_t>(pos), bases.substr(pos, length), ""};
    auto size = *rc::gen::inRange<std::size_t>(1, 6);
    variant.alt = *rc::gen::container<std::string>(size, rc::gen::element('A', 'C'));
    if (variant.alt == variant.ref) continue;
    Variant expected = variant;
    NormaliseByTheBook(expected, bases);
    RC_ASSERT(NormaliseVariant(variant, reference->get()).ok());
    RC_ASSERT(variant == expected);
  }
}

TEST_F(NormaliseTest, StopsAtTheContigsStart) {
  EXPECT_EQ(Normalised("3-3-CC-C", reference_.get()), "3-1-CC-C");
  EXPECT_EQ(Normalised("7-3-CC-C", reference_.get()),
            "7-3-CC-C");  // a contig that the reference lacks
}

TEST(CarriersTest, CountsAllelesOnTheOriginalRecord) {
  // Rows 0 to 8: 1/2, 1/1, haploid 1, haploid 0, ./1, ./., 0/3, 0/0 (not listed), no sample.
  std::vector<std::int32_t> column_of_row = {0, 1, 2, 3, 4, 5, 6, 7, -1};
  RowMapper mapper(8, column_of_row);
  std::vector<Call> calls = {{0, 1, 2},  {1, 1, 1},   {2, 1, -2}, {3, 0, -2},
                             {4, -1, 1}, {5, -1, -1}, {6, 0, 3}};
  CarrierSets first;
  CarriersOf(mapper.Map(calls), 1, first);
  EXPECT_THAT(first.het, ElementsAre(0));
  EXPECT_THAT(first.hom, ElementsAre(1));
  EXPECT_THAT(first.hemi, ElementsAre(2, 4));
  EXPECT_THAT(first.single, ElementsAre(3));
  EXPECT_THAT(first.nocall, ElementsAre(5, 8));
  CarrierSets second;
  CarriersOf(mapper.Map(calls), 2, second);
  EXPECT_THAT(second.het, ElementsAre(0));
  EXPECT_THAT(second.hom, ElementsAre());
  EXPECT_THAT(second.single, ElementsAre(2, 3, 4));
}

RC_GTEST_PROP(RowMapperProperty, PutsEveryCallIntoItsRow, ()) {
  // Columns in any order, some of nobody, some rows without one; few and many calls.
  auto n_columns = *rc::gen::inRange<std::size_t>(1, 300);
  auto share = *rc::gen::element(1, 10, 60, 100);
  std::vector<std::int32_t> columns(n_columns);
  std::iota(columns.begin(), columns.end(), 0);
  if (*rc::gen::arbitrary<bool>()) {
    std::mt19937 random(*rc::gen::arbitrary<std::uint32_t>());
    std::shuffle(columns.begin(), columns.end(), random);
  }
  columns.resize(*rc::gen::inRange<std::size_t>(1, n_columns + 1));
  if (*rc::gen::arbitrary<bool>()) columns.insert(columns.begin() + 1, -1);
  std::vector<Call> calls;
  for (std::uint32_t column = 0; column < n_columns; ++column) {
    if (*rc::gen::inRange(0, 100) < share)
      calls.push_back({column, static_cast<std::int8_t>(*rc::gen::inRange(-1, 3)),
                       static_cast<std::int8_t>(*rc::gen::inRange(-2, 3))});
  }
  std::erase_if(calls, [](const Call& call) { return call.first == 0 && call.second == 0; });
  std::vector<Call> expected;
  for (std::uint32_t row = 0; row < columns.size(); ++row) {
    if (columns[row] < 0) expected.push_back({row, kAlleleMissing, kAlleleMissing});
    for (const Call& call : calls) {
      if (static_cast<std::int32_t>(call.index) == columns[row])
        expected.push_back({row, call.first, call.second});
    }
  }
  RowMapper mapper(n_columns, columns);
  for (int again = 0; again < 2; ++again) {
    auto mapped = mapper.Map(calls);
    RC_ASSERT(std::vector<Call>(mapped.begin(), mapped.end()) == expected);
  }
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
    for (const SplitAllele& allele : SplitRecord(record, reference->get()))
      ours.insert(FormatVariant(allele.variant));
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
