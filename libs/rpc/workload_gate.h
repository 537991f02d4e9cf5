// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/rpc/policy.h"

namespace genofed::rpc {

// Whether a workload may call at all: PermissionDenied IDENTITY_REVOKED when its identity was
// revoked, Unavailable REVOCATIONS_STALE when that is not known now. Called for every call, on
// gRPC's threads too: thread-safe, and answers without waiting.
using DenyList = std::function<Status(const WorkloadIdentity&)>;

// The one place that decides whether a workload may call a method. Asked before a message is read
// (policy_processor.h) and again by the dispatcher, the only one that in-process calls meet.
// Immutable and thread-safe.
class WorkloadGate {
 public:
  // `own_site` is the site of the services whose policies these are. What the server itself serves
  // is in Policy::BuiltIn() and need not be given.
  WorkloadGate(std::string own_site, std::vector<Policy> policies, DenyList denied = {});

  // The method's row if `caller` may call it; an empty identity may call nothing. `method` is
  // "genofed.consent.v1.ConsentService/GetEpoch".
  //   PermissionDenied: METHOD_NOT_ALLOWED (no row), CALLER_NOT_ALLOWED, IDENTITY_REVOKED
  //   Unavailable: REVOCATIONS_STALE
  Result<const PolicyRow*> Admit(std::string_view method, const WorkloadIdentity& caller) const;
  // Whether some policy has a row for the method.
  bool Knows(std::string_view method) const { return Find(method) != nullptr; }

 private:
  const PolicyRow* Find(std::string_view method) const;

  const std::string own_site_;
  const std::vector<Policy> policies_;
  const DenyList denied_;
};

}  // namespace genofed::rpc
