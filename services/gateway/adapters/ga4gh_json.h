// SPDX-License-Identifier: Apache-2.0
//
// What the codecs of the GA4GH APIs share. Included by .cc files only: it brings in the JSON
// library.
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "libs/ga4gh/service_info.h"
#include "libs/http/message.h"
#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// Invalid UTF-8 is replaced, never thrown about.
std::string DumpJson(const nlohmann::json& document);
Result<http::Response> JsonAnswer(const nlohmann::json& document);

// "STATE_RUNNING" as "RUNNING"; "UNSPECIFIED", which neither WES nor TES has, as "UNKNOWN".
std::string WithoutPrefix(const std::string& name, std::string_view prefix);

// WES wants "%Y-%m-%dT%H:%M:%SZ": a fraction is cut off. Nothing is set when the time is not.
void SetWholeSeconds(nlohmann::json& object, const char* name, bool has,
                     const google::protobuf::Timestamp& time);

// The query parameter page_size, `fallback` when absent; InvalidArgument unless it is 1 to 1000000.
Result<std::size_t> PageSize(const http::Request& request, std::size_t fallback);

ga4gh::ServiceInfo ServiceInfoOf(const SiteFacts& site, std::string artifact, std::string version);

}  // namespace genofed::gateway
