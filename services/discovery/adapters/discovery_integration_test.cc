// SPDX-License-Identifier: Apache-2.0
//
// A node from the database to the answer, and the gRPC clients against servers in the same process.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "genofed/discovery/v1/discovery.grpc.pb.h"
#include "libs/core/strings.h"
#include "libs/disclosure/budget.h"
#include "libs/platform/ledger_outbox.h"
#include "libs/testing/fake_ledger.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "libs/testing/temporary_postgres.h"
#include "services/discovery/adapters/contact_ledger.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/peers.h"
#include "services/discovery/adapters/sql_contact_store.h"
#include "services/discovery/adapters/sql_disclosure_store.h"
#include "services/discovery/adapters/sql_frequency_publications.h"
#include "services/discovery/adapters/sql_publication_store.h"
#include "services/discovery/adapters/sql_query_batch_store.h"
#include "services/discovery/app/node_discovery.h"
#include "services/discovery/app/publications.h"
#include "services/discovery/app/query_batches.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
extern const EmbeddedFile kMigrations[];
namespace {

using std::chrono::milliseconds;
using testing::HasReason;
using testing::IsOk;

// What lives as long as the process; the database and the files live longer.
struct Node {
  Node(sql::Database& database, const std::filesystem::path& data_dir, ConsentClient& consent)
      : store(database),
        opener(data_dir, data_dir / "derived"),
        view(consent, listing, mechanism, milliseconds(60'000), [this] { return now; }),
        publications(store, opener, listing, view, clock, "FI"),
        budgets(budget_store, clock),
        audit(audit_store),
        discovery(view, "FI", mechanism, &budgets, audit, clock) {}
  ConsentView::SteadyTime now{};
  testing::FakeClock clock;
  SqlPublicationStore store;
  FileCohortOpener opener;
  FakeListing listing;
  const disclosure::Mechanism mechanism{FloorOfFive(), ""};
  ConsentView view;
  Publications publications;
  FakeBudgetStore budget_store;
  FakeAuditStore audit_store;
  Budgets budgets;
  DisclosureAudit audit;
  NodeDiscovery discovery;
};

class NodeIntegrationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("discovery"));
    ASSERT_THAT(database_->Migrate(kMigrations), IsOk());
    consent_.rows["GOE-FI-A-1"] = 20;
    Restart();
  }
  void Restart() { node_ = std::make_unique<Node>(*database_, data_.path(), consent_); }
  // Rows 0..5 carry the variant, six people.
  Publication Write(std::int32_t version) {
    TestSite site{{"20", 1000, "A", "T"}, {}};
    for (std::uint32_t row = 0; row < 6; ++row) site.sets.het.push_back(row);
    return WriteCohort(data_.path(), "GOE-FI-A-1", version, 20, {site},
                       std::vector<genomics::Individual>(20));
  }
  Result<Answer> Ask() {
    Query query;
    query.granularity = Granularity::kRecord;
    query.variant =
        VariantPattern{VariantPattern::Form::kExact, std::nullopt, "20", 1000, 1001, "A", "T"};
    return node_->discovery.Run(ctx_, query);
  }

  testing::TemporaryDirectory data_;
  std::unique_ptr<sql::Database> database_;
  FakeConsent consent_;
  std::unique_ptr<Node> node_;
  Context ctx_ = Context::Background();
};

TEST_F(NodeIntegrationTest, AWithdrawalCountsFromTheNextPoll) {
  ASSERT_THAT(node_->publications.Publish(ctx_, Write(1)), IsOk());
  EXPECT_EQ(Ask()->count, 6);
  consent_.withdrawn[Permission::kAlleleFrequency] = {0};
  consent_.epoch = 2;
  ASSERT_THAT(node_->view.Refresh(ctx_), IsOk());
  EXPECT_EQ(Ask()->count, 5);
  EXPECT_EQ(Ask()->epoch, 2);
  EXPECT_EQ(Ask()->datasets[0].alleles.at(0).allele_number, 38);
  consent_.withdrawn[Permission::kAlleleFrequency] = {0, 5};
  consent_.epoch = 3;
  ASSERT_THAT(node_->view.Refresh(ctx_), IsOk());
  EXPECT_FALSE(Ask()->exists);  // four are left
  EXPECT_TRUE(Ask()->datasets[0].alleles.empty());
}

