// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "libs/core/file.h"
#include "libs/qc/reasons.h"
#include "libs/qc/testing_report.h"

namespace genofed::qc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Policy, WritesWhatItReads) {
  Policy policy;
  policy.name = "Finland 2027";
  policy.call_rate = {Action::kError, 0.9, std::nullopt};
  policy.titv = {Action::kOff, std::nullopt, std::nullopt};
  policy.judge_people = 50;
  const Result<Policy> read = ParsePolicy(WritePolicy(policy));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, policy);
  EXPECT_NE(PolicySha256(policy), PolicySha256({}));
}

TEST(Policy, WhatIsAbsentKeepsItsDefault) {
  const Result<Policy> read = ParsePolicy(
      R"({"format":"genofed-quality-policy","format_version":1,"rules":{"sex_mismatch":{"action":"error"}}})");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->sex_mismatch.action, Action::kError);
  EXPECT_EQ(read->call_rate, Policy().call_rate);
}

TEST(Policy, NamesTheWrongMember) {
  const auto field = [](const std::string& members) {
    const Status status =
        ParsePolicy(R"({"format":"genofed-quality-policy","format_version":1,)" + members + "}")
            .status();
    return Fields(status).empty() ? Reason(status) : Fields(status).front().field;
  };
  EXPECT_EQ(field(R"("rules":{"call_rat":{}})"), "rules.call_rat");
  EXPECT_EQ(field(R"("rules":{"call_rate":{"action":"warning"}})"), "rules.call_rate");
  EXPECT_EQ(field(R"("rules":{"call_rate":{"min":0.9}})"), "rules.call_rate.action");
  EXPECT_EQ(field(R"("rules":{"call_rate":{"action":"stop","min":0.9}})"),
            "rules.call_rate.action");
  EXPECT_EQ(field(R"("rules":{"call_rate":{"action":"note","max":0.9}})"), "rules.call_rate.max");
  EXPECT_EQ(field(R"("rules":{"titv":{"action":"note","min":3,"max":2}})"), "rules.titv");
  EXPECT_EQ(field(R"("rules":{"titv":{"action":"note","min":"3"}})"), "rules.titv.min");
  EXPECT_EQ(field(R"("rules":[])"), "rules");
  EXPECT_EQ(field(R"("sex":{"male_max_x_het":0.9})"), "sex.male_max_x_het");
  EXPECT_EQ(field(R"("judge_from":{"people":-1})"), "judge_from.people");
  EXPECT_EQ(field(R"("name":7)"), "name");
  EXPECT_EQ(field(R"("colour":7)"), "colour");
  EXPECT_EQ(Reason(ParsePolicy("{}").status()), "POLICY_INVALID");
  EXPECT_EQ(Reason(ParsePolicy("[").status()), "JSON_INVALID");
}

