// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libs/core/file.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::onboarding {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// What a hospital has: resources with the time of their last change.
class FakeServer final : public ClinicalServer {
 public:
  struct Stored {
    PulledResource resource;
    Time changed;
  };
  explicit FakeServer(const Clock& clock) : clock_(clock) {}

  void Put(const std::string& patient, const std::string& type, const std::string& text) {
    const std::string key = type + "/" + patient;
    stored[key] = {{patient, key, type == "Patient", type == "Consent", "{\"" + text + "\"}"},
                   clock_.Now()};
  }
  void PutPerson(const std::string& patient, bool consent = true) {
    Put(patient, "Patient", patient);
    Put(patient, "Condition", patient + " epilepsy");
    if (consent) Put(patient, "Consent", patient + " permits");
  }

  Result<PullSummary> Everything(const Context&, const Sink& sink) override {
    calls.push_back("everything");
    return Give([](const Stored&) { return true; }, sink);
  }
  Result<PullSummary> ChangedSince(const Context&, Time since,
                                   std::set<std::string>& patients) override {
    calls.push_back("changed");
    GF_ASSIGN(PullSummary summary, Give([&](const Stored& s) { return s.changed >= since; },
                                        [&](const PulledResource& r) {
                                          patients.insert(r.patient);
                                          return absl::OkStatus();
                                        }));
    summary.deletions = deletions;
    return summary;
  }
  Result<PullSummary> RecordsOf(const Context&, const std::set<std::string>& patients,
                                const Sink& sink) override {
    calls.push_back("records");
    return Give([&](const Stored& s) { return patients.contains(s.resource.patient); }, sink);
  }

  std::map<std::string, Stored> stored;
  std::vector<std::string> calls;
  Status failure;
  bool deletions = false;

 private:
  Result<PullSummary> Give(const std::function<bool(const Stored&)>& wanted, const Sink& sink) {
    GF_TRY(failure);
    PullSummary summary;
    summary.as_of = clock_.Now();
    for (const auto& [key, s] : stored) {
      if (!wanted(s)) continue;
      ++summary.resources;
      GF_TRY(sink(s.resource));
    }
    return summary;
  }
  const Clock& clock_;
};

class FakeStore final : public ConnectorStore {
 public:
  Result<ConnectorState> Load(const Context&, const std::string& name) override {
    if (state.name.empty()) state.name = name;
    return state;
  }
  Status Save(const Context&, const ConnectorState& s) override { return Keep(s); }
  Result<PersonRecords> Records(const Context&, const std::string&) override { return records; }
  Status SetPending(const Context&, const ConnectorState& s, const PersonRecords& people) override {
    if (die_before_pending) return Error(StatusCode::kUnavailable, "KILLED", "killed");
    pending = people;
    return Keep(s);
  }
  Status CommitPending(const Context&, const ConnectorState& s) override {
    for (const auto& [person, record] : pending) records[person] = record;
    pending.clear();
    return Keep(s);
  }
  Status Forget(const Context&, const ConnectorState& s) override {
    records.clear();
    pending.clear();
    return Keep(s);
  }

  ConnectorState state;
  PersonRecords records, pending;
  bool die_before_pending = false;

 private:
  Status Keep(const ConnectorState& s) {
    state = s;
    return absl::OkStatus();
  }
};

class FakeIntake final : public Intake {
 public:
  struct Taken {
    IntakeRequest request;
    std::string clinical, consents;
    Submission submission;
  };
  Result<Submission> Submit(const Context&, const IntakeRequest& request) override {
    for (const Taken& known : taken) {
      if (known.request.idempotency_key == request.idempotency_key) return known.submission;
    }
    GF_TRY(failure);
    Taken now{request, *request.files[0].read(0, 1000), *request.files[1].read(0, 1000), {}};
    now.submission.id = "sub-" + std::to_string(taken.size() + 1);
    now.submission.state = State::kQueued;
    taken.push_back(now);
    return now.submission;
  }
  Result<Submission> Find(const Context&, const Holder&, const std::string& id) override {
    for (const Taken& known : taken) {
      if (known.submission.id == id) return known.submission;
    }
    return Error(StatusCode::kNotFound, "SUBMISSION_UNKNOWN", "no");
  }
  void End(State state, std::int32_t version = 0, const std::string& finding = "") {
    Submission& last = taken.back().submission;
    last.state = state;
    last.version = version;
    if (!finding.empty()) last.findings.push_back({Severity::kError, finding, "", 0, "", ""});
  }
  std::vector<Taken> taken;
  Status failure;
};

