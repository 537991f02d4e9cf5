// SPDX-License-Identifier: Apache-2.0
//
<<<<<<<< HEAD:tests/bench/discovery_benchmark.cc
// The figures of discovery at a node, D1 to D5, D8 to D10: our side of them, and the floors.
// Started by tests/bench/run, which measures the peers on the same data and compares the answers.
//
//   discovery_benchmark generate DIR PEOPLE BASES SEED SEGMENTS [bcf] [rare-lists] [all-lists]
//   discovery_benchmark queries DIR        the questions of D1 to D4, as JSON
//   discovery_benchmark measure DIR        one round: times (ns) and answers, as JSON
//   discovery_benchmark cold DIR           D5
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
========
// What a count costs end to end, next to an empty call on the same way in the same run: a node over
// mutual TLS with its index, permissions and the whole of disclosure control, and the hub over 27
// such nodes with a million people. Budgets are in a PostgreSQL of its own. Prints one JSON object;
// tests/bench/run makes rows of it.
#include <grpcpp/impl/codegen/service_type.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
>>>>>>>> privacy:tests/bench/network_benchmark.cc
#include <nlohmann/json.hpp>
#include <set>

<<<<<<<< HEAD:tests/bench/discovery_benchmark.cc
#include "libs/cohort/cohort.h"
#include "libs/cohort/people.h"
#include "libs/synth/population.h"
#include "libs/synth/prng.h"
========
#include "libs/auth/access_token.h"
#include "libs/disclosure/budget.h"
#include "libs/obs/log.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/channel_cache.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/server.h"
#include "libs/testing/temporary_directory.h"
#include "libs/testing/temporary_postgres.h"
#include "services/cli/federation/pki.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/grpc_discovery_service.h"
#include "services/discovery/adapters/peers.h"
#include "services/discovery/adapters/sql_disclosure_store.h"
#include "services/discovery/adapters/sql_publication_store.h"
#include "services/discovery/adapters/worker_pool.h"
#include "services/discovery/app/hub_discovery.h"
#include "services/discovery/app/node_discovery.h"
#include "services/discovery/app/publications.h"
#include "services/discovery/test_support.h"
>>>>>>>> privacy:tests/bench/network_benchmark.cc

namespace genofed {
namespace {

namespace fs = std::filesystem;
using cohort::Cohort;
using cohort::People;
using cohort::Residence;
using cohort::Segment;
using cohort::Selection;
using cohort::VariantFilter;
using genomics::Bitmap;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr double kRare = 1e-3;
constexpr std::size_t kPairs = 200;
constexpr std::size_t kAlleles = 2000;
constexpr std::uint32_t kPurposes = 1;

[[noreturn]] void Die(const Status& status) {
  std::cerr << "discovery_benchmark: " << Describe(status) << '\n';
  std::exit(1);
}
template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) Die(result.status());
  return *std::move(result);
}

double Nanoseconds(Clock::time_point from) {
  return std::chrono::duration<double, std::nano>(Clock::now() - from).count();
}

double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

Json Times(const std::vector<double>& values) {
  return {{"p50", Quantile(values, 0.5)}, {"p99", Quantile(values, 0.99)}, {"n", values.size()}};
}

std::unique_ptr<Cohort> Open(const fs::path& dir, Residence residence) {
  std::vector<std::unique_ptr<Segment>> segments;
  if (fs::exists(dir / cohort::kSegmentFile)) {
    segments.push_back(Must(Segment::Open(dir, residence)));
  } else {
    for (int i = 0; fs::exists(dir / std::to_string(i)); ++i)
      segments.push_back(Must(Segment::Open(dir / std::to_string(i), residence)));
  }
  return Must(Cohort::Create(std::move(segments)));
}

// What is asked of one cohort: the same questions in every round and to every peer.
struct Questions {
  struct Pair {
    std::string gene;
    Selection selection;
  };
  std::vector<Pair> pairs;
  std::vector<genomics::Variant> any, common;
};

