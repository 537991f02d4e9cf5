// SPDX-License-Identifier: Apache-2.0
//
// What a question about genotypes costs when another process of the node has the tiles: the same
// question here, and over mutual TLS with who is counted in it (docs/scale-discovery.md).
//
//   genofed synth --people N --bases 2500000 --seed 20 --out DIR
//   shard_benchmark DIR [ROUNDS]          prints one JSON object, times in microseconds
#include <grpcpp/impl/codegen/service_type.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "libs/auth/access_token.h"
#include "libs/core/embedded_file.h"
#include "libs/obs/log.h"
#include "libs/rpc/channel_cache.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/server.h"
#include "libs/testing/temporary_directory.h"
#include "services/cli/federation/pki.h"
#include "services/discovery/adapters/grpc_shard_service.h"
#include "services/discovery/adapters/shard_client.h"
#include "services/discovery/adapters/shard_mapping.h"
#include "services/discovery/frequency_test_support.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
extern const EmbeddedFile kPolicy[];
namespace {

using std::chrono::steady_clock;

constexpr char kDomain[] = "1mg.example";
constexpr cohort::Shard kOwner{1, 2};  // chromosome 20 begins with block 349

Status NobodyDenied(const WorkloadIdentity&) { return absl::OkStatus(); }

rpc::TlsFiles MakeCertificate(const std::filesystem::path& directory) {
  const SystemClock clock;
  auto authority = federation::SiteAuthority::Open("fi", kDomain, directory / "ca.pem",
                                                   directory / "ca.key", clock);
  GF_CHECK(authority.ok());
  std::ofstream(directory / "bundle.pem") << authority->certificate_pem();
  GF_CHECK(authority->Issue("discovery", directory / "own.pem", directory / "own.key").ok());
  return {directory / "own.pem", directory / "own.key", directory / "bundle.pem"};
}

// The shard that has the tiles, behind its listener.
class Owner {
 public:
  Owner(std::shared_ptr<const Cohort> cohort, const rpc::TlsFiles& files) {
    view_.Put(std::move(cohort));
    const rpc::Policy policy = *rpc::Policy::Parse(kPolicy[0].content);
    dispatcher_ = std::make_unique<rpc::Dispatcher>(
        rpc::Dispatcher::Options{
            .site = "fi", .domain = kDomain, .service = "discovery", .denied = NobodyDenied},
        policy, tokens_, metrics_);
    service_ = MakeShardService(*dispatcher_, answers_);
    server_ = *rpc::Server::Start({.listeners = {{"127.0.0.1:0", files}},
                                   .site = "fi",
                                   .domain = kDomain,
                                   .policies = {policy},
                                   .denied = NobodyDenied,
                                   .metrics = &metrics_},
                                  {service_.get()});
  }
  ~Owner() { server_->Stop(std::chrono::milliseconds(100)); }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->ports()[0]); }

 private:
  const SystemClock clock_;
  const auth::FixedTrust trust_{auth::TrustStore()};
  const auth::AccessTokenVerifier tokens_{trust_, clock_, "", {}};
  obs::Metrics metrics_;
  FakeConsent consent_;
  FakeListing listing_;
  const disclosure::Mechanism mechanism_{FloorOfFive(), ""};
  ConsentView view_{consent_, listing_, mechanism_, std::chrono::hours(1)};
  MemoryTables tables_, at_hub_;
  MemoryPublications publications_;
  FrequencyDesk desk_{at_hub_, {"fi"}};
  DeskHub hub_{desk_, "fi"};
  FakePublicationStore versions_;
  NodeFrequencies frequencies_{view_,
                               versions_,
                               listing_,
                               mechanism_,
                               publications_,
                               tables_,
                               hub_,
                               clock_,
                               "fi",
                               std::chrono::seconds(0)};
  const ShardAnswers answers_{kOwner, view_, frequencies_, [] {}};
  std::unique_ptr<rpc::Dispatcher> dispatcher_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<rpc::Server> server_;
};

template <typename F>
double Median(int rounds, F&& call) {
  std::vector<double> taken;
  for (int i = 0; i < rounds; ++i) {
    const auto start = steady_clock::now();
    call(i);
    taken.push_back(std::chrono::duration<double, std::micro>(steady_clock::now() - start).count());
  }
  std::sort(taken.begin(), taken.end());
  return taken[taken.size() / 2];
}