class ConnectorTest : public ::testing::Test {
 protected:
  ConnectorTest() {
    options_.name = "hus";
    options_.dataset = "GOE-FI-HEART-1";
    options_.holder = {"https://idp", "anna", "HUS"};
    server_.PutPerson("a");
    server_.PutPerson("b");
  }
  // A new process each time, an interval later.
  Status Run() {
    clock_.Advance(std::chrono::minutes(15));
    Connector connector(
        options_, server_, store_, intake_,
        [this](const Context&, const std::string&) -> Result<std::int32_t> { return listed_; },
        layout_, clock_, random_);
    server_.calls.clear();
    return connector.RunOnce(Context::Background());
  }
  // The first pull, published as version 2 and listed.
  void Baseline() {
    ASSERT_THAT(Run(), IsOk());
    intake_.End(State::kPublished, 2);
    listed_ = 2;
    ASSERT_THAT(Run(), IsOk());
    ASSERT_EQ(store_.state.base_version, 2);
  }

  testing::TemporaryDirectory directory_;
  const Layout layout_{directory_.path()};
  testing::FakeClock clock_;
  testing::SeededRandom random_;
  ConnectorOptions options_;
  FakeServer server_{clock_};
  FakeStore store_;
  FakeIntake intake_;
  std::int32_t listed_ = 1;
};

TEST_F(ConnectorTest, HandsInEverythingFirst) {
  ASSERT_THAT(Run(), IsOk());
  EXPECT_THAT(server_.calls, ElementsAre("everything"));
  ASSERT_EQ(intake_.taken.size(), 1U);
  const auto& taken = intake_.taken[0];
  EXPECT_EQ(taken.request.mode, Mode::kFollowUp);
  EXPECT_EQ(taken.request.dataset.id, "GOE-FI-HEART-1");
  EXPECT_EQ(taken.request.holder.subject, "anna");
  for (const char* line : {"{\"a\"}\n", "{\"a epilepsy\"}\n", "{\"b\"}\n", "{\"b epilepsy\"}\n"}) {
    EXPECT_THAT(taken.clinical, HasSubstr(line));
  }
  EXPECT_THAT(taken.consents, ::testing::AnyOf("{\"a permits\"}\n{\"b permits\"}\n",
                                               "{\"b permits\"}\n{\"a permits\"}\n"));
  EXPECT_EQ(taken.request.files[0].size, static_cast<std::int64_t>(taken.clinical.size()));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "connectors/hus/spool"))
      << "nothing stays in clear";
  EXPECT_EQ(store_.state.submission, "sub-1");
  EXPECT_EQ(store_.state.watermark, std::nullopt) << "not before it is in force";
}

TEST_F(ConnectorTest, ThenHandsInPeopleOfWhomSomethingChanged) {
  Baseline();
  EXPECT_EQ(intake_.taken.size(), 1U) << "nothing changed";
  server_.Put("b", "Condition", "b migraine");
  ASSERT_THAT(Run(), IsOk());
  EXPECT_THAT(server_.calls, ElementsAre("changed", "records"));
  ASSERT_EQ(intake_.taken.size(), 2U);
  EXPECT_THAT(intake_.taken[1].clinical,
              ::testing::AnyOf("{\"b\"}\n{\"b migraine\"}\n", "{\"b migraine\"}\n{\"b\"}\n"));
  EXPECT_EQ(intake_.taken[1].consents, "{\"b permits\"}\n");
}

TEST_F(ConnectorTest, NothingNewMakesNothing) {
  Baseline();
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(Run(), IsOk());
    EXPECT_THAT(server_.calls, ElementsAre("changed"));
  }
  server_.Put("a", "Condition", "a epilepsy");  // written again, and the same
  ASSERT_THAT(Run(), IsOk());
  EXPECT_THAT(server_.calls, ElementsAre("changed", "records"));
  EXPECT_EQ(intake_.taken.size(), 1U);
}