Questions MakeQuestions(const Cohort& cohort, const People& people) {
  Questions questions;
  synth::Stream random(synth::Purpose::kSite, {2026});
  std::vector<std::string> genes;
  for (const std::string& gene : cohort.segment(0).Genes()) {
    if (gene.size() == 6) genes.push_back(gene);  // without the antisense ones
  }
  if (genes.size() > 2) genes.pop_back();  // the last one may be cut off
  std::vector<std::string> terms;
  for (const std::string& term : people.Terms()) {
    const double share = static_cast<double>(people.CountOf(term)) / people.n_people();
    if (share > 0.03 && share < 0.08) terms.push_back(term);
  }
  if (genes.empty() || terms.empty())
    Die(Error(StatusCode::kFailedPrecondition, "TOO_SMALL", "no gene or no term"));
  for (std::size_t i = 0; i < kPairs; ++i) {
    Selection selection;
    selection.terms = {terms[(i / genes.size()) % terms.size()]};
    selection.sex = genomics::Sex::kFemale;
    selection.purposes = kPurposes;
    questions.pairs.push_back({genes[i % genes.size()], selection});
  }
  const auto& tiles = cohort.segment(0).FindContig("20")->tiles;
  while (questions.any.size() < kAlleles || questions.common.size() < kAlleles) {
    const auto& tile = *tiles[random.Below(static_cast<std::uint32_t>(tiles.size()))];
    const std::uint32_t site = random.Below(tile.n_sites());
    genomics::Variant variant{"20", tile.positions()[site], std::string(tile.ref(site)),
                              std::string(tile.alt(site))};
    const bool common = double{tile.frequencies()[site]} >= 0.05;
    if (questions.any.size() < kAlleles) questions.any.push_back(variant);
    if (common && questions.common.size() < kAlleles) questions.common.push_back(variant);
  }
  return questions;
}

VariantFilter Filter(const std::string& gene, bool loss_of_function) {
  VariantFilter filter;
  filter.gene = gene;
  filter.below_frequency = kRare;
  if (loss_of_function) filter.consequences = cohort::kLossOfFunction;
  return filter;
}

// Where a gene lies: 0-based, half open.
std::pair<std::int64_t, std::int64_t> RangeOf(const std::string& gene) {
  const std::int64_t start =
      synth::kPopulationStart + std::int64_t{synth::kGeneStep} * std::atoi(gene.c_str() + 4);
  return {start, start + synth::kGeneBases};
}

// Reads a large array, as the STREAM benchmark's sum would: bytes a second.
double StreamRead(const std::vector<std::uint64_t>& array) {
  // AND and count as our own kernel, so that the floor has the same instructions per byte.
  const auto began = Clock::now();
  volatile std::uint64_t sink = cohort::BestKernels().count_and(
      array.data(), array.data() + array.size() / 2, array.size() / 2);
  static_cast<void>(sink);
  return static_cast<double>(array.size() * 8) / Nanoseconds(began) * 1e9;
}

double BestStream() {
  const std::vector<std::uint64_t> array((512U << 20) / 8, 0x5555555555555555ULL);
  double best = 0;
  for (int i = 0; i < 5; ++i) best = std::max(best, StreamRead(array));
  return best;
}

// A chain of loads that depend on one another, over more memory than any cache: ns each.
double DependentLoad() {
  std::vector<std::uint32_t> next(64U << 20);
  for (std::uint32_t i = 0; i < next.size(); ++i) next[i] = i;
  synth::Stream random(synth::Purpose::kSite, {1});
  for (std::size_t i = next.size() - 1; i > 0; --i)
    std::swap(next[i], next[random.Below(static_cast<std::uint32_t>(i))]);
  constexpr int kLoads = 200'000;
  std::uint32_t at = 0;
  const auto began = Clock::now();
  for (int i = 0; i < kLoads; ++i) at = next[at];
  const double each = Nanoseconds(began) / kLoads;
  volatile std::uint32_t sink = at;
  static_cast<void>(sink);
  return each;
}

