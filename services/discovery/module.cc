// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/disclosure/budget.h"
#include "libs/objects/open.h"
#include "libs/obs/log.h"
#include "libs/platform/ledger_outbox.h"
#include "libs/platform/platform.h"
#include "services/discovery/adapters/contact_ledger.h"
#include "services/discovery/adapters/file_beacon_opener.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/file_people_reader.h"
#include "services/discovery/adapters/file_table_store.h"
#include "services/discovery/adapters/foreign_beacon.h"
#include "services/discovery/adapters/frequency_hub.h"
#include "services/discovery/adapters/grpc_beacon_service.h"
#include "services/discovery/adapters/grpc_case_service.h"
#include "services/discovery/adapters/grpc_discovery_service.h"
#include "services/discovery/adapters/grpc_frequency_service.h"
#include "services/discovery/adapters/grpc_shard_service.h"
#include "services/discovery/adapters/grpc_statistics_service.h"
#include "services/discovery/adapters/peers.h"
#include "services/discovery/adapters/segment_store.h"
#include "services/discovery/adapters/shard_client.h"
#include "services/discovery/adapters/sql_beacon_store.h"
#include "services/discovery/adapters/sql_contact_store.h"
#include "services/discovery/adapters/sql_disclosure_store.h"
#include "services/discovery/adapters/sql_frequency_publications.h"
#include "services/discovery/adapters/sql_publication_store.h"
#include "services/discovery/adapters/sql_query_batch_store.h"
#include "services/discovery/adapters/sql_statistics_store.h"
#include "services/discovery/adapters/worker_pool.h"
#include "services/discovery/app/shard_answers.h"
#include "services/discovery/app/shared_genotypes.h"
#include "services/discovery/domain/shard_list.h"

