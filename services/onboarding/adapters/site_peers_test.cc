// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/site_peers.h"

#include <gtest/gtest.h>

#include "libs/rpc/time_codec.h"
#include "libs/testing/fake_ledger.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"

namespace genofed::onboarding {
namespace {

using testing::IsOk;

// The consent service, as far as registrations ask it.
class FakeRegistrar final : public consent::v1::ConsentService::Service {
 public:
  FakeRegistrar() {
    grpc::ServerBuilder builder;
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeRegistrar() override { server_->Shutdown(); }
  rpc::ChannelSource Channel() {
    return {[this] { return server_->InProcessChannel({}); }, "fi/consent", "test", nullptr};
  }
  grpc::Status RegisterSubjects(grpc::ServerContext*, const consent::v1::RegisterSubjectsRequest* request,
                                consent::v1::RegisterSubjectsResponse* response) override {
    registered = *request;
    for (int i = 0; i < request->subjects_size(); ++i) response->add_subjects()->set_row(i);
    return grpc::Status::OK;
  }
  grpc::Status GetEpoch(grpc::ServerContext*, const consent::v1::GetEpochRequest*,
                        consent::v1::GetEpochResponse* response) override {
    response->set_adult_age(adult_age);
    return grpc::Status::OK;
  }
  consent::v1::RegisterSubjectsRequest registered;
  int adult_age = 16;

 private:
  std::unique_ptr<grpc::Server> server_;
};

TEST(ConsentClient, TellsWithinWhichLimitsPeoplePermit) {
  testing::FakeClock clock;
  FakeRegistrar registrar;
  const auto client = MakeConsentClient(registrar.Channel(), clock);
  SubjectConsent limited{"P1", clinical::kPermitSecondaryUse};
  limited.limits = {{"DUO:0000006", "EHDS:53-1-a"}, {"DUO:0000022=FI", "DUO:0000045"}};
  limited.wishes.recontact = false;
  limited.origin.by_guardian = true;
  limited.born = *ParseRfc3339("2012-02-29T00:00:00Z");
  const std::vector<SubjectConsent> subjects = {limited, {"P2", clinical::kPermitSecondaryUse}};
  ASSERT_THAT(client->Register(Context::Background(), {"GOE-FI-A-1", 1, 0, false}, subjects), IsOk());
  const auto& told = registrar.registered.subjects(0);
  EXPECT_EQ(std::vector<std::string>(told.terms().purposes().begin(), told.terms().purposes().end()), limited.limits.purposes);
  EXPECT_EQ(std::vector<std::string>(told.terms().conditions().begin(), told.terms().conditions().end()),
            limited.limits.conditions);
  EXPECT_TRUE(told.terms().by_guardian());
  EXPECT_TRUE(told.terms().has_recontact() && !told.terms().recontact());
  EXPECT_FALSE(told.terms().has_incidental_findings());
  EXPECT_EQ(rpc::GetTime(told.born()), limited.born);
  EXPECT_FALSE(registrar.registered.subjects(1).has_terms());
  EXPECT_FALSE(registrar.registered.subjects(1).has_born());
}

TEST(ConsentClient, AsksWhenPeopleComeOfAge) {
  testing::FakeClock clock;
  FakeRegistrar registrar;
  const auto client = MakeConsentClient(registrar.Channel(), clock);
  EXPECT_EQ(client->AdultAge(Context::Background()).value_or(0), 16);
  registrar.adult_age = 0;
  EXPECT_THAT(client->AdultAge(Context::Background()), testing::HasReason("CONSENT_ANSWER_INVALID"));
}

// A data manager's reason is several lines, and a job whose entry is refused would never end.
TEST(ConsentClient, AnyReasonFitsIntoTheEntry) {
  testing::FakeClock clock;
  testing::FakeLedger ledger;
  const auto client = MakeConsentClient(ledger.Channel(), clock);
  const Context ctx = Context::Background();
  ASSERT_THAT(client->Log(ctx, "dataset:1",
                          {"GOE-FI-A-1", 2, "rolled-back", "", "",
                           "The labels\nwere mixed up: " + std::string(5'000, 'x')}),
              IsOk());
  ASSERT_THAT(client->Log(ctx, "dataset:2", {"GOE-FI-A-1", 0, "decommissioned", "", "", ""}),
              IsOk());
  const auto entries = ledger.Entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].kind, ledger::EntryKind::kDataset);
  EXPECT_TRUE(entries[0].Field("reason").starts_with("The labels were mixed up: xx"));
  EXPECT_EQ(entries[0].Field("version"), "2");
  EXPECT_FALSE(entries[1].fields.contains("reason"));
  EXPECT_FALSE(entries[1].fields.contains("version"));
}

TEST(ConsentClient, AJobThatBeginsAgainLogsOnce) {
  testing::FakeClock clock;
  testing::FakeLedger ledger;
  const auto client = MakeConsentClient(ledger.Channel(), clock);
  const DatasetEvent event{"GOE-FI-A-1", 2, "rolled-back", "", "", "a mistake"};
  ASSERT_THAT(client->Log(Context::Background(), "dataset:1", event), IsOk());
  clock.Advance(std::chrono::minutes(5));
  EXPECT_THAT(client->Log(Context::Background(), "dataset:1", event), IsOk());
  EXPECT_EQ(ledger.Entries().size(), 1u);
}

}  // namespace
}  // namespace genofed::onboarding
