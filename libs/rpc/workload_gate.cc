// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/workload_gate.h"

namespace genofed::rpc {

WorkloadGate::WorkloadGate(std::string own_site, std::vector<Policy> policies, DenyList denied)
    : own_site_(std::move(own_site)), policies_(std::move(policies)), denied_(std::move(denied)) {}

const PolicyRow* WorkloadGate::Find(std::string_view method) const {
  for (const Policy& policy : policies_) {
    if (const PolicyRow* row = policy.Find(method)) return row;
  }
  return Policy::BuiltIn().Find(method);
}

Result<const PolicyRow*> WorkloadGate::Admit(std::string_view method,
                                             const WorkloadIdentity& caller) const {
  const PolicyRow* row = Find(method);
  if (row == nullptr) {
    return Error(StatusCode::kPermissionDenied, "METHOD_NOT_ALLOWED",
                 "this method has no row in the policy");
  }
  if (caller.empty() || !row->AllowsWorkload(caller, own_site_)) {
    return Error(StatusCode::kPermissionDenied, "CALLER_NOT_ALLOWED",
                 "this workload may not call this method");
  }
  if (denied_) GF_TRY(denied_(caller));
  return row;
}

}  // namespace genofed::rpc
