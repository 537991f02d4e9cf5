// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/discovery/v1/beacon.pb.h"
#include "genofed/discovery/v1/case.pb.h"
#include "genofed/discovery/v1/discovery.pb.h"
#include "genofed/discovery/v1/frequency.pb.h"
#include "genofed/discovery/v1/shards.pb.h"
#include "genofed/discovery/v1/statistics.pb.h"
#include "libs/core/embedded_file.h"

namespace genofed::discovery {
extern const EmbeddedFile kPolicy[];

namespace {

TEST(Policy, EveryMethodHasARow) {
  v1::QueryRequest linked_in;  // keeps the descriptor
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  v1::QueryFoldersRequest folders_linked_in;
  v1::DescribeVersionRequest statistics_linked_in;
  v1::MatchCasesRequest cases_linked_in;
  v1::ListTablesRequest frequencies_linked_in;
  v1::CountSitesRequest shards_linked_in;
  for (const char* service :
       {"genofed.discovery.v1.DiscoveryService", "genofed.discovery.v1.BeaconService",
        "genofed.discovery.v1.StatisticsService", "genofed.discovery.v1.CaseService",
        "genofed.discovery.v1.FrequencyService", "genofed.discovery.v1.ShardService"}) {
    Status covered = policy->Covers(service);
    EXPECT_TRUE(covered.ok()) << Describe(covered);
  }
}

TEST(Policy, RecordsOfFoldersAreNothingForTheHub) {
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok());
  for (const char* method : {"QueryFolders", "ListFolderTerms"}) {
    const auto* row = policy->Find(std::string("genofed.discovery.v1.BeaconService/") + method);
    ASSERT_NE(row, nullptr);
    EXPECT_TRUE(row->AllowsWorkload({"fi", "gateway"}, "fi"));
    EXPECT_FALSE(row->AllowsWorkload({"hub", "discovery"}, "fi"));
    EXPECT_FALSE(row->AllowsWorkload({"es", "gateway"}, "fi"));
  }
}

TEST(Policy, TablesOfFrequenciesAreForNodesDiscoveryAlone) {
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok());
  for (const char* method :
       {"ListTables", "FetchTable", "FetchPage", "DeliverTable", "DeliverPage"}) {
    const auto* row = policy->Find(std::string("genofed.discovery.v1.FrequencyService/") + method);
    ASSERT_NE(row, nullptr);
    EXPECT_TRUE(row->AllowsWorkload({"fi", "discovery"}, "hub"));
    EXPECT_FALSE(row->AllowsWorkload({"fi", "gateway"}, "hub"));
    EXPECT_FALSE(row->AllowsWorkload({"hub", "gateway"}, "hub"));
    EXPECT_FALSE(row->AllowsWorkload({"hub", "discovery"}, "fi"));
  }
}

// Exact numbers, before disclosure control.
TEST(Policy, ShardsAnswerTheDiscoveryOfTheirSiteAlone) {
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok());
  for (const char* method : {"CountCarriers", "ListCarriers", "CountAlleles", "CountSites"}) {
    const auto* row = policy->Find(std::string("genofed.discovery.v1.ShardService/") + method);
    ASSERT_NE(row, nullptr);
    EXPECT_TRUE(row->AllowsWorkload({"fi", "discovery"}, "fi"));
    for (const WorkloadIdentity& stranger :
         {WorkloadIdentity{"hub", "discovery"}, {"es", "discovery"}, {"fi", "gateway"},
          {"fi", "onboarding"}, {"hub", "gateway"}}) {
      EXPECT_FALSE(row->AllowsWorkload(stranger, "fi")) << stranger.site << "/" << stranger.service;
    }
  }
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