namespace genofed::discovery {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int32_t kDefaultFloor = 5;
constexpr std::size_t kMinKeyBytes = 32;
constexpr std::size_t kMaxPolicyBytes = 64U << 10;
constexpr auto kForgetInterval = std::chrono::hours(1);
constexpr auto kSettleInterval = milliseconds(500);
constexpr auto kSettleTimeout = std::chrono::seconds(10);
constexpr std::size_t kMaxQueued = 64;  // calls that wait for a thread, or for a member that hangs
constexpr int kShardThreads = 8;        // that wait for one shard at the same time
constexpr int kMaxShardThreads = 64;
// Another shard may need so long to look up its sites in a newer table of frequencies.
constexpr milliseconds kKeepTable = std::chrono::hours(2);
constexpr int kIntervalsToSettle = 6;  // before a table of frequencies is published
constexpr auto kOpenInterval =
    std::chrono::seconds(10);  // how soon a replica notices another's publication
constexpr auto kAfterBell = milliseconds(100);

struct Settings {
  std::int32_t floor;  // at the hub, while no node has answered
  milliseconds poll_interval;
  milliseconds max_staleness;
  HubDiscovery::Options hub;
  bool open = false;  // disclosure control is off
  milliseconds frequency_interval{10'000};
  milliseconds query_batch_interval = std::chrono::hours(1);
  cohort::Shard shard = {};
};

// So many questions there are at the same time.
int Handlers(const Platform& platform) {
  const int threads = platform.config().network().handler_threads();
  return threads > 0 ? threads : 8;
}

Result<Settings> ReadSettings(const Platform& platform) {
  const auto& config = platform.config().discovery();
  if (config.minimum_count() < 0)
    return InvalidField("discovery.minimum_count", "CONFIG_INVALID", "must be at least 1");
  const bool off =
      config.disclosure_control() == "off";  // libs/config checked that this is allowed
  if (off)
    GF_LOG(Context::Background(), warn, "discovery.disclosure_control_off",
           {"meaning", "everybody on this machine is told exact numbers"});
  Settings settings{off                           ? 1
                    : config.minimum_count() == 0 ? kDefaultFloor
                                                  : config.minimum_count(),
                    config::DurationOr(config.has_consent_poll_interval(),
                                       config.consent_poll_interval(), milliseconds(500)),
                    config::DurationOr(config.has_consent_max_staleness(),
                                       config.consent_max_staleness(), milliseconds(5000)),
                    {},
                    off};
  settings.frequency_interval = config::DurationOr(
      config.has_frequency_interval(), config.frequency_interval(), settings.frequency_interval);
  if (settings.frequency_interval < milliseconds(10))
    return InvalidField("discovery.frequency_interval", "CONFIG_INVALID", "must be at least 10ms");
  settings.query_batch_interval =
      config::DurationOr(config.has_query_batch_interval(), config.query_batch_interval(),
                         settings.query_batch_interval);
  if (settings.query_batch_interval < std::chrono::seconds(1))
    return InvalidField("discovery.query_batch_interval", "CONFIG_INVALID", "must be at least 1s");
  const std::vector<std::string> shards(config.shards().begin(), config.shards().end());
  GF_ASSIGN(settings.shard, ReadShard(shards, config.shard()));
  if (platform.is_hub() && !shards.empty())
    return InvalidField("discovery.shards", "CONFIG_INVALID", "a hub has no genomes");
  HubDiscovery::Options& hub = settings.hub;
  hub.floor = settings.floor;
  hub.node_deadline =
      config::DurationOr(config.has_node_deadline(), config.node_deadline(), hub.node_deadline);
  hub.hedge_after =
      config::DurationOr(config.has_hedge_after(), config.hedge_after(), hub.node_deadline / 4);
  hub.breaker_pause =
      config::DurationOr(config.has_breaker_pause(), config.breaker_pause(), hub.breaker_pause);
  hub.cache_lifetime = config::DurationOr(config.has_answer_lifetime(), config.answer_lifetime(),
                                          hub.cache_lifetime);
  if (config.breaker_failures() < 0)
    return InvalidField("discovery.breaker_failures", "CONFIG_INVALID", "must be positive");
  if (config.breaker_failures() > 0) hub.breaker_failures = config.breaker_failures();
  hub.max_calls = Handlers(platform) + static_cast<int>(kMaxQueued);
  if (settings.poll_interval < milliseconds(10)) {
    return InvalidField("discovery.consent_poll_interval", "CONFIG_INVALID",
                        "must be at least 10ms");
  }
  if (settings.max_staleness <= settings.poll_interval) {
    return InvalidField("discovery.consent_max_staleness", "CONFIG_INVALID",
                        "must exceed consent_poll_interval");
  }
  if (hub.node_deadline < milliseconds(1)) {
    return InvalidField("discovery.node_deadline", "CONFIG_INVALID", "must be positive");
  }
  return settings;
}

// Of nothing where none is configured.
Result<AlleleNames::OpenReference> FindReference(const config::v1::DiscoveryConfig& config) {
  const std::string fasta = config.reference_fasta();
  if (fasta.empty()) return AlleleNames::OpenReference();
  if (!genomics::Reference::Open(fasta).ok())
    return InvalidField("discovery.reference_fasta", "CONFIG_INVALID",
                        "the FASTA file or its index cannot be read");
  return AlleleNames::OpenReference([fasta] { return genomics::Reference::Open(fasta); });
}

Result<disclosure::Policy> ReadPolicy(const config::v1::DiscoveryConfig& config) {
  if (config.disclosure_control() == "off") return disclosure::NoControl();
  disclosure::Policy policy;
  if (!config.disclosure_policy_file().empty()) {
    auto text = ReadFile(config.disclosure_policy_file(), kMaxPolicyBytes);
    if (!text.ok())
      return WithField(text.status(), "discovery.disclosure_policy_file", "cannot be read");
    auto parsed = disclosure::ParsePolicy(*text);
    if (!parsed.ok())
      return WithField(parsed.status(), "discovery.disclosure_policy_file",
                       Message(parsed.status()));
    policy = *std::move(parsed);
  }
  policy.floor = std::max<std::int64_t>(policy.floor, config.minimum_count());
  // A higher floor only makes answers rarer; it cannot break the budget's promise.
  return policy;
}

Result<disclosure::Mechanism> MakeMechanism(const config::v1::DiscoveryConfig& config) {
  GF_ASSIGN(disclosure::Policy policy, ReadPolicy(config));
  if (!config.has_disclosure_key() && !policy.HasNoise())
    return disclosure::Mechanism(std::move(policy), "");
  GF_ASSIGN(const std::string hex,
            config::ReadSecret(config.disclosure_key(), "discovery.disclosure_key"));
  auto key = HexDecode(hex);
  if (!key.ok() || key->size() < kMinKeyBytes)
    return InvalidField("discovery.disclosure_key", "CONFIG_INVALID",
                        "must be at least 64 hex digits");
  return disclosure::Mechanism(std::move(policy), *std::move(key));
}

// Null: segments are on this machine's disk alone.
Result<std::unique_ptr<SegmentStore>> MakeSegmentStore(Platform& platform) {
  static constexpr std::string_view kStore = "discovery.segment_store",
                                    kKey = "discovery.segment_key";
  const auto& config = platform.config().discovery();
  if (!config.has_segment_store()) return nullptr;  // libs/config: both or neither
  GF_ASSIGN(const std::string hex, config::ReadSecret(config.segment_key(), kKey));
  auto key = crypt4gh::SecretKey::FromHex(hex);
  if (!key.ok()) return InvalidField(kKey, "CONFIG_INVALID", "must be 64 hex digits");
  const auto& store = config.segment_store();
  const Clock& clock = platform.clock();
  auto open = [store, &clock] { return objects::OpenStore(store, {}, clock, kStore); };
  if (store.has_s3()) GF_TRY(open());  // its settings; the server need not answer
  return std::make_unique<SegmentStore>(std::move(open), *std::move(key), clock,
                                        platform.metrics());
}

// Ends somebody's pause early.
class Bell {
 public:
  void Ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    wake_.notify_all();
  }
  // Pauses; true when it was rung. However often it is rung, there is a short pause.
  bool Wait(const std::stop_token& stop, milliseconds interval) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait_for(lock, stop, interval, [this] { return rung_; })) return false;
    rung_ = false;
    lock.unlock();
    std::this_thread::sleep_for(kAfterBell);
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool rung_ = false;
};

