// SPDX-License-Identifier: Apache-2.0
#include "services/consent/module.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <set>

#include "libs/config/load.h"
#include "libs/core/strings.h"
#include "libs/platform/platform.h"
#include "services/consent/adapters/grpc_consent_service.h"
#include "services/consent/adapters/grpc_key_service.h"
#include "services/consent/adapters/grpc_ledger_service.h"
#include "services/consent/adapters/grpc_reader_service.h"
#include "services/consent/adapters/peer_grant_checker.h"
#include "services/consent/adapters/sql_store.h"
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
  SmartLayer layer{config.client_id(), config.title(), config.organisation(), config.purpose(),
                   {config.datasets().begin(), config.datasets().end()}, "",
                   {config.token_keys().begin(), config.token_keys().end()}, {}};
  if (!config.recipient_key().empty()) {
    const auto key = crypt4gh::PublicKey::FromHex(config.recipient_key());
    if (!key.ok()) return InvalidField(path + ".recipient_key", "CONFIG_INVALID", "must be 64 hex digits");
    layer.recipient = key->raw();
  }
  for (const std::string& range : config.networks()) {
    auto network = Network::Parse(range);
    if (!network.ok()) return InvalidField(path + ".networks", "CONFIG_INVALID", "{}", Message(network.status()));
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

// The ledger and its witnesses: all there is at the hub.
class LedgerModule : public Module {
 public:
  LedgerModule(Platform& platform, std::unique_ptr<sql::Database> database, ledger::NoteSigner log)
      : database_(std::move(database)),
        store_(*database_),
        ledger_(store_, platform.clock(), std::move(log)),
        ledger_service_(MakeGrpcLedgerService(platform.dispatcher(), ledger_)) {}

  // Before anything is served: the tree and the epoch are what the rows say.
  Status Load(Platform& platform) {
    GF_TRY(ledger_.Load(Context::Background().WithTimeout(std::chrono::minutes(5))));
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
    return database_->Ping(Context::Background().WithTimeout(std::chrono::seconds(2)));
  }

 protected:
  std::unique_ptr<sql::Database> database_;
  SqlStore store_;
  Ledger ledger_;

 private:
  std::unique_ptr<grpc::Service> ledger_service_;
  std::unique_ptr<Witnessing> witnessing_;
};

class ConsentModule final : public LedgerModule {
 public:
  ConsentModule(Platform& platform, std::unique_ptr<sql::Database> database, ledger::NoteSigner log,
                Keys keys, std::vector<SmartLayer> layers)
      : LedgerModule(platform, std::move(database), std::move(log)),
        pseudonyms_(std::move(keys.pseudonyms)),
        registrar_(ledger_, pseudonyms_, platform.clock(), platform.random()),
        cohorts_(store_, ledger_),
        mine_(store_, ledger_, pseudonyms_, platform.clock(), platform.random()),
        grants_(MakePeerGrantChecker(platform.SiteChannel("access"))),
        dataset_keys_(std::move(keys.dataset), {platform.audience(), platform.country()}, store_,
                      ledger_, *grants_, platform.trust(), platform.clock(), platform.random()),
        readers_({platform.audience(), platform.dataset_url_prefix(), std::move(layers)},
                 {store_, ledger_, cohorts_, dataset_keys_, platform.trust(), platform.clock(), platform.random()}),
        consent_service_(
            MakeGrpcConsentService(platform.dispatcher(), registrar_, cohorts_, mine_, ledger_)),
        key_service_(MakeGrpcKeyService(platform.dispatcher(), dataset_keys_, platform.metrics())),
        reader_service_(MakeGrpcReaderService(platform.dispatcher(), readers_, platform.metrics())) {}

  std::vector<grpc::Service*> Services() override {
    std::vector<grpc::Service*> services = LedgerModule::Services();
    services.insert(services.end(),
                    {consent_service_.get(), key_service_.get(), reader_service_.get()});
    return services;
  }

 private:
  const Pseudonyms pseudonyms_;
  Registrar registrar_;
  Cohorts cohorts_;
  MyConsent mine_;
  std::unique_ptr<GrantChecker> grants_;
  DatasetKeys dataset_keys_;
  ReaderAccess readers_;
  std::unique_ptr<grpc::Service> consent_service_;
  std::unique_ptr<grpc::Service> key_service_;
  std::unique_ptr<grpc::Service> reader_service_;
};

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  GF_ASSIGN(auto log, OpenLogKey(platform));
  std::unique_ptr<LedgerModule> module;
  if (platform.is_hub()) {
    GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
    module = std::make_unique<LedgerModule>(platform, std::move(database), std::move(log));
  } else {
    GF_ASSIGN(auto keys, OpenKeys(platform));
    GF_ASSIGN(auto layers, ReadSmartLayers(platform.config().consent()));
    GF_ASSIGN(auto database, platform.OpenDatabase(kMigrations));
    module = std::make_unique<ConsentModule>(platform, std::move(database), std::move(log),
                                             std::move(keys), std::move(layers));
  }
  GF_TRY(module->Load(platform));
  return std::unique_ptr<Module>(std::move(module));
}

}  // namespace

ServiceEntry Entry() { return {"consent", kPolicy, &Make, true, true}; }

}  // namespace genofed::consent
