// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy.h"

#include <gtest/gtest.h>

#include "genofed/consent/v1/consent.pb.h"

namespace genofed::rpc {
namespace {

Principal Caller(std::string site, std::string service, std::vector<std::string> roles = {},
                 bool user = false) {
  Principal principal{{std::move(site), std::move(service)}, {}};
  if (user || !roles.empty()) {
    principal.user.emplace();
    principal.user->roles = std::move(roles);
  }
  return principal;
}

Policy Parsed(const char* row) {
  auto policy = Policy::Parse(std::string(R"({"methods": {"p.S/M": )") + row + "}}");
  EXPECT_TRUE(policy.ok()) << Describe(policy.status());
  return *policy;
}

TEST(Policy, DeniesWhatNoRowNames) {
  EXPECT_EQ(Parsed(R"({"callers":["site:a"],"token":"none"})").Find("p.S/N"), nullptr);
}

TEST(Policy, TellsOwnSiteHubAndNodesApart) {
  auto check = [](const char* caller, const Principal& principal) {
    Policy policy =
        Parsed((std::string(R"({"token":"none","callers":[")") + caller + "\"]}").c_str());
    return policy.Find("p.S/M")->Check(principal, "fi").ok();
  };
  EXPECT_TRUE(check("site:gateway", Caller("fi", "gateway")));
  EXPECT_FALSE(check("site:gateway", Caller("es", "gateway")));
  EXPECT_FALSE(check("site:gateway", Caller("hub", "gateway")));
  EXPECT_FALSE(check("site:gateway", Caller("fi", "spe")));
  EXPECT_TRUE(check("hub:discovery", Caller("hub", "discovery")));
  EXPECT_FALSE(check("hub:discovery", Caller("fi", "discovery")));
  EXPECT_TRUE(check("node:access", Caller("es", "access")));
  EXPECT_FALSE(check("node:access", Caller("hub", "access")));
  EXPECT_FALSE(check("node:access", Principal()));
}

TEST(Policy, AsksForUserAndRole) {
  Policy policy =
      Parsed(R"({"callers":["site:gateway"],"token":"user","roles":["dac","operator"]})");
  const PolicyRow& row = *policy.Find("p.S/M");
  EXPECT_EQ(Reason(row.Check(Caller("fi", "gateway"), "fi")), "TOKEN_MISSING");
  EXPECT_EQ(Reason(row.Check(Caller("fi", "gateway", {"holder"}), "fi")), "ROLE_MISSING");
  EXPECT_TRUE(row.Check(Caller("fi", "gateway", {"operator"}), "fi").ok());
  // A role does not help a workload that may not call.
  EXPECT_EQ(Reason(row.Check(Caller("hub", "gateway", {"dac"}), "fi")), "CALLER_NOT_ALLOWED");
}

TEST(Policy, TokensInTheBodyAreTheUseCasesBusiness) {
  for (const char* need : {"none", "approval", "passport"}) {
    Policy policy = Parsed((std::string(R"({"callers":["site:a"],"token":")") + need + "\"}").c_str());
    const PolicyRow& row = *policy.Find("p.S/M");
    EXPECT_FALSE(row.ReadsUser()) << need;
    EXPECT_TRUE(row.Check(Caller("fi", "a"), "fi").ok()) << need;
  }
  EXPECT_TRUE(Parsed(R"({"callers":["site:a"],"token":"optional"})").Find("p.S/M")->ReadsUser());
  EXPECT_TRUE(Parsed(R"({"callers":["site:a"],"token":"user"})").Find("p.S/M")->ReadsUser());
}

TEST(Policy, RefusesRowsThatSayTooLittleOrTooMuch) {
  for (const char* row :
       {R"({"token":"none"})", R"({"callers":["site:a"]})", R"({"callers":["a"],"token":"none"})",
        R"({"callers":["site:a"],"token":"none","roles":["dac"]})",
        R"({"callers":["site:a"],"token":"approval","roles":["dac"]})",
        R"({"callers":["site:"],"token":"none"})", R"({"callers":["site"],"token":"none"})",
        R"({"callers":["site:a"],"token":"maybe"})",
        R"({"callers":["site:a"],"token":"none","x":1})",
        R"({"callers":"site:a","token":"none"})"}) {
    EXPECT_FALSE(Policy::Parse(std::string(R"({"methods":{"p.S/M":)") + row + "}}").ok()) << row;
  }
}

TEST(Policy, CoverageNamesTheMethodWithoutARow) {
  genofed::consent::v1::GetEpochRequest linked_in;  // keeps the descriptor
  Policy policy = *Policy::Parse(
      R"({"methods":{"genofed.consent.v1.KeyService/GetEncryptionKey":{"callers":["site:a"],"token":"none"}}})");
  EXPECT_EQ(Reason(policy.Covers("genofed.consent.v1.KeyService")), "POLICY_ROW_MISSING");
  Policy stale = *Policy::Parse(
      R"({"methods":{"genofed.consent.v1.KeyService/GetEncryptionKey":{"callers":["site:a"],"token":"none"},
                     "genofed.consent.v1.KeyService/StoreHeader":{"callers":["site:a"],"token":"none"},
                     "genofed.consent.v1.KeyService/ReleaseHeaders":{"callers":["site:a"],"token":"none"},
                     "genofed.consent.v1.KeyService/ReleaseForErasure":{"callers":["site:a"],"token":"none"},
                     "genofed.consent.v1.KeyService/DestroyHeaders":{"callers":["site:a"],"token":"none"},
                     "genofed.consent.v1.KeyService/Gone":{"callers":["site:a"],"token":"none"}}})");
  EXPECT_EQ(Reason(stale.Covers("genofed.consent.v1.KeyService")), "POLICY_ROW_STALE");
}

}  // namespace
}  // namespace genofed::rpc
