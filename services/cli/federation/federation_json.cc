// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/federation_json.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace genofed::federation {
namespace {

using Json = nlohmann::ordered_json;

std::string Metrics(int port) { return fmt::format("http://127.0.0.1:{}/metrics", port); }

Json Site(const Plan& plan, const SitePlan& site) {
  const std::string rest = site.rest_url();
  const std::string process = plan.layout == Layout::kSite ? "site" : "gateway";
  Json services = Json::object();
  for (const std::string& service : site.services) {
    int admin = site.admin.at(plan.layout == Layout::kSite ? "site" : service);
    services[service] = {{"grpc", fmt::format("127.0.0.1:{}", site.grpc.at(service))}, {"metrics", Metrics(admin)}};
  }
  return {{"site", site.site},
          {"country", site.country()},
          {"title", site.title()},
          {"rest", rest},
          {"grpc", fmt::format("127.0.0.1:{}", site.grpc.at("discovery"))},
          {"beacon", rest + "/beacon/v2"},
          {"wes", rest + "/ga4gh/wes/v1"},
          {"tes", rest + "/ga4gh/tes/v1"},
          {"drs", rest + "/ga4gh/drs/v1"},
          {"metrics", Metrics(site.admin.at(process))},
          {"services", std::move(services)},
          {"config_file", site.config_file().string()},
          {"ca_file", plan.bundle_file().string()}};
}

}  // namespace

std::string FederationJson(const Plan& plan, const std::map<std::string, std::string>& tokens, Time written) {
  Json nodes = Json::array();
  Json hub;
  for (const SitePlan& site : plan.sites) {
    if (site.is_hub()) {
      hub = Site(plan, site);
    } else {
      nodes.push_back(Site(plan, site));
    }
  }
  Json personas = Json::object();
  for (const Persona& persona : plan.personas) {
    Json entry = {{"subject", persona.subject}, {"site", persona.site}, {"roles", persona.roles}};
    if (!persona.person_identifier.empty()) entry["person_identifier"] = persona.person_identifier;
    if (auto token = tokens.find(persona.name); token != tokens.end()) entry["token"] = token->second;
    personas[persona.name] = std::move(entry);
  }
  Json oidc = {{"issuer", plan.issuer()},
               {"token_endpoint", plan.issuer() + "/token"},
               {"persona_grant", "urn:genofed:grant-type:persona"},
               {"client_id", "genofed-up"},
               {"client_secret_file", (plan.idp_dir() / "client-secret").string()}};
  return Json{{"written", FormatRfc3339(written)},
              {"ca_file", plan.bundle_file().string()},
              {"hub", std::move(hub)},
              {"nodes", std::move(nodes)},
              {"oidc", std::move(oidc)},
              {"personas", std::move(personas)}}
             .dump(2) +
         "\n";
}

}  // namespace genofed::federation