// Calls `round` again and again. Logs when its result changes, not each time.
void Repeat(const std::stop_token& stop, milliseconds interval, std::string_view event,
            const std::function<Status(const Context&)>& round, Bell& bell) {
  std::string last = "OK";
  while (!stop.stop_requested()) {
    const Context ctx = Context::Background().WithStop(stop);
    const Status status = round(ctx);
    if (std::string now = status.ok() ? "OK" : Reason(status);
        now != last && !stop.stop_requested()) {
      GF_LOG(ctx, warn, event, {"result", status.ok() ? now : Describe(status)});
      last = now;
    }
    bell.Wait(stop, interval);
  }
}

class NodeModule final : public Module {
 public:
  NodeModule(Platform& platform, const Settings& settings, disclosure::Mechanism mechanism,
             std::unique_ptr<sql::Database> database, const std::filesystem::path& data_dir,
             const std::filesystem::path& segments, AnnotationTable table,
             std::unique_ptr<SegmentStore> segment_store, AlleleNames::OpenReference reference)
      : platform_(platform),
        settings_(settings),
        clock_(platform.clock()),
        metrics_(platform.metrics()),
        mechanism_(std::move(mechanism)),
        database_(std::move(database)),
        store_(*database_),
        segment_store_(std::move(segment_store)),
        opener_(platform.config().site().data_dir(), segments, std::move(table),
                segment_store_.get(), settings.shard),
        consent_(MakeConsentClient(platform.SiteChannel("consent"), settings.max_staleness)),
        listing_(MakeListingClient(platform.SiteChannel("catalogue"), settings.max_staleness)),
        view_(*consent_, *listing_, mechanism_, settings.max_staleness),
        publications_(store_, opener_, *listing_, view_, platform.clock(), platform.country()),
        disclosure_store_(*database_, mechanism_.policy()),
        budgets_(disclosure_store_, platform.clock(), disclosure::MostOpen(mechanism_.policy())),
        audit_(disclosure_store_),
        query_batch_store_(*database_),
        query_batches_(query_batch_store_, platform.clock(), settings.query_batch_interval),
        frequency_publications_(*database_),
        tables_(data_dir / "frequencies"),
        frequency_hub_(MakeFrequencyHub(platform.HubChannel("discovery"))),
        shared_(Shared(platform)),
        frequencies_(
            view_, store_, *listing_, mechanism_, frequency_publications_, tables_, *frequency_hub_,
            platform.clock(), platform.site(),
            // By then each replica that still answers knows the same permissions.
            std::max(kIntervalsToSettle * settings.frequency_interval, settings.max_staleness),
            GenotypesOf(), settings.shard.divided() ? kKeepTable : milliseconds(0)),
        names_(std::move(reference)),
        passports_(MakePassportClient(platform.SiteChannel("access"), settings.max_staleness)),
        project_consent_(
            MakeProjectConsent(platform.SiteChannel("consent"), settings.max_staleness)),
        record_access_(*project_consent_, platform.clock()),
        discovery_(view_, platform.country(), mechanism_,
                   mechanism_.policy().HasBudget() ? &budgets_ : nullptr, audit_, platform.clock(),
                   &frequencies_, GenotypesOf(), &names_, &record_access_),
        beacon_store_(*database_),
        beacon_opener_(platform.config().site().data_dir()),
        beacon_view_(beacon_store_, beacon_opener_, *consent_, *listing_, mechanism_,
                     settings.max_staleness),
        beacon_(beacon_view_, mechanism_, mechanism_.policy().HasBudget() ? &budgets_ : nullptr,
                audit_, platform.clock(), settings.open, &names_, &record_access_),
        folder_counts_(beacon_view_, platform.country(), mechanism_,
                       mechanism_.policy().HasBudget() ? &budgets_ : nullptr, audit_,
                       platform.clock()),
        service_(MakeNodeService(platform.dispatcher(), platform.metrics(), discovery_,
                                 folder_counts_, publications_, Payers(platform),
                                 passports_.get())),
        aggregation_(beacon_view_, mechanism_,
                     mechanism_.policy().HasBudget() ? &budgets_ : nullptr, audit_,
                     platform.clock(), settings.open),
        beacon_service_(MakeBeaconService(platform.dispatcher(), platform.metrics(), beacon_,
                                          aggregation_, beacon_view_, *passports_,
                                          platform.country())),
        people_(platform.config().site().data_dir()),
        statistics_store_(*database_),
        statistics_(mechanism_, mechanism_.policy().HasBudget() ? &budgets_ : nullptr, view_,
                    store_, people_, statistics_store_),
        statistics_service_(MakeStatisticsService(platform.dispatcher(), statistics_)),
        case_match_(view_, store_, people_, platform.country(), mechanism_,
                    mechanism_.policy().HasBudget() ? &budgets_ : nullptr, audit_,
                    platform.clock()),
        contact_store_(*database_),
        contact_ledger_(MakeContactLedger(platform.SiteChannel("consent"), platform.clock(),
                                          settings.max_staleness)),
        contacts_(contact_store_, *contact_ledger_, case_match_, platform.clock(), random_),
        case_service_(
            MakeNodeCaseService(platform.dispatcher(), case_match_, contacts_, Payers(platform))),
        shard_answers_(settings.shard, view_, frequencies_, [this] { LookSoon(); }),
        shard_service_(settings.shard.divided()
                           ? MakeShardService(platform.PeerDispatcher(), shard_answers_)
                           : nullptr) {}

