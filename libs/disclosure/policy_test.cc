// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/testing/matchers.h"

namespace genofed::disclosure {
namespace {

using testing::HasReason;
using ::testing::HasSubstr;

constexpr char kHead[] = R"({"format": "genofed-privacy-policy", "version": 1)";

Result<Policy> Parse(const std::string& members) { return ParsePolicy(kHead + members + "}"); }

TEST(PrivacyPolicy, WhatIsAbsentHasTheDefault) {
  EXPECT_EQ(*Parse(""), Policy());
  EXPECT_EQ(Parse(R"(, "floor": 20, "budget": {"auc": 0.6})")->floor, 20);
  EXPECT_EQ(*ParsePolicy(WritePolicy(Policy())), Policy());
  EXPECT_EQ(*ParsePolicy(WritePolicy(NoControl())), NoControl());
}

TEST(PrivacyPolicy, ErrorsNameTheMember) {
  auto field = [](const std::string& members) {
    const auto policy = Parse(members);
    return policy.ok() ? "accepted" : Fields(policy.status()).at(0).field;
  };
  EXPECT_EQ(field(R"(, "flor": 5)"), "flor");
  EXPECT_EQ(field(R"(, "floor": 0)"), "floor");
  EXPECT_EQ(field(R"(, "floor": 5.5)"), "floor");
  EXPECT_EQ(field(R"(, "counts": {"epsilon": 0})"), "counts.epsilon");
  EXPECT_EQ(field(R"(, "counts": {"noise": 1})"), "counts.noise");
  EXPECT_EQ(field(R"(, "counts": 3)"), "counts");
  EXPECT_EQ(field(R"(, "budget": {"auc": 0.5})"), "budget.auc");
  EXPECT_EQ(field(R"(, "frequencies": {"genotypes": 1})"), "frequencies.genotypes");
  EXPECT_EQ(field(R"(, "frequency_table": {"auc": 0.5})"), "frequency_table.auc");
  EXPECT_EQ(field(R"(, "frequency_table": {"versions": 0})"), "frequency_table.versions");
  EXPECT_EQ(field(R"(, "frequency_table": {"published": true})"), "frequency_table.published");
  EXPECT_THAT(ParsePolicy("{}"), HasReason("POLICY_INVALID"));
  EXPECT_THAT(ParsePolicy("[]"), HasReason("POLICY_INVALID"));
  EXPECT_THAT(ParsePolicy(R"({"floor": 1, "floor": 2})"), HasReason("JSON_DUPLICATE_NAME"));
}

// A budget below the charge of one answer would be a promise that nobody keeps.
TEST(PrivacyPolicy, APolicyThatCannotKeepItsPromiseIsRefused) {
  EXPECT_THAT(Parse(R"(, "counts": {"epsilon": 1, "noise_bound": 5}, "budget": {"auc": 0.55})"),
              HasReason("POLICY_INVALID"));
  EXPECT_THAT(Parse(R"(, "counts": {"epsilon": null})"), HasReason("POLICY_INVALID"));
  EXPECT_TRUE(Parse(R"(, "counts": {"epsilon": null}, "budget": {"auc": 1})").ok());
  EXPECT_THAT(Parse(R"(, "counts": {"noise_bound": 5})"), HasReason("POLICY_INVALID"));
}

TEST(PrivacyPolicy, ExplainsItself) {
  const std::string text = Explain(Policy());
  EXPECT_THAT(text, HasSubstr("fewer than 5 people"));
  EXPECT_THAT(text, HasSubstr("area under the ROC curve of 0.55"));
  EXPECT_THAT(text, HasSubstr("shown from about 35 people"));
  EXPECT_THAT(text, HasSubstr("Frequency table: none is given"));
  const auto table = Parse(R"(, "frequency_table": {"publish": true, "auc": 0.75})");
  // docs/security/privacy.md has the same figures.
  EXPECT_THAT(Explain(*table), HasSubstr("typically 134 copies off and told from 413 copies on"));
  EXPECT_THAT(Explain(*table), HasSubstr("of a million 4294 and 12893"));
  EXPECT_THAT(Explain(NoControl()), HasSubstr("whether that person is counted"));
  EXPECT_THAT(Explain(NoControl()), HasSubstr("A single person is told of"));
  const auto json = nlohmann::json::parse(ExplainJson(Policy()));
  EXPECT_EQ(json["shownFrom"], 35);
  EXPECT_EQ(json["policy"]["budget"]["days"], 365);
}

}  // namespace
}  // namespace genofed::disclosure
