// SPDX-License-Identifier: Apache-2.0
#include "services/consent/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/obs/log.h"
#include "libs/platform/platform.h"
#include "services/consent/adapters/grpc_audit_service.h"
#include "services/consent/adapters/grpc_consent_service.h"
#include "services/consent/adapters/grpc_key_service.h"
#include "services/consent/adapters/grpc_ledger_service.h"
#include "services/consent/adapters/grpc_reader_service.h"
#include "services/consent/adapters/peer_grant_checker.h"
#include "services/consent/adapters/registries.h"
#include "services/consent/adapters/sql_store.h"
#include "services/consent/app/apply_policy.h"
#include "services/consent/witnessing.h"

namespace genofed::consent {

extern const EmbeddedFile kMigrations[];
extern const EmbeddedFile kPolicy[];

namespace {

struct Keys {
  crypt4gh::SecretKey dataset;
  Pseudonyms pseudonyms;
};

Result<std::string> HexSecret(const config::v1::Secret& secret, std::string_view path) {
  GF_ASSIGN(const std::string text, config::ReadSecret(secret, path, "consent"));
  auto bytes = HexDecode(text);
  if (!bytes.ok())
    return Error(StatusCode::kInvalidArgument, "KEY_INVALID", "{} must be hex digits", path);
  return *std::move(bytes);
}

Result<ledger::NoteSigner> OpenLogKey(Platform& platform) {
  const std::string origin = platform.site() + "." + platform.config().site().domain() + "/ledger";
  return OpenNoteKey(origin, ledger::SignatureType::kEd25519,
                     config::ForService(platform.config().consent().ledger_key_file(), "consent"),
                     "consent.ledger_key_file");
}

Result<Keys> OpenKeys(Platform& platform) {
  const auto& config = platform.config().consent();
  GF_ASSIGN(auto dataset, HexSecret(config.dataset_key(), "consent.dataset_key"));
  auto key = crypt4gh::SecretKey::FromRaw(dataset);
  if (!key.ok())
    return Error(StatusCode::kInvalidArgument, "KEY_INVALID",
                 "consent.dataset_key must be 64 hex digits");
  GF_ASSIGN(auto pseudonym, HexSecret(config.pseudonym_key(), "consent.pseudonym_key"));
  GF_ASSIGN(auto pseudonyms, Pseudonyms::Create(std::move(pseudonym)));
  return Keys{*std::move(key), std::move(pseudonyms)};
}

Result<SmartLayer> ReadSmartLayer(const config::v1::SmartLayer& config, const std::string& path) {
  for (const auto& [value, name] :
       {std::pair(config.client_id(), "client_id"), std::pair(config.title(), "title"),
        std::pair(config.organisation(), "organisation"), std::pair(config.purpose(), "purpose")}) {
    if (value.empty()) return InvalidField(path + "." + name, "CONFIG_MISSING", "must be set");
    if (value.size() > ledger::kMaxFieldBytes || !IsUtf8(value))
      return InvalidField(path + "." + name, "CONFIG_INVALID", "must be text of at most {} bytes",
                          ledger::kMaxFieldBytes);
  }
  SmartLayer layer{config.client_id(),
                   config.title(),
                   config.organisation(),
                   config.purpose(),
                   {config.datasets().begin(), config.datasets().end()},
                   "",
                   {config.token_keys().begin(), config.token_keys().end()},
                   {}};
  if (!config.recipient_key().empty()) {
    const auto key = crypt4gh::PublicKey::FromHex(config.recipient_key());
    if (!key.ok())
      return InvalidField(path + ".recipient_key", "CONFIG_INVALID", "must be 64 hex digits");
    layer.recipient = key->raw();
  }
  for (const std::string& range : config.networks()) {
    auto network = Network::Parse(range);
    if (!network.ok())
      return InvalidField(path + ".networks", "CONFIG_INVALID", "{}", Message(network.status()));
    layer.networks.push_back(*network);
  }
  return layer;
}

Result<std::vector<SmartLayer>> ReadSmartLayers(const config::v1::ConsentConfig& config) {
  std::vector<SmartLayer> layers;
  std::set<std::string> clients;
  for (const config::v1::SmartLayer& one : config.smart_layers()) {
    const std::string path = fmt::format("consent.smart_layers[{}]", layers.size());
    GF_ASSIGN(SmartLayer layer, ReadSmartLayer(one, path));
    if (!clients.insert(layer.client_id).second)
      return InvalidField(path + ".client_id", "CONFIG_INVALID", "comes twice");
    layers.push_back(std::move(layer));
  }
  return layers;
}

Result<Policy> OpenPolicy(Platform& platform) {
  const std::string& file = platform.config().consent().policy_file();
  if (file.empty()) return Policy();
  GF_ASSIGN(const std::string text, ReadFile(config::ForService(file, "consent"), kMaxPolicyBytes));
  GF_ASSIGN(Policy policy, ParsePolicy(text));
  if (policy.country != platform.country()) {
    return Error(StatusCode::kInvalidArgument, "CONFIG_INVALID",
                 "consent.policy_file: {} is the policy of {}, and this is a node of {}", file,
                 policy.country, platform.country());
  }
  return policy;
}

struct Stores {
  std::unique_ptr<sql::Database> database;
  std::unique_ptr<EntryLog> entries;
};

Result<Stores> OpenStores(Platform& platform) {
  Stores stores;
  std::filesystem::path directory = platform.config().consent().ledger_dir();
  if (directory.empty()) {
    GF_ASSIGN(directory, platform.DataDir());
    directory /= "ledger";
  }
  GF_ASSIGN(stores.entries, EntryLog::Open(directory));
  GF_ASSIGN(stores.database, platform.OpenDatabase(kMigrations));
  return stores;
}

// The ledger and its witnesses: all there is at the hub.
class LedgerModule : public Module {
 public:
  LedgerModule(Platform& platform, Stores stores, ledger::NoteSigner log)
      : database_(std::move(stores.database)),
        entries_(std::move(stores.entries)),
        store_(*database_, *entries_),
        ledger_(store_, platform.clock(), std::move(log)),
        ledger_service_(MakeGrpcLedgerService(platform.dispatcher(), ledger_)) {}

