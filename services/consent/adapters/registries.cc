// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/registries.h"

#include <algorithm>

#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"
#include "services/consent/adapters/fhir_registry.h"

namespace genofed::consent {
namespace {

using config::v1::ConsentRegistryConfig;

constexpr std::string_view kDefaultScope = "system/Consent.rs system/Patient.rs";
constexpr std::int64_t kDefaultResources = 2'000'000;
constexpr std::size_t kMinToken = 32;
constexpr std::chrono::hours kLongestPull{6};

template <typename... Args>
Status Bad(const std::string& key, fmt::format_string<Args...> format, Args&&... args) {
  return InvalidField("consent." + key, "CONFIG_INVALID", format, std::forward<Args>(args)...);
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 40 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsQuery(std::string_view query) {
  return query.empty() || (query.front() != '&' && query.find_first_of(" #?\"<>\\") == std::string_view::npos &&
                           std::all_of(query.begin(), query.end(), [](char c) { return c > 0x20 && c < 0x7f; }));
}

Status Check(const ConsentRegistryConfig& config, const std::string& key) {
  if (!IsName(config.name())) return Bad(key + ".name", "must be 1 to 40 of a-z, 0-9 and '-'");
  if (!config.base_url().starts_with("https://") && !config.base_url().starts_with("http://"))
    return Bad(key + ".base_url", "must start with https://");
  if (config.mapping_file().empty()) return Bad(key + ".mapping_file", "must be set");
  if (config.has_interval() && config.interval().seconds() < 1) return Bad(key + ".interval", "must be at least 1s");
  if (config.has_max_staleness() && config.max_staleness().seconds() < 1)
    return Bad(key + ".max_staleness", "must be at least 1s");
  if (!IsQuery(config.filter())) return Bad(key + ".filter", "must be encoded search parameters");
  if (config.has_smart() && (config.smart().client_id().empty() || config.smart().key_file().empty()))
    return Bad(key + ".smart", "must name client_id and key_file");
  return absl::OkStatus();
}

std::chrono::seconds Seconds(bool has, const google::protobuf::Duration& value, std::chrono::seconds otherwise) {
  return std::chrono::duration_cast<std::chrono::seconds>(config::DurationOr(has, value, otherwise));
}

RegistryOptions OptionsOf(const ConsentRegistryConfig& config) {
  RegistryOptions options;
  options.name = config.name();
  options.max_staleness = Seconds(config.has_max_staleness(), config.max_staleness(), options.max_staleness);
  options.overlap = Seconds(config.has_overlap(), config.overlap(), options.overlap);
  return options;
}

std::unique_ptr<fhir::TokenSource> TokenOf(const ConsentRegistryConfig& config, const Clock& clock, Random& random) {
  if (!config.bearer_token_file().empty()) return fhir::MakeFileToken(config.bearer_token_file());
  if (!config.has_smart()) return fhir::MakeNoToken();
  const auto& smart = config.smart();
  return fhir::MakeBackendServices({.fhir_base_url = config.base_url(),
                                    .token_url = smart.token_url(),
                                    .client_id = smart.client_id(),
                                    .key_id = smart.key_id(),
                                    .key_file = smart.key_file(),
                                    .scope = smart.scope().empty() ? std::string(kDefaultScope) : smart.scope(),
                                    // With less, everybody's consents would seem to be gone.
                                    .needed_scope = "system/Consent.rs",
                                    .ca_file = config.ca_file()},
                                   clock, random);
}

}  // namespace

Result<std::unique_ptr<Registries>> Registries::Make(const config::v1::ConsentConfig& config, const Parts& parts) {
  std::unique_ptr<Registries> registries(new Registries(parts.metrics));
  for (const ConsentRegistryConfig& one : config.registries()) {
    const std::string key = fmt::format("registries[{}]", registries->running_.size());
    GF_TRY(Check(one, key));
    const auto names = registries->Names();
    if (std::find(names.begin(), names.end(), one.name()) != names.end()) return Bad(key + ".name", "occurs twice");
    auto running = std::make_unique<Running>();
    FhirRegistryOptions options;
    options.server = {.base_url = one.base_url(), .ca_file = one.ca_file()};
    options.server.limits.max_resources = one.max_resources() > 0 ? one.max_resources() : kDefaultResources;
    options.filter = one.filter();
    GF_ASSIGN(const std::string table, ReadFile(one.mapping_file(), kMaxMappingBytes));
    GF_ASSIGN(options.mapping, ParseRegistryMapping(table));
    options.mapping.adult_age = parts.rules.policy.adult_age;
    if (one.has_webhook_token()) {
      GF_ASSIGN(const std::string token, config::ReadSecret(one.webhook_token(), key + ".webhook_token", "consent"));
      if (token.size() < kMinToken) return Bad(key + ".webhook_token", "must have at least {} bytes", kMinToken);
      running->token_sha256 = crypto::Sha256(token);
    }
    running->interval = Seconds(one.has_interval(), one.interval(), std::chrono::seconds(60));
    running->source =
        MakeFhirRegistry(std::move(options), TokenOf(one, parts.rules.clock, parts.random), parts.rules.clock);
    running->registry = std::make_unique<Registry>(OptionsOf(one), *running->source, parts.store, parts.ledger,
                                                   parts.pseudonyms, parts.rules, parts.random);
    registries->running_.push_back(std::move(running));
  }
  return registries;
}

std::vector<std::string> Registries::Names() const {
  std::vector<std::string> names;
  for (const auto& running : running_) names.push_back(running->registry->options().name);
  return names;
}

void Registries::Start() {
  for (auto& running : running_) {
    running->thread = std::jthread([this, r = running.get()](const std::stop_token& stop) { Run(*r, stop); });
  }
}

void Registries::Stop() {
  for (auto& running : running_) running->thread.request_stop();
  for (auto& running : running_) {
    if (running->thread.joinable()) running->thread.join();
  }
}

void Registries::Run(Running& running, const std::stop_token& stop) {
  const std::string& name = running.registry->options().name;
  while (!stop.stop_requested()) {
    const Context ctx = Context::Background().WithStop(stop);
    const Status done = running.registry->RunOnce(ctx.WithTimeout(kLongestPull));
    if (stop.stop_requested()) return;
    if (!done.ok()) GF_LOG(ctx, warn, "registry.failed", {"registry", name}, {"reason", Reason(done)});
    metrics_.Add("genofed_consent_registry_pulls_total",
                 {{"registry", name}, {"outcome", done.ok() ? "ok" : Reason(done)}});
    if (const auto state = running.registry->State(ctx); state.ok()) {
      metrics_.Set("genofed_consent_registry_stale", {{"registry", name}}, state->stale ? 1 : 0);
      metrics_.Set("genofed_consent_registry_unreadable", {{"registry", name}}, static_cast<double>(state->unreadable));
    }
    std::unique_lock lock(running.mutex);
    running.wake.wait_for(lock, stop, running.interval, [&running] { return running.news; });
    running.news = false;
  }
}

Status Registries::KeepFresh(const Context& ctx) {
  for (const auto& running : running_) GF_TRY(running->registry->KeepFresh(ctx));
  return absl::OkStatus();
}

Status Registries::Notify(const std::string& name, const std::string& token) {
  const std::string given = crypto::Sha256(token);
  for (const auto& running : running_) {
    // Digests are compared: the time it takes says nothing about the token.
    if (running->registry->options().name != name || running->token_sha256 != given) continue;
    {
      const std::lock_guard lock(running->mutex);
      running->news = true;
    }
    running->wake.notify_one();
    return absl::OkStatus();
  }
  return Error(StatusCode::kPermissionDenied, "REGISTRY_TOKEN_WRONG",
               "no registry of this name notifies with this token");
}

Result<std::vector<RegistryRow>> Registries::List(const Context& ctx) {
  std::vector<RegistryRow> rows;
  for (const auto& running : running_) {
    GF_ASSIGN(RegistryRow row, running->registry->State(ctx));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace genofed::consent
