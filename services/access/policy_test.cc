// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/access/v1/access.pb.h"
#include "genofed/access/v1/passport.pb.h"
#include "genofed/access/v1/revocation.pb.h"
#include "libs/core/embedded_file.h"

namespace genofed::access {
extern const EmbeddedFile kPolicy[];

TEST(Policy, EveryMethodHasARowAndTheHubHasNone) {
  v1::Application linked_in;  // keeps the descriptors
  v1::Revocation revocations_linked_in;
  v1::GetKeysRequest passports_linked_in;
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  for (const char* service :
       {"genofed.access.v1.ApplicationService", "genofed.access.v1.DecisionService",
        "genofed.access.v1.RevocationService", "genofed.access.v1.PassportService"}) {
    Status covered = policy->Covers(service);
    EXPECT_TRUE(covered.ok()) << Describe(covered);
  }
  for (const auto& [method, row] : policy->rows()) {
    for (const char* service : {"access", "gateway", "dispatcher", "discovery", "consent", "spe"}) {
      if (method.find("DecisionService") != std::string::npos ||
          method.find("RevocationService") != std::string::npos) {
        EXPECT_FALSE(row.AllowsWorkload({"hub", service}, "fi")) << method;
      }
    }
  }
}

// Whoever has these decides whose budget a question is charged to.
TEST(Policy, AccountTokensAreForTheHubsOwnDiscoveryAndASignedInCallerAlone) {
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok());
  const auto* row = policy->Find("genofed.access.v1.PassportService/IssueAccountTokens");
  ASSERT_NE(row, nullptr);
  EXPECT_TRUE(row->AllowsWorkload({"hub", "discovery"}, "hub"));
  for (const WorkloadIdentity& stranger : {WorkloadIdentity{"hub", "gateway"},
                                           {"hub", "dispatcher"},
                                           {"fi", "discovery"},
                                           {"fi", "access"}}) {
    EXPECT_FALSE(row->AllowsWorkload(stranger, "hub")) << stranger.site << "/" << stranger.service;
  }
  EXPECT_FALSE(row->AllowsWorkload({"hub", "discovery"}, "fi"));
  EXPECT_EQ(row->token, rpc::TokenNeed::kUser);
}

}  // namespace genofed::access
