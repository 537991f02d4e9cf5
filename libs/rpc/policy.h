// SPDX-License-Identifier: Apache-2.0
//
// Who may call which RPC. Deny by default: a method without a row cannot be called, and a test of
// every service fails when one of its methods has no row.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::rpc {

enum class TokenNeed {
  kNone,      // the workload alone is enough; a user's token is not even looked at
  kOptional,  // verified if present
  kUser,      // a verified user is required
  // As kNone, but the body carries a token that the use case verifies, because only it knows what
  // the token must be for: a country's approval,
  kApproval,
  // or a GA4GH Passport.
  kPassport,
};

// A caller pattern: "site:gateway" is the gateway of the same site, "hub:discovery" the hub's
// discovery, "node:access" the access service of any node.
struct CallerPattern {
  enum class Where { kSameSite, kHub, kAnyNode };
  Where where;
  std::string service;  // empty, in built-in rows only: any service
};

struct PolicyRow {
  std::vector<CallerPattern> callers;
  TokenNeed token = TokenNeed::kNone;
  std::vector<std::string> roles;  // one of them suffices; empty: any verified user

  // `own_site` is the site of the service that is called.
  Status Check(const Principal& principal, std::string_view own_site) const;
  bool AllowsWorkload(const WorkloadIdentity& caller, std::string_view own_site) const;
  // Whether an access token in the metadata of a call is to be verified.
  bool ReadsUser() const { return token == TokenNeed::kOptional || token == TokenNeed::kUser; }
};

class Policy {
 public:
  // Parses a service's policy.json:
  //   {"methods": {"genofed.consent.v1.ConsentService/GetEpoch": {"callers": ["site:discovery"],
  //   "token": "none"}}}
  // Unknown members, unknown patterns and a role without token "user" are errors.
  static Result<Policy> Parse(std::string_view json);
  // Rows of what the server itself serves: health and reflection, for services of the same site.
  static const Policy& BuiltIn();

  // Null if the method has no row: it must be refused.
  const PolicyRow* Find(std::string_view method) const;
  const std::map<std::string, PolicyRow, std::less<>>& rows() const { return rows_; }

  // FailedPrecondition naming the first method of the linked-in gRPC service that has no row, or
  // row of that service that is no method.
  Status Covers(const std::string& grpc_service) const;

 private:
  std::map<std::string, PolicyRow, std::less<>> rows_;
};

}  // namespace genofed::rpc
