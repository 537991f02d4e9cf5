// SPDX-License-Identifier: Apache-2.0
//
// Access tokens in the shape that other OpenID providers document (docs/operations/login.md), with a key made here: what
// the platform does with them. It does not show that a provider, as somebody configured it, issues such tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <functional>
#include <memory>

#include "libs/auth/access_token.h"
#include "libs/auth/testing_authority.h"
#include "libs/core/strings.h"

namespace genofed::auth {
namespace {

using testing::ElementsAre;
using Json = nlohmann::json;

// Both providers sign with RS256, which genofed itself only verifies.
class RsaKey {
 public:
  RsaKey() : key_(EVP_RSA_gen(2048), &EVP_PKEY_free) { GF_CHECK(key_ != nullptr); }

  Json Jwk(const std::string& kid) const {
    return {{"kty", "RSA"}, {"kid", kid}, {"use", "sig"}, {"alg", "RS256"}, {"n", Number(OSSL_PKEY_PARAM_RSA_N)},
            {"e", Number(OSSL_PKEY_PARAM_RSA_E)}};
  }
  std::string Sign(const Json& header, const Json& claims) const {
    const std::string input = Base64UrlEncode(header.dump()) + "." + Base64UrlEncode(claims.dump());
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::string signature(256, '\0');
    std::size_t size = signature.size();
    GF_CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
    GF_CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                            reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1);
    return input + "." + Base64UrlEncode(signature);
  }

 private:
  std::string Number(const char* name) const {
    BIGNUM* number = nullptr;
    GF_CHECK(EVP_PKEY_get_bn_param(key_.get(), name, &number) == 1);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
    BN_free(number);
    return Base64UrlEncode(bytes);
  }
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

class ProviderShapesTest : public testing::Test {
 protected:
  // Exactly the trust-file entry of the guide, with the members it says to fill in.
  AccessTokenVerifier Verifier(const std::string& iss, const std::string& kid) {
    Json entry = {{"iss", iss}, {"roles", {"access_token"}}, {"person_identifiers", false}};
    // Keycloak publishes its encryption key, too; it is listed as ignored.
    Json encryption = rsa_.Jwk("enc");
    encryption["use"] = "enc";
    encryption["alg"] = "RSA-OAEP";
    entry["jwks"]["keys"] = {rsa_.Jwk(kid), encryption};
    auto trust = TrustStore::FromJson(Json{{"issuers", {entry}}}.dump());
    EXPECT_TRUE(trust.ok()) << Describe(trust.status());
    EXPECT_EQ(trust->ignored().size(), 1U);
    trust_ = std::make_unique<FixedTrust>(*trust);
    return AccessTokenVerifier(*trust_, clock_, "urn:genofed:site:fi", {{iss, kSubject, {"researcher"}}});
  }

