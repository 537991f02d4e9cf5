// SPDX-License-Identifier: Apache-2.0
#include "libs/intake/recognise.h"

#include "libs/intake/test_support.h"

namespace genofed::intake {
namespace {

TEST(Recognise, TellsWhatAFileIsToASubmission) {
  struct Case {
    const char* name;
    const char* content;
    std::optional<Role> role;
  };
  const Case kCases[] = {
      {"anything", "##fileformat=VCFv4.2\n", Role::kVariants},
      {"b", R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Consent"}}]})", Role::kConsents},
      {"c", "{\"resourceType\":\"Consent\"}\n{\"resourceType\":\"Consent\"}\n", Role::kConsents},
      {"d", R"([{"resourceType":"Consent"}])", Role::kConsents},
      {"e", R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Consent"}},{"resource":{"resourceType":"Patient"}}]})",
       Role::kClinical},
      {"f", R"({"resourceType":"Bundle"})", Role::kClinical},
      {"g", R"({"id":"x","subject":{"id":"P1"}})", Role::kClinical},
      {"h", "record_id,sex\nP1,1\n", Role::kClinical},
      {"i", "person_id,gender_concept_id,year_of_birth,race_concept_id,ethnicity_concept_id\n", Role::kClinical},
      {"cohort.VCF.gz.c4gh", "crypt4gh\1\0\0\0", Role::kVariants},
      {"consents.json.c4gh", "crypt4gh\1\0\0\0", Role::kConsents},
      {"people.csv.c4gh", "crypt4gh\1\0\0\0", Role::kClinical},
      {"people.c4gh", "crypt4gh\1\0\0\0", std::nullopt},
      {"j", "%PDF-1.4\n\1\2", std::nullopt},
  };
  const Scratch scratch;
  for (const Case& one : kCases) {
    EXPECT_EQ(Recognise(scratch.Write(one.name, one.content), clinical::CsvMapping::BuiltIn()).role, one.role) << one.name;
  }
}

}  // namespace
}  // namespace genofed::intake