  std::vector<grpc::Service*> Services() override {
    std::vector<grpc::Service*> services = {service_.get(), beacon_service_.get(),
                                            statistics_service_.get(), case_service_.get()};
    if (shard_service_ != nullptr) services.push_back(shard_service_.get());
    return services;
  }

  Status Start() override {
    if (segment_store_ != nullptr) segment_store_->Start();
    ledger_delivery_ = StartLedgerDelivery(*database_, platform_.SiteChannel("consent"));
    poller_ = std::jthread([this](std::stop_token stop) { Poll(stop); });
    beacon_poller_ = std::jthread([this](std::stop_token stop) { PollFolders(stop); });
    settler_ = std::jthread([this](std::stop_token stop) {
      Repeat(
          stop, kSettleInterval, "discovery.budgets",
          [this](const Context& ctx) { return budgets_.Settle(ctx.WithTimeout(kSettleTimeout)); },
          settle_bell_);
    });
    frequency_poller_ = std::jthread([this](std::stop_token stop) {
      Repeat(
          stop, settings_.frequency_interval, "discovery.frequencies",
          [this](const Context& ctx) { return ExchangeFrequencies(ctx); }, frequency_bell_);
    });
    namer_ = std::jthread([this](std::stop_token stop) {
      const Context ctx = Context::Background().WithStop(stop);
      if (const Status status = names_.Prepare(ctx); !status.ok() && !stop.stop_requested())
        GF_LOG(ctx, warn, "discovery.reference", {"result", Describe(status)});
    });
    return absl::OkStatus();
  }

