// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <condition_variable>
#include <thread>

#include "libs/config/load.h"
#include "libs/obs/log.h"
#include "libs/platform/platform.h"
#include "services/discovery/adapters/file_beacon_opener.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/grpc_beacon_service.h"
#include "services/discovery/adapters/grpc_discovery_service.h"
#include "services/discovery/adapters/peers.h"
#include "services/discovery/adapters/sql_beacon_store.h"
#include "services/discovery/adapters/sql_publication_store.h"
#include "services/discovery/adapters/worker_pool.h"

namespace genofed::discovery {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int32_t kDefaultFloor = 5;
constexpr std::size_t kMaxQueued = 64;  // calls that wait for one node
constexpr auto kOpenInterval =
    std::chrono::seconds(10);  // how soon a replica notices another's publication

struct Settings {
  std::int32_t floor;
  milliseconds poll_interval;
  milliseconds max_staleness;
  milliseconds node_deadline;
  bool beacon_open = false;
};

// Without disclosure control nobody else may be able to ask.
Status CheckMayBeOpen(const Platform& platform) {
  const std::string& listen = platform.config().gateway().listen();
  if (!platform.is_hub() && (listen.starts_with("127.") || listen.starts_with("[::1]:") || listen.starts_with("::1:")))
    return absl::OkStatus();
  return InvalidField("discovery.beacon_disclosure_off", "CONFIG_INVALID",
                      "is for a node whose gateway listens on loopback; gateway.listen is '{}'", listen);
}

Result<Settings> ReadSettings(const Platform& platform) {
  const auto& config = platform.config().discovery();
  if (config.minimum_count() < 0)
    return InvalidField("discovery.minimum_count", "CONFIG_INVALID", "must be at least 1");
  Settings settings{
      config.minimum_count() == 0 ? kDefaultFloor : config.minimum_count(),
      config::DurationOr(config.has_consent_poll_interval(), config.consent_poll_interval(),
                         milliseconds(500)),
      config::DurationOr(config.has_consent_max_staleness(), config.consent_max_staleness(),
                         milliseconds(5000)),
      config::DurationOr(config.has_node_deadline(), config.node_deadline(), milliseconds(2000)),
      config.beacon_disclosure_off()};
  if (settings.beacon_open) GF_TRY(CheckMayBeOpen(platform));
  if (settings.poll_interval < milliseconds(10)) {
    return InvalidField("discovery.consent_poll_interval", "CONFIG_INVALID",
                        "must be at least 10ms");
  }
  if (settings.max_staleness <= settings.poll_interval) {
    return InvalidField("discovery.consent_max_staleness", "CONFIG_INVALID",
                        "must exceed consent_poll_interval");
  }
  if (settings.node_deadline < milliseconds(1)) {
    return InvalidField("discovery.node_deadline", "CONFIG_INVALID", "must be positive");
  }
  return settings;
}

class NodeModule final : public Module {
 public:
  NodeModule(Platform& platform, const Settings& settings, std::unique_ptr<sql::Database> database)
      : settings_(settings),
        database_(std::move(database)),
        store_(*database_),
        opener_(platform.config().site().data_dir()),
        consent_(MakeConsentClient(platform.SiteChannel("consent"), settings.max_staleness)),
        listing_(MakeListingClient(platform.SiteChannel("catalogue"), settings.max_staleness)),
        view_(*consent_, *listing_, settings.max_staleness),
        publications_(store_, opener_, *listing_, view_, platform.clock(), platform.country()),
        discovery_(view_, platform.country(), settings.floor),
        service_(MakeNodeService(platform.dispatcher(), platform.metrics(), discovery_,
                                 publications_)),
        beacon_store_(*database_),
        beacon_opener_(platform.config().site().data_dir()),
        beacon_view_(beacon_store_, beacon_opener_, *consent_, *listing_, settings.max_staleness),
        beacon_(beacon_view_, settings.floor, settings.beacon_open),
        passports_(MakePassportClient(platform.SiteChannel("access"), settings.max_staleness)),
        beacon_service_(MakeBeaconService(platform.dispatcher(), platform.metrics(), beacon_,
                                          beacon_view_, *passports_, platform.country())) {}