TEST(Policy, TheGuideShowsTheDefault) {
  const char* source = std::getenv("GENOFED_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "needs GENOFED_SOURCE_DIR";
  const std::string guide =
      ReadFile(std::string(source) + "/docs/guides/quality-report.md").value();
  EXPECT_THAT(guide, testing::HasSubstr(WritePolicy({})));
}

struct Judged {
  QualityResult result;
  std::vector<Finding> findings;

  std::vector<std::string> FieldsOf(std::string_view code) const {
    std::vector<std::string> out;
    for (const Finding& finding : findings) {
      if (finding.code == code) out.push_back(finding.field);
    }
    return out;
  }
};

Judged JudgeCohort(const std::vector<SimulatedPerson>& people, std::vector<SampleIdentity> declared,
                   const std::vector<SimulatedSite>& sites,
                   const Policy& policy = UnlinkedPolicy()) {
  const Accumulator counts = Count(static_cast<std::uint32_t>(people.size()), sites);
  Findings findings;
  const Comparison within = CompareWithin(counts.panel().Genotypes(), CompareOptionsOf(policy));
  QualityResult result = Evaluate(policy, counts, declared, within, {}, "variants", findings);
  return {std::move(result), findings.Take()};
}

const Judged& SampleCohort() {
  static const Judged judged = [] {
    const auto people = SamplePeople();
    auto declared = Declared(people);
    declared[40].declared = Sex::kMale;
    declared[41].declared = Sex::kUnknown;
    return JudgeCohort(people, declared, Simulation(people, 20).Sites(300, 800, 100, true));
  }();
  return judged;
}

TEST(Evaluate, FindsWhatIsWrongWithTheCohortAndNothingElse) {
  const Judged& judged = SampleCohort();
  EXPECT_THAT(judged.FieldsOf("SAMPLE_CALL_RATE"), ElementsAre("sample 117"));
  EXPECT_THAT(judged.FieldsOf("SAMPLE_CONTAMINATION"), ElementsAre("sample 118"));
  EXPECT_THAT(judged.FieldsOf("SEX_MISMATCH"), ElementsAre("sample 41"));
  EXPECT_THAT(judged.FieldsOf("DUPLICATE_SAMPLES"), ElementsAre("samples 21 and 116"));
  EXPECT_EQ(judged.FieldsOf("RELATED_SAMPLES").size(), 10U);
  for (const char* code : {"SAMPLE_TITV", "SAMPLE_HET_HOM", "SEX_UNDETERMINED", "COHORT_CALL_RATE",
                           "COHORT_TITV", "COHORT_HWE", "RELATIVES_NOT_CHECKED"}) {
    EXPECT_THAT(judged.FieldsOf(code), IsEmpty()) << code;
  }
  EXPECT_THAT(judged.result.samples[117].flags, Contains("SAMPLE_CONTAMINATION"));
  // 12 % of the reads are of others.
  EXPECT_NEAR(judged.result.samples[117].charr.value(), 0.12, 0.02);
  EXPECT_LT(judged.result.samples[0].charr.value(), 0.01);
}

TEST(Evaluate, ARowOfNobodyIsLeftOut) {
  auto people = SamplePeople();
  auto declared = Declared(people);
  people[7].missing = 1;
  declared[7] = {0, Sex::kUnknown, true};
  const Judged judged =
      JudgeCohort(people, declared, Simulation(people, 20).Sites(300, 800, 100, true));
  EXPECT_EQ(judged.result.samples.size(), people.size() - 1);
  EXPECT_EQ(judged.result.cohort.people, people.size() - 1);
  EXPECT_THAT(judged.FieldsOf("SAMPLE_CALL_RATE"), ElementsAre("sample 117"));
  EXPECT_THAT(judged.FieldsOf("SAMPLE_OUTLIER"), testing::Not(Contains("sample 0")));
  EXPECT_THAT(judged.FieldsOf("DUPLICATE_SAMPLES"), ElementsAre("samples 21 and 116"));
  EXPECT_EQ(judged.result.samples[7].position, 9U);
}

TEST(Evaluate, ComparesTheSex) {
  const std::vector<SampleQc>& samples = SampleCohort().result.samples;
  EXPECT_TRUE(SampleCohort().result.cohort.y_informative);
  EXPECT_EQ(samples[0].sex_check, SexCheck::kMatch);
  EXPECT_EQ(samples[1].inferred, Sex::kMale);
  EXPECT_EQ(samples[40].sex_check, SexCheck::kMismatch);
  EXPECT_EQ(samples[40].inferred, Sex::kFemale);
  EXPECT_EQ(samples[41].sex_check, SexCheck::kNotDeclared);
}

// X says one, Y the other: X0, XXY or loss of Y. A cohort of women only has no Y to tell by.
TEST(Evaluate, AContradictionOfXAndYIsUndetermined) {
  constexpr std::uint32_t kPeople = 3;  // woman, man, and one with a man's X but no Y
  Accumulator counts(kPeople);
  const std::vector<std::uint32_t> woman = {0}, men = {1, 2}, without_y = {0, 2};
  for (int i = 0; i < 200; ++i) {
    counts.AddSite(DescribeSite("X", 5'000'000 + i, "A", "G", kParGrch38),
                   {woman, {}, men, {}, {}});
    counts.AddSite(DescribeSite("Y", 5'000'000 + i, "A", "G", kParGrch38),
                   {{}, {}, {}, {}, without_y});
  }
  const std::vector<SampleIdentity> declared = {
      {1, Sex::kFemale}, {2, Sex::kMale}, {3, Sex::kMale}};
  Findings findings;
  const QualityResult result = Evaluate({}, counts, declared, {}, {}, "variants", findings);
  EXPECT_EQ(result.samples[0].sex_check, SexCheck::kMatch);
  EXPECT_EQ(result.samples[1].sex_check, SexCheck::kMatch);
  EXPECT_EQ(result.samples[2].sex_check, SexCheck::kUndetermined);
}

TEST(Evaluate, SaysWhatItCouldNotJudge) {
  const auto people = Founders(4);
  const Judged judged =
      JudgeCohort(people, Declared(people), Simulation(people, 2).Sites(2, 0, 0, false));
  for (const char* code : {"CALL_RATE_NOT_CHECKED", "TITV_NOT_CHECKED", "SEX_NOT_CHECKED",
                           "CONTAMINATION_NOT_CHECKED", "DUPLICATES_NOT_CHECKED"}) {
    EXPECT_THAT(judged.FieldsOf(code), ElementsAre("samples")) << code;
  }
  EXPECT_FALSE(judged.result.samples[0].call_rate.has_value());
  EXPECT_FALSE(judged.result.cohort.titv.has_value());
}

TEST(Evaluate, NothingAtAllIsAnError) {
  Findings findings;
  const QualityResult result = Evaluate({}, Accumulator(0), {}, {}, {}, "variants", findings);
  EXPECT_EQ(result.cohort.people, 0U);
  const auto found = findings.Take();
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().code, "COHORT_SITES");
  EXPECT_EQ(found.front().severity, Severity::kError);
}