  void Stop() override {
    if (segment_store_ != nullptr) segment_store_->Stop();  // what is being fetched, too
    ledger_delivery_ = nullptr;
    poller_ = {};
    beacon_poller_ = {};
    frequency_poller_ = {};
    settler_ = {};
    namer_ = {};
    const Context ctx = Context::Background().WithTimeout(std::chrono::seconds(5));
    if (const Status status = budgets_.Settle(ctx, true); !status.ok())
      GF_LOG(ctx, warn, "discovery.budgets", {"result", Describe(status)});
    Audit(ctx);
  }

  Status Ready() override {
    GF_TRY(database_->Ping(Context::Background().WithTimeout(std::chrono::seconds(2))));
    return view_.Current().status();
  }

 private:
  static PayerOfCall Payers(Platform& platform) {
    return PayerAtNode(platform.trust(), platform.clock(), platform.audience());
  }
  // The other processes that have parts of the genome; null: this one has it all.
  std::unique_ptr<Genotypes> Shared(Platform& platform) {
    const cohort::Shard& own = settings_.shard;
    if (!own.divided()) return nullptr;
    std::vector<std::unique_ptr<ShardClient>> others;
    for (std::uint32_t number = 0; number < own.of; ++number) {
      const std::string& target = platform.config().discovery().shards(static_cast<int>(number));
      others.push_back(
          number == own.number
              ? nullptr
              : MakeShardClient(
                    {number, own.of},
                    platform.PeerChannel(target, fmt::format("discovery-shard-{}", number + 1)),
                    target.find(',') != std::string::npos, [this] { LookSoon(); }));
    }
    const int threads = std::min(kShardThreads * (static_cast<int>(own.of) - 1), kMaxShardThreads);
    return std::make_unique<SharedGenotypes>(own, std::move(others),
                                             MakeWorkerPool(threads, kMaxQueued));
  }
  const Genotypes& GenotypesOf() const {
    if (shared_ != nullptr) return *shared_;
    return OwnGenotypes::Get();
  }

  // Another shard has other files or another table of frequencies.
  void LookSoon() {
    bell_.Ring();
    frequency_bell_.Ring();
  }

  void CountTiles() {
    double tiles = 0, bytes = 0;
    for (const auto& cohort : view_.Held()) {
      for (std::size_t i = 0; i < cohort->genotypes().n_segments(); ++i) {
        tiles += static_cast<double>(cohort->genotypes().segment(i).n_tiles());
        bytes += static_cast<double>(cohort->genotypes().segment(i).bytes());
      }
    }
    metrics_.Set("genofed_discovery_tiles", {}, tiles);
    metrics_.Set("genofed_discovery_tile_bytes", {}, bytes);
  }

  void Poll(const std::stop_token& stop) {
    std::string last = "OK";
    bool opened = false;
    auto open_next = steady_clock::time_point::min();
    while (!stop.stop_requested()) {
      const Context ctx = Context::Background().WithStop(stop);
      Status status;
      if (steady_clock::now() >= open_next) {
        status = publications_.OpenPublished(ctx.WithTimeout(std::chrono::hours(1)));
        opened = opened || status.ok();
        // Until the first success there is nothing to answer from, so that is tried at each turn.
        if (opened) open_next = steady_clock::now() + kOpenInterval;
      }
      CountTiles();
      // A node that does not know its datasets yet must not say that it has none.
      if (opened) status.Update(view_.Refresh(ctx.WithTimeout(settings_.max_staleness)));
      if (std::string now = status.ok() ? "OK" : Reason(status); now != last) {
        GF_LOG(ctx, info, "discovery.consent", {"result", now});
        last = now;
      }
      Audit(ctx.WithTimeout(std::chrono::seconds(10)));
      if (bell_.Wait(stop, settings_.poll_interval)) open_next = steady_clock::time_point::min();
    }
  }

