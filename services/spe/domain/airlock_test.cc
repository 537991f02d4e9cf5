// SPDX-License-Identifier: Apache-2.0
#include "services/spe/domain/airlock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/strings.h"
#include "services/spe/domain/content_sniffer.h"

namespace genofed::spe {
namespace {

using std::string_literals::operator""s;

const std::string kPseudonym = "00112233445566778899aabbccddeeff";
constexpr std::int64_t kCohort = 300;

OutputDeclaration Frequencies() {
  return {.name = "af.tsv",
          .keys = {"chrom", "pos", "ref", "alt"},
          .counts = {{.name = "ac", .part_of = "an", .per_person = 1},
                     {.name = "an", .part_of = "", .per_person = 1}}};
}

OutputDeclaration Groups() {
  return {.name = "groups.tsv",
          .keys = {"sex"},
          .counts = {{.name = "cases", .part_of = ""}, {.name = "controls", .part_of = ""}}};
}

OutputEntry File(const std::string& name, const std::string& content) {
  OutputEntry entry;
  entry.name = name;
  entry.size = content.size();
  entry.content = content;
  return entry;
}

AirlockVerdict Check(const OutputDeclaration& declaration, const std::string& content,
                     AirlockPolicy policy = {}) {
  return CheckOutputs(policy, {declaration}, {File(declaration.name, content)},
                      IdentifierDictionary({kPseudonym}), kCohort);
}

AirlockVerdict CheckRows(const std::string& rows, AirlockPolicy policy = {}) {
  return Check(Frequencies(), "chrom\tpos\tref\talt\tac\tan\n" + rows, policy);
}

std::string Refusal(const AirlockVerdict& verdict) {
  EXPECT_TRUE(verdict.refusals.empty() || verdict.files.empty());
  return verdict.refusals.empty() ? "" : verdict.refusals[0].code;
}

TEST(Airlock, ReleasesATableWithoutSmallCountsUnchanged) {
  const std::string rows = "1\t1000\tA\tG\t25\t600\n1\t2000\tC\tCTT\t0\t598\n";
  const AirlockVerdict verdict = CheckRows(rows);
  ASSERT_TRUE(verdict.passed());
  ASSERT_EQ(verdict.files.size(), 1U);
  EXPECT_EQ(verdict.files[0].content, "chrom\tpos\tref\talt\tac\tan\n" + rows);
  EXPECT_EQ(verdict.files[0].rows, 2);
  EXPECT_EQ(verdict.files[0].rows_left_out, 0);
  EXPECT_TRUE(verdict.warnings.empty());
}

TEST(Airlock, DigestIsWhatSha256sumPrints) {
  // printf 'sex\tcases\tcontrols\nfemale\t10\t20\n' > groups.tsv; sha256sum groups.tsv; sha256sum *
  // | sha256sum
  const AirlockVerdict verdict = Check(Groups(), "sex\tcases\tcontrols\nfemale\t10\t20\n");
  ASSERT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.files[0].sha256,
            "8f647f770de9861c377f92374cb647b63be948933443827fdeb049b2d1d9ca9f");
  EXPECT_EQ(verdict.digest, "93520d5deead53a592de8df9fbbc5ab349c0512213331e7711c152be989ff2ba");
}

TEST(Airlock, LeavesOutTheWholeRowOfASmallCount) {
  const AirlockVerdict verdict = CheckRows(
      "1\t1\tA\tG\t4\t600\n"  // four carriers at most
      "1\t2\tA\tG\t5\t600\n"  // just enough
      "1\t3\tA\tG\t0\t600\n"  // nobody: true of everybody
      "1\t4\tA\tG\t1\t600\n");
  ASSERT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.files[0].content,
            "chrom\tpos\tref\talt\tac\tan\n"
            "1\t2\tA\tG\t5\t600\n"
            "1\t3\tA\tG\t0\t600\n");
  EXPECT_EQ(verdict.files[0].rows, 2);
  EXPECT_EQ(verdict.files[0].rows_left_out, 2);
}

TEST(Airlock, LeavesOutWhereTheRestOfTheWholeIsSmall) {
  const AirlockVerdict verdict = CheckRows(
      "1\t1\tA\tG\t596\t600\n"  // four reference alleles: the same disclosure with the roles
                                // exchanged
      "1\t2\tA\tG\t595\t600\n"
      "1\t3\tA\tG\t600\t600\n"  // everybody
      "1\t4\tA\tG\t0\t4\n");    // four alleles called in all
  ASSERT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.files[0].content,
            "chrom\tpos\tref\talt\tac\tan\n"
            "1\t2\tA\tG\t595\t600\n"
            "1\t3\tA\tG\t600\t600\n");
}

