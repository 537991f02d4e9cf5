// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/catalogue/v1/catalogue.pb.h"
#include "libs/core/embedded_file.h"

namespace genofed::catalogue {
extern const EmbeddedFile kPolicy[];

TEST(Policy, EveryMethodHasARow) {
  v1::GetRecordRequest linked_in;  // keeps the descriptor
  auto policy = rpc::Policy::Parse(kPolicy[0].content);
  ASSERT_TRUE(policy.ok()) << Describe(policy.status());
  Status covered = policy->Covers("genofed.catalogue.v1.CatalogueService");
  EXPECT_TRUE(covered.ok()) << Describe(covered);
}

}  // namespace genofed::catalogue
