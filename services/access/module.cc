// SPDX-License-Identifier: Apache-2.0
#include "services/access/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <condition_variable>
#include <thread>

#include "libs/config/load.h"
#include "libs/core/strings.h"
#include "libs/obs/log.h"
#include "libs/platform/ledger_outbox.h"
#include "libs/platform/platform.h"
#include "services/access/adapters/grpc_services.h"
#include "services/access/adapters/json_codec.h"
#include "services/access/adapters/national_key.h"
#include "services/access/adapters/peers.h"
#include "services/access/adapters/published_keys.h"
#include "services/access/adapters/sql_application_store.h"
#include "services/access/adapters/sql_grant_store.h"
#include "services/access/adapters/sql_revocation_store.h"
#include "services/access/adapters/sql_visa_stores.h"

namespace genofed::access {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];

namespace {

constexpr std::chrono::seconds kVisaInterval(1);

Status Ping(sql::Database& database) {
  return database.Ping(Context::Background().WithTimeout(std::chrono::seconds(2)));
}

std::string OwnJwk(const crypto::Signer* signer) {
  return signer == nullptr ? std::string() : signer->public_key().Jwk();
}

class HubModule final : public Module {
 public:
  // `signer` of passports; may be null.
  HubModule(Platform& platform, std::unique_ptr<sql::Database> database,
            std::unique_ptr<crypto::Signer> signer)
      : database_(std::move(database)),
        signer_(std::move(signer)),
        store_(*database_),
        revocation_store_(*database_, platform.random()),
        visa_store_(*database_),
        directory_(MakeCatalogueDirectory(platform.SiteChannel("catalogue"))),
        applications_(store_, *directory_, codec_, platform.trust(), platform.clock(),
                      platform.random()),
        revocations_(revocation_store_, platform.dataset_url_prefix(), platform.clock(),
                     platform.random()),
        passports_(visa_store_, store_, revocation_store_, platform.trust(), signer_.get(),
                   Issuer(platform), platform.clock(), platform.random()),
        keys_(OwnJwk(signer_.get()), platform.config().access().published_keys_file()),
        service_(MakeGrpcApplicationService(platform.dispatcher(), applications_)),
        revocation_service_(MakeGrpcRevocationService(platform.dispatcher(), revocations_)),
        passport_service_(MakeGrpcPassportService(platform.dispatcher(),
                                                  {.passports = &passports_, .keys = &keys_})) {}

  std::vector<grpc::Service*> Services() override {
    return {service_.get(), revocation_service_.get(), passport_service_.get()};
  }
  Status Ready() override { return Ping(*database_); }

 private:
  // Sites of a federation name their audiences alike, with the site's name at the end.
  static PassportIssuer Issuer(const Platform& platform) {
    PassportIssuer issuer;
    issuer.issuer = platform.config().access().passport_issuer();
    issuer.audience = platform.audience();
    std::string prefix = platform.audience();
    if (prefix.ends_with(platform.site())) prefix.resize(prefix.size() - platform.site().size());
    for (const auto& [site, address] : platform.config().network().nodes()) {
      issuer.countries.emplace(prefix + site, ToUpper(site));
    }
    return issuer;
  }

  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<crypto::Signer> signer_;
  SqlApplicationStore store_;
  SqlRevocationStore revocation_store_;
  SqlHeldVisaStore visa_store_;
  JsonApplicationCodec codec_;
  std::unique_ptr<DatasetDirectory> directory_;
  Applications applications_;
  Revocations revocations_;
  Passports passports_;
  PublishedKeys keys_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Service> revocation_service_;
  std::unique_ptr<grpc::Service> passport_service_;
};

class NodeModule final : public Module {
 public:
  NodeModule(Platform& platform, std::unique_ptr<sql::Database> database,
             std::unique_ptr<crypto::Signer> signer)
      : platform_(platform),
        database_(std::move(database)),
        signer_(std::move(signer)),
        store_(*database_, platform.clock(), platform.random()),
        revocation_store_(*database_, platform.random()),
        visa_store_(*database_),
        hub_(MakeHubApplications(platform.HubChannel("access"))),
        hub_visas_(MakeHubVisas(platform.HubChannel("access"))),
        decisions_(store_, revocation_store_, *hub_, codec_, platform.trust(), *signer_,
                   Authority(platform), platform.clock(), platform.random()),
        revocations_(revocation_store_, platform.dataset_url_prefix(), platform.clock(),
                     platform.random()),
        visas_(store_, revocation_store_, visa_store_, *hub_visas_, platform.trust(), *signer_,
               ForVisas(platform), platform.clock(), platform.random()),
        passport_check_(store_, visa_store_, revocation_store_, platform.trust(), platform.audience(),
                        platform.dataset_url_prefix(), platform.clock()),
        keys_(OwnJwk(signer_.get()), platform.config().access().published_keys_file()),
        service_(MakeGrpcDecisionService(platform.dispatcher(), decisions_)),
        revocation_service_(MakeGrpcRevocationService(platform.dispatcher(), revocations_)),
        passport_service_(MakeGrpcPassportService(platform.dispatcher(),
                                                  {.visas = MakesVisas() ? &visas_ : nullptr,
                                                   .check = &passport_check_,
                                                   .keys = &keys_})) {}

