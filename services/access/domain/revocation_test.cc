// SPDX-License-Identifier: Apache-2.0
#include "services/access/domain/revocation.h"

#include <gtest/gtest.h>

#include "libs/testing/matchers.h"

namespace genofed::access {
namespace {

using auth::RevocationKind;
using testing::HasReason;
using testing::IsOk;

const Time kNow = FromUnixSeconds(1'767'225'600);

User Operator() {
  User user;
  user.subject = "olli";
  user.token_id = "jti-1";
  return user;
}

TEST(Revocation, NeedsAReasonAndAnExactValue) {
  const User olli = Operator();
  EXPECT_THAT(NewRevocation("r", {RevocationKind::kToken, "jti", ""}, olli, "stolen", kNow),
              IsOk());
  EXPECT_THAT(NewRevocation("r", {RevocationKind::kToken, "jti", ""}, olli, "  ", kNow),
              HasReason("REASON_MISSING"));
  EXPECT_THAT(NewRevocation("r", {RevocationKind::kToken, "", ""}, olli, "x", kNow),
              HasReason("REVOCATION_INVALID"));
  EXPECT_THAT(NewRevocation("r", {RevocationKind::kToken, "jti", "iss"}, olli, "x", kNow),
              HasReason("REVOCATION_INVALID"));
  EXPECT_THAT(NewRevocation("r", {RevocationKind::kIdentity, "spe", ""}, olli, "x", kNow),
              HasReason("REVOCATION_INVALID"));
}

TEST(Revocation, IsTakenBackOnceAndNeverForApplications) {
  auto user = NewRevocation("r", {RevocationKind::kUser, "ann", "iss"}, Operator(), "left", kNow);
  ASSERT_THAT(user, IsOk());
  EXPECT_THAT(Reinstate(*user, Operator(), "", kNow), HasReason("REASON_MISSING"));
  EXPECT_TRUE(user->in_force());
  ASSERT_THAT(Reinstate(*user, Operator(), "came back", kNow), IsOk());
  EXPECT_FALSE(user->in_force());
  ASSERT_THAT(Reinstate(*user, Operator(), "again", kNow + std::chrono::hours(1)), IsOk());
  EXPECT_EQ(user->reinstate_reason, "came back");
  auto application =
      NewRevocation("r", {RevocationKind::kApplication, "app-1", ""}, Operator(), "breach", kNow);
  EXPECT_THAT(Reinstate(*application, Operator(), "sorry", kNow), HasReason("REVOCATION_FINAL"));
  EXPECT_TRUE(application->in_force());
}

TEST(Revocation, SigningOutRevokesTheTokenOfTheCall) {
  auto record = SignOut("r", Operator(), kNow);
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->what, (auth::Revocation{RevocationKind::kToken, "jti-1", ""}));
  EXPECT_EQ(record->by, "olli");
  EXPECT_THAT(SignOut("r", User(), kNow), HasReason("TOKEN_WITHOUT_ID"));
}

}  // namespace
}  // namespace genofed::access
