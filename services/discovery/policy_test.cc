// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/discovery/v1/discovery.pb.h"
#include "libs/core/embedded_file.h"

namespace genofed::discovery {
extern const EmbeddedFile kPolicy[];

namespace {

TEST(Policy, EveryMethodHasARow) {
  v1::QueryRequest linked_in;  // keeps the descriptor
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  Status covered = policy->Covers("genofed.discovery.v1.DiscoveryService");
  EXPECT_TRUE(covered.ok()) << Describe(covered);
}

TEST(Policy, OnlyOwnOnboardingPublishes) {
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok());
  const auto* publish = policy->Find("genofed.discovery.v1.DiscoveryService/PublishVersion");
  ASSERT_NE(publish, nullptr);
  EXPECT_TRUE(publish->AllowsWorkload({"fi", "onboarding"}, "fi"));
  for (const WorkloadIdentity& stranger : {WorkloadIdentity{"es", "onboarding"},
                                           {"hub", "discovery"},
                                           {"hub", "onboarding"},
                                           {"fi", "gateway"}}) {
    EXPECT_FALSE(publish->AllowsWorkload(stranger, "fi"))
        << stranger.site << "/" << stranger.service;
  }
}

}  // namespace
}  // namespace genofed::discovery
