// SPDX-License-Identifier: Apache-2.0
//
// The normalisation cases of bcftools: input, arguments, and what a current bcftools makes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "libs/core/strings.h"
#include "libs/genomics/norm_test_support.h"

namespace genofed::genomics {
namespace {

// The options of our own that the arguments of `bcftools norm` stand for.
NormaliseOptions OptionsOf(std::string_view arguments) {
  NormaliseOptions options;
  std::vector<std::string> words;
  for (std::string_view word : Split(arguments, ' ')) words.emplace_back(word);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    auto next = [&] { return words[++i]; };
    auto set_check = [&](const std::string& mode) {
      options.on_mismatch = mode == "s"   ? ReferenceMismatch::kSet
                            : mode == "x" ? ReferenceMismatch::kExclude
                                          : ReferenceMismatch::kKeep;
    };
    auto set_multiallelics = [&](const std::string& mode) {
      options.multiallelics = mode[0] == '-' ? Multiallelics::kSplit : Multiallelics::kJoin;
      std::string kinds = mode.substr(1);
      if (kinds == "any") options.multiallelic_kinds = ChangeKinds::kAny;
      if (kinds == "snps") options.multiallelic_kinds = ChangeKinds::kSnvs;
      if (kinds == "indels") options.multiallelic_kinds = ChangeKinds::kIndels;
    };
    if (word == "-c") {
      set_check(next());
    } else if (word == "-cx") {
      set_check("x");
    } else if (word == "-Nc") {
      options.left_align = false;
      set_check(next());
    } else if (word == "-m") {
      set_multiallelics(next());
    } else if (word == "-m-" || word == "-m+") {
      set_multiallelics(word.substr(2));
    } else if (word == "--keep-sum") {
      EXPECT_EQ(next(), "AD");
      options.keep_depth_sum = true;
    } else if (word == "--multi-overlaps") {
      options.other_allele = next() == "0" ? OtherAllele::kReference : OtherAllele::kMissing;
    } else if (word == "-s") {
      options.joined_passes_if_any = true;
    } else if (word == "-a") {
      options.atomise = true;
    } else if (word == "--old-rec-tag") {
      options.original_field = next();
    } else if (word == "-i'alt=\"N\"'") {
      options.only_with_alt = "N";
    } else if (word == "-d") {
      const std::map<std::string, Duplicates> modes = {
          {"snps", Duplicates::kSameSnv},  {"indels", Duplicates::kSameIndel},
          {"both", Duplicates::kSameKind}, {"all", Duplicates::kSamePlace},
          {"none", Duplicates::kExact},    {"exact", Duplicates::kExact}};
      options.duplicates = modes.at(next());
    } else {
      ADD_FAILURE() << "unknown argument " << word;
    }
  }
  return options;
}

TEST(NormCases, GiveWhatBcftoolsExpects) {
  if (SharedDir().empty()) GTEST_SKIP() << "GENOFED_SHARED_DIR is not set";
  auto dir = SharedDir() / "vcf" / "norm";
  TempDir temp;
  int cases = 0;
  for (const std::string& line : RecordsOf(ReadText(dir / "cases.tsv"))) {
    auto columns = Split(line, '\t');
    ASSERT_GE(columns.size(), 4U);
    SCOPED_TRACE(line);
    std::unique_ptr<Reference> reference;
    if (columns[2] != "-") {
      auto opened = Reference::Open(CopyWithIndex(dir / columns[2], temp / std::string(columns[2])),
                                    BaseCase::kAsWritten);
      ASSERT_TRUE(opened.ok()) << Describe(opened.status());
      reference = *std::move(opened);
    }
    auto got = NormaliseText(ReadText(dir / columns[0]), OptionsOf(columns[3]), reference.get());
    EXPECT_TRUE(got.status.ok()) << Describe(got.status);
    EXPECT_THAT(got.records, testing::ElementsAreArray(RecordsOf(ReadText(dir / columns[1]))));
    EXPECT_EQ(got.report.out_of_order, 0U);
    ++cases;
  }
  EXPECT_EQ(cases, 22);
}

}  // namespace
}  // namespace genofed::genomics
