// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/module.h"

#include <algorithm>

#include "genofed/access/v1/revocation.pb.h"
#include "libs/auth/access_token.h"
#include "libs/auth/dpop.h"
#include "libs/config/load.h"
#include "libs/core/strings.h"
#include "libs/http/server.h"
#include "libs/obs/log.h"
#include "libs/platform/platform.h"
#include "services/gateway/adapters/beacon_routes.h"
#include "services/gateway/adapters/discovery_stream.h"
#include "services/gateway/adapters/drs_routes.h"
#include "services/gateway/adapters/htsget_routes.h"
#include "services/gateway/adapters/listing.h"
#include "services/gateway/adapters/login_routes.h"
#include "services/gateway/adapters/my_data_route.h"
#include "services/gateway/adapters/native_routes.h"
#include "services/gateway/adapters/proof_check.h"
#include "services/gateway/adapters/registry_routes.h"
#include "services/gateway/adapters/tes_routes.h"
#include "services/gateway/adapters/token_exchange.h"
#include "services/gateway/adapters/variant_routes.h"
#include "services/gateway/adapters/wes_routes.h"

namespace genofed::gateway {

extern const EmbeddedFile kPolicy[];

namespace {

constexpr std::int32_t kDefaultChunk = 4 << 20;
constexpr std::int32_t kMaxChunk = 15 << 20;  // a gRPC message has at most 16 MiB
constexpr int kMaxStreams = 32;               // files that leave at a time; each holds about 1 MiB

SiteFacts FactsOf(const Platform& platform) {
  SiteFacts site;
  site.name = platform.site();
  site.title = platform.config().site().title();
  site.country = platform.country();
  site.domain = platform.config().site().domain();
  site.audience = platform.audience();
  site.public_url = platform.config().gateway().public_url();
  while (site.public_url.ends_with('/')) site.public_url.pop_back();
  site.hub = platform.is_hub();
  site.disclosure_off = platform.config().discovery().disclosure_control() == "off";
  return site;
}

TokenCheck CheckWith(const auth::AccessTokenVerifier& tokens) {
  return [&tokens](const Context& ctx, std::string_view token) -> Result<User> {
    auth::Refusal why;
    auto user = tokens.Verify(token, &why);
    if (!user.ok()) GF_LOG(ctx, info, "token.refused", {"check", why.check});
    return user;
  };
}

DrsIssuers IssuersOf(const auth::TrustSource& source, const std::string& country) {
  DrsIssuers issuers;
  const auto trust = source.Current();
  if (!trust.ok()) return issuers;  // nobody counts until revocations are heard again
  const std::string grants = std::string(auth::role::kVisaPrefix) + "ControlledAccessGrants";
  for (const auth::TrustedIssuer& issuer : trust->issuers()) {
    if (issuer.HasRole(auth::role::kAccessToken)) issuers.bearer.push_back(issuer.iss);
    if (issuer.HasRole(grants) && issuer.country == country) issuers.visas.push_back(issuer.iss);
  }
  return issuers;
}

// How people sign in here; absent without gateway.oidc.
struct BrowserLogin {
  BrowserLogin(OidcOptions options, crypto::SealingKey key, SessionCookies::Options sessions_options,
               Platform& platform)
      : provider(std::move(options), platform.clock()),
        sessions(std::move(key), std::move(sessions_options), platform.clock(), platform.random()) {}
  OidcProvider provider;
  SessionCookies sessions;
};

// Route patterns only: paths and queries name people, datasets and coordinates.
void Observe(const http::RequestRecord& record, obs::Metrics& metrics) {
  const double seconds = std::chrono::duration<double>(record.duration).count();
  metrics.Add("genofed_http_requests_total", {{"method", std::string(record.method)},
                                              {"route", record.route},
                                              {"status", std::to_string(record.status)}});
  metrics.Observe("genofed_http_request_seconds", {{"route", record.route}}, seconds);
  GF_LOG(Context::Background(), info, "http.request", {"method", record.method},
         {"route", record.route}, {"status", record.status}, {"ms", seconds * 1000},
         {"request_bytes", record.request_bytes}, {"response_bytes", record.response_bytes},
         {"trace_id", record.trace_id});
}

class GatewayModule final : public Module {
 public:
  GatewayModule(Platform& platform, http::ServerOptions options, std::size_t max_chunk,
                std::unique_ptr<BrowserLogin> login)
      : site_(FactsOf(platform)),
        login_(std::move(login)),
        seen_proofs_(platform.clock()),
        router_({.beacon_id = site_.ServiceId("beacon"),
                 .beacon_api_version = std::string(kBeaconApiVersion)}),
        api_(router_, CheckWith(platform.tokens()),
             {.check_proof = ProofsWith(platform.clock(), seen_proofs_, site_.public_url),
              .sessions = login_ == nullptr ? nullptr : &login_->sessions}),
        options_(std::move(options)) {
    const UnaryCaller caller = MakeUnaryCaller(
        [&platform](std::string_view service) { return platform.SiteChannel(service); });
    AddLogin(platform, caller);
    AddRpcRows(api_, NativeRows(), caller, {.hub = site_.hub, .max_raw_body_bytes = max_chunk});
    AddBeaconRoutes(api_, site_, caller);
    AddWesRoutes(api_, site_, caller, platform.clock(), platform.random());
    if (site_.hub) AddDiscoveryStream(api_, site_, caller);
    if (site_.hub) AddTokenExchange(api_, caller, CheckWith(platform.tokens()));
    if (!site_.hub) {
      AddTesRoutes(api_, site_, caller);
      AddRegistryRoutes(api_, caller);
      AddVariantRoutes(api_, caller);
      AddMyDataRoute(api_, caller);
      const auto access = std::make_shared<const ObjectAccess>(caller, kMaxStreams);
      AddDrsRoutes(api_, site_, access,
                   [&platform, country = ToLower(site_.country)] { return IssuersOf(platform.trust(), country); });
      AddHtsgetRoutes(api_, site_, access);
    }
    AddListingRoutes(api_, site_);
    api_.AddNotFound(site_.hub ? " at the hub; what is kept about people and their genomes is asked of a national "
                                 "node, with a token for it"
                               : "");
  }