TEST(Airlock, CountsPeopleNotAlleles) {
  OutputDeclaration declaration = Frequencies();
  for (CountColumn& column : declaration.counts) column.per_person = 2;
  // Eight alleles may be those of four people, nine are of at least five.
  const AirlockVerdict verdict =
      Check(declaration, "chrom\tpos\tref\talt\tac\tan\n1\t1\tA\tG\t8\t600\n1\t2\tA\tG\t9\t600\n");
  ASSERT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.files[0].content,
            "chrom\tpos\tref\talt\tac\tan\n1\t2\tA\tG\t9\t600\n");
}

TEST(Airlock, RefusesInsteadOfLeavingOutWhenThePolicySaysSo) {
  AirlockPolicy policy;
  policy.small_counts = SmallCounts::kRefuse;
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t4\t600\n", policy)), "SMALL_COUNT");
  EXPECT_TRUE(CheckRows("1\t1\tA\tG\t5\t600\n", policy).passed());
}

TEST(Airlock, LeavesOutASecondRowWhereTheTotalIsPublic) {
  OutputDeclaration declaration = Groups();
  declaration.rows_add_up = true;
  const std::string table =
      "sex\tcases\tcontrols\nfemale\t3\t20\nmale\t30\t40\nother\t9\t8\nnone\t0\t0\n";
  const AirlockVerdict verdict = Check(declaration, table);
  ASSERT_TRUE(verdict.passed());
  EXPECT_EQ(verdict.files[0].content,
            "sex\tcases\tcontrols\nmale\t30\t40\nnone\t0\t0\n");
  EXPECT_EQ(verdict.files[0].rows_left_out, 2);
  EXPECT_EQ(Check(Groups(), table).files[0].rows_left_out, 1);
}

TEST(Airlock, RefusesWhatIsNotATableOfCounts) {
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t25.5\t600\n")), "NOT_A_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t-25\t600\n")), "NOT_A_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t025\t600\n")), "NOT_A_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\tNA\t600\n")), "NOT_A_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t\t600\n")), "NOT_A_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t1234567890123456\t600\n")), "NOT_A_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t700\t600\n")), "PART_EXCEEDS_WHOLE");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t25\n")), "WRONG_CELL_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t25\t600\t7\n")), "WRONG_CELL_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t\tA\tG\t25\t600\n")), "BAD_KEY");
  EXPECT_EQ(Refusal(CheckRows("1\t1 \tA\tG\t25\t600\n")), "BAD_KEY");
  EXPECT_EQ(Refusal(CheckRows("1\t1\t" + std::string(257, 'A') + "\tG\t25\t600\n")), "BAD_KEY");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t25\t600")), "NO_LINE_END");
  EXPECT_EQ(Refusal(CheckRows("\n")), "WRONG_CELL_COUNT");
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t25\t600\n1\t1\tA\tG\t26\t600\n")), "DUPLICATE_KEY");
  EXPECT_EQ(Refusal(Check(Frequencies(), "chrom\tpos\tref\talt\tan\tac\n")), "BAD_HEADER");
  EXPECT_EQ(Refusal(Check(Frequencies(), "")), "BAD_HEADER");
  AirlockPolicy policy;
  policy.max_cells = 6;
  EXPECT_TRUE(CheckRows("1\t1\tA\tG\t25\t600\n", policy).passed());
  EXPECT_EQ(Refusal(CheckRows("1\t1\tA\tG\t25\t600\n1\t2\tA\tG\t25\t600\n", policy)),
            "TOO_MANY_CELLS");
}

TEST(Airlock, RefusesOtherContentUnderTheDeclaredName) {
  EXPECT_EQ(Refusal(Check(Groups(), "##fileformat=VCFv4.2\n")), "GENOTYPE_FORMAT");
  EXPECT_EQ(Refusal(Check(Groups(), "#CHROM\tPOS\tID\n")), "GENOTYPE_FORMAT");
  EXPECT_EQ(Refusal(Check(Groups(), "BCF\x02\x02")), "GENOTYPE_FORMAT");
  EXPECT_EQ(Refusal(Check(Groups(), "\x1f\x8b\x08\x04"s)), "COMPRESSED");
  EXPECT_EQ(Refusal(Check(Groups(), "sex\tcases\tcontrols\nfe\0male\t10\t20\n"s)), "NOT_TEXT");
  EXPECT_EQ(Refusal(Check(Groups(), "sex\tcases\tcontrols\nfe\xffmale\t10\t20\n")), "NOT_TEXT");
  EXPECT_EQ(Refusal(Check(Groups(), "sex\tcases\tcontrols\r\nfemale\t10\t20\r\n")), "NOT_TEXT");
}

