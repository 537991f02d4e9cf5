// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/admin.h"

#include "libs/config/load.h"
#include "libs/core/strings.h"
#include "libs/http/router.h"
#include "libs/http/server.h"
#include "libs/platform/process.h"

namespace genofed {

AdminServer::AdminServer() = default;
AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::Start(Process& process,
                                                        const std::string& address) {
  auto colon = address.rfind(':');
  Result<std::int64_t> port =
      colon == std::string::npos ? Result<std::int64_t>(0) : ParseInt(address.substr(colon + 1));
  if (colon == std::string::npos || !port.ok() || *port < 0 || *port > 65535) {
    return InvalidField("network.admin." + process.name(), "CONFIG_INVALID",
                        "'{}' is not host:port", address);
  }
  std::unique_ptr<AdminServer> admin(new AdminServer());
  admin->router_ = std::make_unique<http::Router>();
  auto get = [&](std::string pattern, std::string summary, http::Handler handler) {
    http::Route route;
    route.pattern = std::move(pattern);
    route.summary = std::move(summary);
    route.handler = std::move(handler);
    admin->router_->Add(std::move(route));
  };
  get("/livez", "The process runs",
      [](const http::Request&) -> Result<http::Response> { return http::Text(200, "ok\n"); });
  get("/readyz", "The process can do its work",
      [&process](const http::Request&) -> Result<http::Response> {
        Status ready = process.Ready();
        return ready.ok() ? http::Text(200, "ok\n") : http::Text(503, Describe(ready) + "\n");
      });
  get("/metrics", "Prometheus metrics", [&process](const http::Request&) -> Result<http::Response> {
    http::Response response = http::Text(200, process.metrics().Expose());
    response.headers.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  });
  get("/configz", "The configuration in force; secrets are references",
      [&process](const http::Request&) -> Result<http::Response> {
        return http::Json(200, config::ToJson(process.config()));
      });
  http::ServerOptions options;
  options.address = address.substr(0, colon);
  options.port = static_cast<std::uint16_t>(*port);
  options.handler_threads = 1;
  options.max_connections = 64;
  GF_ASSIGN(admin->server_, http::Server::Start(options, *admin->router_));
  return admin;
}

}  // namespace genofed
