// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/token_exchange.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "genofed/access/v1/passport.pb.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;

constexpr char kMethod[] = "genofed.access.v1.PassportService/ExchangeToken";
constexpr char kForm[] =
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=good"
    "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
    "&requested_token_type=urn%3Aga4gh%3Aparams%3Aoauth%3Atoken-type%3Apassport"
    "&audience=urn%3Agenofed%3Asite%3Afi";

class TokenExchangeTest : public ::testing::Test {
 protected:
  TokenExchangeTest() : api_(router_, TestTokens(), {.check_proof = CheckProof}) {
    AddTokenExchange(api_, services_.Caller(), TestTokens());
    AddRpcRows(api_, NativeRows(), services_.Caller(), {.hub = true});
  }
  http::Response Post(std::string form, http::Headers headers = {}) {
    headers.Add("Content-Type", "application/x-www-form-urlencoded");
    auto request = MakeRequest(http::Method::kPost, "/oauth/token", std::move(form), std::move(headers));
    return router_.Handle(request);
  }
  // Stands for the check of signature, URL and time: the header says whether the proof is right.
  static Status CheckProof(const http::Request& request, const User&) {
    if (request.headers.Get("DPoP") == "right") return {};
    return Error(StatusCode::kUnauthenticated, "DPOP_PROOF_INVALID", "wrong");
  }
  std::string ErrorOf(std::string form, int status = 400) {
    const auto response = Post(std::move(form));
    EXPECT_EQ(response.status, status);
    return json::parse(std::get<std::string>(response.body)).value("error", "");
  }
  static std::string Without(std::string_view name) {
    std::string form;
    for (std::string_view rest = kForm; !rest.empty();) {
      const auto end = std::min(rest.find('&'), rest.size());
      if (!rest.substr(0, end).starts_with(std::string(name) + "="))
        form += (form.empty() ? "" : "&") + std::string(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return form;
  }

  ScriptedServices services_;
  http::Router router_;
  Api api_;
};

TEST_F(TokenExchangeTest, AnswersAsRfc8693Says) {
  access::v1::ExchangeTokenResponse passport;
  passport.set_passport("a.b.c");
  passport.set_expires_in_s(600);
  services_.Answer(kMethod, passport);
  const auto response = Post(kForm);
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(std::get<std::string>(response.body)),
            (json{{"access_token", "a.b.c"},
                  {"issued_token_type", "urn:ga4gh:params:oauth:token-type:passport"},
                  {"token_type", "N_A"},
                  {"expires_in", 600}}));
  EXPECT_EQ(response.headers.Get("Cache-Control"), "no-store");
}

TEST_F(TokenExchangeTest, RefusesInTheWordsOfOAuth) {
  for (const char* name :
       {"subject_token", "subject_token_type", "requested_token_type", "audience", "grant_type"}) {
    EXPECT_EQ(ErrorOf(Without(name)), "invalid_request") << name;
  }
  EXPECT_EQ(ErrorOf(Without("grant_type") + "&grant_type=password"), "unsupported_grant_type");
  EXPECT_EQ(ErrorOf(std::string(kForm) + "&audience=x"), "invalid_request");
  EXPECT_EQ(ErrorOf(std::string(kForm) + "&resource=x"), "invalid_request");
  EXPECT_EQ(ErrorOf(Without("subject_token") + "&subject_token=bad"), "invalid_request");
  services_.Fail(kMethod, Error(StatusCode::kInvalidArgument, "AUDIENCE_UNKNOWN", "no"));
  EXPECT_EQ(ErrorOf(kForm), "invalid_target");
  services_.Fail(kMethod, Error(StatusCode::kUnavailable, "REVOCATIONS_STALE", "no"));
  EXPECT_EQ(ErrorOf(kForm, 503), "temporarily_unavailable");
  services_.Fail(kMethod, Error(StatusCode::kInternal, "BROKEN", "secret"));
  EXPECT_EQ(ErrorOf(kForm, 500), "server_error");
}

TEST_F(TokenExchangeTest, ATokenBoundToAKeyNeedsItsProof) {
  access::v1::ExchangeTokenResponse passport;
  passport.set_passport("a.b.c");
  services_.Answer(kMethod, passport);
  const std::string form = Without("subject_token") + "&subject_token=bound";
  EXPECT_EQ(Post(form).status, 400) << "whoever found the token in a log";
  EXPECT_EQ(Post(form, {{"Authorization", "Bearer good"}}).status, 400) << "a signed-in thief";
  EXPECT_EQ(Post(form, {{"Authorization", "Bearer bound"}}).status, 401);
  EXPECT_EQ(Post(form, {{"Authorization", "DPoP bound"}, {"DPoP", "wrong"}}).status, 401);
  EXPECT_EQ(Post(form, {{"Authorization", "DPoP bound"}, {"DPoP", "right"}}).status, 200);
}

TEST_F(TokenExchangeTest, KeysAreForCaches) {
  access::v1::GetKeysResponse keys;
  keys.set_jwks(R"({"keys":[]})");
  services_.Answer("genofed.access.v1.PassportService/GetKeys", keys);
  for (const char* path : {"/jwks.json", "/.well-known/jwks.json"}) {
    auto request = MakeRequest(http::Method::kGet, path);
    const auto response = router_.Handle(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(std::get<std::string>(response.body), R"({"keys":[]})");
    EXPECT_EQ(response.headers.Get("Cache-Control"), "public, max-age=60");
  }
}

TEST_F(TokenExchangeTest, PermissionsAreAsRemsAnswers) {
  access::v1::GetPermissionsResponse visas;
  visas.add_visas("v.i.sa");
  services_.Answer("genofed.access.v1.PassportService/GetPermissions", visas);
  auto request = MakeRequest(http::Method::kGet, "/permissions/ann%40example.org", "",
                             {{"Authorization", "Bearer good"}});
  const auto response = router_.Handle(request);
  EXPECT_EQ(json::parse(std::get<std::string>(response.body)),
            (json{{"ga4gh_passport_v1", {"v.i.sa"}}}));
}

}  // namespace
}  // namespace genofed::gateway
