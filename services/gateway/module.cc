// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/module.h"

#include "libs/auth/access_token.h"
#include "libs/core/strings.h"
#include "libs/http/server.h"
#include "libs/obs/log.h"
#include "libs/platform/platform.h"
#include "services/gateway/adapters/beacon_routes.h"
#include "services/gateway/adapters/drs_routes.h"
#include "services/gateway/adapters/listing.h"
#include "services/gateway/adapters/native_routes.h"
#include "services/gateway/adapters/tes_routes.h"
#include "services/gateway/adapters/token_exchange.h"
#include "services/gateway/adapters/wes_routes.h"

namespace genofed::gateway {

extern const EmbeddedFile kPolicy[];

namespace {

constexpr std::int32_t kDefaultChunk = 4 << 20;
constexpr std::int32_t kMaxChunk = 15 << 20;  // a gRPC message has at most 16 MiB

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
  GatewayModule(Platform& platform, http::ServerOptions options, std::size_t max_chunk)
      : site_(FactsOf(platform)),
        router_({.beacon_id = site_.ServiceId("beacon"),
                 .beacon_api_version = std::string(kBeaconApiVersion)}),
        api_(router_, CheckWith(platform.tokens())),
        options_(std::move(options)) {
    const UnaryCaller caller = MakeUnaryCaller(
        [&platform](std::string_view service) { return platform.SiteChannel(service); });
    AddSiteRoutes(api_, site_);
    AddRpcRows(api_, NativeRows(), caller, {.hub = site_.hub, .max_raw_body_bytes = max_chunk});
    AddBeaconRoutes(api_, site_, caller);
    AddWesRoutes(api_, site_, caller, platform.clock(), platform.random());
    if (site_.hub) AddTokenExchange(api_, caller, CheckWith(platform.tokens()));
    if (!site_.hub) {
      AddTesRoutes(api_, site_, caller);
      AddDrsRoutes(api_, site_, caller);
    }
    AddListingRoutes(api_, site_);
    api_.AddNotFound();
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
  const SiteFacts site_;
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
  return std::unique_ptr<Module>(std::make_unique<GatewayModule>(platform, std::move(options),
                                                                 static_cast<std::size_t>(chunk)));
}

}  // namespace

ServiceEntry Entry() { return {"gateway", kPolicy, &Make, true, true}; }

}  // namespace genofed::gateway
