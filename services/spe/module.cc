// SPDX-License-Identifier: Apache-2.0
#include "services/spe/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include "libs/objects/open.h"
#include "libs/obs/log.h"
#include "libs/platform/platform.h"
#include "services/spe/adapters/allowed_workflows.h"
#include "services/spe/adapters/grpc_services.h"
#include "services/spe/adapters/oci_image_store.h"
#include "services/spe/adapters/oci_runtime.h"
#include "services/spe/adapters/site_peers.h"
#include "services/spe/adapters/sql_task_store.h"
#include "services/spe/adapters/task_directories.h"
#include "services/spe/app/run_task.h"
#include "services/spe/app/tasks.h"

namespace genofed::spe {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];

namespace {

OciRuntimeOptions RuntimeOptions(Platform& platform, const std::filesystem::path& data) {
  OciRuntimeOptions options;
  if (!platform.config().spe().runtime().empty())
    options.runtime = platform.config().spe().runtime();
  options.state_dir = data / "runtime";
  options.cgroup_parent = "/genofed-" + platform.site();
  return options;
}

RunTaskOptions WorkOptions(const config::v1::SpeConfig& config) {
  RunTaskOptions options;
  if (config.minimum_count() > 0) options.airlock.minimum_count = config.minimum_count();
  options.release_automatically = config.release_automatically();
  options.max_tasks = std::max(1, config.max_tasks());
  return options;
}

class SpeModule final : public Module {
 public:
  SpeModule(Platform& platform, const std::filesystem::path& data,
            std::unique_ptr<sql::Database> database, std::unique_ptr<objects::ObjectStore> bodies)
      : database_(std::move(database)),
        bodies_(std::move(bodies)),
        work_options_(WorkOptions(platform.config().spe())),
        store_(*database_),
        images_({.images_dir = platform.config().spe().images_dir(), .cache_dir = data / "images"}),
        runtime_(RuntimeOptions(platform, data), images_),
        workflows_({platform.config().spe().allowed_workflows().begin(),
                    platform.config().spe().allowed_workflows().end()},
                   [this](const std::string& digest) { images_.Allow(digest); }),
        files_(data),
        cohorts_(MakeCohortSource(platform.SiteChannel("consent"),
                                  platform.SiteChannel("onboarding"),
                                  platform.SiteChannel("access"), *bodies_, platform.random())),
        approvals_(MakeApprovalCheck(platform.trust(), platform.clock(), platform.audience(),
                                     platform.country())),
        ledger_(MakeReleaseLedger(platform.SiteChannel("consent"), platform.clock())),
        tasks_(store_, workflows_, *approvals_, files_, runtime_, platform.clock(),
               [this] { Wake(); }),
        run_(store_, workflows_, *cohorts_, files_, runtime_, *ledger_,
             platform.clock(), work_options_),
        task_service_(MakeGrpcTaskService(platform.dispatcher(), tasks_)),
        airlock_service_(MakeGrpcAirlockService(platform.dispatcher(), tasks_)) {}

  std::vector<grpc::Service*> Services() override {
    return {task_service_.get(), airlock_service_.get()};
  }

  Status Start() override {
    const Context ctx = Context::Background().WithTimeout(std::chrono::seconds(60));
    isolation_ = runtime_.SelfTest(ctx);
    if (!isolation_.ok()) {
      // The other services of a site must not fall with this one: no task starts, and readiness
      // says why.
      GF_LOG(ctx, error, "spe.isolation_incomplete", {"why", Describe(isolation_)});
    }
    sql::LeaseLoop::Options options;
    options.owner = "spe";
    options.poll_interval = std::chrono::milliseconds(500);
    options.workers =
        work_options_.max_tasks + 2;  // the others settle reviews while containers run
    options.on_error = [](const sql::Lease* lease, const Status& error) {
      GF_LOG(Context::Background(), warn, "spe.work_delayed",
             {"task", lease == nullptr ? "" : lease->id}, {"reason", Reason(error)});
    };
    MutexLock lock(loop_mutex_);
    loop_ = std::make_unique<sql::LeaseLoop>(
        *database_, TaskLeases(), std::move(options),
        [this](const Context& work, const sql::Lease& lease) { return run_.Run(work, lease); });
    return {};
  }

  void Stop() override {
    std::unique_ptr<sql::LeaseLoop> loop;
    {
      MutexLock lock(loop_mutex_);
      loop = std::move(loop_);
    }
  }

  Status Ready() override {
    GF_TRY(isolation_);
    return database_->Ping(Context::Background().WithTimeout(std::chrono::seconds(2)));
  }

 private:
  void Wake() {
    MutexLock lock(loop_mutex_);
    if (loop_) loop_->Notify();
  }

  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<objects::ObjectStore> bodies_;
  const RunTaskOptions work_options_;
  SqlTaskStore store_;
  OciImageStore images_;
  OciRuntime runtime_;
  AllowedWorkflows workflows_;
  TaskDirectories files_;
  std::unique_ptr<CohortSource> cohorts_;
  std::unique_ptr<ApprovalCheck> approvals_;
  std::unique_ptr<ReleaseLedger> ledger_;
  Tasks tasks_;
  RunTask run_;
  std::unique_ptr<grpc::Service> task_service_;
  std::unique_ptr<grpc::Service> airlock_service_;
  Status isolation_ =
      Error(StatusCode::kUnavailable, "STARTING", "the isolation self-test has not run");
  Mutex loop_mutex_;
  std::unique_ptr<sql::LeaseLoop> loop_ ABSL_GUARDED_BY(loop_mutex_);
};

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_ASSIGN(const std::filesystem::path data, platform.DataDir());
  GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
  // Those of onboarding, which writes them.
  GF_ASSIGN(auto bodies, objects::OpenStore(platform.config().onboarding().object_store(),
                                            data.parent_path() / "onboarding" / "objects",
                                            platform.clock(), "onboarding.object_store"));
  return std::unique_ptr<Module>(std::make_unique<SpeModule>(
      platform, std::filesystem::absolute(data), std::move(database), std::move(bodies)));
}

}  // namespace

ServiceEntry Entry() { return {"spe", kPolicy, &Make, false, true}; }

}  // namespace genofed::spe
