// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/case_match.h"

#include <gtest/gtest.h>

#include "libs/core/retry_after.h"
#include "libs/disclosure/budget.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/adapters/case_mapping.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/file_people_reader.h"
#include "services/discovery/app/contacts.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using genomics::Individual;
using testing::HasReason;
using testing::IsOk;

constexpr const char* kDataset = "GOE-FI-A-1";
constexpr const char* kSeizure = "HP:0001250";
constexpr const char* kFebrileSeizure = "HP:0002373";  // a kind of it
constexpr const char* kCleftPalate = "HP:0000175";

std::vector<Individual> People(
    std::initializer_list<std::pair<int, std::vector<std::string>>> groups) {
  std::vector<Individual> people;
  for (const auto& [number, terms] : groups) {
    Individual one;
    one.terms = terms;
    people.insert(people.end(), static_cast<std::size_t>(number), one);
  }
  return people;
}

class CaseMatchTest : public ::testing::Test {
 protected:
  void Publish(const std::vector<Individual>& people,
               const disclosure::Policy& policy = FloorOfFive()) {
    mechanism_.emplace(policy, std::string(32, 'k'));
    view_.emplace(consent_, listing_, *mechanism_, std::chrono::hours(1));
    budgets_.emplace(budget_store_, clock_);
    audit_.emplace(audit_store_);
    match_.emplace(*view_, publications_, reader_, "FI", *mechanism_,
                   policy.HasBudget() ? &*budgets_ : nullptr, *audit_, clock_);
    const auto rows = static_cast<std::uint32_t>(people.size());
    publications_.all = {WriteCohort(dir_.path(), kDataset, 1, rows, {}, people)};
    consent_.rows[kDataset] = rows;
    view_->Put(*FileCohortOpener(dir_.path(), dir_ / "derived").Open(publications_.all[0]));
    ASSERT_THAT(view_->Refresh(ctx_), IsOk());
  }
  Result<CaseAnswer> Ask(std::vector<std::string> terms) {
    CaseQuery query;
    query.terms = std::move(terms);
    query.account = std::string(kAnonymous);
    GF_ASSIGN(query, Validate(std::move(query)));
    return match_->Run(ctx_, query);
  }
  using Counts = std::array<std::int64_t, 3>;
  Counts CountsOf(std::vector<std::string> terms) {
    return Ask(std::move(terms))->datasets.at(0).counts;
  }

  const Context ctx_ = Context::Background();
  testing::TemporaryDirectory dir_;
  testing::FakeClock clock_;
  FakeConsent consent_;
  FakeListing listing_;
  FakePublicationStore publications_;
  FakeBudgetStore budget_store_;
  FakeAuditStore audit_store_;
  FilePeopleReader reader_{dir_.path()};
  std::optional<disclosure::Mechanism> mechanism_;
  std::optional<ConsentView> view_;
  std::optional<Budgets> budgets_;
  std::optional<DisclosureAudit> audit_;
  std::optional<CaseMatch> match_;
};

// 20 with seizures alone are as similar as can be; 20 with a cleft palate have nothing in common
// with them. Of 20 with both, half of the terms match: (1 + 1/2) / 2 = 0.75.
TEST_F(CaseMatchTest, CountsPeopleByHowSimilarTheyAre) {
  Publish(People({{20, {kSeizure}}, {20, {kCleftPalate}}, {20, {kSeizure, kCleftPalate}}}));
  EXPECT_EQ(CountsOf({kSeizure}), (Counts{20, 20, 0}));
  EXPECT_EQ(CountsOf({kSeizure, kCleftPalate}), (Counts{20, 40, 0}));
  // By an alternative id, and each term once.
  EXPECT_EQ(CountsOf({kSeizure, "HP:0002279", kSeizure}), CountsOf({kSeizure}));
}

TEST_F(CaseMatchTest, ARareTermInCommonCountsForMoreThanACommonOne) {
  // Everybody has a seizure, few febrile ones: two people with febrile seizures are alike, a
  // seizure in common is little.
  Publish(People({{8, {kFebrileSeizure}}, {400, {kSeizure}}, {100, {kCleftPalate}}}));
  EXPECT_EQ(CountsOf({kFebrileSeizure})[0], 8);
  EXPECT_EQ(CountsOf({kSeizure})[0], 400);
  EXPECT_EQ(CountsOf({kCleftPalate})[0], 100);
}

