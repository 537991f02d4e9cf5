// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/platform.h"

#include "libs/config/load.h"
#include "libs/core/strings.h"
#include "libs/platform/process.h"

namespace genofed {
namespace {

rpc::Dispatcher::Options DispatcherOptions(Process& process, const std::string& service) {
  rpc::Dispatcher::Options options;
  options.site = process.config().site().name();
  options.domain = process.config().site().domain();
  options.service = service;
  if (int threads = process.config().network().handler_threads(); threads > 0)
    options.handler_threads = threads;
  options.denied = [&process](const WorkloadIdentity& caller) { return process.Denied(caller); };
  options.certificate_of = [&process](std::string_view caller) {
    return process.HostsInProcess(caller) ? process.CertificateOf(caller) : std::string();
  };
  return options;
}

std::string AddressOf(const google::protobuf::Map<std::string, std::string>& addresses,
                      std::string_view name) {
  auto it = addresses.find(std::string(name));
  return it == addresses.end() ? std::string() : it->second;
}

}  // namespace

Platform::Platform(Process& process, std::string service, rpc::Policy policy)
    : process_(process),
      service_(std::move(service)),
      policy_(std::move(policy)),
      dispatcher_(DispatcherOptions(process, service_), policy_, process.tokens(),
                  process.metrics()) {}

Platform::~Platform() = default;

const config::v1::SiteConfig& Platform::config() const { return process_.config(); }
const std::string& Platform::site() const { return config().site().name(); }
bool Platform::is_hub() const { return config().site().role() == config::v1::Site::ROLE_HUB; }

std::string Platform::country() const {
  return is_hub() ? std::string() : ToUpper(site());
}

rpc::Dispatcher& Platform::PeerDispatcher() {
  if (peer_dispatcher_ == nullptr)
    peer_dispatcher_ = std::make_unique<rpc::Dispatcher>(
        DispatcherOptions(process_, service_), policy_, process_.tokens(), process_.metrics());
  return *peer_dispatcher_;
}

std::string Platform::dataset_url_prefix() const { return process_.dataset_url_prefix(); }
const std::string& Platform::audience() const { return config().trust().audience(); }
const Clock& Platform::clock() const { return process_.clock(); }
Random& Platform::random() { return process_.random(); }
obs::Metrics& Platform::metrics() { return process_.metrics(); }
const auth::TrustSource& Platform::trust() const { return process_.trust(); }
const auth::AccessTokenVerifier& Platform::tokens() const { return process_.tokens(); }

Result<std::unique_ptr<sql::Database>> Platform::OpenDatabase(const EmbeddedFile* migrations) {
  const auto& postgres = config().postgres();
  sql::DatabaseOptions options;
  options.host = postgres.host();
  if (postgres.port() != 0) options.port = postgres.port();
  options.dbname = postgres.database();
  options.user = "genofed_" + service_;
  options.schema = service_;
  options.application_name = "genofed-" + service_;
  if (postgres.has_password()) {
    GF_ASSIGN(options.password,
              config::ReadSecret(postgres.password(), "postgres.password", service_));
  }
  options.max_connections =
      static_cast<std::size_t>(postgres.max_connections() > 0 ? postgres.max_connections() : 4);
  GF_ASSIGN(auto database, sql::Database::Open(options));
  GF_TRY(database->Migrate(migrations));
  return database;
}

rpc::ChannelSource Platform::SiteChannel(std::string_view callee) {
  WorkloadIdentity identity{site(), std::string(callee)};
  std::string address = AddressOf(config().network().grpc(), callee);
  return {[this, identity, address] { return process_.Channel(service_, identity, address); },
          identity.site + "/" + identity.service,
          process_.HostsInProcess(callee) ? service_ : std::string(), &metrics()};
}

rpc::ChannelSource Platform::HubChannel(std::string_view callee) {
  WorkloadIdentity identity{"hub", std::string(callee)};
  std::string address = AddressOf(config().network().hub(), callee);
  return {[this, identity, address] { return process_.Channel(service_, identity, address); },
          "hub/" + identity.service, std::string(), &metrics()};
}

rpc::ChannelSource Platform::NodeChannel(std::string_view site_name, std::string_view callee) {
  WorkloadIdentity identity{std::string(site_name), std::string(callee)};
  std::string address = AddressOf(config().network().nodes(), site_name);
  return {[this, identity, address] { return process_.Channel(service_, identity, address); },
          identity.site + "/" + identity.service, std::string(), &metrics()};
}

rpc::ChannelSource Platform::PeerChannel(std::string_view address, std::string_view name) {
  return {[this, target = std::string(address)] { return process_.PeerChannel(service_, target); },
          site() + "/" + std::string(name), std::string(), &metrics()};
}

Result<std::filesystem::path> Platform::DataDir() {
  std::filesystem::path dir = std::filesystem::path(config().site().data_dir()) / service_;
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (!error) std::filesystem::permissions(dir, std::filesystem::perms::owner_all, error);
  if (error) {
    return Error(StatusCode::kInternal, "DATA_DIR_FAILED", "cannot create {}: {}", dir.string(),
                 error.message());
  }
  return dir;
}

}  // namespace genofed
