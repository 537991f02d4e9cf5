// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/certificate.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/rpc/test_certificates.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::rpc {
namespace {

// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=consent -days 3650
//   -addext subjectAltName=URI:spiffe://fi.1mg.example/sa/consent
constexpr char kPem[] = R"(-----BEGIN CERTIFICATE-----
MIIBqjCCAVCgAwIBAgIUDoBmtkzdXhssrekz6LpQym4U8UkwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHY29uc2VudDAeFw0yNjExMjgxMzMwNDNaFw0zNjExMjUxMzMw
NDNaMBIxEDAOBgNVBAMMB2NvbnNlbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AASGHce3XyJFRD3ajh9Pq9aqYT+vaDmdUQha5ASy8oYhA5edeSMwoNZoChhgSTUJ
xn8XTN6redqVZnRlj7tuauVGo4GDMIGAMB0GA1UdDgQWBBQ8rrxFIetfdhpprnyY
dukeq5imMjAfBgNVHSMEGDAWgBQ8rrxFIetfdhpprnyYdukeq5imMjAPBgNVHRMB
Af8EBTADAQH/MC0GA1UdEQQmMCSGInNwaWZmZTovL2ZpLjFtZy5leGFtcGxlL3Nh
L2NvbnNlbnQwCgYIKoZIzj0EAwIDSAAwRQIhAKF+0Pw3NI1jIZO5o/8+tbP5d86t
QO3O3n2LfeDywL6kAiBfJIBnGty4/9CLrCLQCbgOZb0xFYqH/pgCQL3jTHdM8A==
-----END CERTIFICATE-----
)";
// openssl x509 -outform DER | sha256sum
constexpr char kSha256[] = "c4bf0625c071d24e6081df300935142ee708904d2dcc9a55bb7f36883613ec16";

TEST(Certificate, ThumbprintIsThatOfOpenssl) {
  const auto thumbprint = CertificateSha256(kPem);
  ASSERT_THAT(thumbprint, testing::IsOk());
  EXPECT_EQ(HexEncode(*Base64UrlDecode(*thumbprint)), kSha256);
  EXPECT_EQ(thumbprint->size(), 43u) << "no padding";
  // Of a chain the leaf counts, which comes first; text around it does not.
  EXPECT_EQ(*CertificateSha256("subject=consent\n" + std::string(kPem) + kPem), *thumbprint);
}

TEST(Certificate, WhatIsNoCertificateHasNoThumbprint) {
  const std::string pem = kPem;
  for (const std::string& text :
       {std::string(), std::string("x"), pem.substr(0, 200), "-----BEGIN CERTIFICATE-----\n" + pem,
        std::string("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")}) {
    EXPECT_THAT(CertificateSha256(text), testing::HasReason("CERTIFICATE_INVALID")) << text;
  }
}

TEST(Certificate, KnowsItsLife) {
  const testing::TemporaryDirectory directory;
  ASSERT_THAT(WriteFileAtomically(directory / "c.pem", kPem), testing::IsOk());
  EXPECT_EQ(*CertificateLifetime(directory / "c.pem"), std::chrono::hours(24) * 3650);
  EXPECT_FALSE(CertificateLifetime(directory / "none.pem").ok());
}

TEST(CertificateWatch, FollowsAPairAndNothingHalf) {
  const testing::TemporaryDirectory directory;
  TestAuthority authority(directory.path(), "fi");
  const TlsFiles one = authority.Issue("spe"), two = authority.Issue("dispatcher");
  const TlsFiles files{directory / "c.pem", directory / "c.key", ""};
  auto copy = [](const std::string& from, const std::string& to) {
    ASSERT_THAT(WriteFileAtomically(to, *ReadFile(from)), testing::IsOk());
  };
  auto thumbprint = [](const TlsFiles& of) {
    return *CertificateSha256(*ReadFile(of.certificate_file));
  };
  // Each watch has looked at nothing yet, so none waits for the next second.
  EXPECT_EQ(CertificateWatch(files).Sha256(), "");
  copy(one.certificate_file, files.certificate_file);
  EXPECT_EQ(CertificateWatch(files).Sha256(), "");
  copy(two.private_key_file, files.private_key_file);
  EXPECT_EQ(CertificateWatch(files).Sha256(), "") << "another certificate's key";
  copy(one.private_key_file, files.private_key_file);
  CertificateWatch::Steady now;
  CertificateWatch watch(files, [&now] { return now; });
  EXPECT_EQ(watch.Sha256(), thumbprint(one));
  copy(two.private_key_file, files.private_key_file);
  now += std::chrono::seconds(1);
  EXPECT_EQ(watch.Sha256(), thumbprint(one)) << "the certificate is still to come";
  copy(two.certificate_file, files.certificate_file);
  EXPECT_EQ(watch.Sha256(), thumbprint(one)) << "looks once a second";
  now += std::chrono::seconds(1);
  EXPECT_EQ(watch.Sha256(), thumbprint(two));
}

}  // namespace
}  // namespace genofed::rpc