TEST_F(CaseMatchTest, OfFewAndOfThoseWhoDoNotPermitNothingIsSaid) {
  Publish(People({{6, {kSeizure}}, {4, {kCleftPalate}}, {50, {}}}));
  EXPECT_EQ(CountsOf({kSeizure}), (Counts{6, 0, 0}));
  EXPECT_EQ(CountsOf({kCleftPalate}), (Counts{0, 0, 0}));
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {0, 1};
  ++consent_.epoch;
  ASSERT_THAT(view_->Refresh(ctx_), IsOk());
  EXPECT_EQ(CountsOf({kSeizure}), (Counts{0, 0, 0}));
  EXPECT_EQ(*match_->Holds(kDataset), true);
  EXPECT_EQ(*match_->Holds("GOE-FI-A-2"), false);
}

TEST_F(CaseMatchTest, IsChargedBeforeItIsTold) {
  Publish(People({{600, {kSeizure}}, {600, {kCleftPalate}}}), disclosure::Policy());
  ASSERT_THAT(Ask({kSeizure}), IsOk());
  const auto& charged = budget_store_.charged[std::string(kAnonymous)];
  ASSERT_EQ(charged.size(), kBands.size());
  double nats = 0;
  for (const Spending& spending : charged) {
    nats += spending.nats;
    EXPECT_DOUBLE_EQ(spending.worst, 3 * disclosure::WorstCharge(disclosure::Policy()));
  }
  EXPECT_GT(nats, 0);
  budget_store_.spent_out = {kDataset};
  const auto refused = Ask({kCleftPalate});
  EXPECT_THAT(refused, HasReason("BUDGET_SPENT"));
  EXPECT_EQ(RetryAfter(refused.status()), std::chrono::seconds(7));
  budget_store_.up = false;
  EXPECT_THAT(Ask({kSeizure, kCleftPalate}), HasReason("BUDGET_UNKNOWN"));
}

TEST(CaseQuery, NeedsAbnormalities) {
  for (const char* term : {"HP:0000118", "HP:0000005", "MONDO:0005027", "seizure", "HP:9999999"})
    EXPECT_THAT(ValidateCase({kSeizure, term}), HasReason("TERM_UNKNOWN")) << term;
  EXPECT_THAT(ValidateCase({}), HasReason("TERMS_MISSING"));
  EXPECT_THAT(ValidateCase(std::vector<std::string>(21, kSeizure)), HasReason("TERMS_MISSING"));
}

TEST(CaseBands, AreDisjointAndReachToTheTop) {
  EXPECT_EQ(BandOf(1.0), 0u);
  EXPECT_EQ(BandOf(0.8), 0u);
  EXPECT_EQ(BandOf(0.7999), 1u);
  EXPECT_EQ(BandOf(0.4), 2u);
  EXPECT_FALSE(BandOf(0.3999));
}

CaseReply From(const std::string& site, DatasetCases cases, std::int32_t floor = 5) {
  CaseAnswer answer;
  answer.minimum_count = floor;
  answer.datasets = {std::move(cases)};
  return {{site, MemberState::kAnswered, 1, 0}, answer};
}

TEST(MergeCases, BelievesANodeAboutItsOwnCountryAlone) {
  const DatasetCases fi{"GOE-FI-A-1", 1, "FI", {7, 30, 0}, {}};
  DatasetCases negative{"GOE-EE-A-1", 1, "EE", {-7, 0, 0}, {}};
  DatasetCases below{"GOE-LV-A-1", 1, "LV", {3, 0, 0}, {}};
  DatasetCases strict{"GOE-ES-A-1", 1, "ES", {0, 20, 0}, {}};
  const CaseAnswer merged = MergeCases(CaseQuery(),
                                       {From("fi", fi), From("se", fi), From("ee", negative),
                                        From("lv", below), From("es", strict, 10)},
                                       5);
  ASSERT_EQ(merged.datasets.size(), 2u);
  EXPECT_EQ(merged.datasets[0], strict);
  EXPECT_EQ(merged.datasets[1].counts, (std::array<std::int64_t, 3>{0, 30, 0}));  // Spain's floor
  const MemberState expected[] = {MemberState::kAnswered, MemberState::kRefused,
                                  MemberState::kRefused, MemberState::kRefused,
                                  MemberState::kAnswered};
  for (std::size_t i = 0; i < merged.members.size(); ++i)
    EXPECT_EQ(merged.members[i].state, expected[i]) << i;
}

