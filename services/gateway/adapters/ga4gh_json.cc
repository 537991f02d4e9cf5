// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/ga4gh_json.h"

#include "libs/core/strings.h"
#include "libs/rpc/time_codec.h"

namespace genofed::gateway {

std::string DumpJson(const nlohmann::json& document) {
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<http::Response> JsonAnswer(const nlohmann::json& document) {
  return http::Json(200, DumpJson(document));
}

std::string WithoutPrefix(const std::string& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return "UNKNOWN";
  std::string word = name.substr(prefix.size());
  return word == "UNSPECIFIED" ? "UNKNOWN" : word;
}

void SetWholeSeconds(nlohmann::json& object, const char* name, bool has,
                     const google::protobuf::Timestamp& time) {
  if (has) object[name] = FormatRfc3339(FromUnixSeconds(time.seconds()));
}

Result<std::size_t> PageSize(const http::Request& request, std::size_t fallback) {
  const auto text = request.query.Get("page_size");
  if (!text || text->empty()) return fallback;
  const auto size = ParseInt(*text);
  if (!size.ok() || *size < 1 || *size > 1'000'000) {
    return InvalidField("page_size", "FIELD_INVALID", "must be a number from 1 to 1000000");
  }
  return static_cast<std::size_t>(*size);
}

ga4gh::ServiceInfo ServiceInfoOf(const SiteFacts& site, std::string artifact, std::string version) {
  ga4gh::ServiceInfo info;
  info.id = site.ServiceId(artifact);
  info.name = "genofed of " + site.Organisation();
  info.type.artifact = std::move(artifact);
  info.type.version = std::move(version);
  info.organization_name = site.Organisation();
  info.organization_url = site.public_url;
  info.documentation_url = site.public_url + "/docs";
  info.version = "0.1.0";
  return info;
}

}  // namespace genofed::gateway
