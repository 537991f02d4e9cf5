// SPDX-License-Identifier: Apache-2.0
#include "services/access/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <condition_variable>
#include <thread>

#include "libs/config/load.h"
#include "libs/obs/log.h"
#include "libs/platform/platform.h"
#include "services/access/adapters/grpc_services.h"
#include "services/access/adapters/json_codec.h"
#include "services/access/adapters/national_key.h"
#include "services/access/adapters/peers.h"
#include "services/access/adapters/sql_application_store.h"
#include "services/access/adapters/sql_grant_store.h"

namespace genofed::access {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];

namespace {

Status Ping(sql::Database& database) {
  return database.Ping(Context::Background().WithTimeout(std::chrono::seconds(2)));
}

class HubModule final : public Module {
 public:
  HubModule(Platform& platform, std::unique_ptr<sql::Database> database)
      : database_(std::move(database)),
        store_(*database_),
        directory_(MakeCatalogueDirectory(platform.SiteChannel("catalogue"))),
        applications_(store_, *directory_, codec_, platform.trust(), platform.clock(),
                      platform.random()),
        service_(MakeGrpcApplicationService(platform.dispatcher(), applications_)) {}

  std::vector<grpc::Service*> Services() override { return {service_.get()}; }
  Status Ready() override { return Ping(*database_); }

 private:
  std::unique_ptr<sql::Database> database_;
  SqlApplicationStore store_;
  JsonApplicationCodec codec_;
  std::unique_ptr<DatasetDirectory> directory_;
  Applications applications_;
  std::unique_ptr<grpc::Service> service_;
};

class NodeModule final : public Module {
 public:
  NodeModule(Platform& platform, std::unique_ptr<sql::Database> database,
             std::unique_ptr<crypto::Signer> signer)
      : platform_(platform),
        database_(std::move(database)),
        signer_(std::move(signer)),
        store_(*database_),
        hub_(MakeHubApplications(platform.HubChannel("access"))),
        decisions_(store_, *hub_, codec_, *signer_, Authority(platform), platform.clock(),
                   platform.random()),
        service_(MakeGrpcDecisionService(platform.dispatcher(), decisions_)) {}

  std::vector<grpc::Service*> Services() override { return {service_.get()}; }

  Status Start() override {
    delivery_ = StartDecisionDelivery(*database_, platform_.HubChannel("access"));
    const auto& config = platform_.config().access();
    auto interval = config::DurationOr(config.has_poll_interval(), config.poll_interval(),
                                       std::chrono::seconds(1));
    poller_ = std::jthread([this, interval](std::stop_token stop) { Poll(stop, interval); });
    return absl::OkStatus();
  }

  void Stop() override {
    poller_ = {};
    delivery_ = nullptr;
  }

  Status Ready() override { return Ping(*database_); }

 private:
  static NationalAuthority Authority(const Platform& platform) {
    const auto& config = platform.config().access();
    return {platform.country(), config.national_issuer(), platform.audience(),
            config::DurationOr(config.has_max_permit(), config.max_permit(),
                               std::chrono::hours(24 * 365)),
            config.two_person_rule()};
  }

  void Poll(const std::stop_token& stop, std::chrono::milliseconds interval) {
    std::mutex mutex;
    std::condition_variable_any wake;
    bool failing = false;
    while (!stop.stop_requested()) {
      auto fetched = decisions_.FetchFromHub(
          Context::Background().WithStop(stop).WithTimeout(std::chrono::seconds(30)));
      // One line when the hub goes away and one when it is back, not one a second.
      if (fetched.ok() == failing) {
        failing = !fetched.ok();
        GF_LOG(Context::Background(), info, "hub.applications",
               {"result", Describe(fetched.status())});
      }
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, interval, [] { return false; });
    }
  }

  Platform& platform_;
  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<crypto::Signer> signer_;
  SqlGrantStore store_;
  JsonApplicationCodec codec_;
  std::unique_ptr<HubApplications> hub_;
  Decisions decisions_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<sql::OutboxPump> delivery_;
  std::jthread poller_;
};

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
  if (platform.is_hub())
    return std::unique_ptr<Module>(std::make_unique<HubModule>(platform, std::move(database)));
  const auto& config = platform.config().access();
  if (config.national_issuer().empty())
    return InvalidField("access.national_issuer", "CONFIG_MISSING", "must be set");
  GF_ASSIGN(std::unique_ptr<crypto::Signer> signer, OpenNationalKey(config));
  return std::unique_ptr<Module>(
      std::make_unique<NodeModule>(platform, std::move(database), std::move(signer)));
}

}  // namespace

ServiceEntry Entry() { return {"access", kPolicy, &Make, true, true}; }

}  // namespace genofed::access
