// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "libs/consent/policy.h"

namespace genofed::consent {
namespace {

std::string With(const std::string& rules, const std::string& more = "") {
  return R"({"policy": "ES-2026-1", "country": "ES", "rules": [)" + rules + "]" + more + "}";
}

constexpr char kOptOut[] = R"({"permissions": ["SEC"], "purposes": ["DUO:0000006"], "model": "opt-out"})";

TEST(PolicyFile, Reads) {
  const auto policy =
      ParsePolicy(With(std::string(kOptOut) +
                           R"(, {"permissions": ["SEC"], "purposes": ["EHDS:53-1-a"], "model": "statutory",
                "legal_basis": "Ley 1/2026, art. 5"},
               {"permissions": ["AF", "SLQ"], "model": "altruism", "forms": ["urn:f"],
                "organisations": ["O"]})",
                       R"(, "use_after_death": false, "running_tasks": "finish")"));
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  ASSERT_EQ(policy->rules.size(), 3u);
  EXPECT_EQ(policy->rules[2].permissions.Names(), "AF,SLQ");
  EXPECT_FALSE(policy->use_after_death);
  EXPECT_EQ(policy->running_tasks, Policy::RunningTasks::kFinish);
  EXPECT_EQ(policy->sha256.size(), 64u);
  EXPECT_EQ(policy->Find(Permission::kSecondaryUse, "DUO:0000006"), 0);
  EXPECT_EQ(policy->Find(Permission::kSecondaryUse, "DUO:0000007"), -1);
  EXPECT_EQ(policy->Find(Permission::kAlleleFrequency, ""), 2);
  const std::string text = Explain(*policy);
  EXPECT_NE(text.find("2. SEC for EHDS:53-1-a: statutory"), std::string::npos) << text;
  EXPECT_NE(text.find("legal basis: Ley 1/2026, art. 5"), std::string::npos) << text;
  EXPECT_NE(text.find("4. everything else: opt-in"), std::string::npos) << text;
}

TEST(PolicyFile, RefusesWhatMeansNothing) {
  const std::string optout = kOptOut;
  for (const std::string& wrong : {
           std::string(),
           std::string("[]"),
           std::string("{"),
           std::string(R"({"policy": "P", "country": "ES"})"),
           std::string(R"({"policy": "P", "country": "Spain", "rules": []})"),
           std::string(R"({"policy": "P", "policy": "Q", "country": "ES", "rules": []})"),
           With("", R"(, "runing_tasks": "finish")"),
           With("", R"(, "running_tasks": "kill")"),
           With(R"({"permissions": ["XYZ"], "model": "opt-out"})"),
           With(R"({"permissions": [], "model": "opt-out"})"),
           With(R"({"permissions": ["AF"], "model": "opt-outt"})"),
           With(R"({"permissions": ["AF"], "purposes": ["DUO:0000006"], "model": "opt-out"})"),
           With(R"({"permissions": ["SEC"], "purposes": ["health"], "model": "opt-out"})"),
           With(R"({"permissions": ["SEC"], "model": "statutory", "legal_basis": "Act"})"),
           With(R"({"permissions": ["SEC"], "purposes": ["X:1"], "model": "statutory"})"),
           With(R"({"permissions": ["SEC"], "model": "altruism"})"),
           With(R"({"permissions": ["SEC"], "model": "opt-in", "forms": ["f"]})"),
           With(optout + "," + optout),
           With(R"({"permissions": ["SEC"], "model": "opt-in"},)" + optout),
       }) {
    const auto policy = ParsePolicy(wrong);
    ASSERT_FALSE(policy.ok()) << wrong;
    EXPECT_EQ(Reason(policy.status()), "CONSENT_POLICY_INVALID") << wrong;
  }
}

TEST(PolicyFile, SaysWhenPeopleComeOfAge) {
  EXPECT_EQ(ParsePolicy(With(""))->adult_age, 18);
  for (const int age : {14, 16, 21}) {
    const auto policy = ParsePolicy(With("", fmt::format(R"(, "adult_age": {})", age)));
    ASSERT_TRUE(policy.ok()) << Describe(policy.status());
    EXPECT_EQ(policy->adult_age, age);
    EXPECT_NE(Explain(*policy).find(fmt::format("lapses at {} years", age)), std::string::npos);
  }
  for (const char* wrong :
       {"13", "22", "-16", "0", "16.5", "\"16\"", "null", "18446744073709551632"}) {
    const auto policy = ParsePolicy(With("", fmt::format(R"(, "adult_age": {})", wrong)));
    ASSERT_FALSE(policy.ok()) << wrong;
    EXPECT_EQ(Reason(policy.status()), "CONSENT_POLICY_INVALID") << wrong;
    ASSERT_EQ(Fields(policy.status()).size(), 1u);
    EXPECT_EQ(Fields(policy.status())[0].field, "adult_age");
    EXPECT_EQ(Fields(policy.status())[0].description, "must be 14 to 21 years");
  }
}

TEST(PolicyFile, WithoutAFileEverythingIsOptIn) {
  EXPECT_NE(Explain(Policy()).find("1. everything else: opt-in"), std::string::npos);
}

}  // namespace
}  // namespace genofed::consent
