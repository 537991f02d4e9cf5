// SPDX-License-Identifier: Apache-2.0
//
// Everything a clearinghouse must refuse, class by class, and what it must not.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "libs/auth/checks.h"
#include "libs/auth/testing_attacks.h"
#include "libs/auth/token_cache.h"
#include "libs/core/file.h"

namespace genofed::auth {
namespace {

const World& TheWorld() {
  static const World world;
  return world;
}

TEST(Clearinghouse, AcceptsWhatItMust) {
  const TrustStore trust = TheWorld().Trust();
  for (const auto& token : GoodTokens(TheWorld())) {
    const auto judgement = Judge(trust, TheWorld().Request(), token.kind, token.token);
    EXPECT_TRUE(judgement.accepted) << token.name << ": " << judgement.why.check << ", " << judgement.why.detail;
  }
}

TEST(Clearinghouse, RefusesEveryAttackForItsReason) {
  const TrustStore trust = TheWorld().Trust();
  const auto attacks = Attacks(TheWorld());
  EXPECT_GT(attacks.size(), 800U);
  std::set<std::string> names, reasons;
  for (const auto& attack : attacks) {
    const auto judgement = Judge(trust, TheWorld().Request(), attack.kind, attack.token);
    EXPECT_FALSE(judgement.accepted) << attack.name;
    EXPECT_EQ(judgement.why.check, attack.reason) << attack.name << ": " << judgement.why.detail;
    reasons.insert(attack.reason);
  }
  std::printf("%zu attacks with %zu reasons\n", attacks.size(), reasons.size());
}

TEST(Clearinghouse, AnswersTheSameFromMemory) {
  const TrustStore trust = TheWorld().Trust().With(std::make_shared<TokenCache>());
  for (int round = 0; round < 2; ++round) {
    for (const auto& token : GoodTokens(TheWorld())) {
      EXPECT_TRUE(Judge(trust, TheWorld().Request(), token.kind, token.token).accepted) << token.name << round;
    }
    for (const auto& attack : Attacks(TheWorld())) {
      EXPECT_EQ(Judge(trust, TheWorld().Request(), attack.kind, attack.token).why.check, attack.reason) << attack.name << round;
    }
  }
}

TEST(Clearinghouse, WhatIsRememberedIsStillRevokedExpiredAndForgotten) {
  auto cache = std::make_shared<TokenCache>();
  const TrustStore trust = TheWorld().Trust().With(cache);
  const std::string visa = GoodVisa(TheWorld(), TheWorld().fi).Sign();
  const std::string approval = GoodApproval(TheWorld(), TheWorld().fi).Sign();
  const auto why = [&](const TrustStore& store, ClearinghouseRequest request) {
    return Judge(store, request, TokenKind::kVisa, visa).why.check + "/" + Judge(store, request, TokenKind::kApproval, approval).why.check;
  };
  ClearinghouseRequest request = TheWorld().Request();
  EXPECT_EQ(why(trust, request), "/");
  const auto revoking = [&](RevocationKind kind, const char* value) {
    auto list = std::make_shared<RevocationList>();
    list->Add({kind, value, ""});
    return trust.With(std::shared_ptr<const RevocationList>(list));
  };
  EXPECT_EQ(why(revoking(RevocationKind::kUser, "alice@aai.example"), request), "USER_REVOKED/USER_REVOKED");
  EXPECT_EQ(why(revoking(RevocationKind::kDataset, request.dataset.c_str()), request), "DATASET_REVOKED/DATASET_REVOKED");
  EXPECT_EQ(why(revoking(RevocationKind::kApplication, "APP-2031"), request), "/APPLICATION_REVOKED");
  EXPECT_EQ(why(revoking(RevocationKind::kToken, "urn:grant:FI:1"), request), "TOKEN_REVOKED/");
  request.now += std::chrono::hours(2);
  EXPECT_EQ(why(trust, request), "EXPIRED/EXPIRED");
  request = TheWorld().Request();
  request.person.subject = "bob@aai.example";
  EXPECT_EQ(why(trust, request), "SUBJECT_MISMATCH/SUBJECT_MISMATCH");
  // Another reading of the file, in which the key is gone: nothing that was remembered counts.
  request = TheWorld().Request();
  auto file = TheWorld().TrustFile();
  file["issuers"][0]["jwks"]["keys"].erase(0);
  EXPECT_EQ(why(TrustStore::FromJson(file.dump())->With(cache), request), "KEY_UNKNOWN/KEY_UNKNOWN");
}

TEST(Clearinghouse, RefusesAGoodTokenWithAnyByteChanged) {
  const TrustStore trust = TheWorld().Trust();
  const World& world = TheWorld();
  const std::pair<TokenKind, std::string> tokens[] = {
      {TokenKind::kVisa, GoodVisa(world, world.fi).Sign()},
      {TokenKind::kVisa, GoodVisa(world, world.fi_rsa).Sign()},
      {TokenKind::kApproval, GoodApproval(world, world.fi).Sign()},
      {TokenKind::kPassport, GoodPassport(world, {GoodVisa(world, world.fi).Sign()}).Sign()}};
  for (const auto& [kind, token] : tokens) {
    ASSERT_TRUE(Judge(trust, world.Request(), kind, token).accepted);
    for (std::size_t i = 0; i < token.size(); ++i) {
      for (const int flip : {1, 2, 4, 0x20}) {
        std::string changed = token;
        changed[i] = static_cast<char>(changed[i] ^ flip);
        ASSERT_FALSE(Judge(trust, world.Request(), kind, changed).accepted) << i;
      }
      std::string removed = token;
      removed.erase(i, 1);
      ASSERT_FALSE(Judge(trust, world.Request(), kind, removed).accepted) << i;
      std::string doubled = token;
      doubled.insert(i, 1, token[i]);
      ASSERT_FALSE(Judge(trust, world.Request(), kind, doubled).accepted) << i;
    }
  }
}

TEST(Clearinghouse, AnAcceptedPassportEndsWithTheFirstThingItRestsOn) {
  const World& world = TheWorld();
  // The grant ends after an hour, the affiliation after half of it, the passport after ten minutes.
  const TrustStore trust = world.Trust();
  const auto until = [&](const std::string& token) {
    const auto judgement = Judge(trust, world.Request(), TokenKind::kPassport, token);
    EXPECT_TRUE(judgement.accepted) << judgement.why.check;
    return UnixSeconds(judgement.expires_at) - UnixSeconds(world.Request().now);
  };
  Draft conditional = GoodVisa(world, world.fi);
  conditional.claims["ga4gh_visa_v1"]["conditions"] = {{{{"type", "AffiliationAndRole"}, {"value", "pattern:faculty@*"}}}};
  Draft passport = GoodPassport(world, {conditional.Sign(), Affiliation(world).Sign()});
  EXPECT_EQ(until(passport.Sign()), 600);
  passport.claims["exp"] = UnixSeconds(world.Request().now) + 3000;
  EXPECT_EQ(until(passport.Sign()), 1800);
  Draft plain = GoodPassport(world, {GoodVisa(world, world.fi).Sign()});
  plain.claims["exp"] = UnixSeconds(world.Request().now) + 3590;
  EXPECT_EQ(until(plain.Sign()), 3590);
}

TEST(Clearinghouse, EveryReasonHasAStepAndARemedy) {
  std::set<std::string_view> seen;
  for (const auto& reason : CheckReasons()) {
    EXPECT_TRUE(seen.insert(reason.reason).second) << reason.reason;
    EXPECT_TRUE(reason.step >= 1 && reason.step <= kCheckCount) << reason.reason;
    EXPECT_FALSE(reason.remedy.empty()) << reason.reason;
  }
  for (const auto& attack : Attacks(TheWorld())) EXPECT_TRUE(seen.contains(attack.reason)) << attack.reason;
}

// The interchange file of the project was signed by another implementation.
TEST(Clearinghouse, AcceptsTheInterchangeFile) {
  const char* shared = std::getenv("GENOFED_SHARED_DIR");
  if (shared == nullptr || *shared == '\0') GTEST_SKIP() << "needs GENOFED_SHARED_DIR: specs/trust";
  const std::filesystem::path folder = std::filesystem::path(shared) / "specs/trust";
  const std::string file = *ReadFile(folder / "trust.json");
  const auto trust = TrustStore::FromJson(file);
  const auto request = ClearinghouseRequest::FromTrustFile(file);
  ASSERT_TRUE(trust.ok() && request.ok()) << Describe(trust.status()) << Describe(request.status());
  std::istringstream lines(*ReadFile(folder / "accepted.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto entry = nlohmann::json::parse(line);
    const std::string token = entry.at("token");
    const TokenKind kind = *ParseTokenKind(entry.at("kind").get<std::string>());
    const auto judgement = Judge(*trust, *request, kind, token);
    EXPECT_TRUE(judgement.accepted) << entry.at("name") << " " << judgement.why.check << " " << judgement.why.detail;
    for (const TokenKind other : {TokenKind::kAccessToken, TokenKind::kVisa, TokenKind::kPassport, TokenKind::kApproval}) {
      if (other != kind) {
        EXPECT_FALSE(Judge(*trust, *request, other, token).accepted) << entry.at("name");
      }
    }
  }
  EXPECT_GE(count, 19);
}

}  // namespace
}  // namespace genofed::auth
