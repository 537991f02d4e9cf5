// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/trust.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#include "libs/auth/approval.h"
#include "libs/auth/testing_authority.h"
#include "libs/core/file.h"

namespace genofed::auth {
namespace {

TEST(TrustStore, ReadsIssuersAndFindsKeysByIssuerAndKeyId) {
  const TestFederation federation;
  const TrustStore trust = federation.Trust();
  const TrustedIssuer* fi = trust.Find("https://dac.fi.example");
  ASSERT_NE(fi, nullptr);
  EXPECT_EQ(fi->country, "fi");
  EXPECT_TRUE(fi->HasRole("approval"));
  EXPECT_FALSE(fi->HasRole("access_token"));
  EXPECT_TRUE(fi->MaySpeakFor("https://data.example/datasets/FI-1"));
  EXPECT_FALSE(fi->MaySpeakFor("https://data.example/datasets/ES-1"));
  EXPECT_FALSE(fi->MaySpeakFor("https://data.example/datasets/FI-1\n"));
  EXPECT_FALSE(fi->MaySpeakFor("https://data.example/datasets/FI-" + std::string(300, '1')));
  EXPECT_FALSE(trust.Find("https://hub.example")->MaySpeakFor("https://data.example/datasets/FI-1"));
  EXPECT_EQ(trust.Find("https://dac.fi.example/"), nullptr);

  const std::string kid = federation.fi.signer.public_key().kid();
  EXPECT_TRUE(trust.FindKey({.issuer = "https://dac.fi.example", .kid = kid, .jku = ""}).ok());
  const auto why = [&](std::string_view iss, std::string_view id, std::string_view jku) {
    return Reason(trust.FindKey({.issuer = iss, .kid = id, .jku = jku}).status());
  };
  EXPECT_EQ(why("https://nobody.example", kid, ""), "ISSUER_UNKNOWN");
  EXPECT_EQ(why("https://dac.es.example", kid, ""), "KEY_UNKNOWN");
  EXPECT_EQ(why("https://dac.fi.example", kid, "https://evil.example/jwks"), "JKU_MISMATCH");
  EXPECT_EQ(Reason(TrustStore().FindKey({.issuer = "https://dac.fi.example", .kid = kid, .jku = ""}).status()),
            "ISSUER_UNKNOWN");
}

struct BadFile {
  const char* path;  // the message starts with it
  std::function<void(nlohmann::json&)> change;
};

TEST(TrustStore, NamesThePathOfWhatIsWrong) {
  const BadFile cases[] = {
      {"issuers:", [](auto& f) { f.erase("issuers"); }},
      {"issuers:", [](auto& f) { f["issuers"] = nlohmann::json::object(); }},
      {"issuers[1]:", [](auto& f) { f["issuers"][1] = 7; }},
      {"issuers[0].iss:", [](auto& f) { f["issuers"][0].erase("iss"); }},
      {"issuers[1].iss:", [](auto& f) { f["issuers"][1]["iss"] = f["issuers"][0]["iss"]; }},
      {"issuers[2].roles:", [](auto& f) { f["issuers"][2]["roles"] = nlohmann::json::array(); }},
      {"issuers[2].roles[1]:", [](auto& f) { f["issuers"][2]["roles"] = {"service", 7}; }},
      {"issuers[0].country:", [](auto& f) { f["issuers"][0].erase("country"); }},
      {"issuers[0].country:", [](auto& f) { f["issuers"][0]["country"] = "FIN"; }},
      {"issuers[0].datasets:", [](auto& f) { f["issuers"][0].erase("datasets"); }},
      {"issuers[0].datasets:", [](auto& f) { f["issuers"][0]["datasets"] = "("; }},
      {"issuers[3].person_identifiers:", [](auto& f) { f["issuers"][3]["person_identifiers"] = "no"; }},
      {"issuers[3].jwks:", [](auto& f) { f["issuers"][3].erase("jwks"); }},
      {"issuers[3].jwks:", [](auto& f) { f["issuers"][3]["jwks"]["keys"] = nlohmann::json::array(); }},
      {"issuers[3].jwks:", [](auto& f) { f["issuers"][3]["jwks"]["keys"][0]["use"] = "enc"; }},
      {"issuers[3].jwks.keys[0]:", [](auto& f) { f["issuers"][3]["jwks"]["keys"][0]["x"] = "AA"; }},
      {"issuers[3].jwks.keys[1].kid:",
       [](auto& f) { f["issuers"][3]["jwks"]["keys"].push_back(nlohmann::json(f["issuers"][3]["jwks"]["keys"][0])); }},
      {"revoked_jti[0]:", [](auto& f) { f["revoked_jti"] = {7}; }},
      {"limits.skew_s:", [](auto& f) { f["limits"]["skew_s"] = 3600; }},
      {"limits.approval_max_ttl_s:", [](auto& f) { f["limits"]["approval_max_ttl_s"] = "1d"; }},
  };
  for (const auto& c : cases) {
    nlohmann::json file = TestFederation().File();
    c.change(file);
    const auto trust = TrustStore::FromJson(file.dump());
    ASSERT_FALSE(trust.ok()) << c.path;
    EXPECT_EQ(Reason(trust.status()), "TRUST_FILE_INVALID") << c.path;
    EXPECT_EQ(Message(trust.status()).rfind(c.path, 0), 0U) << c.path << " / " << Message(trust.status());
  }
  EXPECT_EQ(Reason(TrustStore::FromJson(R"({"issuers":[],"issuers":[]})").status()), "JSON_DUPLICATE_NAME");
  EXPECT_FALSE(TrustStore::Load("/nonexistent/trust.json").ok());
}

// The interchange file of the project: its keys of other kinds are set aside, its approvals are accepted.
TEST(TrustStore, ReadsTheInterchangeFileAndAcceptsItsApprovals) {
  const char* shared = std::getenv("GENOFED_SHARED_DIR");
  if (shared == nullptr || *shared == '\0') GTEST_SKIP() << "needs GENOFED_SHARED_DIR: specs/trust";
  const std::filesystem::path folder = std::filesystem::path(shared) / "specs/trust";
  const auto trust = TrustStore::Load(folder / "trust.json");
  ASSERT_TRUE(trust.ok()) << Describe(trust.status());
  EXPECT_EQ(trust->issuers().size(), 7U);
  EXPECT_EQ(trust->ignored().size(), 4U);  // for encryption, P-384, Ed25519, RSA 1024
  EXPECT_TRUE(trust->IsRevokedApplication("APP-1999"));

  const auto request = nlohmann::json::parse(*ReadFile(folder / "trust.json")).at("request");
  FixedClock clock;
  clock.now = FromUnixSeconds(request.at("now"));
  const ApprovalExpectation expected = {.audience = request.at("audience"),
                                        .country = request.at("country"),
                                        .subject = request.at("subject"),
                                        .application = request.at("application"),
                                        .datasets = {request.at("dataset")},
                                        .subject_issuer = "https://login.aai.example/oidc/",
                                        .application_sha256 = request.at("application_sha256"),
                                        .dua_sha256 = {},
                                        .purpose = {},
                                        .client_certificate_sha256 = request.at("client_x5t_s256")};
  int approvals = 0;
  int visas = 0;
  std::istringstream lines(*ReadFile(folder / "accepted.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    const std::string token = entry.at("token");
    Refusal why;
    const auto approval = VerifyApproval(*trust, clock, token, expected, &why);
    if (entry.at("kind") == "approval") {
      ++approvals;
      EXPECT_TRUE(approval.ok()) << entry.at("name") << " " << why.check;
      continue;
    }
    EXPECT_FALSE(approval.ok()) << entry.at("name");
    EXPECT_EQ(why.check, "TYPE_MISMATCH") << entry.at("name");
    // ES256 and RS256 signatures made by another implementation.
    if (entry.at("kind") != "visa" || entry.at("name") == "good_visa_no_typ") continue;
    ++visas;
    const auto visa = crypto::VerifyJws(token, {.types = {"vnd.ga4gh.visa+jwt", "JWT"}},
                                        [&](const crypto::KeyQuery& query) { return trust->FindKey(query); });
    EXPECT_TRUE(visa.ok()) << entry.at("name") << " " << Describe(visa.status());
  }
  EXPECT_GE(approvals, 2);
  EXPECT_GE(visas, 5);
}

}  // namespace
}  // namespace genofed::auth