  // What fails does not hold up the rest: without a hub there is still the last table.
  Status ExchangeFrequencies(const Context& ctx) {
    // Counting asks all shards: once is enough.
    Status status = settings_.shard.number == 0 ? frequencies_.Publish(ctx) : absl::OkStatus();
    status.Update(frequencies_.Exchange(ctx));
    status.Update(frequencies_.Apply(ctx));
    return status;
  }

  // Writes down what was told, in the ledger how often, and forgets what no longer counts.
  void Audit(const Context& ctx) {
    Status status = audit_.Flush(ctx);
    if (const auto now = steady_clock::now(); status.ok() && now >= forget_next_) {
      status = disclosure_store_.Forget(ctx, clock_.Now());
      forget_next_ = now + kForgetInterval;
    }
    status.Update(query_batches_.Run(ctx));
    if (!status.ok()) GF_LOG(ctx, warn, "discovery.audit", {"result", Describe(status)});
  }

  // Apart from the cohorts: opening a large folder takes longer than permissions may be old.
  void PollFolders(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::string last = "OK";
    while (!stop.stop_requested()) {
      const Context ctx = Context::Background().WithStop(stop);
      const Status status = beacon_view_.Refresh(ctx.WithTimeout(std::chrono::minutes(10)));
      if (std::string now = status.ok() ? "OK" : Reason(status); now != last) {
        GF_LOG(ctx, info, "discovery.beacon_folders", {"result", now});
        last = now;
      }
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, settings_.poll_interval, [] { return false; });
    }
  }

  Platform& platform_;
  const Settings settings_;
  const Clock& clock_;
  obs::Metrics& metrics_;
  Bell bell_, frequency_bell_, settle_bell_;
  const disclosure::Mechanism mechanism_;
  steady_clock::time_point forget_next_ = steady_clock::time_point::min();
  std::unique_ptr<sql::Database> database_;
  SqlPublicationStore store_;
  std::unique_ptr<SegmentStore> segment_store_;
  FileCohortOpener opener_;
  std::unique_ptr<ConsentClient> consent_;
  std::unique_ptr<ListingClient> listing_;
  ConsentView view_;
  Publications publications_;
  SqlDisclosureStore disclosure_store_;
  Budgets budgets_;
  DisclosureAudit audit_;
  SqlQueryBatchStore query_batch_store_;
  QueryBatches query_batches_;
  SqlFrequencyPublications frequency_publications_;
  FileTableStore tables_;
  std::unique_ptr<FrequencyHub> frequency_hub_;
  const std::unique_ptr<Genotypes> shared_;
  NodeFrequencies frequencies_;
  AlleleNames names_;
  std::unique_ptr<PassportClient> passports_;
  std::unique_ptr<ProjectConsent> project_consent_;
  RecordAccess record_access_;
  NodeDiscovery discovery_;
  SqlBeaconStore beacon_store_;
  FileBeaconOpener beacon_opener_;
  BeaconView beacon_view_;
  BeaconDiscovery beacon_;
  FolderCounts folder_counts_;
  std::unique_ptr<grpc::Service> service_;
  FolderAggregation aggregation_;
  std::unique_ptr<grpc::Service> beacon_service_;
  FilePeopleReader people_;
  SqlStatisticsStore statistics_store_;
  DatasetStatistics statistics_;
  std::unique_ptr<grpc::Service> statistics_service_;
  SystemRandom random_;
  CaseMatch case_match_;
  SqlContactStore contact_store_;
  std::unique_ptr<ContactLedger> contact_ledger_;
  Contacts contacts_;
  std::unique_ptr<grpc::Service> case_service_;
  ShardAnswers shard_answers_;
  std::unique_ptr<grpc::Service> shard_service_;
  std::unique_ptr<sql::OutboxPump> ledger_delivery_;
  std::jthread poller_, beacon_poller_, frequency_poller_, settler_, namer_;
};