  static constexpr char kSubject[] = "f:8e0a1bb1-5ef3-43b8-8a4b-6f8e6c0f1d11:alice";
  RsaKey rsa_;
  FixedClock clock_;
  std::unique_ptr<FixedTrust> trust_;
};

// Keycloak 22 and later: typ JWT, RS256, audiences from client scopes, azp, and claims of its own.
TEST_F(ProviderShapesTest, Keycloak) {
  const std::string iss = "https://login.example/realms/genomics";
  const auto verifier = Verifier(iss, "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE");
  const Json header = {{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE"}};
  const Json claims = {{"exp", kNow + 300},
                       {"iat", kNow},
                       {"auth_time", kNow - 5},
                       {"jti", "ofrtac:3b8a1a4e-6a75-4c31-ae0e-3ac3e3c81a2b"},
                       {"iss", iss},
                       {"aud", {"urn:genofed:site:fi", "account"}},
                       {"sub", kSubject},
                       {"typ", "Bearer"},
                       {"azp", "genofed-fi"},
                       {"sid", "2d3b2f3c-55a4-4a1f-b7b8-0b6d4b8a0d6c"},
                       {"acr", "1"},
                       {"allowed-origins", {"https://fi.example"}},
                       {"realm_access", {{"roles", {"offline_access", "operator", "uma_authorization"}}}},
                       {"resource_access", {{"account", {{"roles", {"manage-account", "view-profile"}}}}}},
                       {"scope", "openid email profile"},
                       {"email_verified", true},
                       {"name", "Alice Aalto"},
                       {"organisation", "University of Helsinki"},
                       {"preferred_username", "alice"},
                       {"given_name", "Alice"},
                       {"family_name", "Aalto"},
                       {"email", "alice@example.org"}};
  Refusal why;
  const auto user = verifier.Verify(rsa_.Sign(header, claims), &why);
  ASSERT_TRUE(user.ok()) << why.check << ": " << why.detail;
  EXPECT_EQ(user->subject, kSubject);
  EXPECT_EQ(user->name, "Alice Aalto");
  EXPECT_EQ(user->organisation, "University of Helsinki");
  EXPECT_THAT(user->roles, ElementsAre("user", "researcher"));  // not those of the realm
  EXPECT_EQ(user->token_id, "ofrtac:3b8a1a4e-6a75-4c31-ae0e-3ac3e3c81a2b");
  EXPECT_TRUE(user->token_key.empty());

  // Without the audience mapper Keycloak names only "account".
  Json without = claims;
  without["aud"] = "account";
  EXPECT_FALSE(verifier.Verify(rsa_.Sign(header, without), &why).ok());
  EXPECT_EQ(why.check, "AUDIENCE_MISMATCH");
  // "Use at+jwt as access token header type" in the client's settings.
  Json at_header = header;
  at_header["typ"] = "at+jwt";
  EXPECT_TRUE(verifier.Verify(rsa_.Sign(at_header, claims)).ok());
  // A token bound to a key (DPoP).
  Json bound = claims;
  bound["typ"] = "DPoP";
  bound["cnf"] = {{"jkt", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}};
  const auto bound_user = verifier.Verify(rsa_.Sign(header, bound));
  ASSERT_TRUE(bound_user.ok());
  EXPECT_EQ(bound_user->token_key, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

// LifeScience AAI follows GA4GH AAI 1.2: at+jwt, RS256, and scopes that decide what userinfo gives; no name in the token.
TEST_F(ProviderShapesTest, LifeScienceAai) {
  const std::string iss = "https://login.aai.lifescience-ri.eu/oidc/";
  const auto verifier = Verifier(iss, "rsa1");
  const Json header = {{"alg", "RS256"}, {"typ", "at+jwt"}, {"kid", "rsa1"},
                       {"jku", "https://login.aai.lifescience-ri.eu/oidc/jwk"}};
  const Json claims = {{"iss", iss},
                       {"sub", kSubject},
                       {"aud", {"urn:genofed:site:fi"}},
                       {"azp", "7a1f5a0e-7b43-4f04-9a35-7c2ed0b1e7a1"},
                       {"client_id", "7a1f5a0e-7b43-4f04-9a35-7c2ed0b1e7a1"},
                       {"scope", "openid profile ga4gh_passport_v1"},
                       {"iat", kNow},
                       {"auth_time", kNow},
                       {"exp", kNow + 14400},
                       {"jti", "5b2d7a70-2d64-4d1e-9f0a-3ac3e3c81a2b"}};
  Refusal why;
  // A token that names a jku needs the same one in the trust file.
  EXPECT_FALSE(verifier.Verify(rsa_.Sign(header, claims), &why).ok());
  EXPECT_EQ(why.check, "JKU_MISMATCH");
  Json plain = header;
  plain.erase("jku");
  const auto user = verifier.Verify(rsa_.Sign(plain, claims), &why);
  ASSERT_TRUE(user.ok()) << why.check << ": " << why.detail;
  EXPECT_THAT(user->roles, ElementsAre("user", "researcher"));
  EXPECT_EQ(user->name, "");
  // The issuer is compared letter by letter: the slash at its end counts.
  Json slash = claims;
  slash["iss"] = "https://login.aai.lifescience-ri.eu/oidc";
  EXPECT_FALSE(verifier.Verify(rsa_.Sign(plain, slash), &why).ok());
  EXPECT_EQ(why.check, "ISSUER_UNKNOWN");
  // Without a resource indicator the audience is the client.
  Json client = claims;
  client["aud"] = "7a1f5a0e-7b43-4f04-9a35-7c2ed0b1e7a1";
  EXPECT_FALSE(verifier.Verify(rsa_.Sign(plain, client), &why).ok());
  EXPECT_EQ(why.check, "AUDIENCE_MISMATCH");
}

}  // namespace
}  // namespace genofed::auth
