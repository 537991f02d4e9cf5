// SPDX-License-Identifier: Apache-2.0
// Judged by the openssl command, not by the library that made the certificates.
#include "services/cli/federation/pki.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>

#include "libs/core/file.h"
#include "services/cli/federation/secrets.h"
#include "services/cli/federation/test_support.h"

namespace genofed::federation {
namespace {

using ::testing::HasSubstr;

constexpr char kDomain[] = "1mg.example";

struct FixedClock final : Clock {
  Time now = SystemClock().Now();
  Time Now() const override { return now; }
};

std::string Shell(const std::string& command) {
  std::string output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer;
  while (pipe != nullptr && fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) {
    output += buffer.data();
  }
  if (pipe != nullptr) pclose(pipe);
  return output;
}

class PkiTest : public ::testing::Test {
 protected:
  SiteAuthority Authority(const std::string& site) {
    auto authority = SiteAuthority::Open(site, kDomain, dir_ / (site + ".ca"), dir_ / (site + ".cakey"), clock_);
    GF_CHECK(authority.ok());
    return std::move(authority).value();
  }
  // What `openssl verify` says about a certificate when only that site's CA is trusted.
  std::string Verify(const std::string& site, const std::string& name, const std::string& purpose) {
    return Shell("openssl verify -x509_strict -purpose " + purpose + " -CAfile " + (dir_ / (site + ".ca")).string() +
                 " " + (dir_ / name).string());
  }
  static unsigned Mode(const std::filesystem::path& path) {
    struct stat info {};
    stat(path.c_str(), &info);
    return info.st_mode & 0777U;
  }

  FixedClock clock_;
  TestDirectory dir_;
};

TEST_F(PkiTest, WorkloadCertificateVerifiesForClientAndServer) {
  auto fi = Authority("fi");
  ASSERT_TRUE(fi.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  EXPECT_THAT(Verify("fi", "consent.pem", "sslserver"), HasSubstr("OK"));
  EXPECT_THAT(Verify("fi", "consent.pem", "sslclient"), HasSubstr("OK"));
  std::string text = Shell("openssl x509 -noout -ext subjectAltName,extendedKeyUsage -in " +
                           (dir_ / "consent.pem").string());
  EXPECT_THAT(text, HasSubstr("URI:spiffe://fi.1mg.example/sa/consent"));
  EXPECT_THAT(text, HasSubstr("DNS:localhost, IP Address:127.0.0.1"));
  EXPECT_THAT(text, HasSubstr("TLS Web Server Authentication, TLS Web Client Authentication"));
}

TEST_F(PkiTest, AuthorityIsBoundToItsSiteByACriticalConstraint) {
  Authority("fi");
  std::string text = Shell("openssl x509 -noout -text -in " + (dir_ / "fi.ca").string());
  EXPECT_THAT(text, HasSubstr("X509v3 Name Constraints: critical"));
  EXPECT_THAT(text, HasSubstr("URI:fi.1mg.example"));
  EXPECT_THAT(text, HasSubstr("CA:TRUE, pathlen:0"));
}

TEST_F(PkiTest, HubAuthorityCannotMakeAWorkloadOfANode) {
  auto hub = Authority("hub");
  ASSERT_TRUE(hub.Issue("gateway", dir_ / "own.pem", dir_ / "own.key").ok());
  EXPECT_THAT(Verify("hub", "own.pem", "sslserver"), HasSubstr("OK"));
  for (const char* uri : {"spiffe://fi.1mg.example/sa/consent", "spiffe://x.hub.1mg.example/sa/consent",
                          "spiffe://1mg.example/sa/consent"}) {
    ASSERT_TRUE(hub.IssueForUri(uri, dir_ / "forged.pem", dir_ / "forged.key").ok());
    EXPECT_THAT(Verify("hub", "forged.pem", "sslserver"), HasSubstr("permitted subtree violation")) << uri;
  }
}

TEST_F(PkiTest, PrivateKeysArePrivate) {
  auto fi = Authority("fi");
  ASSERT_TRUE(fi.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  EXPECT_EQ(Mode(dir_ / "fi.cakey"), 0600U);
  EXPECT_EQ(Mode(dir_ / "consent.key"), 0600U);
}

TEST_F(PkiTest, KeepsWhatIsValidAndReplacesWhatEnds) {
  Authority("fi");
  auto first_ca = ReadFile(dir_ / "fi.ca").value();
  auto fi = Authority("fi");
  EXPECT_EQ(fi.certificate_pem(), first_ca);
  ASSERT_TRUE(fi.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  auto first = ReadFile(dir_ / "consent.pem").value();
  ASSERT_TRUE(fi.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  EXPECT_EQ(ReadFile(dir_ / "consent.pem").value(), first);
  clock_.now += std::chrono::hours(24 * 21);  // nine days before its end
  ASSERT_TRUE(fi.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  EXPECT_NE(ReadFile(dir_ / "consent.pem").value(), first);
  clock_.now += std::chrono::hours(24 * 330);
  EXPECT_NE(Authority("fi").certificate_pem(), first_ca);
}

TEST_F(PkiTest, CertificateOfAnotherAuthorityIsReplaced) {
  auto es = Authority("es");
  ASSERT_TRUE(es.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  auto fi = Authority("fi");
  ASSERT_TRUE(fi.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  EXPECT_THAT(Verify("fi", "consent.pem", "sslserver"), HasSubstr("OK"));
}

TEST_F(PkiTest, SecretsAreMadeOnceAndPrivate) {
  ASSERT_TRUE(MakePrivateDirectory(dir_ / "secrets").ok());
  EXPECT_EQ(Mode(dir_ / "secrets"), 0700U);
  SystemRandom random;
  auto secret = HexSecret(dir_ / "secrets/hmac", random);
  ASSERT_TRUE(secret.ok());
  EXPECT_EQ(secret->size(), 64U);
  EXPECT_EQ(HexSecret(dir_ / "secrets/hmac", random).value(), *secret);
  EXPECT_EQ(Mode(dir_ / "secrets/hmac"), 0600U);
  auto jwk = Es256Key(dir_ / "secrets/national.pem");
  ASSERT_TRUE(jwk.ok());
  EXPECT_THAT(*jwk, HasSubstr("\"kid\""));
  EXPECT_EQ(Es256Key(dir_ / "secrets/national.pem").value(), *jwk);
  EXPECT_THAT(Shell("openssl pkey -noout -text -in " + (dir_ / "secrets/national.pem").string()),
              HasSubstr("NIST CURVE: P-256"));
  ASSERT_TRUE(Ed25519Key(dir_ / "secrets/ledger.pem").ok());
  ASSERT_TRUE(Ed25519Key(dir_ / "secrets/ledger.pem").ok());
  EXPECT_THAT(Shell("openssl pkey -noout -text -in " + (dir_ / "secrets/ledger.pem").string()),
              HasSubstr("ED25519 Private-Key"));
  EXPECT_EQ(Mode(dir_ / "secrets/ledger.pem"), 0600U);
}

}  // namespace
}  // namespace genofed::federation
