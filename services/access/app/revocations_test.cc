// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/revocations.h"

#include <gtest/gtest.h>

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/access/app/fake_stores.h"

namespace genofed::access {
namespace {

using auth::RevocationKind;
using testing::IsOk;

constexpr char kPrefix[] = "https://data.example/datasets/";

class RevocationsTest : public ::testing::Test {
 protected:
  static Context Operator() {
    Principal principal;
    principal.user.emplace();
    principal.user->subject = "olli";
    return Context::Background().WithPrincipal(std::move(principal));
  }
  std::string ValueOf(RevocationKind kind, std::string value, std::string issuer = "") {
    const auto record = revocations_.Revoke(Operator(), {kind, std::move(value), std::move(issuer)}, "breach");
    EXPECT_THAT(record, IsOk());
    return record.ok() ? record->what.value : "";
  }

  testing::FakeClock clock_;
  testing::SeededRandom random_;
  FakeRevocationStore store_;
  Revocations revocations_{store_, kPrefix, clock_, random_};
};

TEST_F(RevocationsTest, ADatasetHasOneNameHoweverItIsWritten) {
  EXPECT_EQ(ValueOf(RevocationKind::kDataset, "GOE-FI-A-1"), "GOE-FI-A-1");
  EXPECT_EQ(ValueOf(RevocationKind::kDataset, std::string(kPrefix) + "GOE-FI-A-1"), "GOE-FI-A-1");
  EXPECT_EQ(store_.records.size(), 1U) << "the second says nothing new";
  // Elsewhere the prefix means nothing, and another prefix is part of the name.
  EXPECT_EQ(ValueOf(RevocationKind::kUser, std::string(kPrefix) + "ann", "https://login.example"),
            std::string(kPrefix) + "ann");
  EXPECT_EQ(ValueOf(RevocationKind::kDataset, "https://other.example/GOE-FI-A-1"), "https://other.example/GOE-FI-A-1");
}

}  // namespace
}  // namespace genofed::access
