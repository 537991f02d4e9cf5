// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/access/v1/access.pb.h"
#include "libs/core/embedded_file.h"

namespace genofed::access {
extern const EmbeddedFile kPolicy[];

TEST(Policy, EveryMethodHasARowAndTheHubHasNone) {
  v1::Application linked_in;  // keeps the descriptor
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  for (const char* service :
       {"genofed.access.v1.ApplicationService", "genofed.access.v1.DecisionService"}) {
    Status covered = policy->Covers(service);
    EXPECT_TRUE(covered.ok()) << Describe(covered);
  }
  for (const auto& [method, row] : policy->rows()) {
    for (const char* service : {"access", "gateway", "dispatcher", "discovery", "consent", "spe"}) {
      if (method.find("DecisionService") != std::string::npos) {
        EXPECT_FALSE(row.AllowsWorkload({"hub", service}, "fi")) << method;
      }
    }
  }
}

}  // namespace genofed::access