TEST(Evaluate, ThePolicyDecidesWhatIsSaid) {
  const auto people = SamplePeople();
  Policy policy = UnlinkedPolicy();
  policy.duplicate.action = Action::kError;
  policy.related.action = Action::kOff;
  policy.call_rate.min = 0.9;
  const Judged judged =
      JudgeCohort(people, Declared(people), Simulation(people, 20).Sites(150, 0, 0, false), policy);
  EXPECT_EQ(judged.findings.front().code, "DUPLICATE_SAMPLES");
  EXPECT_EQ(judged.findings.front().severity, Severity::kError);
  EXPECT_THAT(judged.FieldsOf("RELATED_SAMPLES"), IsEmpty());
  EXPECT_THAT(judged.FieldsOf("SAMPLE_CALL_RATE"), IsEmpty());
  EXPECT_THAT(judged.result.samples[0].flags, IsEmpty());
}

TEST(Reasons, ExplainEveryCodeOfThisLibrary) {
  for (const Finding& finding : SampleCohort().findings) {
    EXPECT_NE(ExplainReason(finding.code), nullptr) << finding.code;
  }
  EXPECT_EQ(ExplainReason("NO_SUCH_CODE"), nullptr);
}

TEST(Reasons, AreInOrderAndComplete) {
  std::string_view last;
  for (const ReasonText& text : ReasonCatalogue()) {
    EXPECT_LT(last, text.code);
    last = text.code;
    EXPECT_EQ(ExplainReason(text.code), &text);
    EXPECT_TRUE(text.meaning.ends_with('.') && text.remedy.ends_with('.')) << text.code;
  }
}

}  // namespace
}  // namespace genofed::qc
