// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "libs/sql/outbox.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_postgres.h"
#include "services/access/adapters/sql_application_store.h"
#include "services/access/adapters/sql_grant_store.h"

namespace genofed::access {
extern const genofed::EmbeddedFile kMigrations[];
namespace {

using testing::HasReason;
using testing::IsOk;

class SqlStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("access"));
    ASSERT_THAT(database_->Migrate(kMigrations), IsOk());
  }
  static Application NewApplication(std::string id) {
    Application application;
    application.id = std::move(id);
    application.applicant_issuer = "i";
    application.applicant_subject = "s";
    application.content.datasets = {"GOE-FI-A-1"};
    return application;
  }
  std::unique_ptr<sql::Database> database_;
  Context ctx_ = Context::Background();
};

TEST_F(SqlStoreTest, TheSameKeyOfTheSameApplicantIsTheSameApplication) {
  SqlApplicationStore store(*database_);
  EXPECT_EQ(store.Add(ctx_, NewApplication("app-1"), "k")->id, "app-1");
  EXPECT_EQ(store.Add(ctx_, NewApplication("app-2"), "k")->id, "app-1");
  EXPECT_EQ(store.Add(ctx_, NewApplication("app-3"), "")->id, "app-3");
  EXPECT_THAT(store.Find(ctx_, "app-2"), HasReason("APPLICATION_UNKNOWN"));
}

TEST_F(SqlStoreTest, ANodeSeesOnlyWhatWasTransmittedToItAndEveryChangeOnce) {
  SqlApplicationStore store(*database_);
  ASSERT_THAT(store.Add(ctx_, NewApplication("app-1"), ""), IsOk());
  EXPECT_TRUE(store.ChangedSince(ctx_, "FI", 0, 10)->empty());
  auto changed = store.Change(ctx_, "app-1", [](Application& application) -> Status {
    CountryDecision pending;
    pending.country = "FI";
    application.decisions.push_back(pending);
    return absl::OkStatus();
  });
  ASSERT_THAT(changed, IsOk());
  auto seen = store.ChangedSince(ctx_, "FI", 0, 10);
  ASSERT_EQ(seen->size(), 1u);
  EXPECT_TRUE(store.ChangedSince(ctx_, "ES", 0, 10)->empty());
  std::int64_t cursor = seen->at(0).sequence;
  // A change that changes nothing, or fails, is not seen.
  ASSERT_THAT(store.Change(ctx_, "app-1", [](Application&) { return absl::OkStatus(); }), IsOk());
  EXPECT_THAT(store.Change(ctx_, "app-1",
                           [](Application& a) -> Status {
                             return a.digest = "x", Error(StatusCode::kAborted, "NO", "no");
                           }),
              HasReason("NO"));
  EXPECT_TRUE(store.ChangedSince(ctx_, "FI", cursor, 10)->empty());
}

TEST_F(SqlStoreTest, ADecisionAndItsMessageAreStoredTogether) {
  SqlGrantStore store(*database_);
  auto sign = [](Grant& grant) -> Status {
    grant.application.id = "app-1";
    grant.decision.signed_decision = "jws";
    return absl::OkStatus();
  };
  ASSERT_THAT(store.Change(ctx_, "app-1", sign), IsOk());
  ASSERT_THAT(store.Change(ctx_, "app-1", sign), IsOk());  // no new decision, no new message
  EXPECT_EQ(*database_->Read(ctx_, [](sql::Tx& tx) { return sql::Outbox().Pending(tx); }), 1);
  EXPECT_EQ(store.Find(ctx_, "app-1")->decision.signed_decision, "jws");
  ASSERT_THAT(store.SetCursor(ctx_, 7), IsOk());
  ASSERT_THAT(store.SetCursor(ctx_, 5), IsOk());
  EXPECT_EQ(*store.Cursor(ctx_), 7);
}

TEST_F(SqlStoreTest, AProposalIsKeptAndSendsNothing) {
  const Time at = FromUnixSeconds(1'795'332'028);
  Proposal proposal{{"https://idp", "dora", "Dr Dora"},
                    at,
                    {"d1", {"GOE-FI-A-1"}, 30},
                    "because",
                    std::nullopt,
                    {}};
  auto change = [&](Grant& grant) -> Status {
    grant.application.id = "app-1";
    grant.proposal = proposal;
    return absl::OkStatus();
  };
  ASSERT_THAT(SqlGrantStore(*database_).Change(ctx_, "app-1", change), IsOk());
  EXPECT_EQ(*database_->Read(ctx_, [](sql::Tx& tx) { return sql::Outbox().Pending(tx); }), 0);
  auto kept = SqlGrantStore(*database_).Find(ctx_, "app-1")->proposal;
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->proposer.subject, "dora");
  EXPECT_EQ(kept->proposer.name, "Dr Dora");
  EXPECT_EQ(kept->terms, proposal.terms);
  EXPECT_EQ(kept->at, at);
  EXPECT_FALSE(kept->seconder.has_value());

  proposal.seconder = Member{"https://idp", "dick", "Dr Dick"};
  proposal.seconded_at = at;
  ASSERT_THAT(SqlGrantStore(*database_).Change(ctx_, "app-1", change), IsOk());
  EXPECT_EQ(SqlGrantStore(*database_).Find(ctx_, "app-1")->proposal->seconder->subject, "dick");
}

}  // namespace
}  // namespace genofed::access
