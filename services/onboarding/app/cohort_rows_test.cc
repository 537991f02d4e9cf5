// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/cohort_rows.h"

#include <gtest/gtest.h>

namespace genofed::onboarding {
namespace {

const std::string kA(32, 'a');
const std::string kB(32, 'b');

People ThreePeople() {
  People people;
  for (const char* name : {"1", "2", "3"}) {
    LinkedSubject subject;
    subject.person_identifier = std::string("P") + name;
    subject.samples = {{0, std::string("S") + name}};
    people.subjects.push_back(subject);
  }
  people.subjects[0].individual = {genomics::Sex::kFemale, 527, {"HP:0000001", "HP:0000002"}};
  return people;
}

std::vector<VariantInput> OneFile() { return {{"/v", "v.vcf", "", {}}}; }

TEST(CohortRows, PutsTheIncludedInTheOrderOfRows) {
  std::vector<RegisteredSubject> answers = {{true, kB, 1}, {false, "", -1}, {true, kA, 0}};
  auto rows = ArrangeRows(ThreePeople(), answers, OneFile(), 2);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->variants[0].rows, (std::map<std::string, std::uint32_t>{{"S3", 0}, {"S1", 1}}));
  EXPECT_EQ(PhenotypeTable(rows->pseudonyms, rows->individuals), "pseudonym\tsex\tage_years\tterms\n" + kA + "\tUNKNOWN_SEX\t\t\n" + kB +
                                       "\tFEMALE\t43\tHP:0000001;HP:0000002\n");
}

TEST(CohortRows, PeopleOfTheBaseKeepTheirRows) {
  std::vector<RegisteredSubject> answers = {{true, kB, 4}, {true, std::string(32, 'c'), 6}, {true, kA, 5}};
  auto rows = ArrangeRows(ThreePeople(), answers, OneFile(), 7, 5);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->first_row, 5u);
  EXPECT_EQ(rows->variants[0].rows, (std::map<std::string, std::uint32_t>{{"S3", 0}, {"S2", 1}}));
  ASSERT_EQ(rows->known.size(), 1u);
  EXPECT_EQ(rows->known.at(4).age_months, 527u);
  answers[1].row = 7;
  EXPECT_EQ(Reason(ArrangeRows(ThreePeople(), answers, OneFile(), 7, 5).status()),
            "CONSENT_ANSWER_INVALID");
}

TEST(CohortRows, EachFileKnowsTheRowsOfItsSamples) {
  People people = ThreePeople();
  people.subjects[0].samples = {{0, "A"}, {1, "A"}};  // two chromosomes
  people.subjects[2].samples = {{1, "C"}};
  std::vector<RegisteredSubject> answers = {{true, kB, 1}, {false, "", -1}, {true, kA, 0}};
  auto rows = ArrangeRows(people, answers, {{"/1", "1.vcf", "", {}}, {"/2", "2.vcf", "", {}}}, 2);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->variants[0].rows, (std::map<std::string, std::uint32_t>{{"A", 1}}));
  EXPECT_EQ(rows->variants[1].rows, (std::map<std::string, std::uint32_t>{{"A", 1}, {"C", 0}}));
}

TEST(CohortRows, TheRowsOfWhoeverWasForgottenStayBlank) {
  // Of four rows the first and the last were theirs.
  std::vector<RegisteredSubject> answers = {{true, kB, 2}, {false, "", -1}, {true, kA, 1}};
  auto rows = ArrangeRows(ThreePeople(), answers, OneFile(), 4);
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->pseudonyms, (std::vector<std::string>{"", kA, kB, ""}));
  EXPECT_EQ(rows->individuals[3], genomics::Individual());
  EXPECT_EQ(rows->people(), 2u);
  EXPECT_EQ(rows->variants[0].rows, (std::map<std::string, std::uint32_t>{{"S3", 1}, {"S1", 2}}));
}

TEST(CohortRows, RefusesAnswersThatAreNoRows) {
  const std::vector<std::vector<RegisteredSubject>> wrong = {
      {{true, kA, 0}},
      {{true, kA, 0}, {true, kB, 0}, {false, "", -1}},
      {{true, kA, 0}, {true, kB, 2}, {false, "", -1}},
      {{true, kA, 0}, {true, kB, -1}, {false, "", -1}},
      {{true, kA, 0}, {true, kA, 1}, {false, "", -1}},
      {{true, "P1", 0}, {false, "", -1}, {false, "", -1}},
  };
  for (const auto& answers : wrong) {
    EXPECT_EQ(Reason(ArrangeRows(ThreePeople(), answers, OneFile(), 2).status()),
              "CONSENT_ANSWER_INVALID");
  }
  EXPECT_EQ(Reason(ArrangeRows(ThreePeople(), wrong.back(), OneFile(), 2, 3).status()),
            "CONSENT_ANSWER_INVALID");
}

}  // namespace
}  // namespace genofed::onboarding
