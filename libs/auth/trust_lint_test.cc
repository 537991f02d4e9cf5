// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/trust_lint.h"

#include <gtest/gtest.h>

#include <functional>

#include "libs/auth/testing_authority.h"

namespace genofed::auth {
namespace {

std::string Paths(const nlohmann::json& file) {
  std::string paths;
  for (const auto& finding : LintTrustFile(file.dump())) {
    paths += (finding.severity == LintFinding::Severity::kError ? "!" : "") + finding.path + " ";
  }
  return paths;
}

TEST(TrustLint, SaysWhatIsProbablyNotMeant) {
  const TestFederation federation;
  const auto good = federation.File();
  EXPECT_EQ(Paths(good), "");
  struct Case {
    const char* path;
    std::function<void(nlohmann::json&)> change;
  };
  const Case cases[] = {
      {"!issuers[0].iss ", [](auto& f) { f["issuers"][0].erase("iss"); }},
      {"issuer ", [](auto& f) { f["issuer"] = 1; }},
      {"issuers[0].source ", [](auto& f) { f["issuers"][0]["source"] = "x"; }},
      {"limits.skew ", [](auto& f) { f["limits"] = {{"skew", 1}}; }},
      {"issuers[0].roles ", [](auto& f) { f["issuers"][0]["roles"].push_back("aproval"); }},
      {"issuers[0].roles ", [](auto& f) { f["issuers"][0]["roles"].push_back("access_token"); }},
      {"issuers[2].roles ", [](auto& f) { f["issuers"][2]["roles"].push_back("access_token"); }},
      {"issuers[0].datasets ", [](auto& f) { f["issuers"][0]["datasets"] = ".*"; }},
      {"issuers[0].datasets ", [](auto& f) { f["issuers"][0]["datasets"] = "^https://data.1mg.example/datasets/.+$"; }},
      {"issuers[3].jku ", [](auto& f) { f["issuers"][3]["roles"] = {"visa:ResearcherStatus"}; }},
      {"issuers[0].jku issuers[0].sources ", [](auto& f) { f["issuers"][0]["roles"] = {"visa:ControlledAccessGrants"}; }},
      {"issuers[1].jwks ", [](auto& f) { f["issuers"][1]["jwks"] = f["issuers"][0]["jwks"]; }},
      {"issuers[3].sub_namespace ", [](auto& f) { f["issuers"][3].erase("sub_namespace"); }},
      {"issuers[3].iss ", [](auto& f) { f["issuers"][3]["iss"] = "login"; }},
  };
  for (const auto& c : cases) {
    auto file = good;
    c.change(file);
    EXPECT_EQ(Paths(file), c.path);
  }
}

}  // namespace
}  // namespace genofed::auth
