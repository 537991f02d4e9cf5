// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/spe/v1/spe.pb.h"
#include "libs/core/embedded_file.h"

namespace genofed::spe {
extern const EmbeddedFile kPolicy[];

TEST(Policy, EveryMethodHasARow) {
  v1::GetTaskRequest linked_in;  // keeps the descriptor
  const auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  for (const char* service : {"genofed.spe.v1.TaskService", "genofed.spe.v1.AirlockService"}) {
    const Status covered = policy->Covers(service);
    EXPECT_TRUE(covered.ok()) << Describe(covered);
  }
}

TEST(Policy, ATaskComesWithAnApproval) {
  const auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  EXPECT_EQ(policy->Find("genofed.spe.v1.TaskService/CreateTask")->token, rpc::TokenNeed::kApproval);
}

}  // namespace genofed::spe
