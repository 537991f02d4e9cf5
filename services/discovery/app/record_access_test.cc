// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/record_access.h"

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using std::chrono::hours;
using testing::HasReason;
using testing::IsOk;

class RecordAccessTest : public ::testing::Test {
 protected:
  static Context As(std::string subject) {
    Principal principal;
    principal.user.emplace();
    principal.user->subject = std::move(subject);
    return Context::Background().WithPrincipal(std::move(principal));
  }
  Result<std::shared_ptr<const PermittedRows>> Open(const std::string& reader = "ann",
                                                    const Project& project = kHearts,
                                                    std::int64_t epoch = 0) {
    return access_.Open(As(reader), "GDI-FI-BEACON-1", 1, epoch, project);
  }

  static inline const Project kHearts{
      "visa-1", "https://fi.example/dac", "app-1",       "Hearts",
      "Uni",    "Why do they\nbeat?",     "DUO:0000007", std::string(64, 'd')};
  testing::FakeClock clock_;
  FakeConsent consent_;
  FakeProjectConsent project_consent_{consent_};
  RecordAccess access_{project_consent_, clock_};

 private:
  void SetUp() override { consent_.rows["GDI-FI-BEACON-1"] = 20; }
};

TEST_F(RecordAccessTest, WhoeverMayBeReadIsInTheLedgerFirst) {
  consent_.withdrawn[Permission::kSecondaryUse] = {3};
  const auto opened = Open();
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ((*opened)->bits[0], '\xf7');
  EXPECT_EQ(project_consent_.purposes, std::vector<std::string>{"DUO:0000007"});
  ASSERT_EQ(project_consent_.entries.size(), 1u);
  const ledger::Entry& entry = project_consent_.entries.begin()->second;
  EXPECT_EQ(entry.kind, ledger::EntryKind::kAccess);
  EXPECT_EQ(entry.Field("application"), "app-1");
  EXPECT_EQ(entry.Field("project"), "Hearts");
  EXPECT_EQ(entry.Field("organisation"), "Uni");
  EXPECT_EQ(entry.Field("purpose"), "Why do they beat?");
  EXPECT_EQ(entry.Field("dataset"), "GDI-FI-BEACON-1");
  EXPECT_EQ(entry.Field("version"), "1");
  EXPECT_EQ(entry.Field("snapshot"), "snapshot-1");
  EXPECT_EQ(entry.Field("visa"), "visa-1");
  EXPECT_EQ(entry.Field("decision_sha256"), std::string(64, 'd'));
  EXPECT_EQ(entry.numbers.at("epoch"), 1);
  EXPECT_EQ(entry.numbers.at("slots"), 128);
  const std::string bytes = ledger::EncodeEntry(entry).value();
  EXPECT_EQ(bytes.find("ann"), std::string::npos) << "the ledger names no person";
}

TEST_F(RecordAccessTest, NothingIsReadThatCannotBeLogged) {
  project_consent_.logs = false;
  EXPECT_THAT(Open(), HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(Open(), HasReason("LEDGER_FROZEN")) << "a failure is not remembered as an access";
  project_consent_.logs = true;
  EXPECT_THAT(Open(), IsOk());
  consent_.up = false;
  EXPECT_THAT(Open(), IsOk()) << "what is logged goes on while permissions are as they were";
  EXPECT_THAT(Open("ann", kHearts, 2), HasReason("PEER_UNAVAILABLE"));
}

TEST_F(RecordAccessTest, OneEntryForEachReaderProjectStateAndDay) {
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Open(), IsOk());
  EXPECT_EQ(consent_.fetches, 1) << "asked once";
  EXPECT_EQ(project_consent_.entries.size(), 1u);
  Project renewed = kHearts;
  renewed.visa = "visa-2";
  EXPECT_THAT(Open("ann", renewed), IsOk());
  EXPECT_EQ(project_consent_.entries.size(), 1u) << "the application is the same";
  EXPECT_THAT(Open("bob"), IsOk());
  EXPECT_EQ(project_consent_.entries.size(), 2u);
  Project other = kHearts;
  other.application = "app-2";
  EXPECT_THAT(Open("ann", other), IsOk());
  EXPECT_EQ(project_consent_.entries.size(), 3u);
  clock_.Advance(hours(24));
  EXPECT_THAT(Open(), IsOk());
  EXPECT_EQ(project_consent_.entries.size(), 4u) << "another day";
  ++consent_.epoch;
  consent_.withdrawn[Permission::kSecondaryUse] = {0};
  const auto after = Open("ann", kHearts, 2);
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ((*after)->bits[0], '\xfe');
  EXPECT_EQ(project_consent_.entries.size(), 5u) << "others permit it now";
  // A process that was restarted finds its entry again.
  RecordAccess restarted(project_consent_, clock_);
  EXPECT_THAT(restarted.Open(As("ann"), "GDI-FI-BEACON-1", 1, 2, kHearts), IsOk());
  EXPECT_EQ(project_consent_.entries.size(), 5u);
}

TEST_F(RecordAccessTest, OfAnotherAuthoritysVisaTheLedgerSaysWhichVisaItWas) {
  Project foreign;
  foreign.visa = "urn:visa:7";
  foreign.visa_source = "https://dac.example";
  ASSERT_THAT(Open("ann", foreign), IsOk());
  EXPECT_EQ(project_consent_.purposes, std::vector<std::string>{""});
  const ledger::Entry& entry = project_consent_.entries.begin()->second;
  EXPECT_EQ(entry.Field("visa"), "urn:visa:7");
  EXPECT_EQ(entry.Field("visa_source"), "https://dac.example");
  EXPECT_FALSE(entry.fields.contains("project"));
}

TEST_F(RecordAccessTest, OlderPermissionsAreRefused) {
  consent_.cohort_epoch = 1;
  EXPECT_THAT(Open("ann", kHearts, 2), HasReason("CONSENT_BEHIND"));
  EXPECT_TRUE(project_consent_.entries.empty());
}

}  // namespace
}  // namespace genofed::discovery
