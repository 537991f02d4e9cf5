// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/decide.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <iterator>

#include "libs/consent/purpose.h"

namespace genofed::consent {
namespace {

constexpr char kHealth[] = "DUO:0000006";
constexpr char kAncestry[] = "DUO:0000011";
constexpr char kStatutory[] = "EHDS:53-1-a";
const Time kNow = FromUnixSeconds(1'800'000'000);
const Time kBefore = kNow - std::chrono::hours(1);
const Time kAfter = kNow + std::chrono::hours(1);

PermissionSet Bits(int bits) { return PermissionSet::FromBits(bits); }

Policy OptOut() {
  Policy policy;
  policy.rules = {{Bits(4), {kStatutory}, Model::kStatute, "Act 1", {}, {}},
                  {Bits(4), {kAncestry}, Model::kAltruism, "", {"urn:form", "urn:old|1"}, {"ORG"}},
                  {Bits(4), {kHealth}, Model::kOptOut, "", {}, {}},
                  {Bits(1), {}, Model::kOptOut, "", {}, {}}};
  return policy;
}

Statement Permits(int bits) { return {Bits(bits), {}, {}, {}}; }
Statement Denies(int bits) { return {{}, Bits(bits), {}, {}}; }

Basis Ask(const Policy& policy, const Voices& voices, std::string purpose = kHealth,
          Permission permission = Permission::kSecondaryUse) {
  const Decision decision = Decide(policy, voices, {permission, std::move(purpose), {}, kNow});
  const bool permits = decision.basis == Basis::kPermitted || decision.basis == Basis::kNotObjected ||
                       decision.basis == Basis::kAltruism || decision.basis == Basis::kStatute;
  EXPECT_EQ(decision.permitted, permits);
  return decision.basis;
}

TEST(Decide, SilenceMeansWhatThePolicySays) {
  EXPECT_EQ(Ask(Policy(), {}), Basis::kSilent);
  EXPECT_EQ(Ask(OptOut(), {}), Basis::kNotObjected);
  EXPECT_EQ(Ask(OptOut(), {}, ""), Basis::kSilent) << "a purpose that is not known has no rule";
  EXPECT_EQ(Ask(OptOut(), {}, "DUO:0000042"), Basis::kSilent);
  EXPECT_EQ(Ask(OptOut(), {}, "", Permission::kAlleleFrequency), Basis::kNotObjected);
  EXPECT_EQ(Ask(OptOut(), {}, "", Permission::kSubjectLevelQuery), Basis::kSilent);
}

TEST(Decide, WhatWasSaidCountsInItsTime) {
  Statement statement = Permits(4);
  EXPECT_EQ(Ask(Policy(), {{statement}, {}}), Basis::kPermitted);
  statement.until = kNow;
  EXPECT_EQ(Ask(Policy(), {{statement}, {}}), Basis::kSilent) << "the end is exclusive";
  statement.until = kAfter;
  EXPECT_EQ(Ask(Policy(), {{statement}, {}}), Basis::kPermitted);
  statement.from = kAfter;
  EXPECT_EQ(Ask(Policy(), {{statement}, {}}), Basis::kSilent);
  Statement objection = Denies(4);
  objection.until = kBefore;
  EXPECT_EQ(Ask(OptOut(), {{objection}, {}}), Basis::kNotObjected);
}

TEST(Decide, DenyWinsButNotOverAStatute) {
  const Voices voices{{Permits(7), Denies(4)}, {}};
  EXPECT_EQ(Ask(Policy(), voices), Basis::kDenied);
  EXPECT_EQ(Ask(OptOut(), voices), Basis::kDenied);
  EXPECT_EQ(Ask(OptOut(), voices, kStatutory), Basis::kStatute);
  EXPECT_EQ(Ask(OptOut(), voices, "", Permission::kAlleleFrequency), Basis::kPermitted);
}

TEST(Decide, APermissionMayBeLimited) {
  Statement health = Permits(4);
  health.purposes = {kHealth};
  EXPECT_EQ(Ask(Policy(), {{health}, {}}), Basis::kPermitted);
  EXPECT_EQ(Ask(Policy(), {{health}, {}}, "DUO:0000007"), Basis::kPermitted);
  EXPECT_EQ(Ask(Policy(), {{health}, {}}, kAncestry), Basis::kLimited);
  EXPECT_EQ(Ask(Policy(), {{health}, {}}, ""), Basis::kLimited);
  EXPECT_EQ(Ask(OptOut(), {{health, Permits(4)}, {}}, "DUO:0000042"), Basis::kLimited);
  health.conditions = {"DUO:0000045"};
  EXPECT_EQ(Ask(Policy(), {{health}, {}}), Basis::kLimited);
  EXPECT_TRUE(Decide(Policy(), {{health}, {}}, {Permission::kSecondaryUse, kHealth, {"DUO:0000045"}, kNow}).permitted);
}

TEST(Decide, AltruismNeedsItsFormAndOrganisation) {
  Statement given = Permits(4);
  EXPECT_EQ(Ask(OptOut(), {{given}, {}}, kAncestry), Basis::kSilent);
  given.form = "urn:form|2.1";
  EXPECT_EQ(Ask(OptOut(), {{given}, {}}, kAncestry), Basis::kSilent);
  given.organisation = "ORG";
  EXPECT_EQ(Ask(OptOut(), {{given}, {}}, kAncestry), Basis::kAltruism);
  given.form = "urn:old|2";
  EXPECT_EQ(Ask(OptOut(), {{given}, {}}, kAncestry), Basis::kSilent) << "another version";
}

TEST(Decide, AGuardiansPermissionLapsesAndTheirRefusalStays) {
  Statement by_guardian = Permits(4);
  by_guardian.by_guardian = true;
  Voices voices{{by_guardian}, {kAfter, {}, false}};
  EXPECT_EQ(Ask(Policy(), voices), Basis::kPermitted);
  voices.who.adult_at = kNow;
  EXPECT_EQ(Ask(Policy(), voices), Basis::kLapsed);
  voices.who.adult_at.reset();
  EXPECT_EQ(Ask(Policy(), voices), Basis::kLapsed) << "nobody knows when it does";
  voices.statements = {by_guardian, Permits(4)};
  EXPECT_EQ(Ask(Policy(), voices), Basis::kPermitted) << "the person's own consent";
  Statement refusal = Denies(4);
  refusal.by_guardian = true;
  voices.statements = {refusal};
  EXPECT_EQ(Ask(OptOut(), voices), Basis::kDenied);
}

// By the calendar: 2028 and 2032 are leap years, 2030 and 2033 are not.
TEST(Decide, PeopleComeOfAgeAtTheBeginningOfABirthday) {
  struct Birthday {
    const char *born, *of_age;
    int years;
  };
  for (const auto& [born, of_age, years] : {Birthday{"2010-05-04", "2028-05-04", 18},
                                            {"2010-05-04", "2026-05-04", 16},
                                            {"2012-02-29", "2030-03-01", 18},
                                            {"2012-02-29", "2028-02-29", 16},
                                            {"2012-02-29", "2032-02-29", 20},
                                            {"2012-02-29", "2033-03-01", 21},
                                            {"2011-02-28", "2028-02-28", 17},
                                            {"2011-03-01", "2028-03-01", 17},
                                            {"1931-12-31", "1949-12-31", 18}}) {
    const auto at = *ParseRfc3339(std::string(of_age) + "T00:00:00Z");
    EXPECT_EQ(ComesOfAge(*ParseRfc3339(std::string(born) + "T00:00:00Z"), years), at)
        << born << " " << years;
    EXPECT_EQ(ComesOfAge(*ParseRfc3339(std::string(born) + "T13:45:00Z"), years), at)
        << "the day counts";
    Statement by_guardian = Permits(4);
    by_guardian.by_guardian = true;
    const Voices voices{{by_guardian}, {at, {}, false}};
    Question question{Permission::kSecondaryUse, "", {}, at - std::chrono::microseconds(1)};
    EXPECT_EQ(Decide(Policy(), voices, question).basis, Basis::kPermitted) << born;
    question.at = at;
    EXPECT_EQ(Decide(Policy(), voices, question).basis, Basis::kLapsed) << born;
  }
}

TEST(Decide, DeathErasureAndStaleRegistries) {
  Policy policy = OptOut();
  Voices voices{{Permits(7)}, {{}, kBefore, false}};
  EXPECT_EQ(Ask(policy, voices), Basis::kPermitted);
  policy.use_after_death = false;
  EXPECT_EQ(Ask(policy, voices), Basis::kDeceased);
  EXPECT_EQ(Ask(policy, voices, kStatutory), Basis::kStatute);
  voices.who.erased = true;
  EXPECT_EQ(Ask(policy, voices, kStatutory), Basis::kErased);
  Question question{Permission::kSecondaryUse, kHealth, {}, kNow, true};
  EXPECT_EQ(Decide(OptOut(), {}, question).basis, Basis::kStale);
  question.purpose = kStatutory;
  EXPECT_EQ(Decide(OptOut(), {}, question).basis, Basis::kStatute);
}

TEST(Decide, PermitsAnythingLooksAtEveryPurposeAndLimit) {
  EXPECT_FALSE(PermitsAnything(Policy(), {{Denies(7)}, {}}, kNow, false));
  EXPECT_TRUE(PermitsAnything(OptOut(), {{Denies(7)}, {}}, kNow, false)) << "there is a statute";
  Statement limited = Permits(4);
  limited.purposes = {kAncestry};
  limited.conditions = {"DUO:0000045"};
  EXPECT_TRUE(PermitsAnything(Policy(), {{limited}, {}}, kNow, false));
}

TEST(Decide, KnowsWhenTheAnswerMayChange) {
  Statement statement = Permits(4);
  EXPECT_FALSE(NextChange({{statement}, {}}, kNow).has_value());
  statement.from = kBefore;
  statement.until = kAfter;
  EXPECT_EQ(NextChange({{statement}, {}}, kNow), kAfter);
  EXPECT_EQ(NextChange({{statement}, {kNow + std::chrono::minutes(1), kBefore, false}}, kNow),
            kNow + std::chrono::minutes(1));
}

Voices AnyVoices() {
  Voices voices;
  const auto time = [] { return *rc::gen::maybe(rc::gen::elementOf(std::vector<Time>{kBefore, kNow, kAfter})); };
  const auto maybe = [&]() -> std::optional<Time> {
    auto value = time();
    return value ? std::optional<Time>(*value) : std::nullopt;
  };
  const int count = *rc::gen::inRange(0, 4);
  for (int i = 0; i < count; ++i) {
    Statement statement{Bits(*rc::gen::inRange(0, 8)), Bits(*rc::gen::inRange(0, 8)), maybe(), maybe()};
    if (*rc::gen::arbitrary<bool>()) statement.purposes = {kHealth};
    statement.by_guardian = *rc::gen::arbitrary<bool>();
    voices.statements.push_back(statement);
  }
  voices.who = {maybe(), maybe(), false};
  return voices;
}

// The order of records must not matter, an additional denial must never open anything, and between
// two changes the answer must stay.
TEST(DecideProperty, OrderDenialsAndTime) {
  EXPECT_TRUE(rc::check([] {
    const Voices voices = AnyVoices();
    const Policy policy = *rc::gen::arbitrary<bool>() ? OptOut() : Policy();
    Question question{*rc::gen::elementOf(std::vector<Permission>(kPermissions.begin(), kPermissions.end())),
                      *rc::gen::elementOf(std::vector<std::string>{"", kHealth, kAncestry}),
                      {},
                      kBefore};
    const bool permitted = Decide(policy, voices, question).permitted;
    Voices reversed = voices;
    std::reverse(reversed.statements.begin(), reversed.statements.end());
    RC_ASSERT(Decide(policy, reversed, question).permitted == permitted);
    Voices denied = voices;
    denied.statements.push_back({{}, Bits(7), {}, {}});
    RC_ASSERT(!Decide(policy, denied, question).permitted);
    if (permitted) RC_ASSERT(PermitsAnything(policy, voices, kBefore, false));
    const auto next = NextChange(voices, kBefore);
    question.at = next ? *next - std::chrono::microseconds(1) : kAfter + std::chrono::hours(9);
    RC_ASSERT(Decide(policy, voices, question).permitted == permitted);
  }));
}

std::vector<std::string> AnyConditions() {
  std::vector<std::string> codes;
  for (const char* code : {"DUO:0000021", "DUO:0000028", "DUO:0000045", "DUO:0000046"}) {
    if (*rc::gen::arbitrary<bool>()) codes.emplace_back(code);
  }
  return codes;
}

// Somebody who permits under conditions is used exactly when all of them are met, whatever else is
// met; a denial beside it wins; and nothing that a project meets opens what is not permitted.
TEST(DecideProperty, ConditionsAreAllMetOrThePersonIsNotUsed) {
  EXPECT_TRUE(rc::check([] {
    Statement permission = Permits(4);
    permission.conditions = AnyConditions();
    const std::vector<std::string> met = AnyConditions();
    const auto ask = [&](const Policy& policy, const Voices& voices) {
      return Decide(policy, voices, {Permission::kSecondaryUse, kHealth, met, kNow}).permitted;
    };
    std::vector<std::string> missing;  // both lists are in order
    std::set_difference(permission.conditions.begin(), permission.conditions.end(), met.begin(),
                        met.end(), std::back_inserter(missing));
    for (const Policy& policy : {Policy(), OptOut()}) {
      RC_ASSERT(ask(policy, {{permission}, {}}) == missing.empty());
      RC_ASSERT(ask(policy, {{permission, Permits(4)}, {}}) == missing.empty());
      RC_ASSERT(!ask(policy, {{permission, Denies(4)}, {}}));
      // More that is met never closes, and less never opens.
      const Voices voices = AnyVoices();
      if (Decide(policy, voices, {Permission::kSecondaryUse, kHealth, {}, kNow}).permitted)
        RC_ASSERT(ask(policy, voices));
    }
    // They limit secondary use only.
    Statement counts = Permits(7);
    counts.conditions = permission.conditions;
    RC_ASSERT(
        Decide(Policy(), {{counts}, {}}, {Permission::kSubjectLevelQuery, "", {}, kNow}).permitted);
    RC_CLASSIFY(missing.empty(), "met");
  }));
}

TEST(Purpose, CodesAndWhatTheyCover) {
  EXPECT_TRUE(IsPurpose(kHealth));
  EXPECT_TRUE(IsPurpose(kStatutory));
  for (const char* wrong : {"", "DUO", "DUO:", ":1", "duo:0000006", "DUO:1 2", "DUO:1\n"})
    EXPECT_FALSE(IsPurpose(wrong)) << wrong;
  EXPECT_TRUE(Covers("DUO:0000042", kHealth));
  EXPECT_TRUE(Covers("DUO:0000042", kAncestry));
  EXPECT_FALSE(Covers("DUO:0000042", kStatutory));
  EXPECT_FALSE(Covers("DUO:0000042", "DUO:0000004"));
  EXPECT_TRUE(Covers("DUO:0000004", kStatutory));
  EXPECT_FALSE(Covers(kHealth, kAncestry)) << "DUO: does not include population origins";
  EXPECT_FALSE(Covers("DUO:0000007", kHealth));
}

}  // namespace
}  // namespace genofed::consent