// Bytes of rows in the range, as they lie in the file.
std::uint64_t BytesOf(const Cohort& cohort, const std::string& gene) {
  const auto [start, end] = RangeOf(gene);
  std::uint64_t bytes = 0;
  for (const auto& tile : cohort.segment(0).FindContig("20")->tiles) {
    const std::uint32_t n = tile->header().n_rows;
    for (std::uint32_t site = tile->LowerBound(static_cast<std::uint32_t>(start));
         site < tile->LowerBound(static_cast<std::uint32_t>(end)); ++site) {
      for (std::size_t kind = 0; kind < tile->header().n_kinds; ++kind) {
        const cohort::RowSet set = tile->Set(kind, site);
        if (set.count != 0) bytes += set.size(n);
      }
    }
  }
  return bytes;
}

// Row numbers of rare variants of a gene, 4 bytes each; of loss of function alone when asked.
std::uint64_t RareIdBytes(const Cohort& cohort, const std::string& gene, bool loss_of_function) {
  std::uint64_t bytes = 0;
  for (const auto& part : cohort.segment(0).FindGene(gene)) {
    const auto units = part.tile->Column<cohort::Unit>(cohort::Section::kUnits);
    const auto groups = part.tile->Column<cohort::Group>(cohort::Section::kGroups);
    for (std::uint32_t i = units[part.unit].first_group; i < units[part.unit + 1].first_group;
         ++i) {
      if (cohort::kBandEnds[groups[i].band] > kRare) continue;
      if (loss_of_function && (cohort::kLossOfFunction >> groups[i].consequence & 1) == 0) continue;
      bytes += 4 * std::uint64_t{groups[i + 1].id - groups[i].id};
    }
  }
  return bytes;
}

<<<<<<<< HEAD:tests/bench/discovery_benchmark.cc
void PrintQuestions(const fs::path& dir) {
  const auto cohort = Open(dir / "one", Residence::kRead);
  const People people = Must(People::Read(dir / "people"));
  const Questions questions = MakeQuestions(*cohort, people);
  Json json = {{"pairs", Json::array()}, {"any", Json::array()}, {"common", Json::array()}};
  for (const auto& pair : questions.pairs) {
    const auto [start, end] = RangeOf(pair.gene);
    json["pairs"].push_back(
        {{"gene", pair.gene}, {"term", pair.selection.terms[0]}, {"start", start}, {"end", end}});
  }
  auto put = [&](const char* name, const std::vector<genomics::Variant>& variants) {
    for (const auto& variant : variants)
      json[name].push_back(
          {{"position", variant.pos + 1}, {"ref", variant.ref}, {"alt", variant.alt}});
  };
  put("any", questions.any);
  put("common", questions.common);
  // Terms of the questions and everybody who has them or a descendant: what a database would join.
  std::ofstream closed(dir / "closed.tsv", std::ios::binary);
  std::set<std::string> terms;
  for (const auto& pair : questions.pairs) terms.insert(pair.selection.terms[0]);
  for (const std::string& term : terms) {
    Selection selection;
    selection.terms = {term};
    people.Select(selection, Bitmap(people.n_people(), true)).ForEach([&](std::uint32_t row) {
      closed << term << '\t' << row << '\n';
    });
  }
  std::cout << json.dump() << '\n';
}

