// SPDX-License-Identifier: Apache-2.0
// What guardians permitted, from a file to what the consent service is told.
#include <map>

#include "libs/intake/test_support.h"

namespace genofed::intake {
namespace {

std::string Resource(const std::string& json) { return R"({"resource":)" + json + "}"; }

std::string Patient(const std::string& id, const std::string& more) {
  return Resource(R"({"resourceType":"Patient","id":")" + id + R"(","identifier":[{"value":")" +
                  id + "\"}]" + more + "}");
}

std::string Consent(const std::string& person, const std::string& code, const std::string& by) {
  return Resource(
      R"({"resourceType":"Consent","status":"active","patient":{"identifier":{"value":")" + person +
      R"("}},"performer":[{"reference":")" + by +
      R"("}],"policy":[{"uri":"urn:form|3"}],"provision":{"type":"deny",)" +
      R"("provision":[{"type":"permit","code":[{"coding":[{"system":"urn:1plusmg:consent-permission","code":")" +
      code + R"("}]}]}]}})");
}

constexpr char kMother[] = "RelatedPerson/mother";

class GuardiansTest : public ::testing::Test {
 protected:
  void Read(const std::vector<std::string>& resources) {
    std::string text = R"({"resourceType":"Bundle","type":"collection","entry":[)";
    for (std::size_t i = 0; i < resources.size(); ++i) text += (i > 0 ? "," : "") + resources[i];
    const Judgement judgement = JudgeFiles({scratch_.Write("people.json", text + "]}")});
    file_ = judgement.files.at(0);
    for (const auto& row : judgement.people) people_[row.subject] = row;
  }
  const Scratch scratch_;
  FileJudgement file_;
  std::map<std::string, clinical::HarmonisedRow> people_;
};

TEST_F(GuardiansTest, WhatTheyPermittedLapsesAtComingOfAge) {
  Read({Patient("child", R"(,"birthDate":"2019-05")"), Consent("child", "SEC", kMother),
        Patient("grown", R"(,"birthDate":"1990-01-01")"), Consent("grown", "SEC", kMother),
        Patient("decided", R"(,"birthDate":"1990-01-01")"), Consent("decided", "SEC", kMother),
        Consent("decided", "AF", "Patient/decided"),
        Patient("alone", R"(,"birthDate":"1990-01-01","deceasedDateTime":"2020-03")"),
        Consent("alone", "SEC", "Patient/alone")});
  EXPECT_EQ(file_.verdict, Verdict::kAccept) << Print(file_);
  const auto& child = people_["child"];
  EXPECT_EQ(child.permissions, clinical::kPermitSecondaryUse);
  EXPECT_TRUE(child.consent_origin.by_guardian);
  EXPECT_EQ(child.adult_at, *ParseRfc3339("2037-05-01T00:00:00Z"))
      << "the earliest, as the day is not known";
  EXPECT_EQ(child.consent_origin.form, "urn:form|3");
  EXPECT_EQ(people_["grown"].adult_at, *ParseRfc3339("2008-01-01T00:00:00Z"));
  EXPECT_TRUE(people_["grown"].consent_origin.by_guardian)
      << "the consent service says that it has lapsed";
  EXPECT_EQ(people_["decided"].permissions, clinical::kPermitAlleleFrequency)
      << "their own word stands for the guardian's";
  EXPECT_FALSE(people_["decided"].consent_origin.by_guardian);
  EXPECT_FALSE(people_["alone"].adult_at.has_value()) << "nobody needs to know";
  EXPECT_EQ(people_["alone"].died_at, *ParseRfc3339("2020-03-01T00:00:00Z"));
  EXPECT_FALSE(child.died_at.has_value());
}

TEST_F(GuardiansTest, OfSomebodyWithoutABirthDateTheyPermitNothing) {
  Read({Patient("undated", R"(,"deceasedBoolean":true)"), Consent("undated", "SEC", kMother)});
  EXPECT_EQ(file_.verdict, Verdict::kQuarantine);
  EXPECT_TRUE(HasReason(file_, "GUARDIAN_WITHOUT_BIRTH_DATE")) << Print(file_);
  EXPECT_EQ(people_["undated"].permissions, 0);
  EXPECT_TRUE(people_["undated"].has_consent) << "as a refusal, also where silence permits";
  EXPECT_EQ(people_["undated"].died_at, Time{}) << "when is not known";
}

// The holder's clinical data may have no dates, while the Consents come with the Patients they are
// about.
TEST_F(GuardiansTest, TheBundleOfTheConsentsMayTellWhenThePersonWasBorn) {
  const std::string bundle = R"({"resourceType":"Bundle","type":"collection","entry":[)" +
                             Consent("P1", "SEC", kMother) + "," +
                             Patient("P1", R"(,"birthDate":"2019-05-04")") + "]}";
  const auto consents = clinical::ParseFhirConsents(bundle);
  ASSERT_TRUE(consents.ok()) << Describe(consents.status());
  Options options;
  options.consents = *consents;
  const auto judgement =
      JudgeFiles({scratch_.Write("people.csv", "record_id,sex\nP1,1\n")}, options);
  ASSERT_EQ(judgement.people.size(), 1U);
  EXPECT_EQ(judgement.people[0].permissions, clinical::kPermitSecondaryUse);
  EXPECT_EQ(judgement.people[0].adult_at, *ParseRfc3339("2037-05-04T00:00:00Z"));
}

}  // namespace
}  // namespace genofed::intake