  // Before anything is served: the tree and the epoch are what the rows say.
  virtual Status Load(Platform& platform) {
    const Context ctx = Context::Background().WithTimeout(std::chrono::minutes(5));
    GF_TRY(store_.Open(ctx));
    GF_TRY(ledger_.Load(ctx));
    GF_ASSIGN(const auto missing, store_.MissingRows(ctx));
    if (missing) {
      GF_LOG(ctx, error, "ledger.database_behind", {"entry", *missing});
      ledger_.Freeze(fmt::format(
          "the database is older than entry {}, and lacks what was said since: restore the newest one (docs/operations/backup.md)",
          *missing));
    }
    GF_ASSIGN(witnessing_, Witnessing::Make(platform, *database_, ledger_));
    return absl::OkStatus();
  }

  std::vector<grpc::Service*> Services() override {
    std::vector<grpc::Service*> services = {ledger_service_.get()};
    if (witnessing_ != nullptr) services.push_back(witnessing_->service());
    return services;
  }
  Status Start() override {
    if (witnessing_ != nullptr) witnessing_->Start();
    return absl::OkStatus();
  }
  void Stop() override {
    if (witnessing_ != nullptr) witnessing_->Stop();
  }
  Status Ready() override {
    GF_TRY(entries_->CheckUsable());
    return database_->Ping(Context::Background().WithTimeout(std::chrono::seconds(2)));
  }

 protected:
  void AskWitnesses() {
    if (witnessing_ != nullptr) witnessing_->AskFirst();
  }

  std::unique_ptr<sql::Database> database_;
  std::unique_ptr<EntryLog> entries_;
  SqlStore store_;
  Ledger ledger_;

 private:
  std::unique_ptr<grpc::Service> ledger_service_;
  std::unique_ptr<Witnessing> witnessing_;
};

class ConsentModule final : public LedgerModule {
 public:
  ConsentModule(Platform& platform, Stores stores, ledger::NoteSigner log, Keys keys, Policy policy,
                std::vector<SmartLayer> layers)
      : LedgerModule(platform, std::move(stores), std::move(log)),
        platform_(platform),
        pseudonyms_(std::move(keys.pseudonyms)),
        policy_(std::move(policy)),
        rules_{policy_, platform.clock()},
        registrar_(ledger_, pseudonyms_, rules_, platform.random()),
        cohorts_(store_, ledger_, rules_),
        mine_(store_, ledger_, pseudonyms_, rules_, platform.random()),
        wishes_(store_, ledger_, pseudonyms_, rules_, platform.random()),
        audit_(store_, ledger_, platform.clock(), platform.random()),
        grants_(MakePeerGrantChecker(platform.SiteChannel("access"))),
        dataset_keys_(std::move(keys.dataset), {platform.audience(), platform.country()}, store_,
                      ledger_, *grants_, platform.trust(), rules_, platform.random()),
        readers_({platform.audience(), platform.dataset_url_prefix(), std::move(layers)},
                 {store_, ledger_, cohorts_, dataset_keys_, platform.trust(), rules_,
                  platform.random()}),
        key_service_(MakeGrpcKeyService(platform.dispatcher(), dataset_keys_, platform.metrics())),
        reader_service_(MakeGrpcReaderService(platform.dispatcher(), readers_, platform.metrics())),
        audit_service_(MakeGrpcAuditService(platform.dispatcher(), audit_, ledger_)) {}

