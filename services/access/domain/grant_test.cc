// SPDX-License-Identifier: Apache-2.0
#include "services/access/domain/grant.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "libs/testing/matchers.h"

namespace genofed::access {
namespace {

using testing::HasReason;
using testing::IsOk;

constexpr Time kNow{};
const Rules kTwoPersons{std::chrono::days(60), true};
const std::vector<std::string> kBoth = {"GOE-FI-A-1", "GOE-FI-B-1"};

User Dac(std::string subject, std::string issuer = "https://idp") {
  User user;
  user.issuer = std::move(issuer);
  user.subject = std::move(subject);
  user.name = "Dr " + user.subject;
  user.roles = {"dac"};
  return user;
}

Grant Pending() {
  Grant grant;
  grant.application.id = "app-1";
  grant.application.digest = "d1";
  grant.application.content.datasets = {"GOE-FI-B-1", "GOE-FI-A-1", "GOE-ES-A-1"};
  grant.application.content.conditions_met = {"DUO:0000045", "DUO:0000021"};
  grant.application.applicant_issuer = "https://idp";
  grant.application.applicant_subject = "ann";
  grant.decision.country = "FI";
  grant.digest_matches = true;
  return grant;
}

Ask Approval(std::vector<std::string> datasets = {}, int days = 30) {
  return {true, "because", std::move(datasets), "d1", days, false};
}
Ask Veto() { return {false, "no law for it", {}, "d1", 30, false}; }

Status Say(Grant& grant, const std::string& who, const Ask& ask, const Rules& rules = kTwoPersons) {
  return Decide(grant, Dac(who), ask, rules, "permit-1", kNow);
}

TEST(TwoPersons, TheFirstApprovalIsAProposalAndTheSecondOfTheSameTermsDecides) {
  Grant grant = Pending();
  ASSERT_THAT(Say(grant, "dora", Approval()), IsOk());
  EXPECT_EQ(grant.decision.outcome, Outcome::kPending);
  EXPECT_TRUE(grant.permit_id.empty());
  EXPECT_THAT(IsLive(grant, kNow), HasReason("APPROVAL_PENDING"));
  ASSERT_TRUE(grant.proposal.has_value());
  EXPECT_EQ(grant.proposal->proposer.name, "Dr dora");
  EXPECT_EQ(grant.proposal->terms, (Terms{"d1", kBoth, 30}));

  // The same terms, said otherwise: in another order, twice.
  ASSERT_THAT(Say(grant, "dick", Approval({"GOE-FI-B-1", "GOE-FI-A-1", "GOE-FI-B-1"})), IsOk());
  EXPECT_EQ(grant.decision.outcome, Outcome::kApproved);
  EXPECT_EQ(grant.decision.datasets, kBoth);
  EXPECT_EQ(grant.permit_until - grant.permit_from, std::chrono::days(30));
  EXPECT_EQ(grant.proposal->seconder->subject, "dick");
  EXPECT_THAT(Say(grant, "dave", Approval()), HasReason("ALREADY_DECIDED"));
}

TEST(TwoPersons, TheSamePersonTwiceIsOnePerson) {
  Grant grant = Pending();
  ASSERT_THAT(Say(grant, "dora", Approval()), IsOk());
  EXPECT_THAT(Say(grant, "dora", Approval()), HasReason("SAME_PERSON"));
  User renamed = Dac("dora");
  renamed.name = "Somebody Else";
  EXPECT_THAT(Decide(grant, renamed, Approval(), kTwoPersons, "p", kNow), HasReason("SAME_PERSON"));
  EXPECT_EQ(grant.decision.outcome, Outcome::kPending);
  // A subject means nothing without its issuer.
  EXPECT_THAT(Decide(grant, Dac("dora", "https://other"), Approval(), kTwoPersons, "p", kNow),
              IsOk());
  EXPECT_EQ(grant.decision.outcome, Outcome::kApproved);
}

TEST(TwoPersons, OtherTermsAreAConflictUntilTheyReplaceTheProposalAndStartAgain) {
  Grant grant = Pending();
  ASSERT_THAT(Say(grant, "dora", Approval()), IsOk());
  EXPECT_THAT(Say(grant, "dick", Approval({"GOE-FI-A-1"})), HasReason("PROPOSAL_DIFFERS"));
  EXPECT_THAT(Say(grant, "dick", Approval({}, 31)), HasReason("PROPOSAL_DIFFERS"));
  EXPECT_EQ(grant.proposal->proposer.subject, "dora");
  Ask narrower = Approval({"GOE-FI-A-1"});
  narrower.replace_proposal = true;
  ASSERT_THAT(Say(grant, "dick", narrower), IsOk());
  EXPECT_EQ(grant.decision.outcome, Outcome::kPending);
  EXPECT_EQ(grant.proposal->proposer.subject, "dick");
  EXPECT_THAT(Say(grant, "dick", Approval({"GOE-FI-A-1"})), HasReason("SAME_PERSON"));
  ASSERT_THAT(Say(grant, "dora", Approval({"GOE-FI-A-1"})), IsOk());
  EXPECT_EQ(grant.decision.outcome, Outcome::kApproved);
  EXPECT_EQ(grant.decision.datasets, std::vector<std::string>{"GOE-FI-A-1"});
}

TEST(TwoPersons, TakingAwayNeedsOnePerson) {
  Grant grant = Pending();
  ASSERT_THAT(Say(grant, "dora", Approval()), IsOk());
  ASSERT_THAT(Say(grant, "dora", Veto()), IsOk());
  EXPECT_EQ(grant.decision.outcome, Outcome::kVetoed);

  grant = Pending();
  ASSERT_THAT(Say(grant, "dora", Approval()), IsOk());
  ASSERT_THAT(Say(grant, "dick", Approval()), IsOk());
  ASSERT_THAT(Revoke(grant, Dac("dora"), "breach", kNow), IsOk());
  EXPECT_EQ(grant.decision.outcome, Outcome::kRevoked);
}

TEST(TwoPersons, ApplicantsAndStaleDigestsProposeNothing) {
  Grant grant = Pending();
  EXPECT_THAT(Say(grant, "ann", Approval()), HasReason("NOT_INDEPENDENT"));
  Ask stale = Approval();
  stale.digest = "d0";
  EXPECT_THAT(Say(grant, "dora", stale), HasReason("DIGEST_MISMATCH"));
  EXPECT_FALSE(grant.proposal.has_value());
  ASSERT_THAT(Say(grant, "dora", Approval()), IsOk());
  EXPECT_THAT(Say(grant, "ann", Approval()), HasReason("NOT_INDEPENDENT"));
}

TEST(TwoPersons, LongerThanTheCountryGrantsIsTheSameAsTheLongest) {
  Grant grant = Pending();
  ASSERT_THAT(Say(grant, "dora", Approval({}, 365)), IsOk());
  EXPECT_EQ(grant.proposal->terms.permit_days, 60);
  ASSERT_THAT(Say(grant, "dick", Approval({}, 60)), IsOk());
  EXPECT_EQ(grant.permit_until - grant.permit_from, std::chrono::days(60));
}

TEST(OnePerson, AcceptsOnlyConditionsThatWereAttestedAndNamesEach) {
  const Rules alone{std::chrono::days(60), false};
  Ask ask = Approval();
  for (const char* code : {"DUO:0000046", "DUO:0000045 ", ""}) {
    Grant grant = Pending();
    ask.accepted_conditions = {"DUO:0000045", code};
    EXPECT_THAT(Say(grant, "dora", ask, alone), HasReason("CONDITION_NOT_ATTESTED")) << code;
    EXPECT_EQ(grant.decision.outcome, Outcome::kPending);
  }
  // Frozen bytes that no hub of ours would have taken.
  Grant strange = Pending();
  strange.application.content.conditions_met = {"DUO:0000028"};
  ask.accepted_conditions = {"DUO:0000028"};
  EXPECT_THAT(Say(strange, "dora", ask, alone), HasReason("CONDITION_NOT_ATTESTED"));

  Grant grant = Pending();
  ask.accepted_conditions = {"DUO:0000045", "DUO:0000045"};
  ASSERT_THAT(Say(grant, "dora", ask, alone), IsOk());
  EXPECT_EQ(grant.decision.accepted_conditions, (std::vector<std::string>{"DUO:0000045"}));
  Grant none = Pending();
  ASSERT_THAT(Say(none, "dora", Approval(), alone), IsOk());
  EXPECT_TRUE(none.decision.accepted_conditions.empty()) << "nothing is accepted by saying nothing";
}

TEST(TwoPersons, AcceptTheSameConditions) {
  Grant grant = Pending();
  Ask ask = Approval();
  ask.accepted_conditions = {"DUO:0000045"};
  ASSERT_THAT(Say(grant, "dora", ask), IsOk());
  ask.accepted_conditions = {"DUO:0000021", "DUO:0000045"};
  EXPECT_THAT(Say(grant, "dick", ask), HasReason("PROPOSAL_DIFFERS"));
  EXPECT_THAT(Say(grant, "dick", Approval()), HasReason("PROPOSAL_DIFFERS"));
  ask.accepted_conditions = {"DUO:0000045"};
  ASSERT_THAT(Say(grant, "dick", ask), IsOk());
  EXPECT_EQ(grant.decision.accepted_conditions, (std::vector<std::string>{"DUO:0000045"}));
}

TEST(OnePerson, DecidesAloneWhereTheCountryHasNoSuchRule) {
  Grant grant = Pending();
  ASSERT_THAT(Say(grant, "dora", Approval(), {std::chrono::seconds(4), false}), IsOk());
  EXPECT_EQ(grant.decision.outcome, Outcome::kApproved);
  EXPECT_FALSE(grant.proposal.has_value());
  EXPECT_EQ(grant.permit_until - grant.permit_from, std::chrono::seconds(4));
}

const std::vector<std::vector<std::string>> kSelections = {
    {}, {"GOE-FI-A-1"}, {"GOE-FI-B-1", "GOE-FI-A-1"}, {"GOE-ES-A-1"}};

// Whatever is said by whom: approved means that two different people, neither the applicant, asked
// for exactly this and that nobody vetoed before.
RC_GTEST_PROP(TwoPersons, NoApprovalWithoutTwoPeopleWhoAskedForTheSame, ()) {
  Grant grant = Pending();
  std::map<std::pair<std::vector<std::string>, int>, std::set<std::string>> asked;
  bool vetoed = false;
  // Of the full length from the first case on, and most of them such that they could be accepted.
  const int steps = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(2, 25));
  for (int i = 0; i < steps; ++i) {
    const std::string who =
        *rc::gen::weightedElement<std::string>({{4, "dora"}, {4, "dick"}, {2, "dave"}, {1, "ann"}});
    Ask ask;
    ask.approve = *rc::gen::weightedElement<bool>({{19, true}, {1, false}});
    ask.reason = *rc::gen::weightedElement<std::string>({{19, "because"}, {1, ""}});
    ask.digest = *rc::gen::weightedElement<std::string>({{19, "d1"}, {1, "d2"}});
    ask.datasets = *rc::gen::elementOf(kSelections);
    ask.permit_days = *rc::gen::weightedElement<int>({{6, 30}, {3, 31}, {1, 0}});
    ask.replace_proposal = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
    const Outcome before = grant.decision.outcome;
    const Status said = Say(grant, who, ask);
    if (before != Outcome::kPending) RC_ASSERT(!said.ok());
    if (said.ok() && ask.approve) {
      std::vector<std::string> datasets = ask.datasets.empty() ? kBoth : ask.datasets;
      std::sort(datasets.begin(), datasets.end());
      asked[{datasets, ask.permit_days}].insert(who);
    }
    vetoed = vetoed || (said.ok() && !ask.approve);
    RC_ASSERT(grant.permit_id.empty() == (grant.decision.outcome != Outcome::kApproved));
    if (grant.decision.outcome != Outcome::kApproved) continue;
    RC_ASSERT(!vetoed);
    const auto& people = asked[{grant.decision.datasets, grant.proposal->terms.permit_days}];
    RC_ASSERT(people.size() >= 2U);
    RC_ASSERT(!people.contains("ann"));
    RC_ASSERT(people.contains(grant.proposal->proposer.subject));
    RC_ASSERT(people.contains(grant.proposal->seconder->subject));
    RC_ASSERT(grant.proposal->proposer.subject != grant.proposal->seconder->subject);
  }
  RC_CLASSIFY(grant.decision.outcome == Outcome::kApproved, "approved");
  RC_CLASSIFY(grant.decision.outcome == Outcome::kVetoed, "vetoed");
}

}  // namespace
}  // namespace genofed::access
