// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/connectors.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "libs/config/load.h"
#include "libs/fhir/client.h"
#include "libs/obs/log.h"
#include "services/onboarding/adapters/fhir_clinical_server.h"

namespace genofed::onboarding {
namespace {

using config::v1::FhirServerConfig;
using std::chrono::milliseconds;

constexpr std::string_view kScope =
    "system/Patient.rs system/Condition.rs system/Observation.rs system/Consent.rs";
constexpr std::string_view kGroupScope = " system/Group.rs";
constexpr std::int64_t kDefaultResources = 2'000'000;

template <typename... Args>
Status Bad(const std::string& key, fmt::format_string<Args...> format, Args&&... args) {
  return InvalidField("onboarding." + key, "CONFIG_INVALID", format, std::forward<Args>(args)...);
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsQuery(std::string_view query) {
  return !query.empty() && query.front() != '&' &&
         query.find_first_of(" #?\"<>\\") == std::string_view::npos &&
         std::all_of(query.begin(), query.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Status CheckServer(const FhirServerConfig& server, const std::string& key) {
  if (!IsName(server.name())) return Bad(key + ".name", "must be 1 to 40 of a-z, 0-9 and '-'");
  if (!server.base_url().starts_with("https://") && !server.base_url().starts_with("http://")) {
    return Bad(key + ".base_url", "must start with https://");
  }
  if (server.dataset().empty()) return Bad(key + ".dataset", "must be set");
  if (server.holder().issuer().empty() || server.holder().subject().empty()) {
    return Bad(key + ".holder", "must name issuer and subject");
  }
  if (server.has_interval() && server.interval().seconds() < 1)
    return Bad(key + ".interval", "must be at least 1s");
  if (!server.group().empty() && !fhir::IsId(server.group()))
    return Bad(key + ".group", "must be the id of a Group");
  for (const auto& [type, filter] : server.filters()) {
    if (type != "Patient" && type != "Condition" && type != "Observation" && type != "Consent") {
      return Bad(key + ".filters", "may be of Patient, Condition, Observation and Consent");
    }
    if (!IsQuery(filter)) return Bad(key + ".filters", "must be encoded search parameters");
  }
  if (server.has_smart() &&
      (server.smart().client_id().empty() || server.smart().key_file().empty())) {
    return Bad(key + ".smart", "must name client_id and key_file");
  }
  return absl::OkStatus();
}

ConnectorOptions OptionsOf(const FhirServerConfig& server) {
  const auto seconds = [](bool has, const google::protobuf::Duration& value,
                          std::chrono::seconds otherwise) {
    return std::chrono::duration_cast<std::chrono::seconds>(
        config::DurationOr(has, value, otherwise));
  };
  ConnectorOptions options;
  options.name = server.name();
  options.dataset = server.dataset();
  options.holder = HolderOf(server.holder());
  options.interval = seconds(server.has_interval(), server.interval(), options.interval);
  options.full_interval =
      seconds(server.has_full_interval(), server.full_interval(), options.full_interval);
  options.overlap = seconds(server.has_overlap(), server.overlap(), options.overlap);
  options.longest_pull =
      seconds(server.has_longest_pull(), server.longest_pull(), options.longest_pull);
  return options;
}

std::unique_ptr<fhir::TokenSource> TokenOf(const FhirServerConfig& server, const Clock& clock,
                                           Random& random) {
  if (!server.bearer_token_file().empty()) return fhir::MakeFileToken(server.bearer_token_file());
  if (!server.has_smart()) return fhir::MakeNoToken();
  const auto& smart = server.smart();
  std::string scope(kScope);
  if (!server.group().empty()) scope += kGroupScope;
  return fhir::MakeBackendServices({.fhir_base_url = server.base_url(),
                                    .token_url = smart.token_url(),
                                    .client_id = smart.client_id(),
                                    .key_id = smart.key_id(),
                                    .key_file = smart.key_file(),
                                    .scope = smart.scope().empty() ? scope : smart.scope(),
                                    .needed_scope = std::string(kScope),
                                    .ca_file = server.ca_file()},
                                   clock, random);
}

std::unique_ptr<ClinicalServer> ServerOf(const FhirServerConfig& server, const Clock& clock,
                                         Random& random) {
  FhirServerOptions options;
  options.server = {.base_url = server.base_url(),
                    .ca_file = server.ca_file(),
                    .file_origins = {server.file_origins().begin(), server.file_origins().end()}};
  fhir::Limits& limits = options.server.limits;
  limits.max_resources = server.max_resources() > 0 ? server.max_resources() : kDefaultResources;
  if (server.max_pages() > 0) limits.max_pages = server.max_pages();
  if (server.max_page_mib() > 0)
    limits.max_page_bytes = static_cast<std::size_t>(server.max_page_mib()) << 20;
  options.group = server.group();
  options.bulk_export = server.bulk_export();
  options.filters = {server.filters().begin(), server.filters().end()};
  return MakeFhirClinicalServer(std::move(options), TokenOf(server, clock, random), clock);
}

}  // namespace

Holder HolderOf(const config::v1::HolderConfig& config) {
  return {config.issuer(), config.subject(), config.organisation()};
}

Status CheckConnectorConfig(const config::v1::OnboardingConfig& config) {
  std::set<std::string> names;
  for (int i = 0; i < config.fhir_servers_size(); ++i) {
    const std::string key = fmt::format("fhir_servers[{}]", i);
    GF_TRY(CheckServer(config.fhir_servers(i), key));
    if (!names.insert(config.fhir_servers(i).name()).second)
      return Bad(key + ".name", "occurs twice");
  }
  if (config.inbox_directory().empty()) return absl::OkStatus();
  if (!std::filesystem::path(config.inbox_directory()).is_absolute())
    return Bad("inbox_directory", "must be an absolute path");
  if (config.inbox_holder().issuer().empty() || config.inbox_holder().subject().empty()) {
    return Bad("inbox_holder", "must name issuer and subject");
  }
  return absl::OkStatus();
}

struct Connectors::Running {
  std::unique_ptr<ClinicalServer> server;
  std::unique_ptr<Connector> connector;
  std::jthread thread;
};

Connectors::Connectors(const config::v1::OnboardingConfig& config, Parts parts)
    : parts_(std::move(parts)) {
  for (const FhirServerConfig& server : config.fhir_servers()) {
    auto running = std::make_unique<Running>();
    running->server = ServerOf(server, parts_.clock, parts_.random);
    running->connector = std::make_unique<Connector>(OptionsOf(server), *running->server,
                                                     parts_.store, parts_.intake, parts_.listed,
                                                     parts_.layout, parts_.clock, parts_.random);
    running_.push_back(std::move(running));
  }
}

Connectors::~Connectors() { Stop(); }

void Connectors::Start() {
  for (auto& running : running_) {
    running->thread =
        std::jthread([this, r = running.get()](const std::stop_token& stop) { Run(*r, stop); });
  }
}

void Connectors::Stop() {
  for (auto& running : running_) running->thread.request_stop();
  for (auto& running : running_) {
    if (running->thread.joinable()) running->thread.join();
  }
}

void Connectors::Run(Running& running, const std::stop_token& stop) {
  const std::string& name = running.connector->options().name;
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    const Context ctx = Context::Background().WithStop(stop);
    const Status done = running.connector->RunOnce(ctx);
    if (stop.stop_requested()) return;
    if (done.ok()) {
      GF_LOG(ctx, info, "connector.pulled", {"connector", name});
    } else {
      GF_LOG(ctx, warn, "connector.failed", {"connector", name}, {"reason", Reason(done)});
    }
    parts_.metrics.Add("genofed_onboarding_connector_pulls_total",
                       {{"connector", name}, {"outcome", done.ok() ? "ok" : Reason(done)}});
    if (auto state = parts_.store.Load(ctx, name); state.ok()) Measure(*state);
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, running.connector->options().interval, [] { return false; });
  }
}

void Connectors::Measure(const ConnectorState& state) {
  const obs::Metrics::Labels labels = {{"connector", state.name}};
  parts_.metrics.Set("genofed_onboarding_connector_resources", labels,
                     static_cast<double>(state.resources_pulled));
  if (!state.last_success) return;
  parts_.metrics.Set("genofed_onboarding_connector_last_success_seconds", labels,
                     static_cast<double>(UnixSeconds(*state.last_success)));
}

Result<std::vector<ConnectorState>> Connectors::List(const Context& ctx) {
  const auto& user = ctx.principal().user;
  if (!user)
    return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING", "only people list connectors");
  std::vector<ConnectorState> states;
  for (const auto& running : running_) {
    const ConnectorOptions& options = running->connector->options();
    if (!user->HasRole("operator") && !options.holder.Is(*user)) continue;
    GF_ASSIGN(ConnectorState state, parts_.store.Load(ctx, options.name));
    state.dataset = options.dataset;
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace genofed::onboarding
