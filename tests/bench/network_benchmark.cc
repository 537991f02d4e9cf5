// SPDX-License-Identifier: Apache-2.0
//
// What a count costs end to end, next to an empty call on the same way in the same run: a node over
// mutual TLS with its index, permissions and the whole of disclosure control, and the hub over 27
// such nodes with a million people. Who asks has signed in: the hub shows each node its token of
// their account, and nodes verify it; empty calls are nobody's. The broker is in this process.
// Budgets are in a PostgreSQL of its own. Prints one JSON object;
// tests/bench/run makes rows of it.
#include <grpcpp/impl/codegen/service_type.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "genofed/discovery/v1/discovery.grpc.pb.h"
#include "libs/auth/access_token.h"
#include "libs/auth/account_token.h"
#include "libs/auth/token_cache.h"
#include "libs/crypto/signer.h"
#include "libs/disclosure/budget.h"
#include "libs/obs/log.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/channel_cache.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/lock_checks.h"
#include "libs/rpc/server.h"
#include "libs/testing/temporary_directory.h"
#include "libs/testing/temporary_postgres.h"
#include "services/cli/federation/pki.h"
#include "services/discovery/adapters/account_of_call.h"
#include "services/discovery/adapters/file_beacon_opener.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/grpc_discovery_service.h"
#include "services/discovery/adapters/peers.h"
#include "services/discovery/adapters/proto_mapping.h"
#include "services/discovery/adapters/sql_beacon_store.h"
#include "services/discovery/adapters/sql_disclosure_store.h"
#include "services/discovery/adapters/sql_publication_store.h"
#include "services/discovery/app/hub_discovery.h"
#include "services/discovery/app/node_discovery.h"
#include "services/discovery/app/publications.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr char kDomain[] = "1mg.example";
constexpr int kNodes = 27;
constexpr std::uint32_t kPeople = 1'000'000 / kNodes + 1;
constexpr int kSites = 400;
constexpr int kRounds = 1'500;
constexpr unsigned kSeed = 20;

Status NobodyDenied(const WorkloadIdentity&) { return absl::OkStatus(); }

std::string NodeName(int i) {
  return {static_cast<char>('a' + i / 5), static_cast<char>('a' + i % 5)};
}