// One round over all questions.
void Measure(const fs::path& dir, bool many_segments) {
  const auto cohort = Open(dir / (many_segments ? "many" : "one"), Residence::kMapped);
  const People people = Must(People::Read(dir / "people"));
  const auto one = many_segments ? Open(dir / "one", Residence::kMapped) : nullptr;
  const Questions questions = MakeQuestions(many_segments ? *one : *cohort, people);
  const Bitmap permitted = Must(synth::ReadLive(dir / "live", cohort->n_people()));
  const auto live = cohort->MakeLive(permitted, 1);
========
rpc::Policy ThePolicy() { return *rpc::Policy::Parse(kPolicy[0].content); }

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
       sql::Database& database)
      : country_(ToUpper(site)),
        store_(database, mechanism_.policy()),
        publication_store_(database),
        tokens_(trust_, clock_, "", {}) {
    consent_.rows[cohort->dataset()] = cohort->rows();
    view_.Add({std::move(cohort)});
    GF_CHECK(view_.Refresh(Context::Background()).ok());
    dispatcher_ = std::make_unique<rpc::Dispatcher>(
        rpc::Dispatcher::Options{
            .site = site, .domain = kDomain, .service = "discovery", .denied = NobodyDenied},
        ThePolicy(), tokens_, metrics_);
    service_ = MakeNodeService(*dispatcher_, metrics_, discovery_, publications_);
    server_ = *rpc::Server::Start({.listeners = {{"127.0.0.1:0", files}},
                                   .site = site,
                                   .domain = kDomain,
                                   .policies = {ThePolicy()},
                                   .denied = NobodyDenied,
                                   .metrics = &metrics_},
                                  {service_.get()});
  }
  ~Node() { server_->Stop(milliseconds(100)); }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->ports()[0]); }

 private:
  const std::string country_;
  const SystemClock clock_;
  const auth::FixedTrust trust_{auth::TrustStore()};
  obs::Metrics metrics_;
  FakeConsent consent_;
  FakeListing listing_;
  const disclosure::Mechanism mechanism_{disclosure::Policy(), std::string(32, 'k')};
  ConsentView view_{consent_, listing_, mechanism_, std::chrono::hours(1)};
  SqlDisclosureStore store_;
  Budgets budgets_{store_, clock_};
  DisclosureAudit audit_{store_};
  NodeDiscovery discovery_{view_, country_, mechanism_, &budgets_, audit_, clock_};
  SqlPublicationStore publication_store_;
  FileCohortOpener opener_{"/nonexistent"};
  Publications publications_{publication_store_, opener_, listing_, view_, clock_, country_};
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