// Rows 0 and 1 were forgotten: the version was written anew without what is theirs.
TEST_F(NodeIntegrationTest, AVersionWithoutForgottenPeopleTakesThePlaceOfTheOldOne) {
  ASSERT_THAT(node_->publications.Publish(ctx_, Write(1)), IsOk());
  EXPECT_EQ(Ask()->count, 6);
  Node replica(*database_, data_.path(), consent_);
  ASSERT_THAT(replica.publications.OpenPublished(ctx_), IsOk());
  const auto held = replica.view.Prepare(ctx_, "GOE-FI-A-1", 1);
  ASSERT_THAT(held, IsOk());

  TestSite site{{"20", 1000, "A", "T"}, {}};
  for (std::uint32_t row = 0; row < 20; ++row) (row < 2 ? site.sets.nocall : site.sets.het).push_back(row);
  testing::TemporaryDirectory aside;
  std::filesystem::rename(data_ / "GOE-FI-A-1", aside / "old");
  const Publication anew = WriteCohort(data_.path(), "GOE-FI-A-1", 1, 20, {site},
                                       std::vector<genomics::Individual>(20));
  EXPECT_THAT(node_->publications.Publish(ctx_, anew), HasReason("VERSION_PUBLISHED"));
  ASSERT_THAT(node_->publications.Replace(ctx_, anew), IsOk());
  ASSERT_THAT(node_->publications.Replace(ctx_, anew), IsOk());
  EXPECT_EQ(Ask()->count, 18);
  EXPECT_EQ(Ask()->datasets[0].alleles.at(0).allele_number, 36);
  // Another replica learns of it, and so does one that starts.
  ASSERT_THAT(replica.publications.OpenPublished(ctx_), IsOk());
  EXPECT_NE(replica.view.Prepare(ctx_, "GOE-FI-A-1", 1)->cohort, held->cohort);
  Restart();
  ASSERT_THAT(node_->publications.OpenPublished(ctx_), IsOk());
  ASSERT_THAT(node_->view.Refresh(ctx_), IsOk());
  EXPECT_EQ(Ask()->count, 18);
  // What cannot be opened replaces nothing.
  Publication bad = anew;
  bad.segments[0].manifest_sha256 = std::string(64, '0');
  EXPECT_THAT(node_->publications.Replace(ctx_, bad), HasReason("INDEX_CORRUPT"));
  EXPECT_EQ(Ask()->count, 18);
}