TEST(CaseMapping, ComesBackAsItWent) {
  CaseAnswer answer;
  answer.epoch = 4;
  answer.minimum_count = 5;
  answer.datasets = {{"GOE-FI-A-1", 2, "FI", {7, 0, 30}, disclosure::Precision::kImprecise}};
  answer.withheld = {{"GOE-FI-B-1", 9}};
  const auto back = FromProto(ToProto(answer));
  ASSERT_THAT(back, IsOk());
  EXPECT_EQ(back->datasets, answer.datasets);
  EXPECT_EQ(back->withheld.at(0).retry_after_seconds, 9);
  v1::MatchCasesResponse other = ToProto(answer);
  other.mutable_datasets(0)->mutable_bands(0)->set_from(0.1);
  EXPECT_THAT(FromProto(other), HasReason("ANSWER_IMPLAUSIBLE"));
}

class FakeContactStore final : public ContactStore {
 public:
  Status Add(const Context&, const ContactRequest& contact, int most) override {
    if (static_cast<int>(all.size()) >= most)
      return Error(StatusCode::kResourceExhausted, "TOO_MANY_REQUESTS", "x");
    hidden[contact.id] = contact;
    return absl::OkStatus();
  }
  Status Confirm(const Context&, const std::string& id) override {
    all[id] = hidden.at(id);
    return absl::OkStatus();
  }
  Result<ContactRequest> Find(const Context&, const std::string& id) override {
    const auto found = all.find(id);
    if (found == all.end()) return Error(StatusCode::kNotFound, "CONTACT_UNKNOWN", "x");
    return found->second;
  }
  Result<std::vector<ContactRequest>> List(const Context&, const std::string& issuer,
                                           const std::string& subject, const std::string&,
                                           int) override {
    std::vector<ContactRequest> out;
    for (const auto& [id, contact] : all) {
      if (issuer.empty() || (contact.issuer == issuer && contact.subject == subject))
        out.push_back(contact);
    }
    return out;
  }
  Result<ContactRequest> ClaimAnswer(const Context&, const ContactRequest& answered) override {
    if (all.at(answered.id).state != ContactRequest::State::kWaiting)
      return Error(StatusCode::kFailedPrecondition, "CONTACT_ANSWERED", "x");
    return claimed.try_emplace(answered.id, answered).first->second;
  }
  Status ConfirmAnswer(const Context&, const std::string& id) override {
    all[id] = claimed.at(id);
    return absl::OkStatus();
  }
  std::map<std::string, ContactRequest> all, hidden, claimed;
};

class FakeContactLedger final : public ContactLedger {
 public:
  Status Log(const Context&, const ContactRequest& contact, const std::string& outcome) override {
    if (const auto first = std::exchange(meanwhile, nullptr)) first();
    if (!up) return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "down");
    if (logged.emplace(contact.id, outcome).second) outcomes.push_back(outcome);
    return absl::OkStatus();
  }
  bool up = true;
  std::function<void()> meanwhile;  // before the next entry
  std::set<std::pair<std::string, std::string>> logged;
  std::vector<std::string> outcomes;
};

class FakeDatasets final : public DatasetLookup {
 public:
  Result<bool> Holds(const std::string& dataset) const override { return dataset == kDataset; }
};

class ContactsTest : public ::testing::Test {
 protected:
  static Context As(const std::string& subject, const std::string& organisation,
                    std::vector<std::string> roles = {}) {
    User user;
    user.issuer = "https://login.example";
    user.subject = subject;
    user.organisation = organisation;
    user.roles = std::move(roles);
    Principal principal;
    principal.user = user;
    return Context::Background().WithPrincipal(principal);
  }
  static ContactRequest Asking(const std::string& dataset = kDataset) {
    ContactRequest contact;
    contact.dataset = dataset;
    contact.terms = {kSeizure};
    contact.message = "Which therapy helped?";
    contact.reply_to = "ward@hospital.example";
    return contact;
  }
  const Context clinician_ = As("chris", "Hospital");
  const Context holder_ = As("holder", "Biobank", {"holder"});
  testing::FakeClock clock_;
  testing::SeededRandom random_{1};
  FakeContactStore store_;
  FakeContactLedger ledger_;
  FakeDatasets datasets_;
  Contacts contacts_{store_, ledger_, datasets_, clock_, random_};
};

