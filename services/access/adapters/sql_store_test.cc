// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "libs/platform/ledger_outbox.h"
#include "libs/sql/outbox.h"
#include "libs/testing/fake_ledger.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_postgres.h"
#include "services/access/adapters/sql_application_store.h"
#include "services/access/adapters/sql_grant_store.h"
#include "services/access/adapters/sql_revocation_store.h"
#include "services/access/adapters/sql_visa_stores.h"

namespace genofed::access {
extern const genofed::EmbeddedFile kMigrations[];
namespace {

using testing::HasReason;
using testing::IsOk;

RevocationRecord NewRecord(std::string id, auth::RevocationKind kind, std::string value, Time at) {
  RevocationRecord record;
  record.id = std::move(id);
  record.what = {kind, std::move(value), ""};
  record.reason = "because";
  record.by = "dora";
  record.at = at;
  return record;
}

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
  // A grant as the committee decided it.
  static std::function<Status(Grant&)> Decision(const std::string& id, Outcome outcome,
                                                const std::string& jws, Time at) {
    return [=](Grant& grant) -> Status {
      grant.application = NewApplication(id);
      grant.application.content.title = "Epilepsy";
      grant.decision.outcome = outcome;
      grant.decision.datasets = {"GOE-FI-A-1", "GOE-FI-B-1"};
      grant.decision.signed_decision = jws;
      grant.decision.at = at;
      grant.permit_until = at + std::chrono::hours(24);
      return absl::OkStatus();
    };
  }
  std::int64_t Count(const std::string& of) {
    return *database_->Read(ctx_, [&](sql::Tx& tx) -> Result<std::int64_t> {
      if (of != "ledger_openings") return sql::Outbox(of).Pending(tx);
      GF_ASSIGN(auto rows, tx.Exec("SELECT count(*) FROM ledger_openings"));
      return rows[0].Int(0);
    });
  }
  std::unique_ptr<sql::Database> database_;
  testing::FakeClock clock_;
  SystemRandom random_;
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
  SqlGrantStore store(*database_, clock_, random_);
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
  EXPECT_EQ(*store.Cursor(ctx_), 5);
}

TEST_F(SqlStoreTest, ADecisionAndItsEntriesAreStoredTogether) {
  SqlGrantStore store(*database_, clock_, random_);
  const Time at = FromUnixSeconds(1'767'225'600);
  const auto approve = Decision("app-1", Outcome::kApproved, "jws", at);
  ASSERT_THAT(store.Change(ctx_, "app-1", approve), IsOk());
  ASSERT_THAT(store.Change(ctx_, "app-1", approve), IsOk());
  EXPECT_EQ(Count("ledger_outbox"), 2) << "one for each dataset";
  EXPECT_EQ(Count("ledger_openings"), 2);
  // What is not stored leaves nothing behind.
  EXPECT_THAT(store.ChangeAndRevoke(ctx_, "app-1", {},
                                    [&](Grant& grant) -> Status {
                                      GF_TRY(Decision("app-1", Outcome::kRevoked, "x", at)(grant));
                                      return Error(StatusCode::kAborted, "NO", "no");
                                    }),
              HasReason("NO"));
  EXPECT_EQ(Count("ledger_outbox"), 2);

  testing::FakeLedger ledger;
  auto delivery = StartLedgerDelivery(*database_, ledger.Channel());
  for (int i = 0; i < 200 && ledger.Entries().size() < 2; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto entries = ledger.Entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].kind, ledger::EntryKind::kGrant);
  EXPECT_EQ(entries[0].Field("dataset"), "GOE-FI-A-1");
  EXPECT_EQ(entries[1].Field("dataset"), "GOE-FI-B-1");
  EXPECT_EQ(entries[1].time, "2026-01-01T00:00:00Z");
}

TEST_F(SqlStoreTest, ARevocationAtTheSiteIsInTheLedgerOnce) {
  SqlGrantStore grants(*database_, clock_, random_);
  SqlRevocationStore revocations(*database_, random_);
  const Time now = FromUnixSeconds(1'767'225'600);
  const auto revoke = [&](const std::string& id, const std::string& application) {
    return revocations
        .Add(ctx_, NewRecord(id, auth::RevocationKind::kApplication, application, now))
        .status();
  };
  ASSERT_THAT(grants.Change(ctx_, "app-1", Decision("app-1", Outcome::kApproved, "jws", now)),
              IsOk());
  ASSERT_THAT(grants.Change(ctx_, "app-2", Decision("app-2", Outcome::kVetoed, "jws", now)),
              IsOk());
  const auto before = Count("ledger_outbox");
  ASSERT_THAT(revoke("rev-1", "app-1"), IsOk());
  ASSERT_THAT(revoke("rev-2", "app-1"), IsOk());  // again
  ASSERT_THAT(revoke("rev-3", "app-2"), IsOk());  // nothing was granted
  ASSERT_THAT(revoke("rev-4", "app-9"), IsOk());  // nobody asked this country, or this is the hub
  EXPECT_EQ(Count("ledger_outbox"), before + 2);
  // By the committee itself: the decision is the event, not the list.
  ASSERT_THAT(grants.Change(ctx_, "app-3", Decision("app-3", Outcome::kApproved, "jws", now)),
              IsOk());
  const auto approved = Count("ledger_outbox");
  ASSERT_THAT(
      grants.ChangeAndRevoke(ctx_, "app-3",
                             NewRecord("rev-5", auth::RevocationKind::kApplication, "app-3", now),
                             Decision("app-3", Outcome::kRevoked, "jws of revocation", now)),
      IsOk());
  EXPECT_EQ(Count("ledger_outbox"), approved + 2);
}

TEST_F(SqlStoreTest, APageIsOfWhatTheViewerMaySee) {
  SqlApplicationStore store(*database_);
  for (int i = 0; i < 9; ++i) {
    Application application = NewApplication(fmt::format("app-{}", i));
    application.applicant_subject = i % 3 == 0 ? "ann" : "bob";
    application.organisation = i < 6 ? "KI" : "";
    ASSERT_THAT(store.Add(ctx_, application, ""), IsOk());
  }
  const auto ids = [&](const Viewer& viewer, int size) {
    std::string all;
    Page page{"", size};
    for (int pages = 0; pages < 10; ++pages) {
      const auto listed = store.List(ctx_, viewer, page);
      EXPECT_THAT(listed, IsOk());
      for (const Application& one : listed->items) all += one.id.back();
      if (listed->next.empty()) return all;
      page.before = listed->next;
      all += ' ';
    }
    return all;
  };
  EXPECT_EQ(ids({true, "", ""}, 4), "8765 4321 0");
  EXPECT_EQ(ids({false, "i", "ann"}, 2), "63 0");
  EXPECT_EQ(ids({false, "i", "otto", "KI"}, 3), "543 210");
  EXPECT_EQ(ids({false, "i", "ann", "KI"}, 200), "6543210");
  EXPECT_EQ(ids({false, "i", "otto"}, 200), "") << "no organisation is nobody's";
}

// Far more than a page.
TEST_F(SqlStoreTest, EveryLiveGrantIsFound) {
  SqlGrantStore store(*database_, clock_, random_);
  const Time now = FromUnixSeconds(1'767'225'600);
  const auto put = [&](const std::string& id, Outcome outcome, Time until) {
    return store
        .Change(ctx_, id,
                [&](Grant& grant) -> Status {
                  grant.application.id = id;
                  grant.decision.outcome = outcome;
                  grant.decision.datasets = {"GOE-FI-A-" + id};
                  grant.permit_id = "permit";
                  grant.permit_until = until;
                  return absl::OkStatus();
                })
        .status();
  };
  ASSERT_THAT(put("0", Outcome::kApproved, now + std::chrono::hours(1)), IsOk());
  for (int i = 1000; i < 1300; ++i) {
    ASSERT_THAT(
        put(std::to_string(i), Outcome::kApproved, i % 3 == 0 ? now : now + std::chrono::hours(1)),
        IsOk());
  }
  ASSERT_THAT(put("2000", Outcome::kVetoed, now + std::chrono::hours(1)), IsOk());
  ASSERT_THAT(put("1001", Outcome::kRevoked, now + std::chrono::hours(1)), IsOk());
  auto live = store.Live(ctx_, now);
  ASSERT_THAT(live, IsOk());
  EXPECT_EQ(live->size(), 200u);
  EXPECT_EQ(live->at(0).application.id, "0") << "the oldest, too";
  EXPECT_EQ(store.Datasets(ctx_)->size(), 302u) << "of all decisions";
  EXPECT_EQ(store.List(ctx_, {"", 200})->items.size(), 200u);
  EXPECT_EQ(store.List(ctx_, {"1100", 200})->items.size(), 101u);
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
  ASSERT_THAT(SqlGrantStore(*database_, clock_, random_).Change(ctx_, "app-1", change), IsOk());
  EXPECT_EQ(*database_->Read(ctx_, [](sql::Tx& tx) { return sql::Outbox().Pending(tx); }), 0);
  auto kept = SqlGrantStore(*database_, clock_, random_).Find(ctx_, "app-1")->proposal;
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->proposer.subject, "dora");
  EXPECT_EQ(kept->proposer.name, "Dr Dora");
  EXPECT_EQ(kept->terms, proposal.terms);
  EXPECT_EQ(kept->at, at);
  EXPECT_FALSE(kept->seconder.has_value());

  proposal.seconder = Member{"https://idp", "dick", "Dr Dick"};
  proposal.seconded_at = at;
  ASSERT_THAT(SqlGrantStore(*database_, clock_, random_).Change(ctx_, "app-1", change), IsOk());
  EXPECT_EQ(
      SqlGrantStore(*database_, clock_, random_).Find(ctx_, "app-1")->proposal->seconder->subject,
      "dick");
}

TEST_F(SqlStoreTest, RevocationsAreAddedOnceAndNumbered) {
  SqlRevocationStore store(*database_, random_);
  const Time now = FromUnixSeconds(1'767'225'600);
  EXPECT_TRUE(store.InForce(ctx_, 1)->unchanged);
  EXPECT_FALSE(store.InForce(ctx_, 0)->unchanged);
  EXPECT_EQ(store.Add(ctx_, NewRecord("rev-1", auth::RevocationKind::kUser, "ann", now))->id,
            "rev-1");
  EXPECT_EQ(store.Add(ctx_, NewRecord("rev-2", auth::RevocationKind::kUser, "ann", now))->id,
            "rev-1");
  auto list = store.InForce(ctx_, 1);
  ASSERT_EQ(list->entries.size(), 1u);
  EXPECT_EQ(list->entries[0], (auth::Revocation{auth::RevocationKind::kUser, "ann", ""}));
  EXPECT_EQ(list->sequence, 2);
  ASSERT_THAT(store.Change(ctx_, "rev-1",
                           [&](RevocationRecord& record) -> Status {
                             record.reinstated_at = now;
                             record.reinstated_by = "olli";
                             record.reinstate_reason = "a mistake";
                             return absl::OkStatus();
                           }),
              IsOk());
  list = store.InForce(ctx_, 2);
  EXPECT_EQ(list->sequence, 3);
  EXPECT_TRUE(list->entries.empty());
  EXPECT_TRUE(store.List(ctx_, false)->empty());
  ASSERT_EQ(store.List(ctx_, true)->size(), 1u);
  EXPECT_EQ(store.List(ctx_, true)->at(0).reinstate_reason, "a mistake");
  // Revoked anew, it is another entry.
  EXPECT_EQ(store.Add(ctx_, NewRecord("rev-3", auth::RevocationKind::kUser, "ann", now))->id,
            "rev-3");
  auto unknown = store.Change(ctx_, "rev-9", [](RevocationRecord&) { return absl::OkStatus(); });
  EXPECT_THAT(unknown, HasReason("REVOCATION_UNKNOWN"));
}

TEST_F(SqlStoreTest, TokensAreForgottenOnceNoneCanLive) {
  SqlRevocationStore store(*database_, random_);
  const Time now = FromUnixSeconds(1'767'225'600);
  ASSERT_THAT(store.Add(ctx_, NewRecord("rev-1", auth::RevocationKind::kToken, "old", now)),
              IsOk());
  ASSERT_THAT(store.Add(ctx_, NewRecord("rev-2", auth::RevocationKind::kUser, "ann", now)), IsOk());
  ASSERT_THAT(store.Add(ctx_, NewRecord("rev-3", auth::RevocationKind::kToken, "new",
                                        now + std::chrono::hours(49))),
              IsOk());
  EXPECT_EQ(store.InForce(ctx_, 0)->entries.size(), 2u);
}

TEST_F(SqlStoreTest, RevokingAnApplicationTakesItsVisasWithIt) {
  SqlRevocationStore revocations(*database_, random_);
  SqlMintedVisaStore minted(*database_);
  SqlGrantStore grants(*database_, clock_, random_);
  const Time now = FromUnixSeconds(1'767'225'600);
  auto visa = [&](std::string id, std::string application, int hours) {
    MintedVisa one;
    one.id = std::move(id);
    one.application = std::move(application);
    one.dataset = "GOE-FI-A-1";
    one.issued = now - std::chrono::hours(20);
    one.expires = now + std::chrono::hours(hours);
    return one;
  };
  ASSERT_THAT(minted.Remember(ctx_, visa("visa-1", "app-1", 5)), IsOk());
  ASSERT_THAT(minted.Remember(ctx_, visa("visa-2", "app-1", -1)), IsOk());  // dead by itself
  ASSERT_THAT(minted.Remember(ctx_, visa("visa-3", "app-2", 5)), IsOk());
  EXPECT_EQ(minted.ApplicationOf(ctx_, "visa-3").value(), "app-2");
  EXPECT_EQ(minted.ApplicationOf(ctx_, "visa-4").value(), std::nullopt);
  auto revoke = [](Grant& grant) -> Status {
    grant.application.id = "app-1";
    return absl::OkStatus();
  };
  ASSERT_THAT(grants.ChangeAndRevoke(
                  ctx_, "app-1",
                  NewRecord("rev-1", auth::RevocationKind::kApplication, "app-1", now), revoke),
              IsOk());
  auto list = revocations.InForce(ctx_, 0);
  const auth::RevocationList revoked(list->entries);
  EXPECT_TRUE(revoked.HasApplication("app-1"));
  EXPECT_TRUE(revoked.HasToken("visa-1"));
  EXPECT_FALSE(revoked.HasToken("visa-2"));
  EXPECT_FALSE(revoked.HasToken("visa-3"));
  EXPECT_THAT(minted.Remember(ctx_, visa("visa-4", "app-1", 5)), HasReason("APPROVAL_REVOKED"));
}

TEST_F(SqlStoreTest, TheHubHoldsTheNewestVisaOfADataset) {
  SqlApplicationStore applications(*database_);
  ASSERT_THAT(applications.Add(ctx_, NewApplication("app-1"), ""), IsOk());
  SqlHeldVisaStore visas(*database_);
  const Time now = FromUnixSeconds(1'767'225'600);
  HeldVisa visa{"app-1", "GOE-FI-A-1", "FI",    "s",
                "i",     "visa-1",     "a.b.c", now + std::chrono::hours(1)};
  ASSERT_THAT(visas.Put(ctx_, visa), IsOk());
  visa.id = "visa-2";
  visa.expires += std::chrono::hours(1);
  ASSERT_THAT(visas.Put(ctx_, visa), IsOk());
  visa.id = "visa-0";
  visa.expires -= std::chrono::hours(2);
  ASSERT_THAT(visas.Put(ctx_, visa), IsOk());
  auto held = visas.Of(ctx_, "s", now);
  ASSERT_EQ(held->size(), 1u);
  EXPECT_EQ(held->at(0).id, "visa-2");
  EXPECT_TRUE(visas.Of(ctx_, "s", now + std::chrono::hours(3))->empty());
}

}  // namespace
}  // namespace genofed::access