Query AlleleQuery(int site, const std::string& account) {
  Query query;
  query.granularity = Granularity::kCount;
  query.variant =
      VariantPattern{VariantPattern::Form::kExact, std::nullopt, "20", 1'000 + 100 * site,
                     1'001 + 100 * site,           "A",          "T"};
  query.account = account;
  return query;
}

// A question about no dataset goes all the way and finds nothing to do: the empty call of the same
// kind.
Query EmptyQuery() {
  Query query = AlleleQuery(0, "anonymous");
  query.datasets = {"none"};
  return query;
}

std::string Account(int i) { return fmt::format("{:064x}", i); }

int Run() {
  rpc::RequireTls13();
  GF_CHECK(obs::SetLogLevel("error").ok());
  testing::TemporaryDirectory data;
  auto database = *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("discovery"));
  GF_CHECK(database->Migrate(kMigrations).ok());
  Certificates certificates;
  const auto sites = MakeSites();
  const auto people = MakePeople();
  FileCohortOpener opener(data.path());
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<HubDiscovery::Node> members;
  HubDiscovery::Options options;
  options.node_deadline = std::chrono::seconds(10);
  options.hedge_after = options.cache_lifetime = milliseconds(0);  // nothing may hide the work
  // All of them first: each site's authority is in the bundle that everybody reads at start.
  const rpc::TlsFiles hub = certificates.Of("hub", "discovery");
  std::vector<rpc::TlsFiles> files;
  for (int i = 0; i < kNodes; ++i) files.push_back(certificates.Of(NodeName(i), "discovery"));
  std::unique_ptr<NodeClient> alone;
  for (int i = 0; i < kNodes; ++i) {
    const std::string site = NodeName(i);
    auto cohort = opener.Open(
        WriteCohort(data.path(), "GOE-" + ToUpper(site) + "-BENCH-1", 1, kPeople, sites, people));
    GF_CHECK(cohort.ok());
    nodes.push_back(
        std::make_unique<Node>(site, *cohort, files[static_cast<std::size_t>(i)], *database));
    auto channel = rpc::ConnectTls(nodes.back()->address(), hub, {site, "discovery"}, kDomain);
    auto client = [&] {
      return MakeNodeClient(
          site, {[channel] { return channel; }, site + "/discovery", "discovery", nullptr},
          options.node_deadline);
    };
    if (i == 0) alone = client();
    members.push_back({client(), MakeWorkerPool(2, 64)});
  }
  HubDiscovery network(std::move(members), options);
>>>>>>>> privacy:tests/bench/network_benchmark.cc
  const Context ctx = Context::Background();
  cohort::Workspace work;
  Bitmap rows(cohort->n_people());
  Json json = {{"n_people", cohort->n_people()},
               {"n_sites", cohort->segment(0).n_sites()},
               {"segments", cohort->n_segments()}};

  auto exact = [&](const std::vector<genomics::Variant>& variants) {
    std::vector<double> times;
    std::uint64_t sum = 0;
    Json answers = Json::array();
    for (int round = 0; round < 3; ++round) {
      for (const auto& variant : variants) {
        const auto began = Clock::now();
        const auto counts = cohort->CountExact(variant, *live, work);
        const double took = Nanoseconds(began);
        if (!counts.ok() || !counts->has_value())
          Die(Error(StatusCode::kInternal, "LOST", "an allele"));
        sum += (*counts)->an;
        if (round == 0) answers.push_back({(*counts)->ac, (*counts)->an, (*counts)->n_hom});
        if (round > 0)
          times.push_back(took);  // the first one fills caches and adds up the withdrawn
      }
    }
    Json out = Times(times);
    out["answers"] = answers;
    // What a database would have stored: of everybody.
    const Bitmap everybody(cohort->n_people(), true);
    out["everybody"] = Json::array();
    for (const auto& variant : variants) {
      const auto counts = Must(cohort->CountExact(variant, everybody, work));
      out["everybody"].push_back({counts->ac, counts->an});
    }
    return out;
  };
<<<<<<<< HEAD:tests/bench/discovery_benchmark.cc
  json["D1-any"] = exact(questions.any);
  json["D1-common"] = exact(questions.common);

  struct Ask {
    const char* name;
    bool loss_of_function, ad_hoc;
========
  auto ask_all = [&](const Query& query) {
    auto answer = network.Run(ctx, query);
    GF_CHECK(answer.ok());
    for (const Member& member : answer->members) {
      if (member.state != MemberState::kAnswered)
        std::fprintf(stderr, "%s: %s after %d ms\n", member.site.c_str(),
                     MemberStateName(member.state), member.milliseconds);
      GF_CHECK(member.state == MemberState::kAnswered);
    }
>>>>>>>> privacy:tests/bench/network_benchmark.cc
  };
  for (const Ask ask : {Ask{"D2", true, true}, Ask{"D2-set", true, false}, Ask{"D3", false, true},
                        Ask{"D3-set", false, false}}) {
    std::vector<double> times, cohorts;
    Json answers = Json::array();
    for (int round = 0; round < 4; ++round) {
      for (const auto& pair : questions.pairs) {
        const VariantFilter filter = Filter(pair.gene, ask.loss_of_function);
        const auto began = Clock::now();
        people.Select(pair.selection, live->rows(), rows);
        const double selected = Nanoseconds(began);
        const auto count = cohort->CountCarriers(ctx, filter, rows, work, ask.ad_hoc);
        const double took = Nanoseconds(began);
        if (!count.ok()) Die(count.status());
        if (round == 0) answers.push_back(*count);
        if (round > 0) {
          times.push_back(took);
          cohorts.push_back(selected);
        }
      }
    }
    json[ask.name] = Times(times);
    json[ask.name]["select"] = Quantile(cohorts, 0.5);
    json[ask.name]["answers"] = answers;
  }

  // D8: what the mask of who permits costs in selecting.
  std::vector<double> with, without;
  const Bitmap everybody(cohort->n_people(), true);
  for (int round = 0; round < 400; ++round) {
    Selection selection =
        questions.pairs[static_cast<std::size_t>(round) % questions.pairs.size()].selection;
    // The same without the mask: one bitset fewer, so the sex stands in for it.
    auto began = Clock::now();
    people.Select(selection, live->rows(), rows);
    with.push_back(Nanoseconds(began));
    selection.sex.reset();
    began = Clock::now();
    people.Select(selection, live->rows(), rows);
    without.push_back(Nanoseconds(began));
  }
  json["D8"] = {{"mask", std::max(0.0, Quantile(with, 0.5) - Quantile(without, 0.5))}};

  std::vector<double> times, share_bytes;
  Json answers = Json::array();
  const std::size_t n_regions = many_segments ? 2 : 12;
  for (std::size_t i = 0; i < 3 * n_regions; ++i) {
    const auto& pair = questions.pairs[i % n_regions];
    const auto [start, end] = RangeOf(pair.gene);
    Selection selection = pair.selection;
    selection.sex.reset();
    people.Select(selection, live->rows(), rows);
    const auto began = Clock::now();
    const auto counts = cohort->CountSites(ctx, "20", start, end, rows, work);
    const double took = Nanoseconds(began);
    if (!counts.ok()) Die(counts.status());
    if (i < n_regions) {
      std::uint64_t sites = 0, ac = 0, an = 0, hom = 0;
      for (std::size_t j = 0; j < counts->sites.size(); ++j) {
        // Peers look at positions, and not at deletions that reach into the range.
        if (counts->sites[j].position < start) continue;
        ++sites;
        ac += counts->sites[j].ac();
        hom += counts->sites[j].n_hom;
        an += counts->an(j);
      }
      answers.push_back(
          {{"sites", sites}, {"people", counts->n_people}, {"ac", ac}, {"an", an}, {"hom", hom}});
    } else {
      times.push_back(took);
      if (!many_segments) share_bytes.push_back(static_cast<double>(BytesOf(*cohort, pair.gene)));
    }
  }
  json["D4"] = Times(times);
  json["D4"]["answers"] = answers;
  if (!many_segments) {
    std::uint64_t lof = 0, any = 0;
    for (const auto& pair : questions.pairs) {
      lof += RareIdBytes(*cohort, pair.gene, true);
      any += RareIdBytes(*cohort, pair.gene, false);
    }
    json["D2"]["id_bytes"] = lof / questions.pairs.size();
    json["D3"]["id_bytes"] = any / questions.pairs.size();
    json["D4"]["bytes"] = Quantile(share_bytes, 0.5);
    json["stream"] = BestStream();
    json["dependent_load"] = DependentLoad();
    std::uint64_t bytes = 0, metadata = 0;
    for (const auto& tile : cohort->segment(0).manifest().tiles)
      bytes += tile.digests.size, metadata += tile.digests.metadata_size;
    json["bytes"] = bytes;
    json["metadata_bytes"] = metadata;
    json["people_bytes"] = people.bytes();
  }
  std::cout << json.dump() << '\n';
}

// D5: the files are dropped from the page cache before each question; metadata stay in memory.
void MeasureCold(const fs::path& dir) {
  const auto cohort = Open(dir / "one", Residence::kRead);
  const People people = Must(People::Read(dir / "people"));
  const Questions questions = MakeQuestions(*cohort, people);
  const auto live = cohort->MakeLive(Must(synth::ReadLive(dir / "live", cohort->n_people())), 1);
  const Context ctx = Context::Background();
  Json json;
  std::vector<double> exact, gene, any, region, bytes;
  for (std::size_t i = 0; i < 10; ++i) {
    cohort::Workspace work;
    Bitmap rows(cohort->n_people());
    const auto& pair = questions.pairs[i];
    people.Select(pair.selection, live->rows(), rows);
    auto timed = [&](std::vector<double>& times, auto ask) {
      cohort->segment(0).Evict();
      const auto began = Clock::now();
      if (!ask()) Die(Error(StatusCode::kInternal, "LOST", "an answer"));
      times.push_back(Nanoseconds(began));
    };
    static_cast<void>(cohort->CountExact(questions.any[i], *live, work));  // adds up the withdrawn
    timed(exact, [&] { return cohort->CountExact(questions.any[i], *live, work).ok(); });
    timed(gene, [&] {
      return cohort->CountCarriers(ctx, Filter(pair.gene, true), rows, work, true).ok();
    });
    timed(any, [&] {
      return cohort->CountCarriers(ctx, Filter(pair.gene, false), rows, work, true).ok();
    });
    const auto [start, end] = RangeOf(pair.gene);
    timed(region, [&, from = start, to = end] {
      return cohort->CountSites(ctx, "20", from, to, rows, work).ok();
    });
    bytes.push_back(static_cast<double>(BytesOf(*cohort, pair.gene)));
  }
  // The disk alone: as many bytes of the same file in order, its pages dropped.
  const auto path = dir / "one" / cohort->segment(0).manifest().tiles[1].FileName();
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info = {};
  if (fd < 0 || ::fstat(fd, &info) != 0)
    Die(Error(StatusCode::kInternal, "FILE_FAILED", "cannot read a tile"));
  std::vector<char> buffer(16U << 20);
  std::vector<double> rates;
  for (int i = 0; i < 5; ++i) {
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    const auto began = Clock::now();
    std::uint64_t done = 0;
    for (ssize_t n; done < std::uint64_t{160} << 20 &&
                    (n = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(done))) > 0;)
      done += static_cast<std::uint64_t>(n);
    rates.push_back(static_cast<double>(done) / Nanoseconds(began) * 1e9);
  }
  ::close(fd);
  json = {{"D5-exact", Times(exact)},      {"D5-gene", Times(gene)},
          {"D5-any", Times(any)},          {"D5-region", Times(region)},
          {"bytes", Quantile(bytes, 0.5)}, {"disk", Quantile(rates, 0.5)}};
  std::cout << json.dump() << '\n';
}

