// SPDX-License-Identifier: Apache-2.0
//
// GA4GH service-info 1.0.0: what /service-info answers. WES, TES and Beacon add members of their own: take
// ToJsonText()'s object as the base.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "libs/core/status.h"

namespace genofed::ga4gh {

struct ServiceType {
  std::string group = "org.ga4gh";
  std::string artifact = {};  // "beacon", "wes", "tes", "drs", "htsget"
  std::string version = {};   // of the specification: "1.1.0"
};

struct ServiceInfo {
  std::string id = {};  // reverse domain name: "example.1mg.fi.wes"
  std::string name = {};
  ServiceType type = {};
  std::string description = {};
  std::string organization_name = {};
  std::string organization_url = {};
  std::string contact_url = {};
  std::string documentation_url = {};
  std::string created_at = {};  // RFC 3339
  std::string updated_at = {};
  std::string environment = {};  // "prod", "test", "dev"
  std::string version = {};      // of this service
};

// Required members always, optional ones when not empty.
nlohmann::json ToJson(const ServiceInfo& info);
std::string ToJsonText(const ServiceInfo& info);

}  // namespace genofed::ga4gh
