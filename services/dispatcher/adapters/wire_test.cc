// SPDX-License-Identifier: Apache-2.0
//
// Nodes and the hub over gRPC with mutual TLS: the real service, policy, client and certificates.
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include "libs/auth/access_token.h"
#include "libs/core/file.h"
#include "libs/platform/module.h"
#include "libs/rpc/server.h"
#include "libs/rpc/tls.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "libs/testing/temporary_postgres.h"
#include "services/cli/federation/pki.h"
#include "services/dispatcher/adapters/grpc_services.h"
#include "services/dispatcher/adapters/peers.h"
#include "services/dispatcher/adapters/sql_part_store.h"
#include "services/dispatcher/adapters/sql_run_store.h"
#include "services/dispatcher/app/fetch_work.h"
#include "services/dispatcher/test_workflow.h"

// After the headers that know grpc::Service by name only.
#include <grpcpp/impl/codegen/service_type.h>

namespace genofed::dispatcher {
extern const genofed::EmbeddedFile kMigrations[];
extern const genofed::EmbeddedFile kPolicy[];
namespace {

using testing::HasReason;
using testing::IsOk;

std::unique_ptr<sql::Database> NewWireDatabase() {
  auto database = *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("wire"));
  EXPECT_THAT(database->Migrate(kMigrations), IsOk());
  return database;
}

constexpr char kDomain[] = "1mg.example";

class WireTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rpc::RequireTls13();
    for (const char* site : {"hub", "fi", "es"}) {
      auto authority = federation::SiteAuthority::Open(site, kDomain, Path(site, "ca.pem"),
                                                       Path(site, "ca.key"), now_);
      ASSERT_THAT(authority, IsOk());
      for (const char* service : {"dispatcher", "gateway"}) {
        ASSERT_THAT(authority->Issue(service, Path(site, service), Path(site, service) + ".key"),
                    IsOk());
      }
      bundle_ += authority->certificate_pem();
    }
    ASSERT_THAT(WriteFileAtomically(Path("all", "bundle"), bundle_), IsOk());
    rpc_ = std::make_unique<rpc::Dispatcher>(
        rpc::Dispatcher::Options{.site = "hub", .domain = kDomain, .service = "dispatcher"},
        *rpc::Policy::Parse(kPolicy[0].content), tokens_, metrics_);
    service_ = MakeGrpcWorkService(*rpc_, desk_);
    server_ = *rpc::Server::Start({.listeners = {{"127.0.0.1:0", Identity("hub", "dispatcher")}},
                                   .site = "hub",
                                   .domain = kDomain,
                                   .policies = {*rpc::Policy::Parse(kPolicy[0].content)}},
                                  {service_.get()});
    dispatcher::Run run;
    run.id = "run-1";
    run.owner = {"https://login.example", "alice"};
    run.request.application = "app-1";
    run.request.workflow = TestWorkflow();
    run.request.parameters["REGION"] = "chr1";
    run.created = clock_.Now();
    run.parts =
        *PlanParts(run.id, {}, {{"GOE-FI-1", "FI", true}, {"GOE-ES-1", "ES", true}}, clock_.Now());
    ASSERT_THAT(hub_store_.Add(ctx_, run, ""), IsOk());
  }
  void TearDown() override { server_->Stop(); }

  std::string Path(const std::string& site, const std::string& name) const {
    return (directory_.path() / (site + "." + name)).string();
  }
  rpc::TlsFiles Identity(const std::string& site, const std::string& service) const {
    return {Path(site, service), Path(site, service) + ".key", Path("all", "bundle")};
  }
  // The hub as a service of a site sees it.
  std::unique_ptr<HubDesk> Desk(const std::string& site, const std::string& service) {
    auto channel = grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(server_->ports()[0]),
        rpc::ClientTls(Identity(site, service), {"hub", "dispatcher"}, kDomain));
    return MakeHubDesk({[channel] { return channel; }, "hub/dispatcher", "", &metrics_});
  }

  testing::TemporaryDirectory directory_;
  SystemClock now_;
  std::string bundle_;
  testing::FakeClock clock_;
  obs::Metrics metrics_;
  auth::FixedTrust trust_{auth::TrustStore()};
  auth::AccessTokenVerifier tokens_{trust_, clock_, "", {}};
  std::unique_ptr<sql::Database> hub_ = NewWireDatabase();
  std::unique_ptr<sql::Database> node_ = NewWireDatabase();
  SqlRunStore hub_store_{*hub_};
  SqlPartStore node_store_{*node_};
  PartDesk desk_{hub_store_, clock_};
  std::unique_ptr<rpc::Dispatcher> rpc_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<rpc::Server> server_;
  Context ctx_ = Context::Background();
};