// Alleles of frequencies from 0.1% to 50%; every other person is female, every tenth has the term.
std::vector<TestSite> MakeSites() {
  std::mt19937 random(kSeed);
  std::vector<TestSite> sites;
  for (int i = 0; i < kSites; ++i) {
    TestSite site;
    site.variant = {"20", 1'000 + 100 * i, "A", "T"};
    const double frequency = 0.001 * std::pow(500, static_cast<double>(i) / kSites);
    std::bernoulli_distribution copy(frequency);
    for (std::uint32_t row = 0; row < kPeople; ++row) {
      const int copies = copy(random) + copy(random);
      if (copies == 1) site.sets.het.push_back(row);
      if (copies == 2) site.sets.hom.push_back(row);
    }
    sites.push_back(std::move(site));
  }
  return sites;
}

std::vector<genomics::Individual> MakePeople() {
  std::vector<genomics::Individual> people(kPeople);
  for (std::uint32_t row = 0; row < kPeople; ++row) {
    people[row].sex = row % 2 == 0 ? genomics::Sex::kFemale : genomics::Sex::kMale;
    if (row % 10 < 1) people[row].terms.push_back("HP:0001250");
  }
  return people;
}

rpc::Policy ThePolicy() { return *rpc::Policy::Parse(kPolicy[0].content); }

std::string AudienceOf(const std::string& site) { return "urn:genofed:site:" + site; }

// The hub's broker.
class BenchBroker final : public Broker {
 public:
  Result<Issued> Issue(const Context& ctx) override {
    auth::AccountToken token;
    token.issuer = kIssuer;
    token.account = AccountOfUser(ctx.principal());
    token.issued_at = std::chrono::floor<std::chrono::seconds>(clock_.Now());
    token.expires_at = token.issued_at + auth::AccountToken::kLifetime;
    Issued issued;
    issued.lifetime = auth::AccountToken::kLifetime;
    for (int i = 0; i < kNodes; ++i) {
      token.id = NewId("act", clock_, random_);
      token.audience = AudienceOf(NodeName(i));
      GF_ASSIGN(issued.tokens[NodeName(i)], auth::MintAccountToken(signer_, token));
    }
    return issued;
  }
  // What a node believes, with a memory of its own.
  auth::TrustStore Trust() const {
    nlohmann::json issuer = {{"iss", kIssuer}, {"roles", nlohmann::json::array({"passport"})}};
    issuer["jwks"]["keys"] =
        nlohmann::json::array({nlohmann::json::parse(signer_.public_key().Jwk())});
    const nlohmann::json file = {{"issuers", nlohmann::json::array({issuer})}};
    return auth::TrustStore::FromJson(file.dump())->With(std::make_shared<auth::TokenCache>());
  }

 private:
  static constexpr char kIssuer[] = "https://passports.1mg.example";
  const SystemClock clock_;
  SystemRandom random_;
  crypto::FileSigner signer_{*crypto::SigningKey::Generate()};
};

// Keys and certificates of all sites.
class Certificates {
 public:
  rpc::TlsFiles Of(const std::string& site, const std::string& service) {
    const std::string bundle = directory_ / "bundle.pem";
    auto authority = federation::SiteAuthority::Open(site, kDomain, directory_ / (site + "-ca.pem"),
                                                     directory_ / (site + "-ca.key"), clock_);
    GF_CHECK(authority.ok());
    std::ofstream(bundle, std::ios::app) << authority->certificate_pem();
    const std::string name = site + "-" + service;
    GF_CHECK(
        authority->Issue(service, directory_ / (name + ".pem"), directory_ / (name + ".key")).ok());
    return {directory_ / (name + ".pem"), directory_ / (name + ".key"), bundle};
  }

 private:
  const testing::TemporaryDirectory directory_;
  const SystemClock clock_;
};

// Everything of a node's discovery behind its listener, and beside it the same listener with
// nothing behind it.
class Node {
 public:
  Node(const std::string& site, std::shared_ptr<const Cohort> cohort, const rpc::TlsFiles& files,
       sql::Database& database, auth::TrustStore trust)
      : country_(ToUpper(site)),
        trust_(std::move(trust)),
        store_(database, mechanism_.policy()),
        publication_store_(database),
        beacon_store_(database),
        tokens_(trust_, clock_, "", {}) {
    consent_.rows[cohort->dataset()] = cohort->rows();
    view_.Put(std::move(cohort));
    GF_CHECK(view_.Refresh(Context::Background()).ok());
    GF_CHECK(beacon_view_.Refresh(Context::Background()).ok());
    dispatcher_ = std::make_unique<rpc::Dispatcher>(
        rpc::Dispatcher::Options{
            .site = site, .domain = kDomain, .service = "discovery", .denied = NobodyDenied},
        ThePolicy(), tokens_, metrics_);
    service_ = MakeNodeService(*dispatcher_, metrics_, discovery_, folders_, publications_,
                               PayerAtNode(trust_, clock_, AudienceOf(site)));
    server_ = *rpc::Server::Start({.listeners = {{"127.0.0.1:0", files}},
                                   .site = site,
                                   .domain = kDomain,
                                   .policies = {ThePolicy()},
                                   .denied = NobodyDenied,
                                   .metrics = &metrics_},
                                  {service_.get()});
  }
  ~Node() { server_->Stop(milliseconds(100)); }
  // As the module does in the background; all slices, as if the account had gone away.
  void Settle(bool all = false) { GF_CHECK(budgets_.Settle(Context::Background(), all).ok()); }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->ports()[0]); }

 private:
  const std::string country_;
  const SystemClock clock_;
  const auth::FixedTrust trust_;
  obs::Metrics metrics_;
  FakeConsent consent_;
  FakeListing listing_;
  const disclosure::Mechanism mechanism_{disclosure::Policy(), std::string(32, 'k')};
  ConsentView view_{consent_, listing_, mechanism_, std::chrono::hours(1)};
  SqlDisclosureStore store_;
  Budgets budgets_{store_, clock_, disclosure::MostOpen(mechanism_.policy())};
  DisclosureAudit audit_{store_};
  NodeDiscovery discovery_{view_, country_, mechanism_, &budgets_, audit_, clock_};
  SqlPublicationStore publication_store_;
  FileCohortOpener opener_{"/nonexistent", "/nonexistent"};
  Publications publications_{publication_store_, opener_, listing_, view_, clock_, country_};
  SqlBeaconStore beacon_store_;
  FileBeaconOpener beacon_opener_{"/nonexistent"};
  BeaconView beacon_view_{beacon_store_, beacon_opener_, consent_, listing_, mechanism_, std::chrono::hours(1)};
  FolderCounts folders_{beacon_view_, country_, mechanism_, &budgets_, audit_, clock_};
  const auth::AccessTokenVerifier tokens_;
  std::unique_ptr<rpc::Dispatcher> dispatcher_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<rpc::Server> server_;
};

