// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/decision.h"

#include <gtest/gtest.h>

#include <functional>

#include "libs/auth/testing_authority.h"

namespace genofed::auth {
namespace {

constexpr std::string_view kDataset = "https://data.example/datasets/FI-1";

class DecisionTest : public testing::Test {
 protected:
  Decision Approve() const {
    return {.issuer = federation_.fi.iss,
            .id = "dec-1",
            .country = "FI",
            .application = "APP-1",
            .application_sha256 = std::string(64, 'a'),
            .verdict = Verdict::kApprove,
            .datasets = {std::string(kDataset)},
            .conditions = {"publish within a year"},
            .reason = "line one\nline two",
            .issued_at = FromUnixSeconds(kNow),
            .accepted_conditions = {"DUO:0000045"}};
  }
  std::string WhyRefused(std::string_view token) const {
    Refusal why;
    const auto decision = VerifyDecision(trust_, clock_, token, expected_, &why);
    EXPECT_EQ(decision.ok(), why.check.empty());
    if (!decision.ok()) {
      EXPECT_EQ(Describe(decision.status()), "PERMISSION_DENIED/DECISION_REFUSED: the token is not accepted");
    }
    return why.check;
  }

  TestFederation federation_;
  FixedClock clock_;
  TrustStore trust_ = federation_.Trust();
  DecisionExpectation expected_ = {.country = "fi",
                                   .application = "APP-1",
                                   .application_sha256 = std::string(64, 'a'),
                                   .datasets = {std::string(kDataset), "https://data.example/datasets/FI-2"}};
};

TEST_F(DecisionTest, ReadsBackWhatWasMinted) {
  const auto token = MintDecision(federation_.fi.signer, Approve());
  ASSERT_TRUE(token.ok()) << Describe(token.status());
  const auto decision = VerifyDecision(trust_, clock_, *token, expected_);
  ASSERT_TRUE(decision.ok());
  const Decision& read = **decision;
  EXPECT_EQ(read.issuer, federation_.fi.iss);
  EXPECT_EQ(read.id, "dec-1");
  EXPECT_EQ(read.country, "fi");
  EXPECT_EQ(read.verdict, Verdict::kApprove);
  EXPECT_EQ(read.datasets, std::vector<std::string>{std::string(kDataset)});
  EXPECT_EQ(read.conditions, std::vector<std::string>{"publish within a year"});
  EXPECT_EQ(read.reason, "line one\nline two");
  EXPECT_EQ(read.accepted_conditions, std::vector<std::string>{"DUO:0000045"});
  EXPECT_EQ(read.issued_at, FromUnixSeconds(kNow));
}

TEST_F(DecisionTest, AVetoNeedsNoDatasetsAndIsNotAnApproval) {
  Decision veto = Approve();
  veto.verdict = Verdict::kVeto;
  veto.datasets.clear();
  const auto token = MintDecision(federation_.fi.signer, veto);
  ASSERT_TRUE(token.ok());
  const auto decision = VerifyDecision(trust_, clock_, *token, expected_);
  ASSERT_TRUE(decision.ok());
  EXPECT_EQ((*decision)->verdict, Verdict::kVeto);
}

struct Case {
  const char* name;
  std::function<void(Decision&)> change;
  const char* check;
};

TEST_F(DecisionTest, EveryMismatchHasItsReason) {
  const Case cases[] = {
      {"country claim", [](auto& d) { d.country = "ES"; }, "COUNTRY_MISMATCH"},
      {"application", [](auto& d) { d.application = "APP-2"; }, "APPLICATION_MISMATCH"},
      {"version", [](auto& d) { d.application_sha256 = std::string(64, 'b'); }, "APPLICATION_MISMATCH"},
      {"dataset not applied for", [](auto& d) { d.datasets = {"https://data.example/datasets/FI-3"}; },
       "DATASET_NOT_PERMITTED"},
      {"future", [](auto& d) { d.issued_at = FromUnixSeconds(kNow + 61); }, "NOT_YET_VALID"},
      {"revoked", [](auto& d) { d.id = "revoked-1"; }, "TOKEN_REVOKED"},
      {"issuer", [](auto& d) { d.issuer = "https://dac.es.example"; }, "KEY_UNKNOWN"},
  };
  for (const auto& c : cases) {
    Decision decision = Approve();
    c.change(decision);
    const auto token = MintDecision(federation_.fi.signer, decision);
    ASSERT_TRUE(token.ok()) << c.name;
    EXPECT_EQ(WhyRefused(*token), c.check) << c.name;
  }
}

TEST_F(DecisionTest, ACountrySpeaksForNoOther) {
  Decision foreign = Approve();
  foreign.issuer = federation_.es.iss;
  EXPECT_EQ(WhyRefused(*MintDecision(federation_.es.signer, foreign)), "COUNTRY_MISMATCH");
  // Nor for a dataset outside its pattern, even when it is in the application.
  Decision wide = Approve();
  wide.datasets = {"https://data.example/datasets/ES-1"};
  expected_.datasets = wide.datasets;
  EXPECT_EQ(WhyRefused(*MintDecision(federation_.fi.signer, wide)), "DATASET_NOT_PERMITTED");
}

TEST_F(DecisionTest, RefusesTheHubsKey) {
  Decision forged = Approve();
  EXPECT_EQ(WhyRefused(*MintDecision(federation_.hub.signer, forged)), "KEY_UNKNOWN");  // in Finland's name
  forged.issuer = federation_.hub.iss;
  EXPECT_EQ(WhyRefused(*MintDecision(federation_.hub.signer, forged)), "ROLE_MISMATCH");  // in its own
}

TEST_F(DecisionTest, RefusesToMintAnIncompleteDecision) {
  const Case cases[] = {
      {"no id", [](auto& d) { d.id.clear(); }, ""},
      {"no issuer", [](auto& d) { d.issuer.clear(); }, ""},
      {"country", [](auto& d) { d.country = std::string("Finland"); }, ""},
      {"digest", [](auto& d) { d.application_sha256 = std::string(64, 'A'); }, ""},
      {"short digest", [](auto& d) { d.application_sha256 = std::string("ab"); }, ""},
      {"no datasets", [](auto& d) { d.datasets.clear(); }, ""},
      {"not UTF-8", [](auto& d) { d.reason = std::string("\xff"); }, ""},
      {"too long", [](auto& d) { d.reason = std::string(4097, 'x'); }, ""},
      {"too many", [](auto& d) { d.conditions.assign(20, std::string(4096, 'x')); }, ""},
  };
  for (const auto& c : cases) {
    Decision decision = Approve();
    c.change(decision);
    const auto token = MintDecision(federation_.fi.signer, decision);
    EXPECT_FALSE(token.ok()) << c.name;
    EXPECT_EQ(token.status().code(), StatusCode::kInvalidArgument) << c.name;
  }
}

}  // namespace
}  // namespace genofed::auth