  std::vector<grpc::Service*> Services() override {
    return {service_.get(), beacon_service_.get()};
  }

  Status Start() override {
    if (settings_.beacon_open) {
      GF_LOG(Context::Background(), warn, "disclosure_control.off",
             {"meaning", "Beacon folders are answered record by record, to anybody who can reach this node"});
    }
    poller_ = std::jthread([this](std::stop_token stop) { Poll(stop); });
    beacon_poller_ = std::jthread([this](std::stop_token stop) { PollFolders(stop); });
    return absl::OkStatus();
  }

  void Stop() override {
    poller_ = {};
    beacon_poller_ = {};
  }

  Status Ready() override {
    GF_TRY(database_->Ping(Context::Background().WithTimeout(std::chrono::seconds(2))));
    return view_.Current().status();
  }

 private:
  void Poll(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
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
      // A node that does not know its datasets yet must not say that it has none.
      if (opened) status.Update(view_.Refresh(ctx.WithTimeout(settings_.max_staleness)));
      if (std::string now = status.ok() ? "OK" : Reason(status); now != last) {
        GF_LOG(ctx, info, "discovery.consent", {"result", now});
        last = now;
      }
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, settings_.poll_interval, [] { return false; });
    }
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

  const Settings settings_;
  std::unique_ptr<sql::Database> database_;
  SqlPublicationStore store_;
  FileCohortOpener opener_;
  std::unique_ptr<ConsentClient> consent_;
  std::unique_ptr<ListingClient> listing_;
  ConsentView view_;
  Publications publications_;
  NodeDiscovery discovery_;
  std::unique_ptr<grpc::Service> service_;
  SqlBeaconStore beacon_store_;
  FileBeaconOpener beacon_opener_;
  BeaconView beacon_view_;
  BeaconDiscovery beacon_;
  std::unique_ptr<PassportClient> passports_;
  std::unique_ptr<grpc::Service> beacon_service_;
  std::jthread poller_, beacon_poller_;
};

// The hub holds no data and needs no database.
class HubModule final : public Module {
 public:
  HubModule(Platform& platform, const Settings& settings)
      : discovery_(Nodes(platform, settings.node_deadline), settings.node_deadline, settings.floor),
        service_(MakeHubService(platform.dispatcher(), platform.metrics(), discovery_)) {}

  std::vector<grpc::Service*> Services() override { return {service_.get()}; }

 private:
  static std::vector<HubDiscovery::Node> Nodes(Platform& platform, milliseconds deadline) {
    std::vector<HubDiscovery::Node> nodes;
    for (const auto& [site, address] : platform.config().network().nodes()) {
      nodes.push_back({MakeNodeClient(site, platform.NodeChannel(site, "discovery"), deadline),
                       MakeWorkerPool(Threads(platform), kMaxQueued)});
    }
    return nodes;
  }
  // As many as there are queries at the same time: then none waits for a thread.
  static int Threads(const Platform& platform) {
    const int threads = platform.config().network().handler_threads();
    return threads > 0 ? threads : 8;
  }

  HubDiscovery discovery_;
  std::unique_ptr<grpc::Service> service_;
};

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_ASSIGN(Settings settings, ReadSettings(platform));
  if (platform.is_hub())
    return std::unique_ptr<Module>(std::make_unique<HubModule>(platform, settings));
  GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
  return std::unique_ptr<Module>(
      std::make_unique<NodeModule>(platform, settings, std::move(database)));
}

}  // namespace

ServiceEntry Entry() { return {"discovery", kPolicy, &Make, true, true}; }

}  // namespace genofed::discovery