  Status Start() override {
    GF_ASSIGN(server_, http::Server::Start(options_, router_));
    GF_LOG(Context::Background(), info, "gateway.listening", {"port", server_->port()});
    return absl::OkStatus();
  }

  void Stop() override {
    if (server_ != nullptr) server_->Stop();
  }

  Status Ready() override {
    return server_ != nullptr
               ? absl::OkStatus()
               : Error(StatusCode::kUnavailable, "NOT_LISTENING", "not listening yet");
  }

 private:
  void AddLogin(Platform& platform, const UnaryCaller& caller) {
    if (login_ == nullptr) return AddSiteRoutes(api_, site_);
    AddSiteRoutes(api_, site_, [this](const Context& ctx) { return LoginFactsJson(ctx, site_, login_->provider); });
    AddLoginRoutes(api_, site_,
                   {.provider = login_->provider,
                    .sessions = login_->sessions,
                    .trust = platform.trust(),
                    .clock = platform.clock(),
                    .random = platform.random(),
                    .check_token = CheckWith(platform.tokens()),
                    .end_session = [caller](const Context& ctx, const User& user) {
                      access::v1::RevokeOwnTokenRequest request;
                      access::v1::RevokeOwnTokenResponse response;
                      return caller(ctx.WithPrincipal({{}, user}), "access",
                                    "genofed.access.v1.RevocationService/RevokeOwnToken", request, &response);
                    }});
  }