double Microseconds(steady_clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

struct Times {
  std::vector<double> taken;
  template <typename F>
  void Take(F&& call) {
    const auto start = steady_clock::now();
    call();
    taken.push_back(Microseconds(steady_clock::now() - start));
  }
  nlohmann::json Json() {
    std::sort(taken.begin(), taken.end());
    return {{"p50", taken[taken.size() / 2]},
            {"p99", taken[taken.size() * 99 / 100]},
            {"min", taken[0]},
            {"n", taken.size()}};
  }
};

Query AlleleQuery(int site) {
  Query query;
  query.granularity = Granularity::kCount;
  query.variant =
      VariantPattern{VariantPattern::Form::kExact, std::nullopt, "20", 1'000 + 100 * site,
                     1'001 + 100 * site,           "A",          "T"};
  return query;
}

// A question about no dataset goes all the way and finds nothing to do: the empty call of the same
// kind.
Query EmptyQuery() {
  Query query = AlleleQuery(0);
  query.datasets = {"none"};
  return query;
}

// Somebody with an account of their own.
Context As(int person) {
  Principal principal;
  principal.user.emplace();
  principal.user->issuer = "https://login.1mg.example";
  principal.user->subject = std::to_string(person);
  return Context::Background().WithPrincipal(std::move(principal));
}

int Run() {
  rpc::RequireTls13();
  rpc::SkipLockChecks();
  GF_CHECK(obs::SetLogLevel("error").ok());
  testing::TemporaryDirectory data;
  auto database = *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("discovery"));
  GF_CHECK(database->Migrate(kMigrations).ok());
  Certificates certificates;
  const auto sites = MakeSites();
  const auto people = MakePeople();
  FileCohortOpener opener(data.path(), data / "derived");
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<NodeClient>> members;
  HubDiscovery::Options options;
  options.node_deadline = std::chrono::seconds(10);
  options.hedge_after = options.cache_lifetime = milliseconds(0);  // nothing may hide the work
  // All of them first: each site's authority is in the bundle that everybody reads at start.
  const rpc::TlsFiles hub = certificates.Of("hub", "discovery");
  std::vector<rpc::TlsFiles> files;
  for (int i = 0; i < kNodes; ++i) files.push_back(certificates.Of(NodeName(i), "discovery"));
  std::unique_ptr<rpc::Peer<v1::DiscoveryService>> alone;
  BenchBroker broker;
  const SystemClock clock;
  AccountTokenCache tokens(broker, clock, options.node_deadline);
  const PayerOfCall payer_of = PayerAtHub(tokens);
  for (int i = 0; i < kNodes; ++i) {
    const std::string site = NodeName(i);
    auto cohort = opener.Open(
        WriteCohort(data.path(), "GOE-" + ToUpper(site) + "-BENCH-1", 1, kPeople, sites, people));
    GF_CHECK(cohort.ok());
    nodes.push_back(std::make_unique<Node>(site, *cohort, files[static_cast<std::size_t>(i)],
                                           *database, broker.Trust()));
    auto channel = rpc::ConnectTls(nodes.back()->address(), hub, {site, "discovery"}, kDomain);
    const rpc::ChannelSource source = {[channel] { return channel; }, site + "/discovery",
                                       "discovery", nullptr};
    if (i == 0) alone = std::make_unique<rpc::Peer<v1::DiscoveryService>>(source);
    members.push_back(MakeNodeClient(site, source, options.node_deadline));
  }
  HubDiscovery network(std::move(members), options);
  const Context nobody = Context::Background();

  // Each node twice a second, one after the other.
  std::jthread settler([&](const std::stop_token& stop) {
    for (std::size_t i = 0; !stop.stop_requested(); ++i) {
      nodes[i % nodes.size()]->Settle();
      std::this_thread::sleep_for(milliseconds(500) / kNodes);
    }
  });

  Times node_empty, node_repeat, node_first, node_new, hub_empty, hub_repeat, hub_first, hub_new;
  auto ask = [&](const Context& ctx, const Query& query) {
    const auto payer = payer_of(ctx, "");
    GF_CHECK(payer.ok());
    auto request = ToProto(query);
    if (payer->tokens != nullptr) request.set_account_token(payer->tokens->at(NodeName(0)));
    const auto answer = alone->Call(nobody, &v1::DiscoveryService::Stub::Query, request);
    if (!answer.ok()) std::fprintf(stderr, "%s\n", Describe(answer.status()).c_str());
    GF_CHECK(answer.ok());
  };
  auto ask_all = [&](const Context& ctx, Query query) {
    auto payer = payer_of(ctx, "");
    GF_CHECK(payer.ok());
    query.account = std::move(payer->account);
    query.account_tokens = std::move(payer->tokens);
    auto answer = network.Run(ctx, query);
    GF_CHECK(answer.ok());
    for (const Member& member : answer->members) {
      if (member.state != MemberState::kAnswered)
        std::fprintf(stderr, "%s: %s after %d ms\n", member.site.c_str(),
                     MemberStateName(member.state), member.milliseconds);
      GF_CHECK(member.state == MemberState::kAnswered);
    }
  };
  // Each account is told a few common alleles, which cost next to nothing, before the next one
  // asks. What the hub's broker signs for a first question is part of the hub's time, and not of
  // the node's.
  const Context known = As(1'000'000);
  auto common = [](int round) { return AlleleQuery(kSites - 1 - round % 50); };
  for (int i = 0; i < 50; ++i) {
    ask(known, common(i));
    ask_all(known, common(i));
  }
  for (int round = 0; round < kRounds; ++round) {
    const Context somebody = As(round / 50);
    GF_CHECK(payer_of(somebody, "").ok());
    node_empty.Take([&] { ask(nobody, EmptyQuery()); });
    node_repeat.Take([&] { ask(known, common(round)); });
    (round % 50 == 0 ? node_first : node_new).Take([&] { ask(somebody, common(round)); });
  }
  // The first node was asked by thirty accounts within seconds, and holds as much open for them as it
  // may (disclosure::MostOpen): they go away, as they did from no other node.
  nodes[0]->Settle(true);
  for (int round = 0; round < kRounds / 5; ++round) {
    const Context somebody = As((kRounds + round) / 50);
    hub_empty.Take([&] { ask_all(nobody, EmptyQuery()); });
    hub_repeat.Take([&] { ask_all(known, common(round)); });
    (round % 50 == 0 ? hub_first : hub_new).Take([&] { ask_all(somebody, common(round)); });
  }
  // More of the first questions of accounts, which go to the database.
  for (int round = 0; round < kRounds / 15; ++round) {
    for (auto& node : nodes) node->Settle(true);
    const Context one = As(2'000'000 + round), other = As(3'000'000 + round);
    GF_CHECK(payer_of(one, "").ok());
    node_first.Take([&] { ask(one, common(round)); });
    hub_first.Take([&] { ask_all(other, common(round)); });
  }
  const nlohmann::json out = {{"people", std::int64_t{kPeople} * kNodes},
                              {"nodes", kNodes},
                              {"seed", kSeed},
                              {"node_empty", node_empty.Json()},
                              {"node_repeat", node_repeat.Json()},
                              {"node_first", node_first.Json()},
                              {"node_new", node_new.Json()},
                              {"hub_empty", hub_empty.Json()},
                              {"hub_repeat", hub_repeat.Json()},
                              {"hub_first", hub_first.Json()},
                              {"hub_new", hub_new.Json()}};
  std::printf("%s\n", out.dump(1).c_str());
  return 0;
}

}  // namespace
}  // namespace genofed::discovery

int main() { return genofed::discovery::Run(); }