TEST_F(NodeIntegrationTest, StaleConsentRefuses) {
  ASSERT_THAT(node_->publications.Publish(ctx_, Write(1)), IsOk());
  consent_.up = false;
  node_->now += milliseconds(60'001);
  EXPECT_FALSE(node_->view.Refresh(ctx_).ok());
  EXPECT_THAT(Ask(), HasReason("CONSENT_STALE"));
}

TEST_F(NodeIntegrationTest, ARestartOpensTheNewestPublishedVersions) {
  ASSERT_THAT(node_->publications.Publish(ctx_, Write(1)), IsOk());
  ASSERT_THAT(node_->publications.Publish(ctx_, Write(2)), IsOk());
  Restart();
  EXPECT_THAT(Ask(), HasReason("CONSENT_STALE"));
  ASSERT_THAT(node_->publications.OpenPublished(ctx_), IsOk());
  ASSERT_THAT(node_->view.Refresh(ctx_), IsOk());
  EXPECT_EQ(Ask()->datasets.at(0).version, 2);
  EXPECT_EQ(Ask()->count, 6);
}

TEST_F(NodeIntegrationTest, TheListedVersionIsAnsweredFromWhateverIsNewest) {
  ASSERT_THAT(node_->publications.Publish(ctx_, Write(1)), IsOk());
  node_->listing.unlisted = {{"GOE-FI-A-1", 2}};  // waits for the coordinator
  ASSERT_THAT(node_->publications.Publish(ctx_, Write(2)), IsOk());
  EXPECT_EQ(Ask()->datasets.at(0).version, 1);
  node_->listing.unlisted = {{"GOE-FI-A-1", 1}};
  ASSERT_THAT(node_->view.Refresh(ctx_), IsOk());
  EXPECT_EQ(Ask()->datasets.at(0).version, 2);
  node_->listing.unlisted = {{"GOE-FI-A-1", 2}};  // back to the first, which a restart has let go
  Restart();
  node_->listing.unlisted = {{"GOE-FI-A-1", 2}};
  ASSERT_THAT(node_->publications.OpenPublished(ctx_), IsOk());
  ASSERT_THAT(node_->view.Refresh(ctx_), IsOk());
  EXPECT_EQ(Ask()->datasets.at(0).version, 1);
  node_->listing.unlisted = {{"GOE-FI-A-1", 1}, {"GOE-FI-A-1", 2}};  // decommissioned
  ASSERT_THAT(node_->publications.OpenPublished(ctx_), IsOk());
  ASSERT_THAT(node_->view.Refresh(ctx_), IsOk());
  EXPECT_TRUE(Ask()->datasets.empty());
  EXPECT_FALSE(node_->view.Holds("GOE-FI-A-1", 1));
  EXPECT_FALSE(node_->view.Holds("GOE-FI-A-1", 2));
}

TEST_F(NodeIntegrationTest, AVersionOfSeveralSegmentsCountsAllOfThem) {
  const Publication first = Write(1);
  Publication both = first;
  both.version = 2;
  both.individuals_path.clear();
  both.individuals_sha256.clear();
  const Publication second = Write(2);
  both.segments.push_back(second.segments.at(0));
  consent_.rows["GOE-FI-A-1"] = 40;
  ASSERT_THAT(node_->publications.Publish(ctx_, both), IsOk());
  EXPECT_EQ(Ask()->datasets.at(0).version, 2);
  EXPECT_EQ(Ask()->count, 12);
}

TEST_F(NodeIntegrationTest, PublishingAfterARestartOpensTheOthersToo) {
  ASSERT_THAT(node_->publications.Publish(ctx_, Write(1)), IsOk());
  Restart();
  consent_.rows["GOE-FI-B-1"] = 20;
  ASSERT_THAT(node_->publications.Publish(ctx_, WriteCohort(data_.path(), "GOE-FI-B-1", 1, 20, {})),
              IsOk());
  EXPECT_EQ(Ask()->datasets.size(), 2u);
}

TEST_F(NodeIntegrationTest, PublishingIsIdempotent) {
  const Publication first = Write(1), second = Write(2);
  ASSERT_THAT(node_->publications.Publish(ctx_, second), IsOk());
  ASSERT_THAT(node_->publications.Publish(ctx_, second), IsOk());
  ASSERT_THAT(node_->publications.Publish(ctx_, first), IsOk());
  EXPECT_EQ(Ask()->datasets.at(0).version, 2);
  Publication changed = second;
  changed.segments[0].manifest_sha256 = std::string(64, '0');
  EXPECT_THAT(node_->publications.Publish(ctx_, changed), HasReason("VERSION_PUBLISHED"));
  EXPECT_THAT(node_->store.Add(ctx_, changed), HasReason("VERSION_PUBLISHED"));
  EXPECT_EQ(node_->store.List(ctx_)->at(1), second);
}

TEST_F(NodeIntegrationTest, WhatCannotBeAnsweredFromIsNotPublished) {
  Publication good = Write(1);
  Publication bad = good;
  bad.segments[0].manifest_sha256 = std::string(64, '0');
  EXPECT_THAT(node_->publications.Publish(ctx_, bad), HasReason("INDEX_CORRUPT"));
  bad = good;
  bad.individuals_sha256 = std::string(64, '0');
  EXPECT_THAT(node_->publications.Publish(ctx_, bad), HasReason("INDIVIDUALS_CORRUPT"));
  bad = good;
  bad.dataset = "GOE-FI-B-1";
  EXPECT_THAT(node_->publications.Publish(ctx_, bad), HasReason("INDEX_MISMATCH"));
  bad = good;
  bad.segments[0].index_path = "nowhere";
  EXPECT_THAT(node_->publications.Publish(ctx_, bad), HasReason("INDEX_MISSING"));
  consent_.rows["GOE-FI-A-1"] = 19;
  EXPECT_THAT(node_->publications.Publish(ctx_, good), HasReason("ROWS_MISMATCH"));
  EXPECT_TRUE(node_->store.List(ctx_)->empty());
}

TEST_F(NodeIntegrationTest, ALinkDoesNotLeadOutOfTheDataDirectory) {
  testing::TemporaryDirectory outside;
  Publication publication = Write(1);
  std::filesystem::rename(data_ / "GOE-FI-A-1", outside / "stolen");
  std::filesystem::create_directory_symlink(outside / "stolen", data_ / "GOE-FI-A-1");
  EXPECT_THAT(node_->publications.Publish(ctx_, publication), HasReason("PATH_INVALID"));
}

TEST_F(NodeIntegrationTest, ADamagedIndexIsLeftOutAfterARestartAndTriedAgainLater) {
  const Publication publication = Write(1);
  ASSERT_THAT(node_->publications.Publish(ctx_, publication), IsOk());
  const auto manifest = data_.path() / publication.segments[0].index_path / genomics::kManifestFile;
  std::filesystem::rename(manifest, data_ / "aside");
  Restart();
  ASSERT_THAT(node_->publications.OpenPublished(ctx_), IsOk());
  ASSERT_THAT(node_->view.Refresh(ctx_), IsOk());
  EXPECT_TRUE(Ask()->datasets.empty());
  std::filesystem::rename(data_ / "aside", manifest);
  ASSERT_THAT(node_->publications.OpenPublished(ctx_), IsOk());
  EXPECT_FALSE(node_->view.Holds("GOE-FI-A-1", 1));  // not yet
  node_->clock.Advance(std::chrono::minutes(2));
  ASSERT_THAT(node_->publications.OpenPublished(ctx_), IsOk());
  EXPECT_TRUE(node_->view.Holds("GOE-FI-A-1", 1));
}

class DisclosureStoreTest : public ::testing::Test {
 protected:
  DisclosureStoreTest() {
    database_ = *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("discovery"));
    GF_CHECK(database_->Migrate(kMigrations).ok());
    policy_.everybody = 2;
  }
  SqlDisclosureStore Replica() { return {*database_, policy_}; }
  // A question that costs a quarter of the budget, and could have cost as much.
  Spending Quarter(const std::string& question, const std::string& dataset = "GOE-FI-A-1") {
    const double nats = disclosure::BudgetOf(policy_) / 4;
    return {dataset, question, nats, nats};
  }
  bool Told(const std::string& account, const Spending& spending) {
    auto charged = Replica().Charge(ctx_, account, {spending}, {}, now_);
    EXPECT_THAT(charged, IsOk());
    if (!charged->refused.empty()) last_retry_ = charged->refused.begin()->second;
    return charged->refused.empty();
  }
  double Number(sql::Sql statement) {
    return *database_->Read(ctx_, [&](sql::Tx& tx) -> Result<double> {
      GF_ASSIGN(auto rows, tx.Exec(statement));
      return rows[0].Real(0);
    });
  }
  // In budgets; account '*' is all together.
  double Spent(const std::string& account) {
    return *database_->Read(ctx_, [&](sql::Tx& tx) -> Result<double> {
             GF_ASSIGN(auto rows,
                       tx.Exec("SELECT coalesce(sum(nats), 0) FROM spent WHERE account = $1",
                               account));
             return rows[0].Real(0);
           }) /
           disclosure::BudgetOf(policy_);
  }
  // A question that costs a hundredth of the budget, and could have cost a fifth.
  Spending Cheap(const std::string& question, const std::string& dataset = "GOE-FI-A-1") {
    const double budget = disclosure::BudgetOf(policy_);
    return {dataset, question, budget / 100, budget / 5};
  }

  std::unique_ptr<sql::Database> database_;
  disclosure::Policy policy_;
  Time now_ = FromUnixSeconds(20'000 * 86'400);
  std::chrono::seconds last_retry_{0};
  Context ctx_ = Context::Background();
};

