// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/inclusion.h"

#include <gtest/gtest.h>

#include "libs/core/embedded_file.h"

namespace genofed::onboarding {
extern const EmbeddedFile kInclusionPolicy[];
namespace {

InclusionFacts Good() {
  InclusionFacts facts;
  facts.people = 400;
  facts.records = 1000;
  facts.records_set_aside = 50;
  return facts;
}

const InclusionCriterion& Find(const std::vector<InclusionCriterion>& criteria, const std::string& id) {
  for (const auto& criterion : criteria) {
    if (criterion.id == id) return criterion;
  }
  static const InclusionCriterion kNone;
  ADD_FAILURE() << id;
  return kNone;
}

TEST(Inclusion, TheDefaultPolicyAsksForDocumentsAndComputesTheRest) {
  auto policy = ParseInclusionPolicy(kInclusionPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Message(policy.status());
  auto criteria = CheckInclusion(*policy, Good(), {{"ethics_approval", "HUS/1/2026"}, {"unasked", "x"}});
  EXPECT_EQ(criteria.size(), policy->rules.size());
  EXPECT_TRUE(Find(criteria, "ethics_approval").met);
  EXPECT_EQ(Find(criteria, "ethics_approval").evidence, "HUS/1/2026");
  EXPECT_FALSE(Find(criteria, "legal_basis").met);
  EXPECT_FALSE(Find(criteria, "legal_basis").automatic);
  for (const char* id : {"format", "consent", "quality", "quarantine"}) {
    EXPECT_TRUE(Find(criteria, id).met) << id;
    EXPECT_TRUE(Find(criteria, id).automatic) << id;
  }
}

TEST(Inclusion, WhatTheNodeFindsCannotBeDeclaredAway) {
  auto policy = ParseInclusionPolicy(kInclusionPolicy[0].content);
  InclusionFacts bad = Good();
  bad.has_error = bad.quality_failed = true;
  bad.people_without_permission = 1;
  bad.records_set_aside = 51;  // above the 5 % of the default policy
  auto criteria = CheckInclusion(*policy, bad, {{"format", "seen"}, {"quality", "seen"}});
  for (const char* id : {"format", "consent", "quality", "quarantine"}) EXPECT_FALSE(Find(criteria, id).met) << id;
}

TEST(Inclusion, WhereThereIsNobodyNobodyMustPermit) {
  auto policy = ParseInclusionPolicy(kInclusionPolicy[0].content);
  InclusionFacts facts = Good();
  facts.people = 0;
  EXPECT_FALSE(Find(CheckInclusion(*policy, facts, {}), "consent").met);
  facts.frequencies_only = true;
  EXPECT_TRUE(Find(CheckInclusion(*policy, facts, {}), "consent").met);
}

TEST(Inclusion, AWrongPolicyNamesTheField) {
  auto field = [](const char* text) {
    const Status status = ParseInclusionPolicy(text).status();
    EXPECT_EQ(Reason(status), "POLICY_INVALID") << text;
    return Fields(status).empty() ? "" : Fields(status)[0].field;
  };
  EXPECT_EQ(field("nonsense"), "rules");
  EXPECT_EQ(field(R"({"rules": [{"id": "a", "title": "A", "fact": "guess"}]})"), "rules[0].fact");
  EXPECT_EQ(field(R"({"rules": [{"id": "a", "fact": "format"}]})"), "rules[0]");
  EXPECT_EQ(field(R"({"rules": [{"id": "a", "title": "A", "fact": "format", "color": 1}]})"), "rules[0].color");
  EXPECT_EQ(field(R"({"rules": [{"id": "a", "title": "A", "fact": "quarantine", "limit": 2}]})"), "rules[0].limit");
  EXPECT_EQ(field(R"({"rules": [{"id": "a", "title": "A", "fact": "format"}, {"id": "a", "title": "A", "fact": "format"}]})"),
            "rules[1].id");
}

}  // namespace
}  // namespace genofed::onboarding