  const SiteFacts site_;
  const std::unique_ptr<BrowserLogin> login_;
  auth::DpopReplayCache seen_proofs_;
  http::Router router_;
  Api api_;
  const http::ServerOptions options_;
  std::unique_ptr<http::Server> server_;
};

Status SetAddress(const std::string& listen, http::ServerOptions* options) {
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos)
    return InvalidField("gateway.listen", "CONFIG_INVALID", "'{}' is not host:port", listen);
  const auto port = ParseInt(std::string_view(listen).substr(colon + 1));
  if (!port.ok() || *port < 0 || *port > 65535) {
    return InvalidField("gateway.listen", "CONFIG_INVALID", "'{}' is not host:port", listen);
  }
  options->address = listen.substr(0, colon);
  options->port = static_cast<std::uint16_t>(*port);
  return absl::OkStatus();
}

Status CheckUrl(const std::string& url, std::string_view field) {
  if (url.empty() || url.starts_with("https://")) return absl::OkStatus();
  return InvalidField(field, "CONFIG_INVALID", "must begin with https://");
}

Result<OidcOptions> OidcOptionsOf(const config::v1::OidcConfig& config, const std::string& audience) {
  for (const auto& [value, field] : {std::pair(config.issuer(), "gateway.oidc.issuer"),
                                     std::pair(config.client_id(), "gateway.oidc.client_id")}) {
    if (value.empty()) return InvalidField(field, "CONFIG_MISSING", "must be set");
  }
  OidcOptions options;
  options.issuer = config.issuer();
  options.client_id = config.client_id();
  options.cli_client_id = config.cli_client_id();
  options.resource = config.resource().empty() ? audience : config.resource();
  options.ca_file = config.ca_file();
  options.endpoints = {.authorization = config.authorization_endpoint(),
                       .token = config.token_endpoint(),
                       .end_session = config.end_session_endpoint(),
                       .device_authorization = config.device_authorization_endpoint()};
  GF_TRY(CheckUrl(options.issuer, "gateway.oidc.issuer"));
  GF_TRY(CheckUrl(options.endpoints.authorization, "gateway.oidc.authorization_endpoint"));
  GF_TRY(CheckUrl(options.endpoints.token, "gateway.oidc.token_endpoint"));
  GF_TRY(CheckUrl(options.endpoints.end_session, "gateway.oidc.end_session_endpoint"));
  GF_TRY(CheckUrl(options.endpoints.device_authorization, "gateway.oidc.device_authorization_endpoint"));
  if (config.has_client_secret()) {
    GF_ASSIGN(options.client_secret, config::ReadSecret(config.client_secret(), "gateway.oidc.client_secret"));
  }
  if (config.scopes_size() > 0) options.scopes.assign(config.scopes().begin(), config.scopes().end());
  if (std::find(options.scopes.begin(), options.scopes.end(), "openid") == options.scopes.end()) {
    return InvalidField("gateway.oidc.scopes", "CONFIG_INVALID", "must contain openid");
  }
  return options;
}

Result<std::unique_ptr<BrowserLogin>> MakeLogin(Platform& platform) {
  const auto& config = platform.config().gateway();
  if (!config.has_oidc()) return std::unique_ptr<BrowserLogin>();
  GF_ASSIGN(OidcOptions options, OidcOptionsOf(config.oidc(), platform.audience()));
  GF_ASSIGN(const std::string hex, config::ReadSecret(config.session_key(), "gateway.session_key"));
  auto key = crypto::SealingKey::FromHex(hex);
  if (!key.ok()) return InvalidField("gateway.session_key", "CONFIG_INVALID", "{}", Message(key.status()));
  SessionCookies::Options sessions;
  sessions.lifetime = config::DurationOr(config.has_session_lifetime(), config.session_lifetime(), sessions.lifetime);
  if (sessions.lifetime <= std::chrono::milliseconds(0)) {
    return InvalidField("gateway.session_lifetime", "CONFIG_INVALID", "must be longer than nothing");
  }
  sessions.origin = OriginOf(config.public_url());
  return std::make_unique<BrowserLogin>(std::move(options), *std::move(key), std::move(sessions), platform);
}

Result<std::unique_ptr<Module>> Make(Platform& platform) {
  const auto& config = platform.config().gateway();
  if (config.public_url().empty())
    return InvalidField("gateway.public_url", "CONFIG_MISSING", "must be set");
  // The server itself would fall back to plain HTTP.
  if (config.certificate_file().empty() || config.private_key_file().empty()) {
    return InvalidField("gateway.certificate_file", "CONFIG_MISSING",
                        "must be set, with gateway.private_key_file");
  }
  const std::int32_t chunk =
      config.max_chunk_bytes() == 0 ? kDefaultChunk : config.max_chunk_bytes();
  if (chunk < 0 || chunk > kMaxChunk) {
    return InvalidField("gateway.max_chunk_bytes", "CONFIG_INVALID", "must be at most {}",
                        kMaxChunk);
  }
  http::ServerOptions options;
  GF_TRY(SetAddress(config.listen(), &options));
  options.certificate_file = config.certificate_file();
  options.private_key_file = config.private_key_file();
  options.handler_threads = 16;
  options.max_body_bytes = std::size_t{16} << 20;
  obs::Metrics& metrics = platform.metrics();
  options.access_log = [&metrics](const http::RequestRecord& record) { Observe(record, metrics); };
  options.on_certificate_reload = [](const Status& status) {
    GF_LOG(Context::Background(), info, "certificate.reloaded", {"result", Describe(status)});
  };
  GF_ASSIGN(auto login, MakeLogin(platform));
  return std::unique_ptr<Module>(std::make_unique<GatewayModule>(
      platform, std::move(options), static_cast<std::size_t>(chunk), std::move(login)));
}

}  // namespace

ServiceEntry Entry() { return {"gateway", kPolicy, &Make, true, true}; }

}  // namespace genofed::gateway
