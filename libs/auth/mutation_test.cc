// SPDX-License-Identifier: Apache-2.0
//
// Takes out one check at a time and demands that the attack suite notices: a check that nothing tests could be lost
// without anybody knowing. Built from the same sources as the library, with the checks made removable.
#include <gtest/gtest.h>

#include <set>

#include "libs/auth/checks.h"
#include "libs/auth/testing_attacks.h"
#include "libs/crypto/refuse.h"

namespace genofed {
namespace crypto {
namespace {
std::string& Removed() {
  static std::string reason;
  return reason;
}
}  // namespace
bool Enforced(std::string_view reason) { return reason != Removed(); }
}  // namespace crypto

namespace auth {
namespace {

TEST(Mutation, TheRemovalOfAnyCheckIsNoticed) {
  const World world;
  const TrustStore trust = world.Trust();
  const auto attacks = Attacks(world);
  // Not conditions but the absence of what is needed to go on: a part, a key, a claim. They cannot be taken out.
  const std::set<std::string_view> structural = {"TOKEN_MALFORMED", "JSON_TOO_LARGE", "ISSUER_UNKNOWN", "KEY_UNKNOWN", "CLAIM_INVALID", "CONDITIONS_INVALID", "GRANT_MISSING"};
  // Asked of approvals in services and of interactive runs; their own tests are in approval_test.cc.
  const std::set<std::string_view> elsewhere = {"DUA_MISMATCH", "PURPOSE_NOT_PERMITTED", "SUBJECT_NAMESPACE_MISMATCH"};
  int accepted = 0;
  for (const auto& reason : CheckReasons()) {
    if (structural.contains(reason.reason) || elsewhere.contains(reason.reason)) continue;
    crypto::Removed() = std::string(reason.reason);
    int noticed = 0;
    for (const auto& attack : attacks) {
      if (attack.reason != reason.reason) continue;
      const auto judgement = Judge(trust, world.Request(), attack.kind, attack.token);
      noticed += judgement.why.check != attack.reason;
      accepted += judgement.accepted;
    }
    EXPECT_GT(noticed, 0) << reason.reason << " can be removed without any attack noticing";
  }
  crypto::Removed().clear();
  // Most attacks get through once their one check is gone: nothing else would have held them.
  EXPECT_GT(accepted, 100);
  std::printf("%d attacks were held by one check alone\n", accepted);
}

}  // namespace
}  // namespace auth
}  // namespace genofed
