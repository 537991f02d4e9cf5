// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <fmt/ranges.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace genofed::rpc {
namespace {

using Json = nlohmann::json;

Status Bad(std::string_view method, std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "POLICY_INVALID", "policy of {}: {}", method, why);
}

Result<CallerPattern> ParsePattern(std::string_view method, const std::string& text) {
  auto colon = text.find(':');
  std::string where = text.substr(0, colon);
  if (colon == std::string::npos || colon + 1 == text.size())
    return Bad(method, "caller without a service: " + text);
  std::string service = text.substr(colon + 1);
  if (where == "site") return CallerPattern{CallerPattern::Where::kSameSite, service};
  if (where == "hub") return CallerPattern{CallerPattern::Where::kHub, service};
  if (where == "node") return CallerPattern{CallerPattern::Where::kAnyNode, service};
  return Bad(method, "unknown kind of caller: " + text);
}

Result<PolicyRow> ParseRow(const std::string& method, const Json& json) {
  PolicyRow row;
  for (const auto& [key, value] : json.items()) {
    if (key == "callers") {
      for (const std::string& caller : value.get<std::vector<std::string>>()) {
        GF_ASSIGN(CallerPattern pattern, ParsePattern(method, caller));
        row.callers.push_back(std::move(pattern));
      }
    } else if (key == "token") {
      auto need = value.get<std::string>();
      if (need == "none")
        row.token = TokenNeed::kNone;
      else if (need == "optional")
        row.token = TokenNeed::kOptional;
      else if (need == "user")
        row.token = TokenNeed::kUser;
      else if (need == "approval")
        row.token = TokenNeed::kApproval;
      else if (need == "passport")
        row.token = TokenNeed::kPassport;
      else
        return Bad(method, "unknown token need: " + need);
    } else if (key == "roles") {
      row.roles = value.get<std::vector<std::string>>();
    } else {
      return Bad(method, "unknown member: " + key);
    }
  }
  if (row.callers.empty()) return Bad(method, "names no caller");
  if (!json.contains("token")) return Bad(method, "says nothing about the token");
  if (!row.roles.empty() && row.token != TokenNeed::kUser)
    return Bad(method, "roles need \"token\": \"user\"");
  return row;
}

}  // namespace

bool PolicyRow::AllowsWorkload(const WorkloadIdentity& caller, std::string_view own_site) const {
  return std::any_of(callers.begin(), callers.end(), [&](const CallerPattern& pattern) {
    if (caller.empty()) return false;
    if (!pattern.service.empty() && pattern.service != caller.service) return false;
    switch (pattern.where) {
      case CallerPattern::Where::kSameSite:
        return caller.site == own_site;
      case CallerPattern::Where::kHub:
        return caller.site == "hub";
      case CallerPattern::Where::kAnyNode:
        return caller.site != "hub" && !caller.site.empty();
    }
    return false;
  });
}

Status PolicyRow::Check(const Principal& principal, std::string_view own_site) const {
  if (principal.workload.empty() || !AllowsWorkload(principal.workload, own_site)) {
    return Error(StatusCode::kPermissionDenied, "CALLER_NOT_ALLOWED",
                 "this workload may not call this method");
  }
  if (token != TokenNeed::kUser) return absl::OkStatus();
  if (!principal.user) {
    return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING",
                 "an access token is needed: sign in and send it as Bearer");
  }
  bool has_role =
      roles.empty() || std::any_of(roles.begin(), roles.end(), [&](const std::string& role) {
        return principal.user->HasRole(role);
      });
  if (!has_role) {
    return Error(StatusCode::kPermissionDenied, "ROLE_MISSING",
                 "this needs the role {} at this site",
                 fmt::format("{}", fmt::join(roles, " or ")));
  }
  return absl::OkStatus();
}

Result<Policy> Policy::Parse(std::string_view text) {
  Policy policy;
  try {
    Json json = Json::parse(text);
    for (const auto& [method, row] : json.at("methods").items()) {
      GF_ASSIGN(PolicyRow parsed, ParseRow(method, row));
      policy.rows_.emplace(method, std::move(parsed));
    }
  } catch (const Json::exception& e) {
    return Bad("a service", e.what());
  }
  return policy;
}

const Policy& Policy::BuiltIn() {
  static const Policy policy = [] {
    const PolicyRow same_site{{{CallerPattern::Where::kSameSite, ""}}, TokenNeed::kNone, {}};
    Policy made;
    for (const char* method : {"grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch",
                               "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
      made.rows_.emplace(method, same_site);
    }
    return made;
  }();
  return policy;
}

const PolicyRow* Policy::Find(std::string_view method) const {
  auto it = rows_.find(method);
  return it == rows_.end() ? nullptr : &it->second;
}

Status Policy::Covers(const std::string& grpc_service) const {
  const auto* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(grpc_service);
  if (service == nullptr) {
    return Error(StatusCode::kNotFound, "SERVICE_UNKNOWN", "{} is not linked in", grpc_service);
  }
  for (int i = 0; i < service->method_count(); ++i) {
    if (Find(grpc_service + "/" + service->method(i)->name()) == nullptr) {
      return Error(StatusCode::kFailedPrecondition, "POLICY_ROW_MISSING",
                   "{} has no row in the policy", service->method(i)->full_name());
    }
  }
  for (const auto& [method, row] : rows_) {
    if (method.starts_with(grpc_service + "/") &&
        service->FindMethodByName(method.substr(grpc_service.size() + 1)) == nullptr) {
      return Error(StatusCode::kFailedPrecondition, "POLICY_ROW_STALE",
                   "{} is in the policy but no method", method);
    }
  }
  return absl::OkStatus();
}

}  // namespace genofed::rpc