TEST_F(DisclosureStoreTest, ABudgetIsOneForAllReplicasAndRepeatsAreFree) {
  for (const char* question : {"a", "b", "c", "d"}) EXPECT_TRUE(Told("finder", Quarter(question)));
  EXPECT_FALSE(Told("finder", Quarter("e")));
  EXPECT_EQ(last_retry_, std::chrono::hours(24 * 365));
  EXPECT_TRUE(Told("finder", Quarter("a")));
  EXPECT_TRUE(Told("finder", Quarter("e", "GOE-FI-B-1")));  // another dataset's people
  EXPECT_TRUE(Told("colleague elsewhere", Quarter("e")));
  now_ += std::chrono::hours(24 * 365);
  EXPECT_TRUE(Told("finder", Quarter("e")));
}

TEST_F(DisclosureStoreTest, AllAccountsTogetherHaveABudgetToo) {
  int told = 0;
  for (int account = 0; account < 20; ++account) {
    for (const char* question : {"a", "b", "c", "d"})
      told += Told("sybil " + std::to_string(account), Quarter(question));
  }
  EXPECT_EQ(told, 8);  // two budgets of four quarters
}

TEST_F(DisclosureStoreTest, WhatIsToldTogetherIsNeverMoreThanTheBudget) {
  const double budget = disclosure::BudgetOf(policy_);
  std::vector<Spending> page;
  for (const char* question : {"a", "b", "c", "d", "e", "f"})
    page.push_back({"GOE-FI-A-1", question, budget / 5, budget / 4});
  const auto charged = Replica().Charge(ctx_, "finder", page, {}, now_);
  ASSERT_THAT(charged, IsOk());
  EXPECT_TRUE(charged->refused.contains("GOE-FI-A-1"));
  EXPECT_EQ(Spent("finder"), 0);
  page.pop_back();
  EXPECT_TRUE(Replica().Charge(ctx_, "finder", page, {}, now_)->refused.empty());
}

TEST_F(DisclosureStoreTest, ADatasetThatIsSpentOutDoesNotStopTheOthers) {
  for (const char* question : {"a", "b", "c", "d"}) EXPECT_TRUE(Told("finder", Quarter(question)));
  auto charged =
      Replica().Charge(ctx_, "finder", {Quarter("e"), Quarter("e", "GOE-FI-B-1")}, {}, now_);
  ASSERT_THAT(charged, IsOk());
  EXPECT_EQ(charged->refused.size(), 1u);
  EXPECT_TRUE(charged->refused.contains("GOE-FI-A-1"));
  EXPECT_TRUE(charged->everybodys.empty());
}

TEST_F(DisclosureStoreTest, ReplicasThatRaceDoNotOverspend) {
  std::atomic<int> told = 0;
  std::vector<std::jthread> replicas;
  for (int replica = 0; replica < 4; ++replica) {
    replicas.emplace_back([&, replica] {
      for (int i = 0; i < 10; ++i) {
        auto charged = Replica().Charge(ctx_, "finder",
                                        {Quarter(std::to_string(replica * 100 + i))}, {}, now_);
        if (charged.ok() && charged->refused.empty()) ++told;
      }
    });
  }
  replicas.clear();
  EXPECT_EQ(told, 4);
}

