// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "libs/config/load.h"
#include "libs/core/strings.h"
#include "libs/obs/log.h"
#include "libs/platform/platform.h"
#include "services/dispatcher/adapters/grpc_services.h"
#include "services/dispatcher/adapters/peers.h"
#include "services/dispatcher/adapters/sql_part_store.h"
#include "services/dispatcher/adapters/sql_run_store.h"
#include "services/dispatcher/app/fetch_work.h"
#include "services/dispatcher/app/finisher.h"
#include "services/dispatcher/app/part_walk.h"

namespace genofed::dispatcher {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFinishInterval{500};
constexpr seconds kRoundTimeout{60};
constexpr int kWorkers = 4;

Status Ping(sql::Database& database) {
  return database.Ping(Context::Background().WithTimeout(seconds(2)));
}

// Calls `round` again and again. Logs one line when it begins to fail and one when it works again,
// not one a round.
void Repeat(const std::stop_token& stop, milliseconds interval, std::string_view event,
            const std::function<Status(const Context&)>& round) {
  std::mutex mutex;
  std::condition_variable_any wake;
  bool failing = false;
  while (!stop.stop_requested()) {
    const Status status = round(Context::Background().WithStop(stop).WithTimeout(kRoundTimeout));
    if (status.ok() == failing && !stop.stop_requested()) {
      failing = !status.ok();
      GF_LOG(Context::Background(), warn, event, {"result", Describe(status)});
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, interval, [] { return false; });
  }
}

class HubModule final : public Module {
 public:
  HubModule(Platform& platform, std::unique_ptr<sql::Database> database)
      : database_(std::move(database)),
        store_(*database_),
        applications_(MakeApplicationDirectory(platform.SiteChannel("access"))),
        runs_(store_, *applications_, platform.clock(), platform.random()),
        desk_(store_, platform.clock()),
        finisher_(store_, platform.clock(), PartTimeout(platform)),
        run_service_(MakeGrpcRunService(platform.dispatcher(), runs_)),
        work_service_(MakeGrpcWorkService(platform.dispatcher(), desk_)) {}

  std::vector<grpc::Service*> Services() override {
    return {run_service_.get(), work_service_.get()};
  }

  Status Start() override {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      Repeat(stop, kFinishInterval, "runs.finishing", [this](const Context& ctx) -> Status {
        GF_TRY(finisher_.ExpireSilent(ctx));
        return finisher_.FinishEnded(ctx);
      });
    });
    return absl::OkStatus();
  }

  void Stop() override { thread_ = {}; }
  Status Ready() override { return Ping(*database_); }

 private:
  static Duration PartTimeout(const Platform& platform) {
    const auto& config = platform.config().dispatcher();
    return config::DurationOr(config.has_part_timeout(), config.part_timeout(),
                              std::chrono::hours(24));
  }

  std::unique_ptr<sql::Database> database_;
  SqlRunStore store_;
  std::unique_ptr<ApplicationDirectory> applications_;
  Runs runs_;
  PartDesk desk_;
  Finisher finisher_;
  std::unique_ptr<grpc::Service> run_service_;
  std::unique_ptr<grpc::Service> work_service_;
  std::jthread thread_;
};

class NodeModule final : public Module {
 public:
  NodeModule(Platform& platform, std::unique_ptr<sql::Database> database)
      : platform_(platform),
        database_(std::move(database)),
        store_(*database_),
        hub_(MakeHubDesk(platform.HubChannel("dispatcher"))),
        approvals_(MakeApprovals(platform.SiteChannel("access"))),
        site_(MakeSiteData(platform.SiteChannel("catalogue"), platform.SiteChannel("consent"))),
        tasks_(MakeTasks(platform.SiteChannel("spe"))),
        walk_(store_, *hub_, *approvals_, *site_, *tasks_, platform.trust(), platform.clock(),
              PolicyOf(platform)),
        service_(MakeGrpcNodeRunService(platform.dispatcher(), store_, platform.site())) {}

  std::vector<grpc::Service*> Services() override { return {service_.get()}; }

  Status Start() override {
    sql::LeaseLoop::Options options;
    options.owner = platform_.site() + "/dispatcher";
    options.poll_interval = PollInterval(platform_);
    options.workers = kWorkers;
    options.on_error = [](const sql::Lease* lease, const Status& error) {
      GF_LOG(Context::Background(), warn, "part.delayed",
             {"part", lease == nullptr ? "" : lease->id}, {"reason", Reason(error)});
    };
    loop_ = std::make_unique<sql::LeaseLoop>(
        *database_, PartLeases(), std::move(options),
        [this](const Context& ctx, const sql::Lease& lease) { return walk_.Run(ctx, lease); });
    thread_ = std::jthread([this](const std::stop_token& stop) {
      Repeat(stop, PollInterval(platform_), "hub.work", [this](const Context& ctx) -> Status {
        GF_ASSIGN(const int fresh, FetchWork(ctx, *hub_, store_, platform_.clock().Now()));
        if (fresh > 0) loop_->Notify();
        return absl::OkStatus();
      });
    });
    return absl::OkStatus();
  }

  void Stop() override {
    thread_ = {};
    loop_ = nullptr;
  }
  Status Ready() override { return Ping(*database_); }

 private:
  static milliseconds PollInterval(const Platform& platform) {
    const auto& config = platform.config().dispatcher();
    return config::DurationOr(config.has_poll_interval(), config.poll_interval(), seconds(1));
  }
  static NodePolicy PolicyOf(const Platform& platform) {
    NodePolicy policy;
    policy.audience = platform.audience();
    policy.country = platform.country();
    for (const std::string& digest : platform.config().spe().allowed_workflows()) {
      policy.allowed_workflows.insert(ToLower(digest));
    }
    policy.poll_interval = PollInterval(platform);
    return policy;
  }

  Platform& platform_;
  std::unique_ptr<sql::Database> database_;
  SqlPartStore store_;
  std::unique_ptr<HubDesk> hub_;
  std::unique_ptr<Approvals> approvals_;
  std::unique_ptr<SiteData> site_;
  std::unique_ptr<Tasks> tasks_;
  PartWalk walk_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<sql::LeaseLoop> loop_;
  std::jthread thread_;
};

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
  if (platform.is_hub())
    return std::unique_ptr<Module>(std::make_unique<HubModule>(platform, std::move(database)));
  return std::unique_ptr<Module>(std::make_unique<NodeModule>(platform, std::move(database)));
}

}  // namespace

ServiceEntry Entry() { return {"dispatcher", kPolicy, &Make, true, true}; }

}  // namespace genofed::dispatcher