TEST_F(WireTest, ANodeFetchesReportsAndDelivers) {
  const auto hub = Desk("fi", "dispatcher");
  EXPECT_EQ(*FetchWork(ctx_, *hub, node_store_, clock_.Now()), 1);
  EXPECT_EQ(*FetchWork(ctx_, *hub, node_store_, clock_.Now()), 0);
  const auto parts = node_store_.OfRun(ctx_, "run-1");
  ASSERT_EQ(parts->size(), 1u);
  const NodePart part = parts->at(0);
  EXPECT_EQ(part.dataset, "GOE-FI-1");
  EXPECT_EQ(part.researcher, (Owner{"https://login.example", "alice"}));
  EXPECT_EQ(part.request, hub_store_.Find(ctx_, "run-1")->request);
  EXPECT_FALSE(part.cancel);

  ASSERT_THAT(hub->Report(ctx_, {part.id, State::kRunning, "", "m", 7, 12}), IsOk());
  const Part seen = *hub_store_.Find(ctx_, "run-1")->FindPart(part.id);
  EXPECT_EQ(seen.state, State::kRunning);
  EXPECT_EQ(seen.message, "m");
  EXPECT_EQ(seen.ledger_index, 7);
  EXPECT_EQ(seen.individuals, 12);

  const std::string large(PartDesk::kMaxFileBytes + 1, 'x');
  EXPECT_THAT(hub->Deliver(ctx_, part.id, {{"allele_counts.tsv", large}}, 12),
              HasReason("OUTPUT_TOO_LARGE"));
  ASSERT_THAT(hub->Deliver(ctx_, part.id, {{"allele_counts.tsv", TestTable("")}}, 12), IsOk());
  EXPECT_EQ(hub_store_.Find(ctx_, "run-1")->FindPart(part.id)->state, State::kComplete);
  EXPECT_THAT(hub->Report(ctx_, {part.id, State::kSystemError, "X", "", -1, 0}),
              HasReason("PART_ENDED"));
}

TEST_F(WireTest, APartTheHubGaveUpIsCanceledAtTheNode) {
  const auto hub = Desk("fi", "dispatcher");
  ASSERT_EQ(*FetchWork(ctx_, *hub, node_store_, clock_.Now()), 1);
  ASSERT_THAT(hub_store_.Change(ctx_, "run-1",
                                [&](dispatcher::Run& run) {
                                  RequestCancel(run, clock_.Now());
                                  return absl::OkStatus();
                                }),
              IsOk());
  ASSERT_THAT(FetchWork(ctx_, *hub, node_store_, clock_.Now()), IsOk());
  EXPECT_TRUE(node_store_.OfRun(ctx_, "run-1")->at(0).cancel);
}

TEST_F(WireTest, TheCertificateSaysWhichNodeSpeaks) {
  ASSERT_EQ(*FetchWork(ctx_, *Desk("fi", "dispatcher"), node_store_, clock_.Now()), 1);
  const std::string part = node_store_.OfRun(ctx_, "run-1")->at(0).id;
  const auto es = Desk("es", "dispatcher");
  EXPECT_THAT(es->Report(ctx_, {part, State::kSystemError, "", "", -1, 0}),
              HasReason("PART_UNKNOWN"));
  const auto theirs = es->Fetch(ctx_, {});
  ASSERT_THAT(theirs, IsOk());
  ASSERT_EQ(theirs->fresh.size(), 1u);
  EXPECT_EQ(theirs->fresh[0].dataset, "GOE-ES-1");
}

TEST_F(WireTest, OnlyDispatchersOfNodesAreServed) {
  EXPECT_THAT(Desk("fi", "gateway")->Fetch(ctx_, {}), HasReason("CALLER_NOT_ALLOWED"));
  EXPECT_THAT(Desk("hub", "dispatcher")->Fetch(ctx_, {}), HasReason("CALLER_NOT_ALLOWED"));
}

}  // namespace
}  // namespace genofed::dispatcher
