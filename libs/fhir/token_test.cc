// SPDX-License-Identifier: Apache-2.0
#include "libs/fhir/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <fstream>

#include "libs/core/strings.h"
#include "libs/fhir/testing_server.h"
#include "libs/http/uri.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::fhir {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using test::Fhir;
using test::Field;
using test::FirstLine;
using test::json;
using test::Page;
using test::ScriptedServer;
using ::testing::HasSubstr;

struct Key {
  explicit Key(EVP_PKEY* made) : key(made) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    pem.assign(data, static_cast<std::size_t>(size));
    BIO_free(bio);
  }
  ~Key() { EVP_PKEY_free(key); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  // By OpenSSL from the parts of the token: SHA-384, and for ECDSA r||s put back into DER.
  bool Verifies(const std::string& token) const {
    const auto parts = Split(token, '.');
    std::string signature = *Base64UrlDecode(parts[2]);
    if (EVP_PKEY_is_a(key, "EC") == 1) {
      if (signature.size() != 96) return false;
      const auto* raw = reinterpret_cast<const unsigned char*>(signature.data());
      ECDSA_SIG* sig = ECDSA_SIG_new();
      ECDSA_SIG_set0(sig, BN_bin2bn(raw, 48, nullptr), BN_bin2bn(raw + 48, 48, nullptr));
      unsigned char* der = nullptr;
      const int size = i2d_ECDSA_SIG(sig, &der);
      signature.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
      OPENSSL_free(der);
      ECDSA_SIG_free(sig);
    }
    const std::string input = std::string(parts[0]) + "." + std::string(parts[1]);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, nullptr, EVP_sha384(), nullptr, key);
    const int good = EVP_DigestVerify(
        context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
        reinterpret_cast<const unsigned char*>(input.data()), input.size());
    EVP_MD_CTX_free(context);
    return good == 1;
  }

  EVP_PKEY* key;
  std::string pem;
};

json Part(const std::string& token, std::size_t i) {
  return json::parse(*Base64UrlDecode(Split(token, '.')[i]));
}

TEST(Assertion, IsSignedWithTheTwoAlgorithmsOfSmart) {
  const Key ec(EVP_EC_gen("P-384")), rsa(EVP_RSA_gen(2048));
  for (const auto& [key, algorithm] :
       {std::pair<const Key*, std::string>{&ec, "ES384"}, {&rsa, "RS384"}}) {
    const auto token = SignAssertion(key->pem, "key-1", R"({"iss":"me"})");
    ASSERT_THAT(token, IsOk());
    EXPECT_EQ(Part(*token, 0), (json{{"alg", algorithm}, {"kid", "key-1"}, {"typ", "JWT"}}));
    EXPECT_EQ(Part(*token, 1), (json{{"iss", "me"}}));
    EXPECT_TRUE(key->Verifies(*token)) << algorithm;
  }
}

TEST(Assertion, IsNotSignedWithOtherKeys) {
  const Key p256(EVP_EC_gen("P-256")), small(EVP_RSA_gen(1024));
  for (const std::string& pem : {p256.pem, small.pem, std::string("no key"), std::string()}) {
    EXPECT_THAT(SignAssertion(pem, "k", "{}"), HasReason("SMART_KEY"));
  }
}

class BackendServices : public ::testing::Test {
 protected:
  BackendServices() { std::ofstream(directory_ / "key.pem") << key_.pem; }

  std::unique_ptr<TokenSource> Source(const ScriptedServer& server) {
    return MakeBackendServices({.fhir_base_url = server.url() + "/fhir",
                                .token_url = "",
                                .client_id = "genofed-fi",
                                .key_id = "key-1",
                                .key_file = directory_ / "key.pem",
                                .scope = "system/Patient.rs system/Condition.rs",
                                .needed_scope = "system/Patient.rs",
                                .ca_file = {}},
                               clock_, random_);
  }
  static test::Step Discovery() {
    return [](const std::string& r) {
      return ScriptedServer::Answer(
          200, json{{"token_endpoint", "http://" + Field(r, "Host") + "/auth/token"}}.dump());
    };
  }
  static test::Step Granted(const std::string& token, int expires_in = 300) {
    return ScriptedServer::Always(ScriptedServer::Answer(
        200, json{{"access_token", token}, {"token_type", "bearer"}, {"expires_in", expires_in}}
                 .dump()));
  }

  const Key key_{EVP_EC_gen("P-384")};
  testing::TemporaryDirectory directory_;
  testing::FakeClock clock_;
  testing::SeededRandom random_;
};

