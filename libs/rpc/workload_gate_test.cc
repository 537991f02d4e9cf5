// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/workload_gate.h"

#include <gtest/gtest.h>

#include "libs/testing/matchers.h"

namespace genofed::rpc {
namespace {

using testing::HasReason;
using testing::IsOk;

Policy Parsed(const char* method, const char* callers) {
  return *Policy::Parse(std::string(R"({"methods":{")") + method +
                        R"(":{"token":"none","callers":[)" + callers + "]}}}");
}

Status Revoked(const WorkloadIdentity& caller) {
  if (caller.service == "stolen")
    return Error(StatusCode::kPermissionDenied, "IDENTITY_REVOKED", "this identity was revoked");
  if (caller.service == "unsure")
    return Error(StatusCode::kUnavailable, "REVOCATIONS_STALE", "revocations are not known now");
  return absl::OkStatus();
}

class WorkloadGateTest : public ::testing::Test {
 protected:
  Status Admit(std::string_view method, const WorkloadIdentity& caller) const {
    return gate_.Admit(method, caller).status();
  }
  const WorkloadGate gate_{"fi",
                           {Parsed("p.S/M", R"("site:spe","site:stolen","site:unsure")"),
                            Parsed("p.T/M", R"("hub:discovery")")},
                           Revoked};
};

TEST_F(WorkloadGateTest, JudgesByThePoliciesOfAllServices) {
  EXPECT_THAT(Admit("p.S/M", {"fi", "spe"}), IsOk());
  EXPECT_THAT(Admit("p.T/M", {"hub", "discovery"}), IsOk());
  EXPECT_EQ((*gate_.Admit("p.S/M", {"fi", "spe"}))->callers.size(), 3u);
}

TEST_F(WorkloadGateTest, SaysWhyNot) {
  struct Case {
    const char* method;
    WorkloadIdentity caller;
    StatusCode code;
    const char* reason;
  };
  const auto kDenied = StatusCode::kPermissionDenied;
  for (const Case& c : {Case{"p.S/N", {"fi", "spe"}, kDenied, "METHOD_NOT_ALLOWED"},
                        {"", {"fi", "spe"}, kDenied, "METHOD_NOT_ALLOWED"},
                        {"/p.S/M", {"fi", "spe"}, kDenied, "METHOD_NOT_ALLOWED"},
                        {"p.S/M", {"es", "spe"}, kDenied, "CALLER_NOT_ALLOWED"},
                        {"p.S/M", {"hub", "discovery"}, kDenied, "CALLER_NOT_ALLOWED"},
                        {"p.S/M", {}, kDenied, "CALLER_NOT_ALLOWED"},
                        {"p.S/M", {"fi", ""}, kDenied, "CALLER_NOT_ALLOWED"},
                        {"p.S/M", {"fi", "stolen"}, kDenied, "IDENTITY_REVOKED"},
                        {"p.S/M", {"fi", "unsure"}, StatusCode::kUnavailable, "REVOCATIONS_STALE"},
                        // Who may not call learns nothing of revocations.
                        {"p.T/M", {"fi", "unsure"}, kDenied, "CALLER_NOT_ALLOWED"}}) {
    const Status status = Admit(c.method, c.caller);
    EXPECT_THAT(status, HasReason(c.reason)) << c.method << " " << c.caller.service;
    EXPECT_EQ(status.code(), c.code) << c.method << " " << c.caller.service;
  }
}

TEST_F(WorkloadGateTest, HealthAndReflectionAreForTheSameSite) {
  for (const char* method : {"grpc.health.v1.Health/Check", "grpc.health.v1.Health/Watch",
                             "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    EXPECT_THAT(Admit(method, {"fi", "anything"}), IsOk()) << method;
    EXPECT_THAT(Admit(method, {"hub", "discovery"}), HasReason("CALLER_NOT_ALLOWED")) << method;
    EXPECT_THAT(Admit(method, {"es", "spe"}), HasReason("CALLER_NOT_ALLOWED")) << method;
    EXPECT_THAT(Admit(method, {"fi", ""}), HasReason("CALLER_NOT_ALLOWED")) << method;
    EXPECT_THAT(Admit(method, {"fi", "stolen"}), HasReason("IDENTITY_REVOKED")) << method;
  }
}

}  // namespace
}  // namespace genofed::rpc
