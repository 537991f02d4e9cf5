// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/key.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/signer.h"

namespace genofed::crypto {
namespace {

// RFC 7515 appendix A.3.
constexpr std::string_view kEcJwk =
    R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
constexpr std::string_view kEcInput =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
    "Ijp0cnVlfQ";
constexpr std::string_view kEcSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

// RFC 7515 appendix A.2.
constexpr std::string_view kRsaN =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"
    "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2"
    "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD"
    "TW9gb54h4FRWyuXpoQ";
constexpr std::string_view kRsaInput =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
    "Ijp0cnVlfQ";
constexpr std::string_view kRsaSignature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d"
    "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
    "cN_IoypGlUPQGe77Rw";

std::string RsaJwk(std::string_view n, std::string_view e) {
  return fmt::format(R"({{"kty":"RSA","n":"{}","e":"{}"}})", n, e);
}

TEST(PublicKey, VerifiesTheEs256ExampleOfRfc7515) {
  const auto key = PublicKey::FromJwk(kEcJwk);
  ASSERT_TRUE(key.ok()) << Describe(key.status());
  EXPECT_EQ(key->algorithm(), Algorithm::kEs256);
  const std::string signature = *Base64UrlDecode(kEcSignature);
  EXPECT_TRUE(key->Verify(kEcInput, signature));
  EXPECT_FALSE(key->Verify(std::string(kEcInput) + "x", signature));
}

TEST(PublicKey, VerifiesTheRs256ExampleOfRfc7515) {
  const auto key = PublicKey::FromJwk(RsaJwk(kRsaN, "AQAB"));
  ASSERT_TRUE(key.ok()) << Describe(key.status());
  EXPECT_EQ(key->algorithm(), Algorithm::kRs256);
  const std::string signature = *Base64UrlDecode(kRsaSignature);
  EXPECT_TRUE(key->Verify(kRsaInput, signature));
  EXPECT_FALSE(key->Verify(kRsaInput, signature.substr(1)));
  EXPECT_FALSE(key->Verify(kRsaInput, '\0' + signature));
}

TEST(PublicKey, RefusesEverySignatureWithOneChangedByte) {
  const auto key = PublicKey::FromJwk(kEcJwk);
  ASSERT_TRUE(key.ok());
  const std::string good = *Base64UrlDecode(kEcSignature);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(key->Verify(kEcInput, bad)) << i;
  }
  for (const auto& bad : {std::string(), std::string(64, '\0'), std::string(64, '\xff'), good + '\0'}) {
    EXPECT_FALSE(key->Verify(kEcInput, bad));
  }
}

// RFC 7638 section 3.1.
TEST(PublicKey, ThumbprintIsThatOfRfc7638) {
  const auto key = PublicKey::FromJwk(RsaJwk(
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
      "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
      "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
      "kEgU8awapJzKnqDKgw",
      "AQAB"));
  ASSERT_TRUE(key.ok()) << Describe(key.status());
  EXPECT_EQ(key->thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(key->kid(), key->thumbprint());
}

struct BadJwk {
  const char* name;
  std::function<void(nlohmann::json&)> change;
  const char* reason;
};

TEST(PublicKey, RefusesUnsuitableJwks) {
  const BadJwk cases[] = {
      {"no type", [](auto& j) { j.erase("kty"); }, "JWK_INVALID"},
      {"symmetric", [](auto& j) { j = {{"kty", "oct"}, {"k", "AAAA"}}; }, "JWK_INVALID"},
      {"private", [](auto& j) { j["d"] = "AAAA"; }, "JWK_INVALID"},
      {"other type", [](auto& j) { j["kty"] = "OKP"; }, "JWK_UNSUPPORTED"},
      {"other curve", [](auto& j) { j["crv"] = "P-384"; }, "JWK_UNSUPPORTED"},
      {"no x", [](auto& j) { j.erase("x"); }, "JWK_INVALID"},
      {"short x", [](auto& j) { j["x"] = "AAAA"; }, "JWK_INVALID"},
      {"padded x", [](auto& j) { j["x"] = j["x"].template get<std::string>() + "="; }, "JWK_INVALID"},
      {"number for x", [](auto& j) { j["x"] = 7; }, "JWK_INVALID"},
      {"off the curve", [](auto& j) { j["x"] = j["y"]; }, "JWK_INVALID"},
      {"zero point",
       [](auto& j) { j["x"] = j["y"] = Base64UrlEncode(std::string(32, '\0')); }, "JWK_INVALID"},
      {"for encryption", [](auto& j) { j["use"] = "enc"; }, "JWK_UNSUPPORTED"},
      {"other algorithm", [](auto& j) { j["alg"] = "RS256"; }, "JWK_UNSUPPORTED"},
      {"HMAC", [](auto& j) { j["alg"] = "HS256"; }, "JWK_UNSUPPORTED"},
      {"operations", [](auto& j) { j["key_ops"] = {"encrypt"}; }, "JWK_UNSUPPORTED"},
      {"long kid", [](auto& j) { j["kid"] = std::string(257, 'k'); }, "JWK_INVALID"},
      {"array", [](auto& j) { j = nlohmann::json::array(); }, "JWK_INVALID"},
  };
  for (const auto& c : cases) {
    nlohmann::json jwk = nlohmann::json::parse(kEcJwk);
    c.change(jwk);
    const auto key = PublicKey::FromJwk(jwk.dump());
    ASSERT_FALSE(key.ok()) << c.name;
    EXPECT_EQ(Reason(key.status()), c.reason) << c.name;
  }
  EXPECT_FALSE(PublicKey::FromJwk("").ok());
  EXPECT_FALSE(PublicKey::FromJwk(R"({"kty":"EC","kty":"EC"})").ok());
}

TEST(PublicKey, RefusesWeakRsa) {
  const std::string n = *Base64UrlDecode(kRsaN);
  EXPECT_EQ(Reason(PublicKey::FromJwk(RsaJwk(Base64UrlEncode(n.substr(0, 128)), "AQAB")).status()),
            "JWK_UNSUPPORTED");
  EXPECT_FALSE(PublicKey::FromJwk(RsaJwk(Base64UrlEncode(n.substr(1)), "AQAB")).ok());
  EXPECT_FALSE(PublicKey::FromJwk(RsaJwk(Base64UrlEncode('\0' + n), "AQAB")).ok());
  EXPECT_FALSE(PublicKey::FromJwk(RsaJwk(kRsaN, "AQ")).ok());    // 1
  EXPECT_FALSE(PublicKey::FromJwk(RsaJwk(kRsaN, "Aw")).ok());    // 3
  EXPECT_FALSE(PublicKey::FromJwk(RsaJwk(kRsaN, "AQAA")).ok());  // even
}

TEST(SigningKey, SurvivesPemAndPublishesOnlyThePublicPart) {
  const auto key = SigningKey::Generate();
  ASSERT_TRUE(key.ok());
  const auto again = SigningKey::FromPem(key->ToPem());
  ASSERT_TRUE(again.ok()) << Describe(again.status());
  EXPECT_EQ(again->kid(), key->kid());
  const std::string signature = again->Sign("data");
  EXPECT_EQ(signature.size(), 64U);

  const std::string jwk = key->public_key().Jwk();
  EXPECT_EQ(jwk.find("\"d\""), std::string::npos);
  const auto public_key = PublicKey::FromJwk(jwk);
  ASSERT_TRUE(public_key.ok()) << Describe(public_key.status());
  EXPECT_EQ(public_key->kid(), key->kid());
  EXPECT_TRUE(public_key->Verify("data", signature));
  EXPECT_FALSE(SigningKey::Generate()->public_key().Verify("data", signature));
}

TEST(SigningKey, RefusesOtherPem) {
  EXPECT_FALSE(SigningKey::FromPem("").ok());
  EXPECT_FALSE(SigningKey::FromPem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").ok());
  EXPECT_FALSE(SigningKey::FromPem(Ed25519Key::Generate()->ToPem()).ok());
  EXPECT_FALSE(SigningKey::FromPem(std::string(1 << 20, 'x')).ok());
}

struct Ed25519Case {
  std::string_view seed;
  std::string_view public_key;
  std::string_view message;
  std::string_view signature;
};

// RFC 8032 section 7.1, tests 1 and 2.
TEST(Ed25519, KnownAnswers) {
  const Ed25519Case cases[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
       "d25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
       "387b2eaeb4302aeeb00d291612bb0c00"},
  };
  for (const auto& c : cases) {
    const auto key = Ed25519Key::FromSeed(*HexDecode(c.seed));
    ASSERT_TRUE(key.ok());
    EXPECT_EQ(HexEncode(key->public_key().raw()), c.public_key);
    const std::string message = c.message.empty() ? std::string() : *HexDecode(c.message);
    EXPECT_EQ(HexEncode(key->Sign(message)), c.signature);
    EXPECT_TRUE(key->public_key().Verify(message, *HexDecode(c.signature)));
    EXPECT_FALSE(key->public_key().Verify(message + "x", *HexDecode(c.signature)));
    const auto again = Ed25519Key::FromPem(key->ToPem());
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->public_key().raw(), key->public_key().raw());
  }
  EXPECT_FALSE(Ed25519Key::FromSeed("short").ok());
  EXPECT_FALSE(Ed25519PublicKey::FromRaw(std::string(31, 'x')).ok());
  EXPECT_FALSE(Ed25519Key::FromPem(SigningKey::Generate()->ToPem()).ok());
}

TEST(FileSigner, RefusesAKeyFileThatOthersMayRead) {
  const auto path = std::filesystem::temp_directory_path() / "genofed_file_signer_test.pem";
  const auto key = SigningKey::Generate();
  ASSERT_TRUE(WriteFileAtomically(path, key->ToPem(), 0644).ok());
  EXPECT_EQ(Reason(FileSigner::Open(path).status()), "KEY_FILE_EXPOSED");
  ASSERT_TRUE(WriteFileAtomically(path, key->ToPem(), 0600).ok());
  const auto signer = FileSigner::Open(path);
  ASSERT_TRUE(signer.ok()) << Describe(signer.status());
  EXPECT_EQ((*signer)->public_key().kid(), key->kid());
  ASSERT_TRUE(WriteFileAtomically(path, "no key", 0600).ok());
  EXPECT_EQ(Reason(FileSigner::Open(path).status()), "KEY_INVALID");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace genofed::crypto
