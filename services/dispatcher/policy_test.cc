// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/dispatcher/v1/dispatcher.pb.h"
#include "libs/core/embedded_file.h"

namespace genofed::dispatcher {
extern const EmbeddedFile kPolicy[];

TEST(Policy, EveryMethodHasARowAndTheHubHasNone) {
  v1::Run linked_in;  // keeps the descriptor
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  for (const char* service :
       {"genofed.dispatcher.v1.RunService", "genofed.dispatcher.v1.WorkService"}) {
    Status covered = policy->Covers(service);
    EXPECT_TRUE(covered.ok()) << Describe(covered);
  }
  for (const auto& [method, row] : policy->rows()) {
    // Nothing at a node can be called by the hub; what nodes call, no service but their dispatcher
    // may.
    EXPECT_FALSE(row.AllowsWorkload({"hub", "dispatcher"}, "fi")) << method;
    EXPECT_FALSE(row.AllowsWorkload({"fi", "gateway"}, "hub")) << method;
    EXPECT_EQ(row.AllowsWorkload({"fi", "dispatcher"}, "hub"),
              method.find("WorkService") != std::string::npos)
        << method;
  }
}

}  // namespace genofed::dispatcher
