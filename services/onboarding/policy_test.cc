// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "genofed/onboarding/v1/onboarding.pb.h"
#include "genofed/onboarding/v1/variants.pb.h"
#include "libs/core/embedded_file.h"
#include "libs/rpc/policy.h"

namespace genofed::onboarding {
extern const EmbeddedFile kPolicy[];

namespace {

constexpr char kService[] = "genofed.onboarding.v1.OnboardingService";
constexpr char kVariantService[] = "genofed.onboarding.v1.VariantService";

Principal Caller(std::string service, std::vector<std::string> roles) {
  Principal principal;
  principal.workload = {"fi", std::move(service)};
  if (!roles.empty()) {
    principal.user.emplace();
    principal.user->roles = std::move(roles);
  }
  return principal;
}

TEST(OnboardingPolicy, EveryMethodHasARow) {
  v1::GetSubmissionRequest linked_in;  // keeps the descriptor
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  v1::PutVariantFileRequest linked_in_too;
  for (const char* service : {kService, "genofed.onboarding.v1.ObjectService", kVariantService}) {
    Status covered = policy->Covers(service);
    EXPECT_TRUE(covered.ok()) << Describe(covered);
  }
}

TEST(OnboardingPolicy, OnlyHoldersUpload) {
  auto policy = *rpc::Policy::Parse(kPolicy[0].content);
  for (const char* method : {"CreateSubmission", "PutChunk", "SealFile", "StartSubmission"}) {
    const rpc::PolicyRow* row = policy.Find(std::string(kService) + "/" + method);
    ASSERT_NE(row, nullptr) << method;
    EXPECT_TRUE(row->Check(Caller("gateway", {"holder"}), "fi").ok()) << method;
    EXPECT_FALSE(row->Check(Caller("gateway", {"ncp", "operator", "researcher"}), "fi").ok()) << method;
    EXPECT_FALSE(row->Check(Caller("gateway", {}), "fi").ok()) << method;
    EXPECT_FALSE(row->Check(Caller("spe", {"holder"}), "fi").ok()) << method;
    EXPECT_FALSE(row->Check(Caller("gateway", {"holder"}), "es").ok()) << method;
  }
}

TEST(OnboardingPolicy, OnlyCliniciansHaveTheirFilesDescribed) {
  auto policy = *rpc::Policy::Parse(kPolicy[0].content);
  for (const char* method :
       {"PutVariantFile", "DescribeVariantFile", "ReadVariantList", "DiscardVariantFile"}) {
    const rpc::PolicyRow* row = policy.Find(std::string(kVariantService) + "/" + method);
    ASSERT_NE(row, nullptr) << method;
    EXPECT_TRUE(row->Check(Caller("gateway", {"clinician"}), "fi").ok()) << method;
    EXPECT_FALSE(row->Check(Caller("gateway", {"holder", "researcher", "operator"}), "fi").ok()) << method;
    EXPECT_FALSE(row->Check(Caller("gateway", {}), "fi").ok()) << method;
    EXPECT_FALSE(row->Check(Caller("dispatcher", {"clinician"}), "fi").ok()) << method;
  }
}

}  // namespace
}  // namespace genofed::onboarding
