// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/auth/testing_attacks.h"

// Claims of every kind under signatures that are right: the first byte picks the kind, the rest is the payload. What is
// accepted must name the person; nothing crashes or hangs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::auth;
  static const World world;
  static const TrustStore trust = world.Trust();
  static const auto request = world.Request();
  if (size < 1) return 0;
  const auto kind = static_cast<TokenKind>(data[0] % 4);
  const std::string payload(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Draft draft = kind == TokenKind::kVisa       ? GoodVisa(world, world.fi)
                      : kind == TokenKind::kApproval ? GoodApproval(world, world.fi)
                      : kind == TokenKind::kPassport ? GoodPassport(world, {})
                                                     : GoodAccessToken(world);
  const auto judgement = Judge(trust, request, kind, Compact(draft.header.dump(), payload, *draft.key));
  GF_CHECK(judgement.accepted || !judgement.why.check.empty());
  if (judgement.accepted && kind != TokenKind::kAccessToken) {
    GF_CHECK(nlohmann::json::parse(payload)["sub"] == request.person.subject);
  }
  return 0;
}
