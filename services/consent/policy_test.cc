// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/consent/v1/consent.pb.h"
#include "libs/core/embedded_file.h"

namespace genofed::consent {
extern const EmbeddedFile kPolicy[];
namespace {

TEST(Policy, EveryMethodHasARow) {
  v1::GetEpochRequest linked_in;  // keeps the descriptor
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  for (const char* service : {"ConsentService", "LedgerService", "WitnessService", "KeyService",
                              "ReaderService", "AuditService"}) {
    Status covered = policy->Covers(std::string("genofed.consent.v1.") + service);
    EXPECT_TRUE(covered.ok()) << Describe(covered);
  }
}

TEST(Policy, OnlyTheSpeGetsKeysAndOnlyCitizensSeeThemselves) {
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok());
  const auto* release = policy->Find("genofed.consent.v1.KeyService/ReleaseHeaders");
  ASSERT_NE(release, nullptr);
  EXPECT_EQ(release->token, rpc::TokenNeed::kApproval);
  EXPECT_TRUE(release->AllowsWorkload({"fi", "spe"}, "fi"));
  EXPECT_FALSE(release->AllowsWorkload({"es", "spe"}, "fi"));
  EXPECT_FALSE(release->AllowsWorkload({"hub", "spe"}, "fi"));
  EXPECT_FALSE(release->AllowsWorkload({"fi", "dispatcher"}, "fi"));
  for (const auto& [method, row] : policy->rows()) {
    if (method.starts_with("genofed.consent.v1.ReaderService/")) {
      EXPECT_EQ(row.token, rpc::TokenNeed::kUser) << method;
      EXPECT_FALSE(row.AllowsWorkload({"hub", "gateway"}, "fi")) << method;
    }
    if (method.find("/GetMy") == std::string::npos && method.find("/SetMy") == std::string::npos &&
        method.find("/ListMy") == std::string::npos && method.find("/ExportMy") == std::string::npos &&
        method.find("/EraseMe") == std::string::npos) {
      continue;
    }
    EXPECT_EQ(row.token, rpc::TokenNeed::kUser) << method;
    EXPECT_EQ(row.roles, std::vector<std::string>{"citizen"}) << method;
  }
}

}  // namespace
}  // namespace genofed::consent