TEST_F(DisclosureStoreTest, ASliceIsChargedInFullAndGivesBackWhatWasNotTold) {
  policy_.everybody = 100;
  SqlDisclosureStore store = Replica();
  const double slice = disclosure::BudgetOf(policy_) / 4;
  const auto charged =
      store.Charge(ctx_, "finder", {Cheap("a"), Cheap("a", "GOE-FI-B-1")},
                   {{"GOE-FI-A-1", slice}, {"GOE-FI-B-1", slice}, {"GOE-FI-C-1", slice}}, now_);
  ASSERT_THAT(charged, IsOk());
  ASSERT_EQ(charged->opened.size(), 2U) << "nothing was asked of C";
  EXPECT_NEAR(Spent("finder"), 2 * (0.01 + 0.25), 1e-9);
  EXPECT_NEAR(Spent("*"), 2 * (0.01 + 0.25), 1e-9);

  // "c" was told and charged elsewhere meanwhile.
  EXPECT_TRUE(Told("finder", Cheap("c")));
  std::vector<Settlement> settlements;
  for (const Slice& opened : charged->opened) {
    EXPECT_EQ(opened.account, "finder");
    EXPECT_EQ(opened.day, 20'000);
    EXPECT_DOUBLE_EQ(opened.nats, slice);
    settlements.push_back({opened, {}});
    if (opened.dataset == "GOE-FI-A-1") settlements.back().told = {Cheap("b"), Cheap("c")};
  }
  settlements.push_back({{1'000'000, "finder", "GOE-FI-A-1", 20'000, slice}, {Cheap("x")}});
  for (int time = 0; time < 2; ++time) {
    ASSERT_THAT(store.Settle(ctx_, settlements, now_), IsOk());
    EXPECT_NEAR(Spent("finder"), 0.04, 1e-9) << "a of both, b and c, " << time;
    EXPECT_NEAR(Spent("*"), 0.04, 1e-9);
  }
  EXPECT_EQ(Number("SELECT count(*)::float8 FROM slices"), 0);
  EXPECT_TRUE(Told("finder", Cheap("b")));
  EXPECT_NEAR(Spent("finder"), 0.04, 1e-9) << "told before";
  EXPECT_TRUE(Told("finder", Cheap("x")));
  EXPECT_NEAR(Spent("finder"), 0.05, 1e-9) << "a slice that is not there told nothing";
}

TEST_F(DisclosureStoreTest, SlicesAreOpenedOnlyWherePlentyIsLeft) {
  const double slice = disclosure::BudgetOf(policy_) / 4;
  SqlDisclosureStore store = Replica();
  const auto opens = [&](const std::string& account, const std::string& question) {
    auto charged =
        store.Charge(ctx_, account, {Quarter(question)}, {{"GOE-FI-A-1", slice}}, now_);
    EXPECT_THAT(charged, IsOk());
    EXPECT_TRUE(charged->refused.empty());
    return charged->opened.size() == 1;
  };
  // In quarters: a budget is four, of which one must be left, and everybody's eight, of which two.
  EXPECT_TRUE(opens("finder", "a"));   // the question and the slice: two
  EXPECT_FALSE(opens("finder", "b"));  // three and a slice leave none
  EXPECT_TRUE(opens("sybil", "a"));    // five of all
  EXPECT_FALSE(opens("other", "a"));   // six and a slice leave one
  EXPECT_EQ(Number("SELECT count(*)::float8 FROM slices"), 2);
}

// Of two replicas, the one that is asked last sees what the other one holds open.
TEST_F(DisclosureStoreTest, ARefusalForAnOpenSliceSaysToComeBackInSeconds) {
  const double slice = disclosure::BudgetOf(policy_) / 4;
  auto charged =
      Replica().Charge(ctx_, "finder", {Quarter("a")}, {{"GOE-FI-A-1", slice}}, now_);
  ASSERT_EQ(charged->opened.size(), 1U);
  EXPECT_TRUE(Told("finder", Quarter("b")));
  EXPECT_TRUE(Told("finder", Quarter("c")));
  EXPECT_FALSE(Told("finder", Quarter("d")));
  EXPECT_EQ(last_retry_, std::chrono::seconds(8));
  // It was killed, and its slice stays spent.
  now_ += std::chrono::seconds(30);
  EXPECT_FALSE(Told("finder", Quarter("d")));
  EXPECT_EQ(last_retry_, std::chrono::hours(24 * 365) - std::chrono::seconds(30));
  ASSERT_THAT(Replica().Settle(ctx_, {{charged->opened[0], {}}}, now_), IsOk());
  EXPECT_TRUE(Told("finder", Quarter("d")));
  EXPECT_FALSE(Told("finder", Quarter("e")));
  EXPECT_EQ(last_retry_, std::chrono::hours(24 * 365) - std::chrono::seconds(30));
}

// Two replicas with threads, settled all the time: what is spent in the end is what was told.
TEST_F(DisclosureStoreTest, ReplicasWithSlicesChargeEachQuestionOnce) {
  policy_.everybody = 100;
  const SystemClock clock;
  SqlDisclosureStore store = Replica();
  Budgets one(store, clock, disclosure::MostOpen(policy_)),
      other(store, clock, disclosure::MostOpen(policy_));
  const auto question = [](int i) { return "q" + std::to_string(i); };
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 20; ++i) {
          Budgets& budgets = thread % 2 == 0 ? one : other;
          // The same twenty, in two orders.
          const int asked = thread < 2 ? i : 19 - i;
          auto refused = budgets.Charge(ctx_, "finder", {Cheap(question(asked))});
          ASSERT_THAT(refused, IsOk());
          ASSERT_TRUE(refused->empty());
        }
      });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_THAT(one.Settle(ctx_, true), IsOk());
    EXPECT_GE(Spent("finder"), 0.2 - 1e-9);
    ASSERT_THAT(other.Settle(ctx_, true), IsOk());
  }
  EXPECT_NEAR(Spent("finder"), 0.2, 1e-9);
  EXPECT_NEAR(Spent("*"), 0.2, 1e-9);
  EXPECT_EQ(Number("SELECT count(*)::float8 FROM slices"), 0);
  EXPECT_EQ(Number("SELECT count(*)::float8 FROM asked"), 20);
}