  std::vector<grpc::Service*> Services() override {
    return {service_.get(), revocation_service_.get(), passport_service_.get()};
  }

  Status Start() override {
    delivery_ = StartDecisionDelivery(*database_, platform_.HubChannel("access"));
    ledger_delivery_ = StartLedgerDelivery(*database_, platform_.SiteChannel("consent"));
    const auto& config = platform_.config().access();
    auto interval = config::DurationOr(config.has_poll_interval(), config.poll_interval(),
                                       std::chrono::seconds(1));
    poller_ = std::jthread([this, interval](const std::stop_token& stop) {
      Poll(stop, interval, "hub.applications",
           [this](const Context& ctx) { return decisions_.FetchFromHub(ctx).status(); });
    });
    if (MakesVisas()) {
      visa_thread_ = std::jthread([this](const std::stop_token& stop) {
        Poll(stop, kVisaInterval, "hub.visas",
             [this](const Context& ctx) { return visas_.DeliverDue(ctx); });
      });
    }
    return absl::OkStatus();
  }

  void Stop() override {
    poller_ = {};
    visa_thread_ = {};
    delivery_ = nullptr;
    ledger_delivery_ = nullptr;
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

  static VisaAuthority ForVisas(const Platform& platform) {
    const auto& config = platform.config().access();
    return {config.national_issuer(), config.national_jku(), platform.dataset_url_prefix(),
            config::DurationOr(config.has_visa_lifetime(), config.visa_lifetime(),
                               std::chrono::hours(12))};
  }
  bool MakesVisas() const { return !platform_.config().access().national_jku().empty(); }

  // One line when it begins to fail and one when it works again, not one a second.
  static void Poll(const std::stop_token& stop, std::chrono::milliseconds interval,
                   const char* event, const std::function<Status(const Context&)>& work) {
    std::mutex mutex;
    std::condition_variable_any wake;
    bool failing = false;
    while (!stop.stop_requested()) {
      const Status done =
          work(Context::Background().WithStop(stop).WithTimeout(std::chrono::seconds(30)));
      if (done.ok() == failing) {
        failing = !done.ok();
        GF_LOG(Context::Background(), info, event, {"result", Describe(done)});
      }
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, interval, [] { return false; });
    }
  }

  Platform& platform_;
  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<crypto::Signer> signer_;
  SqlGrantStore store_;
  SqlRevocationStore revocation_store_;
  SqlMintedVisaStore visa_store_;
  JsonApplicationCodec codec_;
  std::unique_ptr<HubApplications> hub_;
  std::unique_ptr<HubVisas> hub_visas_;
  Decisions decisions_;
  Revocations revocations_;
  Visas visas_;
  PassportCheck passport_check_;
  PublishedKeys keys_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Service> revocation_service_;
  std::unique_ptr<grpc::Service> passport_service_;
  std::unique_ptr<sql::OutboxPump> delivery_, ledger_delivery_;
  std::jthread poller_;
  std::jthread visa_thread_;
};

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
  const auto& config = platform.config().access();
  if (platform.is_hub()) {
    std::unique_ptr<crypto::Signer> passports;
    if (config.passport_key_file().empty() != config.passport_issuer().empty()) {
      return InvalidField("access.passport_issuer", "CONFIG_MISSING",
                          "must be set together with access.passport_key_file");
    }
    if (!config.passport_key_file().empty()) {
      GF_ASSIGN(passports, crypto::FileSigner::Open(config.passport_key_file()));
    }
    return std::unique_ptr<Module>(
        std::make_unique<HubModule>(platform, std::move(database), std::move(passports)));
  }
  if (config.has_visa_lifetime() &&
      (config.visa_lifetime().seconds() < 1 || config.visa_lifetime().seconds() > 86'400)) {
    return InvalidField("access.visa_lifetime", "CONFIG_INVALID", "must be 1s to 24h");
  }
  if (config.national_issuer().empty())
    return InvalidField("access.national_issuer", "CONFIG_MISSING", "must be set");
  GF_ASSIGN(std::unique_ptr<crypto::Signer> signer, OpenNationalKey(config));
  return std::unique_ptr<Module>(
      std::make_unique<NodeModule>(platform, std::move(database), std::move(signer)));
}

}  // namespace

ServiceEntry Entry() { return {"access", kPolicy, &Make, true, true}; }

}  // namespace genofed::access