std::vector<VariantPattern> Alleles(const cohort::Segment& segment, std::size_t n) {
  const cohort::Tile& tile = *segment.FindContig("20")->tiles.at(1);
  std::vector<VariantPattern> patterns;
  for (std::size_t i = 0; i < n; ++i) {
    const auto site = static_cast<std::uint32_t>(i * tile.n_sites() / n);
    VariantPattern& pattern = patterns.emplace_back();
    pattern.contig = "20";
    pattern.start = tile.positions()[site];
    pattern.ref = tile.ref(site);
    pattern.alt = tile.alt(site);
    pattern.end = pattern.start + static_cast<std::int64_t>(pattern.ref.size());
  }
  return patterns;
}

std::vector<VariantPattern> Genes(const cohort::Segment& segment) {
  std::vector<VariantPattern> patterns;
  for (const std::string& gene : segment.Genes()) {
    RawQuery raw;
    raw.entity = Entity::kVariant;
    raw.variant =
        RawVariant{.gene = gene, .consequences = {"stop_gained"}, .below_frequency = 0.001};
    patterns.push_back(*Validate(raw)->variant);
  }
  return patterns;
}

int Run(const std::filesystem::path& dir, int rounds) {
  rpc::RequireTls13();
  GF_CHECK(obs::SetLogLevel("error").ok());
  std::vector<std::unique_ptr<cohort::Segment>> segments;
  segments.push_back(*cohort::Segment::Open(dir / "one", cohort::Residence::kMapped, {}, kOwner));
  const auto cohort = std::make_shared<const Cohort>(
      "GOE-FI-BENCH-1", 1, *cohort::Cohort::Create(std::move(segments)),
      std::span<const genomics::Individual>(), std::vector<std::uint32_t>(), "files");
  testing::TemporaryDirectory directory;
  const rpc::TlsFiles files = MakeCertificate(directory.path());
  const Owner owner(cohort, files);
  const auto channel = rpc::ConnectTls(owner.address(), files, {"fi", "discovery"}, kDomain);
  const auto shard = MakeShardClient(
      kOwner, {[channel] { return channel; }, "fi/discovery-shard-2", "", nullptr}, false, [] {});
  const Context ctx = Context::Background();
  const auto alleles = Alleles(cohort->genotypes().segment(0), 200);
  const auto genes = Genes(cohort->genotypes().segment(0));
  const OwnGenotypes& own = OwnGenotypes::Get();
  nlohmann::ordered_json out = {{"people", cohort->rows()}, {"rounds", rounds}};
  for (const auto& [name, share] : {std::pair("nearly all", 0.995), std::pair("half", 0.5),
                                    std::pair("one in a hundred", 0.01)}) {
    std::mt19937 random(20);
    std::bernoulli_distribution in(share);
    genomics::Bitmap rows(cohort->rows());
    for (std::uint32_t row = 0; row < cohort->rows(); ++row) {
      if (in(random)) rows.Set(row);
    }
    const auto live = cohort->genotypes().MakeLive(rows, 1);
    const auto question = [&](const VariantPattern& pattern) {
      return ShardQuestion{cohort->dataset(), 1, cohort->files(), rows, &pattern};
    };
    const auto of = [](const std::vector<VariantPattern>& patterns,
                       int i) -> const VariantPattern& {
      return patterns[static_cast<std::size_t>(i) % patterns.size()];
    };
    for (int i = 0; i < 200; ++i) {
      const auto& pattern = of(alleles, i);
      GF_CHECK(*own.CountCarriers(ctx, *cohort, pattern, rows, live.get(), nullptr) ==
               *shard->Count(ctx, question(pattern)));
    }
    nlohmann::ordered_json& times = out[name];
    times["bytes of the rows"] = ToProto(rows).ByteSizeLong();
    times["rows to bytes and back"] =
        Median(rounds, [&](int) { GF_CHECK(FromProto(ToProto(rows)).ok()); });
    times["allele here"] = Median(rounds, [&](int i) {
      GF_CHECK(own.CountCarriers(ctx, *cohort, of(alleles, i), rows, live.get(), nullptr).ok());
    });
    times["allele there"] =
        Median(rounds, [&](int i) { GF_CHECK(shard->Count(ctx, question(of(alleles, i))).ok()); });
    times["gene here"] = Median(rounds, [&](int i) {
      GF_CHECK(own.CountCarriers(ctx, *cohort, of(genes, i), rows, nullptr, nullptr).ok());
    });
    times["gene there"] =
        Median(rounds, [&](int i) { GF_CHECK(shard->Count(ctx, question(of(genes, i))).ok()); });
    times["carriers of a gene there"] =
        Median(rounds, [&](int i) { GF_CHECK(shard->Carriers(ctx, question(of(genes, i))).ok()); });
  }
  std::printf("%s\n", out.dump(1).c_str());
  return 0;
}

}  // namespace
}  // namespace genofed::discovery

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return genofed::discovery::Run(argv[1], argc > 2 ? std::atoi(argv[2]) : 500);
}
