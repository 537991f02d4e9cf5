// SPDX-License-Identifier: Apache-2.0
#include "services/access/domain/application.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "libs/testing/matchers.h"
#include "services/access/domain/grant.h"

namespace genofed::access {
namespace {

using testing::HasReason;
using testing::IsOk;

constexpr Time kNow{};

User Person(std::string subject, std::vector<std::string> roles,
            std::string organisation = "Karolinska") {
  User user;
  user.issuer = "https://idp";
  user.subject = std::move(subject);
  user.roles = std::move(roles);
  user.organisation = std::move(organisation);
  return user;
}

const User kApplicant = Person("ann", {"researcher"});
const User kOfficial = Person("sven", {"signing_official"});
const User kDac = Person("dora", {"central_dac"}, "EDIC");

Application Draft() {
  Application application;
  application.id = "app-1";
  application.content = {"Epilepsy",
                         "find variants",
                         "We look for causes",
                         "DUO:0000006",
                         {"GOE-FI-A-1", "GOE-ES-A-1"},
                         365};
  application.applicant_issuer = kApplicant.issuer;
  application.applicant_subject = kApplicant.subject;
  application.organisation = "Karolinska";
  return application;
}

Application UnderReview() {
  Application application = Draft();
  EXPECT_THAT(Submit(application, kApplicant, "{}", "d1", kNow), IsOk());
  EXPECT_THAT(Confirm(application, kOfficial, true, {}, "", kNow), IsOk());
  EXPECT_THAT(Recommend(application, kDac, true, "", kNow), IsOk());
  return application;
}

CountryDecision Says(std::string country, Outcome outcome, std::string jws) {
  return {std::move(country), outcome, "reason", {}, kNow, std::move(jws)};
}

TEST(Application, EveryStepHasItsPerson) {
  Application application = Draft();
  EXPECT_THAT(Submit(application, kOfficial, "{}", "d1", kNow), HasReason("NOT_APPLICANT"));
  ASSERT_THAT(Submit(application, kApplicant, "{}", "d1", kNow), IsOk());
  // An applicant who is also a signing official does not sign for themselves; nor does another
  // organisation.
  EXPECT_THAT(Confirm(application, Person("ann", {"signing_official"}), true, {}, "", kNow),
              HasReason("NOT_INDEPENDENT"));
  EXPECT_THAT(
      Confirm(application, Person("eve", {"signing_official"}, "Other"), true, {}, "", kNow),
      HasReason("ORGANISATION_MISMATCH"));
  EXPECT_THAT(Confirm(application, Person("eve", {"researcher"}), true, {}, "", kNow),
              HasReason("ROLE_MISSING"));
  ASSERT_THAT(Confirm(application, kOfficial, true, {}, "", kNow), IsOk());
  EXPECT_THAT(Recommend(application, kOfficial, true, "", kNow), HasReason("ROLE_MISSING"));
  ASSERT_THAT(Recommend(application, kDac, true, "", kNow), IsOk());
  EXPECT_EQ(application.decisions.size(), 2u);
  EXPECT_EQ(application.state, ApplicationState::kUnderReview);
}

TEST(Application, AVetoRemovesThatCountryOnly) {
  Application application = UnderReview();
  ASSERT_THAT(RecordDecision(application, Says("ES", Outcome::kVetoed, "es"), kNow), IsOk());
  EXPECT_EQ(application.state, ApplicationState::kUnderReview);
  ASSERT_THAT(RecordDecision(application, Says("FI", Outcome::kApproved, "fi"), kNow), IsOk());
  EXPECT_EQ(application.state, ApplicationState::kDecided);
  EXPECT_EQ(application.DecisionOf("ES")->outcome, Outcome::kVetoed);
  EXPECT_EQ(application.DecisionOf("FI")->outcome, Outcome::kApproved);
}

TEST(Application, RefusedByAllIsRefused) {
  Application application = UnderReview();
  ASSERT_THAT(RecordDecision(application, Says("ES", Outcome::kVetoed, "es"), kNow), IsOk());
  ASSERT_THAT(RecordDecision(application, Says("FI", Outcome::kVetoed, "fi"), kNow), IsOk());
  EXPECT_EQ(application.state, ApplicationState::kRefused);
  EXPECT_THAT(SignAgreement(application, kOfficial, "d1", "text", "a", kNow),
              HasReason("APPLICATION_STATE"));
}

TEST(Application, TheAgreementIsAboutWhatWasDecided) {
  Application application = UnderReview();
  EXPECT_THAT(SignAgreement(application, kOfficial, "d1", "text", "a", kNow),
              HasReason("APPLICATION_STATE"));
  ASSERT_THAT(RecordDecision(application, Says("ES", Outcome::kVetoed, "es"), kNow), IsOk());
  ASSERT_THAT(RecordDecision(application, Says("FI", Outcome::kApproved, "fi"), kNow), IsOk());
  EXPECT_THAT(SignAgreement(application, kOfficial, "other", "text", "a", kNow),
              HasReason("DIGEST_MISMATCH"));
  EXPECT_THAT(SignAgreement(application, kOfficial, "d1", "text", "a", kNow), IsOk());
  EXPECT_EQ(application.state, ApplicationState::kActive);
}

TEST(Application, AnApprovalCanBeTakenBackAndAVetoCannot) {
  Application application = UnderReview();
  ASSERT_THAT(RecordDecision(application, Says("FI", Outcome::kApproved, "fi-1"), kNow), IsOk());
  ASSERT_THAT(RecordDecision(application, Says("FI", Outcome::kApproved, "fi-1"), kNow),
              IsOk());  // delivered again
  ASSERT_THAT(RecordDecision(application, Says("FI", Outcome::kVetoed, "fi-2"), kNow), IsOk());
  EXPECT_EQ(application.DecisionOf("FI")->outcome, Outcome::kRevoked);
  EXPECT_THAT(RecordDecision(application, Says("FI", Outcome::kApproved, "fi-3"), kNow),
              HasReason("ALREADY_DECIDED"));
  EXPECT_THAT(RecordDecision(application, Says("SE", Outcome::kApproved, "se"), kNow),
              HasReason("COUNTRY_NOT_ASKED"));
}

TEST(Application, ContentIsCheckedFieldByField) {
  Content content = Draft().content;
  content.datasets = {"GOE-FI-A-1", "nonsense", "GOE-FI-A-1"};
  content.duration_days = 0;
  content.purpose_code = "research";
  std::vector<std::string> fields;
  for (const auto& violation : Fields(Validate(content))) fields.push_back(violation.field);
  EXPECT_EQ(fields, (std::vector<std::string>{"content.purpose_code", "content.datasets[1]",
                                              "content.datasets[2]", "content.duration_days"}));
}

TEST(Application, OnlyConditionsThatAreWholeCanBeMet) {
  Content content = Draft().content;
  content.conditions_met = {"DUO:0000045", "DUO:0000021", "DUO:0000022=FI", "DUO:0000025=24"};
  EXPECT_THAT(Validate(content), IsOk());
  content.conditions_met.assign(21, "");
  for (int i = 0; i < 21; ++i) content.conditions_met[static_cast<std::size_t>(i)] = fmt::format("DUO:0000025={}", i + 1);
  EXPECT_EQ(Fields(Validate(content)).at(0).field, "content.conditions_met");
  // Institution specific, without the institution; a purpose; anything; twice.
  content.conditions_met = {"DUO:0000028", "DUO:0000045", "DUO:0000006", "good", "DUO:0000045"};
  std::vector<std::string> fields;
  for (const auto& violation : Fields(Validate(content))) fields.push_back(violation.field);
  EXPECT_EQ(fields,
            (std::vector<std::string>{"content.conditions_met[0]", "content.conditions_met[2]",
                                      "content.conditions_met[3]", "content.conditions_met[4]"}));
}

TEST(Application, TheOfficialAttestsExactlyWhatTheApplicationStates) {
  Application application = Draft();
  application.content.conditions_met = {"DUO:0000045", "DUO:0000021"};
  ASSERT_THAT(Submit(application, kApplicant, "{}", "d1", kNow), IsOk());
  using Codes = std::vector<std::string>;
  for (const Codes& other :
       {Codes{}, Codes{"DUO:0000045"}, Codes{"DUO:0000045", "DUO:0000021", "DUO:0000046"}}) {
    EXPECT_THAT(Confirm(application, kOfficial, true, other, "", kNow),
                HasReason("ATTESTATION_DIFFERS"));
    EXPECT_EQ(application.state, ApplicationState::kAwaitingSignature);
  }
  ASSERT_THAT(Confirm(application, kOfficial, true, {"DUO:0000021", "DUO:0000045"}, "", kNow),
              IsOk());
  EXPECT_EQ(application.events.back().what,
            "confirmed by the signing official, who attests DUO:0000021, DUO:0000045");
  // What nobody stated, nobody attests.
  Application plain = Draft();
  ASSERT_THAT(Submit(plain, kApplicant, "{}", "d1", kNow), IsOk());
  EXPECT_THAT(Confirm(plain, kOfficial, true, {"DUO:0000045"}, "", kNow),
              HasReason("ATTESTATION_DIFFERS"));
}

// Invariants I2 and I7 of the access paper, over random sequences of actions by random people: a
// country's data is usable only after that country's own approval and a signature of somebody who
// is not the applicant.
RC_GTEST_PROP(Application, NoPathAroundTheGuards, ()) {
  Application application = Draft();
  const std::vector<User> people = {
      kApplicant, kOfficial, kDac,
      Person("ann", {"researcher", "signing_official", "central_dac"})};
  bool fi_approved = false, fi_ended = false;
  for (int action : *rc::gen::container<std::vector<int>>(40, rc::gen::inRange(0, 8))) {
    const User& user = people[static_cast<std::size_t>(*rc::gen::inRange(0, 4))];
    switch (action) {
      case 0:
        (void)Submit(application, user, "{}", "d1", kNow);
        break;
      case 1:
        (void)Confirm(application, user, true, {}, "", kNow);
        break;
      case 2:
        (void)Confirm(application, user, false, {}, "", kNow);
        break;
      case 3:
        (void)Recommend(application, user, true, "", kNow);
        break;
      case 4:
        if (RecordDecision(application, Says("FI", Outcome::kApproved, "fi+"), kNow).ok() &&
            !fi_ended)
          fi_approved = true;
        break;
      case 5:
        if (RecordDecision(application, Says("FI", Outcome::kVetoed, "fi-"), kNow).ok())
          fi_ended = true;
        break;
      case 6:
        (void)RecordDecision(application, Says("ES", Outcome::kVetoed, "es-"), kNow);
        break;
      default:
        (void)SignAgreement(application, user, "d1", "text", "a", kNow);
    }
    const CountryDecision* fi = application.DecisionOf("FI");
    bool usable = application.state == ApplicationState::kActive && fi != nullptr &&
                  fi->outcome == Outcome::kApproved;
    RC_ASSERT(!usable || (fi_approved && !fi_ended));
    if (application.state == ApplicationState::kActive)
      RC_ASSERT(!application.agreement_sha256.empty());
  }
  for (const Event& event : application.events) {
    if (event.what.starts_with("confirmed") || event.what.starts_with("recommended") ||
        event.what.starts_with("agreement")) {
      RC_ASSERT(event.by != "ann");
    }
  }
}

}  // namespace
}  // namespace genofed::access