TEST_F(ConnectorTest, UntilAVersionIsListedItsChangesGoWithLaterOnes) {
  Baseline();
  server_.Put("a", "Condition", "a migraine");
  ASSERT_THAT(Run(), IsOk());
  intake_.End(State::kPublished, 3);  // and not listed
  ASSERT_THAT(Run(), IsOk());
  ASSERT_THAT(Run(), IsOk());
  EXPECT_EQ(intake_.taken.size(), 2U) << "the same is not handed in again";
  server_.Put("b", "Condition", "b asthma");
  ASSERT_THAT(Run(), IsOk());
  ASSERT_EQ(intake_.taken.size(), 3U);
  EXPECT_THAT(intake_.taken[2].clinical, HasSubstr("a migraine"));
  EXPECT_THAT(intake_.taken[2].clinical, HasSubstr("b asthma"));
  intake_.End(State::kPublished, 4);
  listed_ = 4;
  ASSERT_THAT(Run(), IsOk());
  EXPECT_EQ(store_.state.base_version, 4);
  EXPECT_EQ(intake_.taken.size(), 3U);
}

TEST_F(ConnectorTest, WaitsForASubmissionThatRuns) {
  ASSERT_THAT(Run(), IsOk());
  server_.Put("a", "Condition", "a migraine");
  ASSERT_THAT(Run(), IsOk());
  EXPECT_THAT(server_.calls, IsEmpty());
  EXPECT_EQ(store_.state.last_error, "");
}

TEST_F(ConnectorTest, StartsOverFromSomebodyElsesVersion) {
  Baseline();
  listed_ = 7;
  ASSERT_THAT(Run(), IsOk());
  EXPECT_THAT(server_.calls, ElementsAre("everything"));
  EXPECT_EQ(intake_.taken.size(), 2U);
}

TEST_F(ConnectorTest, TakesNothingToTakeOverForDone) {
  for (const char* finding : {"NO_KNOWN_SUBJECT", "NOTHING_CHANGED"}) {
    ASSERT_THAT(Run(), IsOk());
    intake_.End(State::kRejected, 0, finding);
    ASSERT_THAT(Run(), IsOk());
    EXPECT_EQ(store_.state.submission, "");
    EXPECT_NE(store_.state.watermark, std::nullopt);
    server_.Put("b", "Condition", finding);
  }
  EXPECT_EQ(intake_.taken.size(), 2U);
}

TEST_F(ConnectorTest, SaysThatASubmissionWasRejectedUntilTheServerMendsIt) {
  ASSERT_THAT(Run(), IsOk());
  intake_.End(State::kRejected, 0, "JSON_INVALID");
  EXPECT_THAT(Run(), HasReason("SUBMISSION_REJECTED"));
  EXPECT_THAT(store_.state.last_error, HasSubstr("sub-1"));
  EXPECT_EQ(intake_.taken.size(), 1U);
  server_.Put("a", "Condition", "mended");
  EXPECT_THAT(Run(), IsOk());
  EXPECT_EQ(intake_.taken.size(), 2U);
  EXPECT_THAT(intake_.taken[1].clinical, HasSubstr("b epilepsy"))
      << "everything that is not in force goes again";
}

TEST_F(ConnectorTest, TriesAgainAfterAFailureOfThisSite) {
  ASSERT_THAT(Run(), IsOk());
  intake_.End(State::kFailed);
  ASSERT_THAT(Run(), IsOk());
  EXPECT_EQ(intake_.taken.size(), 2U);
  EXPECT_EQ(intake_.taken[1].clinical, intake_.taken[0].clinical);
}

TEST_F(ConnectorTest, KilledAfterHandingInHandsInTheSame) {
  store_.die_before_pending = true;
  EXPECT_THAT(Run(), HasReason("KILLED"));
  store_.die_before_pending = false;
  ASSERT_THAT(Run(), IsOk());
  EXPECT_EQ(intake_.taken.size(), 1U);
  EXPECT_EQ(store_.state.submission, "sub-1");
}

TEST_F(ConnectorTest, KeepsTheWatermarkWhenTheServerFails) {
  Baseline();
  ASSERT_THAT(Run(), IsOk());
  const auto watermark = store_.state.watermark, success = store_.state.last_success;
  server_.failure = Error(StatusCode::kUnavailable, "FHIR_SERVER_ERROR", "the server answered 503");
  server_.Put("a", "Condition", "a migraine");
  EXPECT_THAT(Run(), HasReason("FHIR_SERVER_ERROR"));
  EXPECT_EQ(store_.state.watermark, watermark);
  EXPECT_EQ(store_.state.last_success, success);
  EXPECT_THAT(store_.state.last_error, HasSubstr("503"));
  server_.failure = absl::OkStatus();
  EXPECT_THAT(Run(), IsOk());
  EXPECT_EQ(store_.state.last_error, "");
  EXPECT_EQ(intake_.taken.size(), 2U);
}

