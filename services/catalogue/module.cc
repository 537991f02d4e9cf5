// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include "libs/config/load.h"
#include "libs/platform/platform.h"
#include "services/catalogue/adapters/grpc_catalogue_service.h"
#include "services/catalogue/adapters/hub_announcer.h"
#include "services/catalogue/adapters/sql_record_store.h"
#include "services/catalogue/app/catalogue.h"

namespace genofed::catalogue {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];

namespace {

class CatalogueModule final : public Module {
 public:
  CatalogueModule(Platform& platform, std::unique_ptr<sql::Database> database)
      : platform_(platform),
        database_(std::move(database)),
        store_(*database_),
        catalogue_(store_, platform.clock(), platform.country()),
        service_(MakeGrpcCatalogueService(platform.dispatcher(), catalogue_)) {}

  std::vector<grpc::Service*> Services() override { return {service_.get()}; }

  Status Start() override {
    if (platform_.is_hub()) return absl::OkStatus();
    const auto& config = platform_.config().catalogue();
    announcer_ =
        StartHubAnnouncer(*database_, platform_.HubChannel("catalogue"),
                          config::DurationOr(config.has_announce_interval(),
                                             config.announce_interval(), std::chrono::seconds(1)));
    return absl::OkStatus();
  }

  void Stop() override { announcer_ = nullptr; }
  Status Ready() override {
    return database_->Ping(Context::Background().WithTimeout(std::chrono::seconds(2)));
  }

 private:
  Platform& platform_;
  std::unique_ptr<sql::Database> database_;
  SqlRecordStore store_;
  Catalogue catalogue_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<sql::OutboxPump> announcer_;
};

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
  return std::unique_ptr<Module>(std::make_unique<CatalogueModule>(platform, std::move(database)));
}

}  // namespace

ServiceEntry Entry() { return {"catalogue", kPolicy, &Make, true, true}; }

}  // namespace genofed::catalogue
