// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/process.h"

#include <grpcpp/impl/codegen/channel_interface.h>

#include <algorithm>

#include "libs/config/load.h"
#include "libs/obs/log.h"
#include "libs/platform/admin.h"
#include "libs/platform/trust_runtime.h"

namespace genofed {
namespace {

// Whether another site may call this service: only then it listens on the network in an all-in-one
// process.
bool CalledFromOutside(const rpc::Policy& policy) {
  for (const auto& [method, row] : policy.rows()) {
    if (std::any_of(row.callers.begin(), row.callers.end(), [](const rpc::CallerPattern& caller) {
          return caller.where != rpc::CallerPattern::Where::kSameSite;
        })) {
      return true;
    }
  }
  return false;
}

// A quarter of the certificate's life, so that no connection outlives it by much. A certificate
// that cannot be read yet is gRPC's to complain about.
std::chrono::milliseconds ConnectionAge(const rpc::TlsFiles& files) {
  const auto lifetime = rpc::CertificateLifetime(files.certificate_file);
  if (!lifetime.ok()) return rpc::Server::Options().max_connection_age;
  return std::max<std::chrono::milliseconds>(*lifetime / 4, std::chrono::seconds(2));
}

}  // namespace

Process::Process(std::string name, config::v1::SiteConfig config)
    : name_(std::move(name)), config_(std::move(config)) {}

Process::~Process() { Stop(); }

Result<std::unique_ptr<Process>> Process::Start(std::string name, config::v1::SiteConfig config,
                                                const std::vector<ServiceEntry>& entries) {
  std::unique_ptr<Process> process(new Process(std::move(name), std::move(config)));
  obs::ConfigureLog(process->config_.site().name(), process->name_);
  GF_TRY(obs::SetLogLevel(process->config_.dynamic().log_level()));
  GF_TRY(process->LoadTrust(entries));
  GF_TRY(process->MakeModules(entries));
  GF_TRY(process->Listen());
  process->started_ = true;
  process->trust_->Start(
      MakeRevocationFeed(process->hosted_.front().platform->SiteChannel("access")));
  const auto& admin = process->config_.network().admin();
  if (auto it = admin.find(process->name_); it != admin.end()) {
    GF_ASSIGN(process->admin_, AdminServer::Start(*process, it->second));
  }
  for (Hosted& hosted : process->hosted_) GF_TRY(hosted.module->Start());
  GF_LOG(Context::Background(), info, "process.started", {"services", process->hosted_.size()});
  return process;
}

Status Process::LoadTrust(const std::vector<ServiceEntry>& entries) {
  const auto& config = config_.trust();
  TrustRuntime::Options options;
  options.file = config.trust_file();
  options.ca_file = config.ca_file();
  options.keys_dir = std::filesystem::path(config_.site().data_dir()) / "trust" / name_;
  options.poll_interval =
      config::DurationOr(config.has_revocation_poll_interval(), config.revocation_poll_interval(),
                         options.poll_interval);
  options.max_staleness =
      config::DurationOr(config.has_revocation_max_staleness(), config.revocation_max_staleness(),
                         options.max_staleness);
  if (options.poll_interval.count() <= 0 || options.max_staleness <= options.poll_interval) {
    return InvalidField("trust.revocation_max_staleness", "CONFIG_INVALID",
                        "must be longer than trust.revocation_poll_interval, which is positive");
  }
  options.dataset_url_prefix = dataset_url_prefix();
  options.hosts_access = std::any_of(entries.begin(), entries.end(), [](const ServiceEntry& entry) {
    return std::string_view(entry.name) == "access";
  });
  GF_ASSIGN(trust_, TrustRuntime::Open(std::move(options), metrics_, random_));
  std::vector<auth::RoleBinding> bindings;
  for (const auto& binding : config_.trust().role_bindings()) {
    bindings.push_back(
        {binding.issuer(), binding.subject(), {binding.roles().begin(), binding.roles().end()}});
  }
  tokens_ = std::make_unique<auth::AccessTokenVerifier>(
      trust_->source(), clock_, config_.trust().audience(), std::move(bindings));
  return absl::OkStatus();
}

const auth::TrustSource& Process::trust() const { return trust_->source(); }

Status Process::MakeModules(const std::vector<ServiceEntry>& entries) {
  const bool hub = config_.site().role() == config::v1::Site::ROLE_HUB;
  entries_ = entries;
  for (const ServiceEntry& entry : entries_) {
    if (hub ? !entry.at_hub : !entry.at_node) {
      if (entries_.size() > 1) continue;
      return Error(StatusCode::kFailedPrecondition, "SERVICE_NOT_HERE", "a {} has no service {}",
                   hub ? "hub" : "node", entry.name);
    }
    GF_ASSIGN(rpc::Policy policy, rpc::Policy::Parse(entry.policy[0].content));
    Hosted hosted{&entry, std::make_unique<Platform>(*this, entry.name, std::move(policy)),
                  nullptr};
    GF_ASSIGN(hosted.module, entry.make(*hosted.platform));
    hosted_.push_back(std::move(hosted));
  }
  return absl::OkStatus();
}

Status Process::Listen() {
  rpc::Server::Options options;
  options.reflection = config_.network().reflection();
  options.site = config_.site().name();
  options.domain = config_.site().domain();
  options.denied = [this](const WorkloadIdentity& caller) { return Denied(caller); };
  options.metrics = &metrics_;
  std::vector<grpc::Service*> services;
  for (Hosted& hosted : hosted_) {
    auto own = hosted.module->Services();
    services.insert(services.end(), own.begin(), own.end());
    if (own.empty()) continue;
    GF_ASSIGN(rpc::Policy policy, rpc::Policy::Parse(hosted.entry->policy[0].content));
    options.policies.push_back(policy);
    if (hosted_.size() > 1 && !CalledFromOutside(policy)) continue;
    auto address = config_.network().grpc().find(hosted.entry->name);
    if (address == config_.network().grpc().end()) {
      return InvalidField(fmt::format("network.grpc.{}", hosted.entry->name), "CONFIG_MISSING",
                          "must be set");
    }
    options.listeners.push_back({address->second, TlsOf(hosted.entry->name)});
    options.max_connection_age =
        std::min(options.max_connection_age, ConnectionAge(options.listeners.back().tls));
  }
  if (services.empty()) return absl::OkStatus();
  GF_ASSIGN(server_, rpc::Server::Start(options, services));
  return absl::OkStatus();
}

void Process::Stop() {
  admin_ = nullptr;
  if (server_ != nullptr) server_->Stop();
  if (trust_ != nullptr) trust_->Stop();  // it holds a channel
  if (started_) {
    for (auto it = hosted_.rbegin(); it != hosted_.rend(); ++it) it->module->Stop();
    started_ = false;
  }
  channels_.Clear();
  hosted_.clear();
  server_ = nullptr;
}

Status Process::Ready() {
  GF_TRY(trust_->Ready());
  for (Hosted& hosted : hosted_) GF_TRY(hosted.module->Ready());
  return absl::OkStatus();
}

rpc::TlsFiles Process::TlsOf(std::string_view service) const {
  const auto& network = config_.network();
  return {config::ForService(network.certificate_file(), service),
          config::ForService(network.private_key_file(), service), network.bundle_file()};
}

std::string Process::dataset_url_prefix() const {
  const std::string& prefix = config_.access().dataset_url_prefix();
  return prefix.empty() ? "https://data." + config_.site().domain() + "/datasets/" : prefix;
}

bool Process::HostsInProcess(std::string_view service) const {
  return entries_.size() > 1 &&
         std::any_of(entries_.begin(), entries_.end(),
                     [&](const ServiceEntry& entry) { return service == entry.name; });
}

Status Process::Denied(const WorkloadIdentity& caller) const { return trust_->CheckIdentity(caller); }

std::string Process::CertificateOf(std::string_view service) {
  MutexLock lock(mutex_);
  auto watch = certificates_.find(service);
  if (watch == certificates_.end())
    watch = certificates_.try_emplace(std::string(service), TlsOf(service)).first;
  return watch->second.Sha256();
}

std::shared_ptr<grpc::ChannelInterface> Process::Channel(const std::string& caller,
                                                         const WorkloadIdentity& callee,
                                                         const std::string& address) {
  const std::string key = caller + ">" + callee.site + "/" + callee.service;
  if (callee.site == config_.site().name() && HostsInProcess(callee.service))
    return channels_.Get(key, "", [this] { return server_->InProcessChannel(); });
  return channels_.Get(key, CertificateOf(caller), [&] {
    return rpc::ConnectTls(address, TlsOf(caller), callee, config_.site().domain());
  });
}

std::shared_ptr<grpc::ChannelInterface> Process::PeerChannel(const std::string& caller,
                                                             const std::string& address) {
  return channels_.Get(caller + ">" + address, CertificateOf(caller), [&] {
    return rpc::ConnectTls(address, TlsOf(caller), {config_.site().name(), caller},
                           config_.site().domain());
  });
}

}  // namespace genofed