TEST_F(ConnectorTest, LeavesOutPeopleOfWhoseConsentTheServerSaysNothing) {
  server_.PutPerson("c", false);
  ASSERT_THAT(Run(), IsOk());
  EXPECT_THAT(intake_.taken[0].clinical, ::testing::Not(HasSubstr("\"c")));
}

TEST_F(ConnectorTest, HandsInThatConsentsAreGone) {
  Baseline();
  server_.stored.erase("Consent/a");
  server_.deletions = true;  // as an export says; a search shows nothing
  ASSERT_THAT(Run(), IsOk());
  ASSERT_EQ(intake_.taken.size(), 2U);
  EXPECT_THAT(intake_.taken[1].clinical, HasSubstr("a epilepsy"));
  EXPECT_EQ(intake_.taken[1].consents, "{\"resourceType\":\"Bundle\",\"type\":\"collection\"}\n");
}

TEST_F(ConnectorTest, ReadsEverythingFromTimeToTime) {
  Baseline();
  server_.stored.erase("Condition/a");
  ASSERT_THAT(Run(), IsOk());
  EXPECT_EQ(intake_.taken.size(), 1U);
  clock_.Advance(options_.full_interval);
  ASSERT_THAT(Run(), IsOk());
  EXPECT_THAT(server_.calls, ElementsAre("everything"));
  ASSERT_EQ(intake_.taken.size(), 2U);
  EXPECT_EQ(intake_.taken[1].clinical, "{\"a\"}\n");
}

TEST_F(ConnectorTest, WhatWasDeletedIsNotLostWithASubmissionThatFails) {
  Baseline();
  server_.stored.erase("Condition/a");
  clock_.Advance(options_.full_interval);
  intake_.failure = Error(StatusCode::kResourceExhausted, "STORAGE_FULL", "full");
  EXPECT_THAT(Run(), HasReason("STORAGE_FULL"));
  intake_.failure = absl::OkStatus();
  ASSERT_THAT(Run(), IsOk());
  ASSERT_EQ(intake_.taken.size(), 2U);
  intake_.End(State::kFailed);
  ASSERT_THAT(Run(), IsOk());
  ASSERT_EQ(intake_.taken.size(), 3U);
  EXPECT_EQ(intake_.taken[2].clinical, "{\"a\"}\n");
}

TEST_F(ConnectorTest, WithoutAListedVersionAsksNothing) {
  listed_ = 0;
  EXPECT_THAT(Run(), HasReason("NO_LISTED_VERSION"));
  EXPECT_THAT(server_.calls, IsEmpty());
}

TEST(PullSpool, DoesNotDependOnOrderAndTakesTheLastOfARepetition) {
  testing::TemporaryDirectory directory;
  const PulledResource patient{"a", "Patient/a", true, false, "{\"a\"}"},
      old{"a", "Condition/1", false, false, "{\"old\"}"},
      fresh{"a", "Condition/1", false, false, "{\"new\"}"},
      nobodys{"b", "Condition/2", false, false, "{\"b\"}"};
  std::vector<PersonRecords> seen;
  std::vector<std::string> written;
  for (const auto& order : {std::vector{patient, old, fresh, nobodys},
                            std::vector{old, nobodys, fresh, patient, patient}}) {
    auto spool = PullSpool::Create(directory / "spool", "key");
    ASSERT_THAT(spool, IsOk());
    for (const auto& resource : order) ASSERT_THAT((*spool)->Add(resource), IsOk());
    seen.push_back((*spool)->Finish());
    ASSERT_EQ(seen.back().size(), 1U) << "who has no Patient is left out";
    ASSERT_THAT(
        (*spool)->Write({seen.back().begin()->first}, directory / "spool/c", directory / "spool/d"),
        IsOk());
    written.push_back(*ReadFile(directory / "spool/c"));
    struct stat facts {};
    ASSERT_EQ(::stat((directory / "spool/c").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600U);
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(written[0], written[1]);
  EXPECT_THAT(written[0], HasSubstr("new"));
  EXPECT_THAT(written[0], ::testing::Not(HasSubstr("old")));
}

}  // namespace
}  // namespace genofed::onboarding