  Status Load(Platform& platform) override {
    GF_TRY(LedgerModule::Load(platform));
    const Context ctx = Context::Background().WithTimeout(std::chrono::minutes(5));
    GF_ASSIGN(const std::int64_t size, ledger_.Size(ctx));
    // A frozen ledger takes neither, and answers nothing that depends on them.
    const bool frozen = !ledger_.CheckNotFrozen().ok();
    if (!frozen) GF_TRY(ApplyPolicy(ctx, ledger_, rules_));
    GF_ASSIGN(registries_, Registries::Make(platform_.config().consent(),
                                            {store_, ledger_, pseudonyms_, rules_,
                                             platform_.random(), platform_.metrics()}));
    consent_service_ = MakeGrpcConsentService(
        platform_.dispatcher(),
        {registrar_, cohorts_, mine_, wishes_, ledger_, *registries_, audit_, platform_.clock(), policy_.adult_age,
         platform_.site() + "." + platform_.config().site().domain(), platform_.country()});
    if (!frozen) GF_TRY(SetUpRegistries(ctx, ledger_, rules_, registries_->Names()));
    if (size > 0) AskWitnesses();  // an empty one has said nothing that they could know
    return absl::OkStatus();
  }
  Status Start() override {
    GF_TRY(LedgerModule::Start());
    registries_->Start();
    keeper_ = std::jthread([this](const std::stop_token& stop) { KeepTime(stop); });
    reconciler_ = std::jthread([this](const std::stop_token& stop) { Reconcile(stop); });
    return absl::OkStatus();
  }
  void Stop() override {
    keeper_ = {};
    reconciler_ = {};
    registries_->Stop();
    LedgerModule::Stop();
  }

  std::vector<grpc::Service*> Services() override {
    std::vector<grpc::Service*> services = LedgerModule::Services();
    services.insert(services.end(), {consent_service_.get(), key_service_.get(),
                                     reader_service_.get(), audit_service_.get()});
    return services;
  }

 private:
  // What begins or ends by itself is noticed within a second.
  void KeepTime(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      const Context ctx =
          Context::Background().WithStop(stop).WithTimeout(std::chrono::seconds(30));
      Status kept = cohorts_.KeepTime(ctx);
      if (kept.ok()) kept = registries_->KeepFresh(ctx);
      if (!kept.ok() && !stop.stop_requested())
        GF_LOG(ctx, warn, "consent.time_failed", {"reason", Reason(kept)});
      wake.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    }
  }

  // A release of keys that the ledger does not account for must not stay unnoticed.
  void Reconcile(const std::stop_token& stop) {
    const auto& config = platform_.config().consent();
    const auto interval = config::DurationOr(config.has_reconcile_interval(),
                                             config.reconcile_interval(), std::chrono::minutes(1));
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      const Context ctx = Context::Background().WithStop(stop).WithTimeout(std::chrono::minutes(5));
      const Status swept = audit_.Sweep(ctx);
      const auto result = swept.ok() ? audit_.Reconcile(ctx) : Result<Reconciliation>(swept);
      if (stop.stop_requested()) return;
      if (!result.ok()) {
        GF_LOG(ctx, warn, "releases.not_checked", {"reason", Reason(result.status())});
      } else if (!result->accounted) {
        GF_LOG(ctx, error, "releases.unaccounted", {"problem", result->problems.front()},
               {"problems", result->problems.size()});
      }
      platform_.metrics().Set("genofed_consent_releases_unaccounted", {},
                              result.ok() ? static_cast<double>(result->problems.size()) : -1);
      wake.wait_for(lock, stop, interval, [] { return false; });
    }
  }

  Platform& platform_;
  const Pseudonyms pseudonyms_;
  const Policy policy_;
  const Rules rules_;
  Registrar registrar_;
  Cohorts cohorts_;
  MyConsent mine_;
  AskWishes wishes_;
  Audit audit_;
  std::unique_ptr<Registries> registries_;
  std::unique_ptr<GrantChecker> grants_;
  DatasetKeys dataset_keys_;
  ReaderAccess readers_;
  std::unique_ptr<grpc::Service> consent_service_;
  std::unique_ptr<grpc::Service> key_service_;
  std::unique_ptr<grpc::Service> reader_service_;
  std::unique_ptr<grpc::Service> audit_service_;
  std::jthread keeper_;
  std::jthread reconciler_;
};

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_ASSIGN(auto log, OpenLogKey(platform));
  std::unique_ptr<LedgerModule> module;
  if (platform.is_hub()) {
    GF_ASSIGN(auto stores, OpenStores(platform));
    module = std::make_unique<LedgerModule>(platform, std::move(stores), std::move(log));
  } else {
    GF_ASSIGN(auto keys, OpenKeys(platform));
    GF_ASSIGN(auto layers, ReadSmartLayers(platform.config().consent()));
    GF_ASSIGN(auto policy, OpenPolicy(platform));
    GF_ASSIGN(auto stores, OpenStores(platform));
    module = std::make_unique<ConsentModule>(platform, std::move(stores), std::move(log),
                                             std::move(keys), std::move(policy), std::move(layers));
  }
  GF_TRY(module->Load(platform));
  return std::unique_ptr<Module>(std::move(module));
}

}  // namespace

ServiceEntry Entry() { return {"consent", kPolicy, &Make, true, true}; }

}  // namespace genofed::consent
