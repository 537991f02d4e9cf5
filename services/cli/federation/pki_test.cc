// SPDX-License-Identifier: Apache-2.0
// Judged by the openssl command, not by the library that made the certificates.
#include "services/cli/federation/pki.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <vector>

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
  clock_.now += std::chrono::minutes(34);  // 21 of 60 minutes are left, for it began 5 minutes before it was made
  ASSERT_TRUE(fi.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  EXPECT_EQ(ReadFile(dir_ / "consent.pem").value(), first);
  clock_.now += std::chrono::minutes(2);  // and 19
  ASSERT_TRUE(fi.Issue("consent", dir_ / "consent.pem", dir_ / "consent.key").ok());
  EXPECT_NE(ReadFile(dir_ / "consent.pem").value(), first);
  clock_.now += std::chrono::hours(24 * 340);
  EXPECT_NE(Authority("fi").certificate_pem(), first_ca);
}

TEST_F(PkiTest, WorkloadCertificatesLastAnHourAndNoLongerThanAsked) {
  auto fi = Authority("fi");
  const auto certificate = dir_ / "consent.pem", key = dir_ / "consent.key";
  auto life = [&] {
    auto seconds = [&](const std::string& which) {
      return "$(date +%s -d \"$(openssl x509 -noout -" + which + " -in " + certificate.string() + " | cut -d= -f2)\")";
    };
    return Shell("echo $((" + seconds("enddate") + " - " + seconds("startdate") + "))");
  };
  ASSERT_TRUE(fi.Issue("consent", certificate, key).ok());
  EXPECT_EQ(life(), "3600\n");
  ASSERT_TRUE(fi.Issue("consent", certificate, key, std::chrono::seconds(20)).ok());
  EXPECT_EQ(life(), "20\n") << "one that lasts longer than asked for is replaced";
}

TEST_F(PkiTest, ThePairChangesInOneStep) {
  namespace fs = std::filesystem;
  auto fi = Authority("fi");
  const auto certificate = dir_ / "consent.pem", key = dir_ / "consent.key";
  // Two plain files, as they were before: they become links.
  ASSERT_TRUE(WriteFileAtomically(certificate, "old").ok());
  ASSERT_TRUE(WriteFileAtomically(key, "old", 0600).ok());
  std::vector<fs::path> generations;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(fi.Issue("consent", certificate, key).ok());
    clock_.now += std::chrono::minutes(50);
    const fs::path real = fs::canonical(certificate);
    EXPECT_EQ(real.parent_path(), fs::canonical(key).parent_path());
    EXPECT_EQ(fs::read_symlink(certificate), fs::path(".pairs/consent.pem/current/consent.pem"));
    EXPECT_EQ(fs::read_symlink(key), fs::path(".pairs/consent.pem/current/consent.key"));
    EXPECT_EQ(Shell("openssl x509 -pubkey -noout -in " + certificate.string()),
              Shell("openssl pkey -pubout -in " + key.string()));
    EXPECT_EQ(Mode(key), 0600U);
    generations.push_back(real.parent_path());
  }
  EXPECT_NE(generations[2], generations[3]);
  // The one before stays for readers that are between the two files; older ones go.
  EXPECT_TRUE(fs::exists(generations[2]));
  EXPECT_FALSE(fs::exists(generations[1]));
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