TEST_F(DisclosureStoreTest, WhatIsOutsideOfTheWindowIsForgotten) {
  policy_.everybody = 100;
  const double slice = disclosure::BudgetOf(policy_) / 4;
  ASSERT_THAT(Replica().Charge(ctx_, "finder", {Quarter("a")}, {{"GOE-FI-A-1", slice}}, now_),
              IsOk());
  ASSERT_THAT(Replica().Forget(ctx_, now_ + std::chrono::hours(24 * 366)), IsOk());
  auto left = database_->Read(ctx_, [](sql::Tx& tx) -> Result<std::int64_t> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT (SELECT count(*) FROM asked) + (SELECT count(*) FROM spent) + "
                      "(SELECT count(*) FROM slices)"));
    return rows[0].Int(0);
  });
  EXPECT_EQ(*left, 0);
}

TEST_F(DisclosureStoreTest, TheAuditIsAChainThatShowsEveryChange) {
  SqlDisclosureStore store = Replica();
  const AuditEntry entry{now_, "finder", "GOE-FI-A-1", std::string("\0\xff", 2), "told", 0.001};
  ASSERT_THAT(store.Append(ctx_, {entry, entry}), IsOk());
  ASSERT_THAT(Replica().Append(ctx_, {entry}), IsOk());
  auto rows = *store.ReadAudit(ctx_);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(FirstBroken(rows), 0);
  auto changed = rows;
  changed[1].entry.outcome = "held_back";
  EXPECT_EQ(FirstBroken(changed), 2);
  auto shorter = rows;
  shorter.erase(shorter.begin() + 1);
  EXPECT_EQ(FirstBroken(shorter), 3);
}

// Whoever has the database can change the audit, but not what the ledger covers of it.
TEST_F(DisclosureStoreTest, EachQuestionIsInOneBatchOfTheLedger) {
  testing::FakeClock clock(now_);
  SqlDisclosureStore audit = Replica();
  SqlQueryBatchStore one(*database_), other(*database_);
  QueryBatches batches(one, clock, std::chrono::hours(1)),
      replica(other, clock, std::chrono::hours(1));
  const auto ask = [&](const std::string& account, const std::string& dataset, int numbers,
                       const std::string& outcome) {
    now_ += std::chrono::microseconds(1);
    const std::vector<AuditEntry> entries(
        static_cast<std::size_t>(numbers),
        AuditEntry{now_, account, dataset, "digest", outcome, 0.001});
    EXPECT_THAT(audit.Append(ctx_, entries), IsOk());
  };
  const auto run = [&] {
    now_ += std::chrono::minutes(1);
    clock.Set(now_ + std::chrono::hours(1));
    EXPECT_THAT(batches.Run(ctx_), IsOk());
    EXPECT_THAT(replica.Run(ctx_), IsOk());
  };
  testing::FakeLedger ledger;
  auto delivery = StartLedgerDelivery(*database_, ledger.Channel());
  const auto entries = [&](std::size_t expected) {
    for (int i = 0; i < 200 && ledger.Entries().size() < expected; ++i)
      std::this_thread::sleep_for(milliseconds(50));
    return ledger.Entries();
  };
  run();  // nothing was asked
  ask("ann", "GOE-FI-A-1", 1, "told");
  ask("ann", "GOE-FI-A-1", 30, "told");  // a page of records is one answer
  ask("bob", "GOE-FI-A-1", 1, "held_back");
  ask("bob", "GOE-FI-B-1", 1, "refused");
  ask("", "", 1, "lost");
  run();
  auto appended = entries(2);
  ASSERT_EQ(appended.size(), 2u);
  EXPECT_EQ(appended[0].Field("dataset"), "GOE-FI-A-1");
  EXPECT_EQ(appended[0].numbers.at("answers"), 3);
  EXPECT_EQ(appended[0].numbers.at("refusals"), 0);
  EXPECT_EQ(appended[1].numbers.at("answers"), 0);
  EXPECT_EQ(appended[1].numbers.at("refusals"), 1);
  const auto rows = *audit.ReadAudit(ctx_);
  EXPECT_EQ(appended[0].numbers.at("audit_links"), rows.back().seq);
  EXPECT_EQ(appended[0].Field("audit_sha256"), HexEncode(rows.back().hash));
  run();  // nothing new
  ask("ann", "GOE-FI-B-1", 1, "told");
  run();
  appended = entries(3);
  ASSERT_EQ(appended.size(), 3u);
  EXPECT_EQ(appended[2].Field("dataset"), "GOE-FI-B-1");
  EXPECT_EQ(appended[2].numbers.at("answers"), 1);
  // A window that has just begun is left open, however long nobody had asked.
  clock.Advance(std::chrono::hours(20));
  now_ = clock.Now();
  ask("ann", "GOE-FI-B-1", 1, "told");
  EXPECT_THAT(batches.Run(ctx_), IsOk());
  EXPECT_EQ(Number("SELECT count(*)::float8 FROM ledger_outbox"), 3);
  ASSERT_THAT(
      database_->Transact(ctx_,
                          [](sql::Tx& tx) -> Status {
                            return tx.Exec("DELETE FROM disclosure_audit WHERE seq > 3").status();
                          }),
      IsOk());
  clock.Advance(std::chrono::hours(1));
  EXPECT_THAT(batches.Run(ctx_), HasReason("AUDIT_SHORTENED"));
}