TEST(Airlock, RefusesEncodedDataInKeys) {
  std::string rows;
  std::uint32_t state = 1;
  for (int row = 0; row < 100; ++row) {
    std::string bytes;
    for (int i = 0; i < 48; ++i) {
      state = state * 1664525U + 1013904223U;
      bytes.push_back(static_cast<char>(state >> 24));
    }
    rows += Base64UrlEncode(bytes) + "\t10\t20\n";
  }
  EXPECT_EQ(Refusal(Check(Groups(), "sex\tcases\tcontrols\n" + rows)), "HIGH_ENTROPY");
}

TEST(Airlock, OrdinaryTablesAreFarFromTheEntropyLimit) {
  std::string rows;
  std::uint32_t state = 7;
  for (int row = 0; row < 2000; ++row) {
    state = state * 1664525U + 1013904223U;
    rows += fmt::format("chr{}\t{}\t{}\t{}\t{}\t{}\n", state % 22 + 1, state >> 4,
                        "ACGT"[state >> 30], "CGTA"[state >> 30], 5 + (state >> 8) % 500, 600);
  }
  EXPECT_LT(EntropyBitsPerByte(rows), 4.5);
  EXPECT_TRUE(RefusedContent(rows).empty());
}

TEST(Airlock, RefusesIdentifiersOfPeople) {
  EXPECT_EQ(Refusal(Check(Groups(), "sex\tcases\tcontrols\n" + kPseudonym + "\t10\t20\n")),
            "IDENTIFIER_FOUND");
  EXPECT_EQ(Refusal(Check(Groups(),
                          "sex\tcases\tcontrols\nx_" + kPseudonym.substr(5, 20) + "\t10\t20\n")),
            "IDENTIFIER_FOUND");
}

TEST(Airlock, WarnsWhenThereIsARowForEachPerson) {
  std::string table = "sex\tcases\tcontrols\n";
  for (std::int64_t i = 0; i < kCohort; ++i) table += fmt::format("g{}\t10\t20\n", i);
  const AirlockVerdict verdict = Check(Groups(), table);
  ASSERT_TRUE(verdict.passed());
  ASSERT_EQ(verdict.warnings.size(), 1U);
  EXPECT_EQ(verdict.warnings[0].code, "ROWS_EQUAL_COHORT");
}

TEST(Airlock, TheDirectoryHoldsTheDeclaredFilesAndNothingElse) {
  const std::string good = "sex\tcases\tcontrols\nfemale\t10\t20\n";
  const auto check = [&](const std::vector<OutputEntry>& entries) {
    return Refusal(CheckOutputs({}, {Groups()}, entries, IdentifierDictionary(), kCohort));
  };
  EXPECT_EQ(check({File("groups.tsv", good)}), "");
  EXPECT_EQ(check({}), "OUTPUT_MISSING");
  EXPECT_EQ(check({File("groups.tsv", good), File("extra.tsv", good)}), "OUTPUT_UNDECLARED");
  EXPECT_EQ(check({File("groups.tsv", good), File(".hidden", good)}), "BAD_NAME");
  EXPECT_EQ(check({File("groups.tsv", good), File("a\nb", good)}), "BAD_NAME");
  EXPECT_EQ(check(std::vector<OutputEntry>(33, File("groups.tsv", good))), "TOO_MANY_FILES");

  OutputEntry entry = File("groups.tsv", good);
  entry.kind = OutputEntry::Kind::kLink;
  EXPECT_EQ(check({entry}), "LINK");
  entry.kind = OutputEntry::Kind::kOther;
  EXPECT_EQ(check({entry}), "NOT_A_FILE");
  entry = File("groups.tsv", good);
  entry.links = 2;
  EXPECT_EQ(check({entry}), "LINK");
  entry = File("groups.tsv", good);
  entry.sparse = true;
  EXPECT_EQ(check({entry}), "SPARSE_FILE");
  entry = File("groups.tsv", "");
  entry.size = (64U << 20) + 1;
  EXPECT_EQ(check({entry}), "FILE_TOO_LARGE");
}

TEST(Airlock, NamesOfUndeclaredFilesAreNotRepeated) {
  const AirlockVerdict verdict = CheckOutputs({}, {Groups()}, {File(kPseudonym, "x")},
                                              IdentifierDictionary({kPseudonym}), kCohort);
  for (const Finding& finding : verdict.refusals) {
    EXPECT_THAT(finding.file + finding.detail, testing::Not(testing::HasSubstr(kPseudonym)));
  }
}

TEST(Airlock, RefusesADeclarationItCannotUnderstand) {
  OutputDeclaration declaration = Groups();
  declaration.counts[0].part_of = "nowhere";
  EXPECT_EQ(Refusal(Check(declaration, "sex\tcases\tcontrols\n")), "BAD_DECLARATION");
  declaration = Groups();
  declaration.keys.clear();
  EXPECT_EQ(Refusal(Check(declaration, "cases\tcontrols\n")), "BAD_DECLARATION");
}

}  // namespace
}  // namespace genofed::spe
