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
  EXPECT_EQ(child.born, *ParseRfc3339("2019-05-01T00:00:00Z"))
      << "the earliest, as the day is not known";
  EXPECT_EQ(child.consent_origin.form, "urn:form|3");
  EXPECT_EQ(people_["grown"].born, *ParseRfc3339("1990-01-01T00:00:00Z"));
  EXPECT_TRUE(people_["grown"].consent_origin.by_guardian)
      << "the consent service says that it has lapsed";
  EXPECT_EQ(people_["decided"].permissions, clinical::kPermitAlleleFrequency)
      << "their own word stands for the guardian's";
  EXPECT_FALSE(people_["decided"].consent_origin.by_guardian);
  EXPECT_FALSE(people_["alone"].born.has_value()) << "nobody needs to know";
  EXPECT_EQ(people_["alone"].died_at, *ParseRfc3339("2020-03-01T00:00:00Z"));
  EXPECT_FALSE(child.died_at.has_value());
}

// What limits a permission goes along with it, and with nothing else.
TEST_F(GuardiansTest, WhatIsPermittedKeepsItsPurposesAndConditions) {
  const auto limited = [](const std::string& person, const std::string& provision) {
    return Resource(R"({"resourceType":"Consent","status":"active","subject":{"identifier":{"value":")" + person +
                    R"("}},"decision":"deny","provision":[{"code":[{"coding":[{"system":"urn:1plusmg:consent-permission",)" +
                    R"("code":"SEC"}]}],)" + provision + "}]}");
  };
  const std::string health = R"("purpose":[{"system":"http://purl.obolibrary.org/obo/duo.owl","code":"DUO:0000006"}])";
  const std::string not_for_profit =
      R"("modifierExtension":[{"url":"urn:1plusmg:project-condition","valueCode":"DUO:0000045"}])";
  Read({Patient("P1", ""), limited("P1", health + "," + not_for_profit), Patient("P2", ""), limited("P2", health),
        Consent("P2", "AF", "Patient/P2"), Patient("P3", ""), Consent("P3", "SEC", "Patient/P3"), Patient("P4", ""),
        limited("P4", R"("modifierExtension":[{"url":"urn:example:other","valueCode":"DUO:0000045"}])")});
  EXPECT_EQ(people_["P1"].permissions, clinical::kPermitSecondaryUse);
  EXPECT_EQ(people_["P1"].consent_limits, (clinical::ConsentLimits{{"DUO:0000006"}, {"DUO:0000045"}}));
  EXPECT_EQ(people_["P2"].permissions, 0) << "the other Consent does not permit it";
  EXPECT_EQ(people_["P2"].consent_limits, clinical::ConsentLimits());
  EXPECT_EQ(people_["P3"].consent_limits, clinical::ConsentLimits());
  EXPECT_EQ(people_["P4"].permissions, 0) << "under a condition that nobody knows";
  EXPECT_TRUE(HasReason(file_, "CONSENT_INVALID")) << Print(file_);
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
  EXPECT_EQ(judgement.people[0].born, *ParseRfc3339("2019-05-04T00:00:00Z"));
}

// Whose own word stands for the guardian's is whoever is of age by the country's policy: born on 29 February 2008, somebody
// is 16 on that day of 2024, a leap year, and 18 on 1 March of 2026.
TEST(Guardians, TheCountrySaysWhenSomebodySpeaksForThemselves) {
  const Scratch scratch;
  const auto file = scratch.Write("people.json", R"({"resourceType":"Bundle","type":"collection","entry":[)" +
                                                     Patient("P1", R"(,"birthDate":"2008-02-29")") + "," +
                                                     Consent("P1", "SEC", kMother) + "," +
                                                     Consent("P1", "AF", "Patient/P1") + "]}");
  const auto permissions = [&](const char* now, int adult_age) {
    Options options;
    options.now = *ParseRfc3339(now);
    options.adult_age = adult_age;
    const auto judgement = Judge(std::vector<std::filesystem::path>{file}, options);
    return judgement.ok() && judgement->people.size() == 1 ? int{judgement->people[0].permissions} : -1;
  };
  EXPECT_EQ(permissions("2024-02-28T23:59:59Z", 16), 0) << "both, and they permit nothing in common";
  EXPECT_EQ(permissions("2024-02-29T00:00:00Z", 16), clinical::kPermitAlleleFrequency);
  EXPECT_EQ(permissions("2024-02-29T00:00:00Z", 18), 0);
  EXPECT_EQ(permissions("2026-02-28T23:59:59Z", 18), 0);
  EXPECT_EQ(permissions("2026-03-01T00:00:00Z", 18), clinical::kPermitAlleleFrequency);
}

}  // namespace
}  // namespace genofed::intake