TEST(ContactLedger, AnyOrganisationFitsIntoTheEntryOnce) {
  testing::FakeClock clock;
  testing::FakeLedger fake;
  const auto ledger = MakeContactLedger(fake.Channel(), clock, milliseconds(5000));
  ContactRequest contact;
  contact.id = "contact-1";
  contact.dataset = "GOE-FI-A-1";
  contact.organisation = "University\nof " + std::string(2'000, 'x');
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(ledger->Log(Context::Background(), contact, "requested"), IsOk());
    clock.Advance(std::chrono::minutes(1));
  }
  ASSERT_EQ(fake.Entries().size(), 1u);
  EXPECT_TRUE(fake.Entries()[0].Field("organisation").starts_with("University of xx"));
}

class FakeConsentServer final : public consent::v1::ConsentService::Service {
  grpc::Status GetEpoch(grpc::ServerContext*, const consent::v1::GetEpochRequest*,
                        consent::v1::GetEpochResponse* response) override {
    response->set_epoch(9);
    return grpc::Status::OK;
  }
  grpc::Status GetCohort(grpc::ServerContext*, const consent::v1::GetCohortRequest* request,
                         consent::v1::GetCohortResponse* response) override {
    if (request->with_snapshot() || request->dataset().dataset() != "GOE-FI-A-1" ||
        request->dataset().version() != 3) {
      return {grpc::StatusCode::NOT_FOUND, "no"};
    }
    response->set_epoch(9);
    response->set_rows(8);
    response->set_permitted(
        request->permission() == common::v1::PERMISSION_ALLELE_FREQUENCY ? "\x0f" : "\x03");
    return grpc::Status::OK;
  }
};

class FakeNodeServer final : public v1::DiscoveryService::Service {
 public:
  bool hang = false;
  std::string shown;  // account token of the last question
  bool access_token_shown = false;

 private:
  grpc::Status Query(grpc::ServerContext* context, const v1::QueryRequest* request,
                     v1::QueryResponse* response) override {
    shown = request->account_token();
    access_token_shown = context->client_metadata().contains("authorization");
    while (hang && !context->IsCancelled()) std::this_thread::sleep_for(milliseconds(5));
    response->set_minimum_count(5);
    auto* dataset = response->add_datasets();
    dataset->set_dataset("GOE-FI-A-1");
    dataset->set_count(request->variant().start());
    response->add_members()->set_site("invented");
    return grpc::Status::OK;
  }
  grpc::Status ListFilteringTerms(grpc::ServerContext*,
                                  const v1::ListFilteringTermsRequest* request,
                                  v1::ListFilteringTermsResponse* response) override {
    response->add_terms()->set_id("HP:1" + request->page_token());
    if (request->page_token().size() < 2)
      response->set_next_page_token(request->page_token() + "1");
    return grpc::Status::OK;
  }
};

TEST_F(NodeIntegrationTest, PublishedTablesOfFrequenciesAreRememberedWithWhoWasCounted) {
  SqlFrequencyPublications store(*database_);
  const Time start = FromUnixSeconds(1'767'225'600);
  FrequencyPublication first{0, "GRCh38", std::string(64, 'a'), {}, start};
  first.counted = {{"GOE-FI-A-1", {2, std::string("\x0f\x00\x01", 3)}},
                   {"GOE-FI-B-1", {1, "\xff"}}};
  EXPECT_FALSE(store.Last(ctx_, "GRCh38")->has_value());
  ASSERT_THAT(store.Add(ctx_, first, 0), IsOk());
  const auto last = **store.Last(ctx_, "GRCh38");
  EXPECT_EQ(last.digest, first.digest);
  EXPECT_EQ(last.counted, first.counted);
  EXPECT_EQ(last.published, start);
  EXPECT_FALSE(store.Last(ctx_, "GRCh37")->has_value());
  // Of two replicas that publish after the same one, the second is late.
  FrequencyPublication second{0, "GRCh38", std::string(64, 'b'), {}, start + std::chrono::hours(1)};
  ASSERT_THAT(store.Add(ctx_, second, last.id), IsOk());
  EXPECT_THAT(store.Add(ctx_, second, last.id), HasReason("TABLE_OVERTAKEN"));
  EXPECT_EQ((*store.Last(ctx_, "GRCh38"))->digest, second.digest);
  EXPECT_EQ(*store.CountSince(ctx_, "GRCh38", start), 1);
  EXPECT_EQ(*store.CountSince(ctx_, "GRCh38", start - std::chrono::hours(1)), 2);
  EXPECT_EQ(*store.CountSince(ctx_, "GRCh37", start - std::chrono::hours(1)), 0);
  EXPECT_TRUE(*store.Published(ctx_, "GRCh38", first.digest));
  EXPECT_FALSE(*store.Published(ctx_, "GRCh37", first.digest));
}

TEST_F(NodeIntegrationTest, AnAnswerToAContactIsClaimedOnceAndSeenWhenItIsConfirmed) {
  using State = ContactRequest::State;
  SqlContactStore store(*database_);
  ContactRequest contact;
  contact.id = "contact-1";
  contact.created = FromUnixSeconds(1'767'225'600);
  contact.dataset = "GOE-FI-A-1";
  contact.terms = {"HP:0001250"};
  ASSERT_THAT(store.Add(ctx_, contact, 20), IsOk());
  ASSERT_THAT(store.Confirm(ctx_, contact.id), IsOk());
  ASSERT_THAT(store.ConfirmAnswer(ctx_, contact.id), IsOk());
  ContactRequest yes = contact, no = contact;
  yes.state = State::kAccepted;
  yes.reply = "Call us";
  yes.answered = no.answered = contact.created + std::chrono::hours(1);
  no.state = State::kDeclined;
  EXPECT_EQ(store.ClaimAnswer(ctx_, yes)->reply, "Call us");
  const auto second = store.ClaimAnswer(ctx_, no);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->state, State::kAccepted);
  EXPECT_EQ(second->answered, yes.answered);
  for (const auto& seen :
       {*store.Find(ctx_, contact.id), store.List(ctx_, "", "", "", 10)->at(0)}) {
    EXPECT_EQ(seen.state, State::kWaiting);
    EXPECT_EQ(seen.reply, "");
    EXPECT_FALSE(seen.answered);
  }
  ASSERT_THAT(store.ConfirmAnswer(ctx_, contact.id), IsOk());
  for (const auto& seen :
       {*store.Find(ctx_, contact.id), store.List(ctx_, "", "", "", 10)->at(0)}) {
    EXPECT_EQ(seen.state, State::kAccepted);
    EXPECT_EQ(seen.reply, "Call us");
    EXPECT_EQ(seen.answered, yes.answered);
  }
  EXPECT_THAT(store.ClaimAnswer(ctx_, no), HasReason("CONTACT_ANSWERED"));
}

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&consent_);
    builder.RegisterService(&node_);
    server_ = builder.BuildAndStart();
  }
  rpc::ChannelSource Channel() {
    return {[this] { return server_->InProcessChannel({}); }, "fi/peer", "discovery", nullptr};
  }
  FakeConsentServer consent_;
  FakeNodeServer node_;
  std::unique_ptr<grpc::Server> server_;
  Context ctx_ = Context::Background();
};