TEST_F(ContactsTest, AreAskedSeenAnsweredAndLedgered) {
  const auto asked = contacts_.Request(clinician_, Asking());
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(asked->organisation, "Hospital");
  EXPECT_EQ(contacts_.List(holder_, "", 10)->size(), 1u);
  EXPECT_EQ(contacts_.List(clinician_, "", 10)->size(), 1u);
  EXPECT_TRUE(contacts_.List(As("somebody", "Hospital"), "", 10)->empty());
  const auto answered = contacts_.Answer(holder_, asked->id, true, "Call us");
  ASSERT_THAT(answered, IsOk());
  EXPECT_EQ(answered->state, ContactRequest::State::kAccepted);
  EXPECT_THAT(contacts_.Answer(holder_, asked->id, true, "Call us"), IsOk());
  EXPECT_THAT(contacts_.Answer(holder_, asked->id, false, "No"), HasReason("CONTACT_ANSWERED"));
  EXPECT_EQ(contacts_.List(clinician_, "", 10)->at(0).reply, "Call us");
  EXPECT_EQ(ledger_.outcomes, (std::vector<std::string>{"requested", "accepted"}));
}

TEST_F(ContactsTest, WhatIsNotInTheLedgerNobodySees) {
  ledger_.up = false;
  EXPECT_THAT(contacts_.Request(clinician_, Asking()), HasReason("PEER_UNAVAILABLE"));
  EXPECT_TRUE(contacts_.List(holder_, "", 10)->empty());
  ledger_.up = true;
  const auto asked = contacts_.Request(clinician_, Asking());
  ledger_.up = false;
  EXPECT_THAT(contacts_.Answer(holder_, asked->id, true, "Call us"), HasReason("PEER_UNAVAILABLE"));
  EXPECT_EQ(contacts_.List(clinician_, "", 10)->at(0).state, ContactRequest::State::kWaiting);
}

// The ledger forgets nothing, so it must not be told what another one's answer makes untrue.
TEST_F(ContactsTest, OfTwoAnswersAtOnceOneCountsAndIsLedgered) {
  const auto asked = contacts_.Request(clinician_, Asking());
  const Context other = As("committee", "Biobank", {"dac"});
  ledger_.meanwhile = [&] {
    EXPECT_THAT(contacts_.Answer(other, asked->id, false, "No"), HasReason("CONTACT_ANSWERED"));
  };
  EXPECT_THAT(contacts_.Answer(holder_, asked->id, true, "Call us"), IsOk());
  EXPECT_EQ(contacts_.List(clinician_, "", 10)->at(0).reply, "Call us");
  EXPECT_EQ(ledger_.outcomes, (std::vector<std::string>{"requested", "accepted"}));
}

TEST_F(ContactsTest, AnAnswerThatTheLedgerDidNotTakeIsFinishedByWhoeverAnswersNext) {
  const auto asked = contacts_.Request(clinician_, Asking());
  ledger_.up = false;
  EXPECT_THAT(contacts_.Answer(holder_, asked->id, true, "Call us"), HasReason("PEER_UNAVAILABLE"));
  ledger_.up = true;
  EXPECT_THAT(contacts_.Answer(holder_, asked->id, false, "No"), HasReason("CONTACT_ANSWERED"));
  EXPECT_EQ(contacts_.List(clinician_, "", 10)->at(0).reply, "Call us");
  EXPECT_THAT(contacts_.Answer(holder_, asked->id, true, "Call us"), IsOk());
  EXPECT_EQ(ledger_.outcomes, (std::vector<std::string>{"requested", "accepted"}));
}

TEST_F(ContactsTest, AreRefusedWithAReason) {
  EXPECT_THAT(contacts_.Request(As("maria", ""), Asking()), HasReason("ORGANISATION_MISSING"));
  EXPECT_THAT(contacts_.Request(clinician_, Asking("GOE-FI-A-9")), HasReason("DATASET_UNKNOWN"));
  ContactRequest empty = Asking();
  empty.message = " ";
  EXPECT_THAT(contacts_.Request(clinician_, empty), HasReason("FIELD_MISSING"));
  ContactRequest unknown = Asking();
  unknown.terms = {"HP:9999999"};
  EXPECT_THAT(contacts_.Request(clinician_, unknown), HasReason("TERM_UNKNOWN"));
  EXPECT_THAT(contacts_.Answer(holder_, "contact-x", true, "Yes"), HasReason("CONTACT_UNKNOWN"));
  for (int i = 0; i < 20; ++i) ASSERT_THAT(contacts_.Request(clinician_, Asking()), IsOk());
  EXPECT_THAT(contacts_.Request(clinician_, Asking()), HasReason("TOO_MANY_REQUESTS"));
}

}  // namespace
}  // namespace genofed::discovery