int Run(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string_view command = argv[1];
  const fs::path dir = argv[2];
  if (command == "generate" && argc >= 7) {
    synth::PopulationOptions options;
    options.people = static_cast<std::uint32_t>(std::atoll(argv[3]));
    options.bases = static_cast<std::uint32_t>(std::atoll(argv[4]));
    options.seed = static_cast<std::uint64_t>(std::atoll(argv[5]));
    options.segments = static_cast<std::uint32_t>(std::atoll(argv[6]));
    for (int i = 7; i < argc; ++i) {
      options.bcf = options.bcf || std::strcmp(argv[i], "bcf") == 0;
      options.rare_lists = options.rare_lists || std::strcmp(argv[i], "rare-lists") == 0;
      options.all_lists = options.all_lists || std::strcmp(argv[i], "all-lists") == 0;
    }
    const auto report = Must(synth::WritePopulation(dir, options, &std::cerr));
    std::cout << Json{{"sites", report.sites},
                      {"entries", report.entries},
                      {"singletons", report.singletons},
                      {"below_1_percent", report.below_1_percent},
                      {"below_01_percent", report.below_01_percent},
                      {"segment_bytes", report.segment_bytes},
                      {"seconds", report.seconds}}
                     .dump()
              << '\n';
    return 0;
  }
  if (command == "queries")
    PrintQuestions(dir);
  else if (command == "measure")
    Measure(dir, false);
  else if (command == "measure-many")
    Measure(dir, true);
  else if (command == "cold")
    MeasureCold(dir);
  else
    return 2;
  return 0;
}

}  // namespace
}  // namespace genofed

int main(int argc, char** argv) { return genofed::Run(argc, argv); }