// The hub holds no data but the nodes' tables of frequencies, and needs no database.
class HubModule final : public Module {
 public:
  HubModule(Platform& platform, const Settings& settings, const std::filesystem::path& data_dir)
      : frequency_interval_(settings.frequency_interval),
        tables_(data_dir / "frequencies"),
        desk_(tables_, Members(platform)),
        frequency_service_(MakeFrequencyService(platform.dispatcher(), desk_)),
        broker_(MakeBroker(platform.SiteChannel("access"), settings.hub.node_deadline)),
        account_tokens_(*broker_, platform.clock(), settings.hub.node_deadline),
        discovery_(Nodes(platform, settings.hub.node_deadline), settings.hub, &desk_),
        service_(MakeHubService(platform.dispatcher(), platform.metrics(), discovery_,
                                PayerAtHub(account_tokens_))),
        case_service_(
            MakeHubCaseService(platform.dispatcher(), discovery_, PayerAtHub(account_tokens_))) {}

  std::vector<grpc::Service*> Services() override {
    return {service_.get(), case_service_.get(), frequency_service_.get()};
  }

  Status Start() override {
    merger_ = std::jthread([this](std::stop_token stop) {
      Repeat(
          stop, frequency_interval_, "discovery.frequencies",
          [this](const Context& ctx) { return desk_.MergeAll(ctx); }, bell_);
    });
    return absl::OkStatus();
  }

  void Stop() override { merger_ = {}; }

 private:
  static std::set<std::string> Members(const Platform& platform) {
    std::set<std::string> members;
    for (const auto& [site, address] : platform.config().network().nodes()) members.insert(site);
    return members;
  }
  static std::vector<std::unique_ptr<NodeClient>> Nodes(Platform& platform, milliseconds deadline) {
    std::vector<std::unique_ptr<NodeClient>> nodes;
    for (const auto& [site, address] : platform.config().network().nodes())
      nodes.push_back(MakeNodeClient(site, platform.NodeChannel(site, "discovery"), deadline));
    for (const auto& beacon : platform.config().discovery().foreign_beacons()) {
      nodes.push_back(MakeForeignBeacon({beacon.name(), beacon.url(), beacon.ca_file(), deadline},
                                        MakeWorkerPool(Handlers(platform), kMaxQueued)));
    }
    return nodes;
  }

  const milliseconds frequency_interval_;
  FileTableStore tables_;
  FrequencyDesk desk_;
  std::unique_ptr<grpc::Service> frequency_service_;
  std::unique_ptr<Broker> broker_;
  AccountTokenCache account_tokens_;
  HubDiscovery discovery_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Service> case_service_;
  Bell bell_;
  std::jthread merger_;
};

Status CheckForeignBeacons(const config::v1::SiteConfig& config) {
  std::set<std::string> names;
  for (const auto& beacon : config.discovery().foreign_beacons()) {
    const std::string& name = beacon.name();
    const bool fits =
        name.size() >= 3 && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        });
    if (!fits || name == "hub" || !names.insert(name).second ||
        config.network().nodes().contains(name))
      return InvalidField("discovery.foreign_beacons.name", "CONFIG_INVALID",
                          "must be [a-z0-9-]{{3,40}} and unique");
    if (beacon.url().empty())
      return InvalidField("discovery.foreign_beacons.url", "CONFIG_MISSING", "must be set for {}",
                          name);
  }
  return absl::OkStatus();
}

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_TRY(CheckForeignBeacons(platform.config()));
  GF_ASSIGN(Settings settings, ReadSettings(platform));
  GF_ASSIGN(const auto data_dir, platform.DataDir());
  if (platform.is_hub())
    return std::unique_ptr<Module>(std::make_unique<HubModule>(platform, settings, data_dir));
  GF_ASSIGN(disclosure::Mechanism mechanism, MakeMechanism(platform.config().discovery()));
  auto table = AnnotationTable::Find(platform.config().discovery().annotations_file());
  if (!table.ok())
    return InvalidField("discovery.annotations_file", "CONFIG_INVALID", "{}",
                        Message(table.status()));
  GF_ASSIGN(auto reference, FindReference(platform.config().discovery()));
  GF_ASSIGN(auto segment_store, MakeSegmentStore(platform));
  GF_ASSIGN(const auto segments,
            SegmentsDirectory(data_dir, settings.shard, segment_store != nullptr));
  GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
  return std::unique_ptr<Module>(std::make_unique<NodeModule>(
      platform, settings, std::move(mechanism), std::move(database), data_dir, segments,
      *std::move(table), std::move(segment_store), std::move(reference)));
}

}  // namespace

ServiceEntry Entry() { return {"discovery", kPolicy, &Make, true, true}; }

}  // namespace genofed::discovery
