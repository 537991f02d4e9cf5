// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/plan.h"

#include <fmt/core.h>

#include <system_error>

#include "libs/core/strings.h"

namespace genofed::federation {
namespace {

// Services that others ask come first; the gateway, which needs them all, last.
const std::vector<std::string>& ServicesOf(bool hub) {
  static const std::vector<std::string> kHubServices = {"consent",   "catalogue",  "access",
                                                        "discovery", "dispatcher", "gateway"};
  static const std::vector<std::string> kNodeServices = {"consent",    "catalogue", "access", "discovery",
                                                         "onboarding", "spe",       "dispatcher", "gateway"};
  return hub ? kHubServices : kNodeServices;
}

}  // namespace

Result<Layout> ParseLayout(std::string_view name) {
  if (name == "services") return Layout::kServices;
  if (name == "site") return Layout::kSite;
  return InvalidField("layout", "INVALID_LAYOUT", "'{}' is neither 'services' nor 'site'", name);
}

std::string SitePlan::country() const {
  return is_hub() ? "EU" : ToUpper(site);
}

std::string SitePlan::title() const { return is_hub() ? "Genome EDIC hub" : CountryName(site); }

std::filesystem::path SitePlan::log(std::string_view process) const {
  return dir / "log" / fmt::format("{}.log", process);
}

std::string SitePlan::rest_url() const { return fmt::format("https://127.0.0.1:{}", rest); }

std::string Plan::issuer() const { return fmt::format("https://127.0.0.1:{}", idp_port); }

Result<Plan> MakePlan(const std::filesystem::path& var, const std::vector<std::string>& countries, Layout layout,
                      PortBook& ports) {
  Plan plan;
  std::error_code error;
  plan.var = std::filesystem::absolute(var, error).lexically_normal();
  plan.layout = layout;
  plan.personas = MakePersonas(countries);
  GF_ASSIGN(plan.idp_port, ports.Take("idp"));
  std::vector<std::string> names = {std::string(kHub)};
  names.insert(names.end(), countries.begin(), countries.end());
  for (const std::string& name : names) {
    SitePlan site;
    site.site = name;
    site.dir = plan.var / name;
    site.services = ServicesOf(name == kHub);
    GF_ASSIGN(site.rest, ports.Take(name + "/rest"));
    for (const std::string& service : site.services) {
      GF_ASSIGN(site.grpc[service], ports.Take(fmt::format("{}/{}/grpc", name, service)));
      if (layout == Layout::kServices) {
        GF_ASSIGN(site.admin[service], ports.Take(fmt::format("{}/{}/admin", name, service)));
      }
    }
    if (layout == Layout::kSite) {
      GF_ASSIGN(site.admin["site"], ports.Take(name + "/site/admin"));
    }
    plan.sites.push_back(std::move(site));
  }
  return plan;
}

}  // namespace genofed::federation