TEST_F(BackendServices, ProvesWhoItIsAndKeepsTheToken) {
  ScriptedServer server({Discovery(), Granted("one"), Discovery(), Granted("two")});
  auto source = Source(server);
  EXPECT_EQ(*source->Token(Context::Background()), "one");
  clock_.Advance(std::chrono::seconds(239));
  EXPECT_EQ(*source->Token(Context::Background()), "one");
  clock_.Advance(std::chrono::seconds(2));  // less than a minute is left
  EXPECT_EQ(*source->Token(Context::Background()), "two");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_EQ(FirstLine(requests[0]), "GET /fhir/.well-known/smart-configuration HTTP/1.1");
  EXPECT_EQ(FirstLine(requests[1]), "POST /auth/token HTTP/1.1");
  const auto form = http::Query::Parse(requests[1].substr(requests[1].find("\r\n\r\n") + 4));
  ASSERT_THAT(form, IsOk());
  EXPECT_EQ(form->Get("grant_type"), "client_credentials");
  EXPECT_EQ(form->Get("scope"), "system/Patient.rs system/Condition.rs");
  EXPECT_EQ(form->Get("client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
  const std::string assertion(*form->Get("client_assertion"));
  EXPECT_TRUE(key_.Verifies(assertion));
  const json claims = Part(assertion, 1);
  EXPECT_EQ(claims["iss"], "genofed-fi");
  EXPECT_EQ(claims["sub"], "genofed-fi");
  EXPECT_EQ(claims["aud"], server.url() + "/auth/token");
  EXPECT_EQ(claims["exp"], 1'767'225'600 + 240);  // at most five minutes ahead
  EXPECT_FALSE(claims["jti"].get<std::string>().empty());
}

TEST_F(BackendServices, SaysWhatTheAuthorisationServiceSays) {
  ScriptedServer server(
      {Discovery(), ScriptedServer::Always(ScriptedServer::Answer(
                        400, R"({"error":"invalid_client","error_description":"no such key"})"))});
  const auto token = Source(server)->Token(Context::Background());
  EXPECT_THAT(token, HasReason("SMART_TOKEN"));
  EXPECT_THAT(Message(token.status()), HasSubstr("400 (invalid_client)"));
}

TEST_F(BackendServices, SaysWhatToLookAt) {
  const auto refused = [&](const std::string& code) {
    ScriptedServer server({Discovery(), ScriptedServer::Always(ScriptedServer::Answer(
                                            401, json{{"error", code}}.dump()))});
    return std::string(Message(Source(server)->Token(Context::Background()).status()));
  };
  EXPECT_THAT(refused("invalid_client"), HasSubstr("kid \"key-1\""));
  EXPECT_THAT(refused("invalid_client"), HasSubstr("client \"genofed-fi\""));
  EXPECT_THAT(refused("invalid_scope"), HasSubstr("for system/Patient.rs system/Condition.rs?"));
  EXPECT_EQ(refused("server_error"), "the token endpoint answered 401 (server_error)");
}

// RFC 6749 section 5.1: a server may grant less than was asked, and says so.
TEST_F(BackendServices, TakesNoTokenForLessThanIsNeeded) {
  const auto granted = [](const std::string& scope) {
    return ScriptedServer::Always(ScriptedServer::Answer(
        200, json{{"access_token", "a"}, {"token_type", "bearer"}, {"scope", scope}}.dump()));
  };
  ScriptedServer less({Discovery(), granted("system/Condition.rs"), Discovery(), granted("x")});
  auto source = Source(less);
  const auto token = source->Token(Context::Background());
  EXPECT_THAT(token, HasReason("SMART_SCOPE"));
  EXPECT_THAT(Message(token.status()), HasSubstr("not for system/Patient.rs: client"));
  EXPECT_THAT(source->Token(Context::Background()), IsOk()) << "a language that is not SMART's";
  ScriptedServer more({Discovery(), granted("system/*.read")});
  EXPECT_THAT(Source(more)->Token(Context::Background()), IsOk());
}

TEST_F(BackendServices, RefusesWhatIsNoToken) {
  for (const char* body : {"", "[]", "{}", R"({"access_token":"a b","token_type":"bearer"})",
                           R"({"access_token":"a\r\nX: y","token_type":"bearer"})",
                           R"({"access_token":"a","token_type":"mac"})"}) {
    ScriptedServer server({Discovery(), ScriptedServer::Always(ScriptedServer::Answer(200, body))});
    EXPECT_THAT(Source(server)->Token(Context::Background()), HasReason("SMART_TOKEN")) << body;
  }
  ScriptedServer none({Fhir(404, "")});
  EXPECT_THAT(Source(none)->Token(Context::Background()), HasReason("SMART_DISCOVERY"));
}

TEST_F(BackendServices, AsksForANewTokenOnceWhenTheServerRefusesOne) {
  ScriptedServer server({Discovery(), Granted("one", 3600), Fhir(401, ""), Discovery(),
                         Granted("two", 3600), Fhir(200, Page({"a"})), Fhir(401, ""), Discovery(),
                         Granted("three", 3600), Fhir(401, "")});
  auto source = Source(server);
  Client client({.base_url = server.url() + "/fhir"}, *source, clock_);
  const auto sink = [](const json&) { return absl::OkStatus(); };
  EXPECT_THAT(client.Search(Context::Background(), "Patient", "x", sink), IsOk());
  EXPECT_EQ(Field(server.requests()[5], "Authorization"), "Bearer two");
  EXPECT_THAT(client.Search(Context::Background(), "Patient", "x", sink),
              HasReason("FHIR_UNAUTHORISED"));
  EXPECT_EQ(server.requests().size(), 10U);
}

TEST(FileToken, IsReadAnewEachTime) {
  testing::TemporaryDirectory directory;
  auto source = MakeFileToken(directory / "token");
  EXPECT_THAT(source->Token(Context::Background()), HasReason("TOKEN_FILE"));
  std::ofstream(directory / "token") << "one\n";
  EXPECT_EQ(*source->Token(Context::Background()), "one");
  std::ofstream(directory / "token") << "two";
  EXPECT_EQ(*source->Token(Context::Background()), "two");
  std::ofstream(directory / "token") << "two lines\nare none\n";
  EXPECT_THAT(source->Token(Context::Background()), HasReason("TOKEN_FILE"));
}

}  // namespace
}  // namespace genofed::fhir
