// SPDX-License-Identifier: Apache-2.0
//
// What a development federation consists of and where everything lies. Pure data: planning touches nothing but the
// port book.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "services/cli/federation/personas.h"
#include "services/cli/federation/ports.h"

namespace genofed::federation {

inline constexpr std::string_view kDomain = "1mg.example";

enum class Layout {
  kServices,  // one process per service
  kSite,      // one process per site
};
Result<Layout> ParseLayout(std::string_view name);  // "services", "site"

struct SitePlan {
  std::string site;  // "hub", or a country in lower case
  std::filesystem::path dir;
  std::vector<std::string> services;   // in the order they start
  std::map<std::string, int> grpc;     // ports by service
  std::map<std::string, int> admin;    // ports by process: services, or "site"
  int rest = 0;                        // port of the gateway's HTTPS listener
  bool soft_token = false;             // the national key is in a SoftHSM token, not in a file

  bool is_hub() const { return site == kHub; }
  std::string country() const;  // upper case; "EU" for the hub
  std::string title() const;
  std::filesystem::path secrets() const { return dir / "secrets"; }
  std::filesystem::path national_key_file() const { return secrets() / "national.pem"; }
  std::filesystem::path tls() const { return dir / "tls"; }
  std::filesystem::path log(std::string_view process) const;
  std::filesystem::path config_file() const { return dir / "site.json"; }
  std::string rest_url() const;
};

struct Plan {
  std::filesystem::path var;  // absolute
  Layout layout = Layout::kServices;
  std::vector<SitePlan> sites;  // the hub first
  std::vector<Persona> personas;
  int idp_port = 0;
  std::chrono::seconds certificate_lifetime{3600};  // of workloads; renewed when a third is left

  std::string issuer() const;
  std::filesystem::path bundle_file() const { return var / "ca.pem"; }
  std::filesystem::path idp_dir() const { return var / "idp"; }
  std::filesystem::path federation_file() const { return var / "federation.json"; }
  std::filesystem::path status_file() const { return var / "status.json"; }
};

// `countries` as ParseCountries gives them.
Result<Plan> MakePlan(const std::filesystem::path& var, const std::vector<std::string>& countries, Layout layout,
                      PortBook& ports);

}  // namespace genofed::federation