TEST_F(ClientTest, AsksConsentForEpochAndRows) {
  auto client = MakeConsentClient(Channel(), milliseconds(5000));
  EXPECT_EQ(*client->Epoch(ctx_), 9);
  auto rows = client->Permitted(ctx_, "GOE-FI-A-1", 3, Permission::kAlleleFrequency);
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows->rows, 8u);
  EXPECT_EQ(rows->bits, "\x0f");
  EXPECT_EQ(client->Permitted(ctx_, "GOE-FI-A-1", 3, Permission::kSubjectLevelQuery)->bits, "\x03");
  EXPECT_THAT(client->Permitted(ctx_, "GOE-FI-A-1", 4, Permission::kAlleleFrequency),
              testing::HasCode(StatusCode::kNotFound));
}

TEST_F(ClientTest, ShowsANodeItsOwnAccountTokenAndNothingElseOfTheCaller) {
  Principal ann;
  ann.user.emplace();
  ann.user->subject = "ann";
  ann.user->access_token = "secret";
  const Context ctx = ctx_.WithPrincipal(std::move(ann));
  auto client = MakeNodeClient("fi", Channel(), milliseconds(5000));
  Query query;
  query.variant =
      VariantPattern{VariantPattern::Form::kExact, std::nullopt, "20", 1000, 1001, "A", "T"};
  query.account = std::string(64, 'a');
  query.account_tokens =
      std::make_shared<const AccountTokens>(AccountTokens{{"es", "for spain"}, {"fi", "for finland"}});
  ASSERT_THAT(AskAndWait(*client, ctx, query), IsOk());
  EXPECT_EQ(node_.shown, "for finland");
  EXPECT_FALSE(node_.access_token_shown);
  // Not asked as nobody either, whose budget all share.
  query.account_tokens = std::make_shared<const AccountTokens>(AccountTokens{{"es", "for spain"}});
  EXPECT_THAT(AskAndWait(*client, ctx, query), HasReason("ACCOUNT_TOKEN_MISSING"));
  query.account = std::string(kAnonymous);
  query.account_tokens = nullptr;
  ASSERT_THAT(AskAndWait(*client, ctx_, query), IsOk());
  EXPECT_EQ(node_.shown, "");
}

TEST_F(ClientTest, AsksANodeWithinTheDeadlineAndReadsAllPagesOfTerms) {
  auto client = MakeNodeClient("fi", Channel(), milliseconds(200));
  Query query;
  query.variant =
      VariantPattern{VariantPattern::Form::kExact, std::nullopt, "20", 1000, 1001, "A", "T"};
  auto answer = AskAndWait(*client, ctx_, query);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->datasets.at(0).count, 1000);
  EXPECT_TRUE(answer->members.empty());
  const std::vector<FilteringTerm> terms = {{"HP:1", ""}, {"HP:11", ""}, {"HP:111", ""}};
  const auto listed =
      Wait<std::vector<FilteringTerm>>([&](auto done) { client->Terms(ctx_, std::move(done)); });
  EXPECT_EQ(*listed, terms);
  node_.hang = true;
  EXPECT_THAT(AskAndWait(*client, ctx_, query), testing::HasCode(StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace genofed::discovery
