// SPDX-License-Identifier: Apache-2.0
#include "libs/ga4gh/service_info.h"

#include <nlohmann/json.hpp>

namespace genofed::ga4gh {

using nlohmann::json;

json ToJson(const ServiceInfo& info) {
  json out = {
      {"id", info.id},
      {"name", info.name},
      {"type", {{"group", info.type.group}, {"artifact", info.type.artifact}, {"version", info.type.version}}},
      {"organization", {{"name", info.organization_name}, {"url", info.organization_url}}},
      {"version", info.version},
  };
  const auto optional = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  optional("description", info.description);
  optional("contactUrl", info.contact_url);
  optional("documentationUrl", info.documentation_url);
  optional("createdAt", info.created_at);
  optional("updatedAt", info.updated_at);
  optional("environment", info.environment);
  return out;
}

std::string ToJsonText(const ServiceInfo& info) {
  return ToJson(info).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace genofed::ga4gh
