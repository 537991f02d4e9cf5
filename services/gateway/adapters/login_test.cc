// SPDX-License-Identifier: Apache-2.0
//
// Sessions, their cookies, and who a request comes from. The road through a provider is in tests/e2e/test_12_login.py.
#include "services/gateway/adapters/login_routes.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/gateway/adapters/cookies.h"
#include "services/gateway/adapters/proof_check.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using http::Method;
using nlohmann::json;

constexpr char kToken[] = "aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl";
constexpr char kBound[] = "aGVhZGVy.Ym91bmQ.c2lnbmF0dXJl";
constexpr char kOrigin[] = "https://fi.example:8443";

class LoginTest : public ::testing::Test {
 protected:
  LoginTest() {
    AddSiteRoutes(api_, TestSite());
    AddLoginRoutes(api_, TestSite(),
                   {.provider = provider_,
                    .sessions = sessions_,
                    .trust = trust_,
                    .clock = clock_,
                    .random = random_,
                    .check_token = Check(),
                    .end_session = [this](const Context&, const User& user) {
                      ended_ += user.subject;
                      return end_status_;
                    }});
    Endpoint change;
    change.method = Method::kPost;
    change.pattern = "/change";
    change.handler = [](const http::Request&) -> Result<http::Response> { return http::Text(200, "changed"); };
    api_.Add(change);
    change.method = Method::kDelete;
    api_.Add(change);
  }

  User Maria(const std::string& token = kToken) const {
    User user;
    user.issuer = "https://login.example";
    user.subject = "maria";
    user.name = "Maria";
    user.roles = {"user"};
    user.access_token = token;
    user.token_expires = clock_.Now() + std::chrono::hours(12);
    if (token == kBound) user.token_key = key_.public_key().thumbprint();
    return user;
  }
  TokenCheck Check() {
    return [this](const Context&, std::string_view token) -> Result<User> {
      GF_TRY(check_status_);
      if (token == kToken || token == kBound) return Maria(std::string(token));
      return Error(StatusCode::kUnauthenticated, "TOKEN_REFUSED", "the token is not accepted");
    };
  }
  static OidcOptions Provider() {
    OidcOptions options;
    options.issuer = "https://login.example";
    options.client_id = "portal";
    options.resource = "urn:genofed:site:fi";
    options.endpoints = {"https://login.example/auth", "https://login.example/token", "https://login.example/end",
                         "https://login.example/device"};
    return options;
  }

  // "name=value" of the session's cookie.
  std::string Cookie(const std::string& token = kToken) const {
    const std::string set = sessions_.Start(Maria(token)).value();
    return set.substr(0, set.find(';'));
  }
  std::string Csrf(const std::string& cookie) const {
    return sessions_.Read(MakeRequest(Method::kGet, "/", "", {{"Cookie", cookie}}))->csrf_token;
  }
  http::Response Send(Method method, const std::string& target, http::Headers headers = {}) {
    http::Request request = MakeRequest(method, target, "", std::move(headers));
    return router_.Handle(request);
  }
  static std::string ReasonOf(const http::Response& response) {
    return std::string(response.headers.Get("Genofed-Reason").value_or(""));
  }
  std::string Proof(const char* method, const std::string& url, const std::string& token = kBound) {
    return auth::MakeDpopProof(key_, method, url, token, clock_, random_);
  }

  testing::FakeClock clock_;
  testing::SeededRandom random_;
  const crypto::SigningKey key_ = *crypto::SigningKey::Generate();
  SessionCookies sessions_{*crypto::SealingKey::FromHex(std::string(64, 'a')),
                           {.lifetime = std::chrono::hours(8), .origin = kOrigin, .max_ended = 2}, clock_, random_};
  OidcProvider provider_{Provider(), clock_};
  const auth::FixedTrust trust_{auth::TrustStore()};
  auth::DpopReplayCache seen_{clock_};
  std::string ended_;
  Status end_status_, check_status_;
  http::Router router_;
  Api api_{router_, Check(), {.check_proof = ProofsWith(clock_, seen_, kOrigin), .sessions = &sessions_}};
};

TEST_F(LoginTest, TheCookieHasEveryProtection) {
  const std::string set = sessions_.Start(Maria()).value();
  EXPECT_TRUE(set.starts_with("__Host-genofed-session="));
  EXPECT_NE(set.find("; Max-Age=28800; Path=/; Secure; HttpOnly; SameSite=Lax"), std::string::npos) << set;
  EXPECT_EQ(set.find("Domain"), std::string::npos);
  EXPECT_EQ(set.find(kToken), std::string::npos);
}

TEST_F(LoginTest, ASessionSaysWhoAndUntilWhen) {
  const std::string cookie = Cookie();
  const auto answer = Send(Method::kGet, "/api/v1/session", {{"Cookie", "a=b; " + cookie + "; c=d"}});
  ASSERT_EQ(answer.status, 200);
  const json body = json::parse(std::get<std::string>(answer.body));
  EXPECT_EQ(body["name"], "Maria");
  EXPECT_EQ(body["expires"], "2026-01-01T08:00:00Z");  // eight hours, not the token's twelve
  EXPECT_EQ(body["csrf_token"], Csrf(cookie));
  EXPECT_EQ(answer.headers.Get("Cache-Control"), "no-store");
  EXPECT_FALSE(answer.headers.Has("Set-Cookie"));
  EXPECT_EQ(Send(Method::kGet, "/api/v1/session").status, 401);
}

TEST_F(LoginTest, ASessionEndsWithItsTokenOrItsLifetime) {
  User user = Maria();
  user.token_expires = clock_.Now() + std::chrono::hours(1);
  const std::string set = sessions_.Start(user).value();
  EXPECT_NE(set.find("Max-Age=3600;"), std::string::npos);
  const http::Headers short_one = {{"Cookie", set.substr(0, set.find(';'))}}, long_one = {{"Cookie", Cookie()}};
  clock_.Advance(std::chrono::minutes(59));
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", short_one).status, 200);
  clock_.Advance(std::chrono::minutes(1));
  const auto answer = Send(Method::kGet, "/api/v1/me", short_one);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(ReasonOf(answer), "SESSION_ENDED");
  EXPECT_EQ(answer.headers.Get("Set-Cookie"), ClearCookie(kSessionCookie));
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", long_one).status, 200);
  clock_.Advance(std::chrono::hours(7));
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", long_one).status, 401);
}

TEST_F(LoginTest, AChangedCookieIsNoLogin) {
  const std::string cookie = Cookie();
  const std::size_t begin = cookie.find('=') + 1;
  for (std::size_t i = begin; i < cookie.size(); ++i) {
    std::string broken = cookie;
    broken[i] = broken[i] == 'A' ? 'B' : 'A';
    const auto answer = Send(Method::kGet, "/api/v1/me", {{"Cookie", broken}});
    ASSERT_EQ(answer.status, 401) << i;
    EXPECT_TRUE(answer.headers.Has("Set-Cookie"));
  }
  // On a public route it is as if there were none, and it is cleared.
  const auto open = Send(Method::kGet, "/api/v1/site", {{"Cookie", cookie + "x"}});
  EXPECT_EQ(open.status, 200);
  EXPECT_EQ(open.headers.Get("Set-Cookie"), ClearCookie(kSessionCookie));
  // Twice: neither is believed.
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookie + "; " + cookie}}).status, 401);
  // A cookie of another key, and the pending login under the session's name.
  const SessionCookies other(*crypto::SealingKey::FromHex(std::string(64, 'b')), {}, clock_, random_);
  const std::string foreign = other.Start(Maria()).value();
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", foreign.substr(0, foreign.find(';'))}}).status, 401);
  std::string pending(Send(Method::kGet, "/login").headers.Get("Set-Cookie").value());
  pending = std::string(kSessionCookie) + pending.substr(pending.find('='), pending.find(';') - pending.find('='));
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", pending}}).status, 401);
}

TEST_F(LoginTest, ATokenThatIsRefusedOrBoundMakesNoSession) {
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", Cookie("b3RoZXI.b3RoZXI.b3RoZXI")}}).status, 401);
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", Cookie(kBound)}}).status, 401);
}

TEST_F(LoginTest, ATokenThatDoesNotFitIsNamed) {
  EXPECT_THAT(sessions_.Start(Maria("YQ.Y2xhaW1z." + std::string(5000, 'A'))), HasReason("SESSION_TOO_LARGE"));
  const auto largest = sessions_.Start(Maria("YQ.YQ." + Base64UrlEncode(std::string(2880, 's'))));
  ASSERT_THAT(largest, IsOk());
  EXPECT_LE(largest->find(';'), 4096U);
  EXPECT_THAT(sessions_.Start(Maria("YQ.YQ." + Base64UrlEncode(std::string(3000, 's')))), HasReason("SESSION_TOO_LARGE"));
  EXPECT_THAT(sessions_.Start(Maria("opaque")), HasReason("TOKEN_UNSUITABLE"));
}

TEST_F(LoginTest, ChangesNeedTheCsrfTokenAndTheOwnOrigin) {
  const std::string cookie = Cookie(), csrf = Csrf(cookie);
  const struct {
    const char* name;
    http::Headers headers;
    int status;
  } cases[] = {
      {"token", {{"X-CSRF-Token", csrf}}, 200},
      {"token and own origin", {{"X-CSRF-Token", csrf}, {"Origin", kOrigin}}, 200},
      {"nothing", {}, 403},
      {"own origin only", {{"Origin", kOrigin}}, 403},
      {"empty", {{"X-CSRF-Token", ""}}, 403},
      {"other token", {{"X-CSRF-Token", Csrf(Cookie())}}, 403},
      {"token and more", {{"X-CSRF-Token", csrf + "x"}}, 403},
      {"token twice", {{"X-CSRF-Token", csrf}, {"X-CSRF-Token", csrf}}, 403},
      {"foreign origin", {{"X-CSRF-Token", csrf}, {"Origin", "https://evil.example"}}, 403},
      {"origin with another port", {{"X-CSRF-Token", csrf}, {"Origin", "https://fi.example"}}, 403},
      {"opaque origin", {{"X-CSRF-Token", csrf}, {"Origin", "null"}}, 403},
      {"two origins", {{"X-CSRF-Token", csrf}, {"Origin", kOrigin}, {"Origin", "https://evil.example"}}, 403},
  };
  for (const auto& c : cases) {
    for (const Method method : {Method::kPost, Method::kDelete}) {
      http::Headers headers = c.headers;
      headers.Add("Cookie", cookie);
      const auto answer = Send(method, "/change", headers);
      EXPECT_EQ(answer.status, c.status) << c.name;
      EXPECT_EQ(ReasonOf(answer), c.status == 403 ? "CSRF_REFUSED" : "") << c.name;
    }
  }
  // Reading needs none, whoever links here; a bearer token needs none, for no browser sends it by itself.
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookie}, {"Origin", "https://evil.example"}}).status, 200);
  EXPECT_EQ(Send(Method::kPost, "/change", {{"Authorization", std::string("Bearer ") + kToken}}).status, 200);
}

TEST_F(LoginTest, OneKindOfCredentialAtATime) {
  const std::string bearer = std::string("Bearer ") + kToken, bound = std::string("DPoP ") + kBound;
  const std::string url = std::string(kOrigin) + "/api/v1/me";
  const auto me = [&](http::Headers headers) {
    const auto answer = Send(Method::kGet, "/api/v1/me?verbose=1", std::move(headers));
    return std::to_string(answer.status) + " " + ReasonOf(answer);
  };
  EXPECT_EQ(me({{"Authorization", bearer}}), "200 ");
  EXPECT_EQ(me({{"Authorization", bound}, {"DPoP", Proof("GET", url)}}), "200 ");
  EXPECT_EQ(me({{"Authorization", bearer}, {"Cookie", Cookie()}}), "400 CREDENTIALS_AMBIGUOUS");
  EXPECT_EQ(me({{"Authorization", bearer}, {"Cookie", std::string(kSessionCookie) + "=x"}}), "400 CREDENTIALS_AMBIGUOUS");
  EXPECT_EQ(me({{"Authorization", bearer}, {"Authorization", bearer}}), "401 TOKEN_REFUSED");
  EXPECT_EQ(me({{"Authorization", bound}, {"Authorization", bound}, {"DPoP", Proof("GET", url)}}), "401 TOKEN_REFUSED");
  EXPECT_EQ(me({{"Authorization", bearer}, {"DPoP", Proof("GET", url)}}), "401 DPOP_UNEXPECTED");
  EXPECT_EQ(me({{"DPoP", Proof("GET", url)}}), "401 DPOP_UNEXPECTED");
  EXPECT_EQ(me({{"Authorization", std::string("DPoP ") + kToken}, {"DPoP", Proof("GET", url, kToken)}}),
            "401 DPOP_UNEXPECTED");
  EXPECT_EQ(me({{"Authorization", std::string("Bearer ") + kBound}}), "401 DPOP_PROOF_MISSING");
  EXPECT_EQ(me({{"Authorization", std::string("Bearer ") + kBound}, {"DPoP", Proof("GET", url)}}),
            "401 DPOP_PROOF_MISSING");
  EXPECT_EQ(me({{"Authorization", bound}}), "401 DPOP_PROOF_MISSING");
  EXPECT_EQ(me({{"Authorization", bound}, {"DPoP", Proof("GET", url)}, {"DPoP", Proof("GET", url)}}),
            "401 DPOP_PROOF_MISSING");
  EXPECT_EQ(me({{"Authorization", bound}, {"DPoP", Proof("POST", url)}}), "401 DPOP_PROOF_INVALID");
  EXPECT_EQ(me({{"Authorization", bound}, {"DPoP", Proof("GET", "https://es.example/api/v1/me")}}),
            "401 DPOP_PROOF_INVALID");
  const std::string proof = Proof("GET", url);
  EXPECT_EQ(me({{"Authorization", bound}, {"DPoP", proof}}), "200 ");
  EXPECT_EQ(me({{"Authorization", bound}, {"DPoP", proof}}), "401 DPOP_PROOF_INVALID");
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Authorization", bound}}).headers.Get("WWW-Authenticate"),
            R"(DPoP algs="ES256", error="invalid_dpop_proof")");
}

TEST_F(LoginTest, LogoutEndsTheSessionWhoeverKeptACopy) {
  const std::string cookie = Cookie();
  const http::Headers headers = {{"Cookie", cookie}, {"X-CSRF-Token", Csrf(cookie)}};
  EXPECT_EQ(Send(Method::kPost, "/logout", {{"Cookie", cookie}}).status, 403);
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookie}}).status, 200);
  const auto answer = Send(Method::kPost, "/logout", headers);
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(ended_, "maria");
  EXPECT_EQ(answer.headers.Get("Set-Cookie"), ClearCookie(kSessionCookie));
  EXPECT_EQ(json::parse(std::get<std::string>(answer.body))["end_session_url"],
            "https://login.example/end?client_id=portal&post_logout_redirect_uri=https%3A%2F%2Ffi.example%3A8443%2F");
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookie}}).status, 401);
  EXPECT_EQ(Send(Method::kPost, "/logout", headers).status, 200);  // again
  EXPECT_EQ(ended_, "maria");
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", Cookie()}}).status, 200);  // another session goes on
  EXPECT_EQ(Send(Method::kPost, "/logout", {{"Accept", "text/html"}}).status, 303);
  EXPECT_EQ(Send(Method::kPost, "/logout", {{"Authorization", std::string("Bearer ") + kToken}}).status, 200);
  EXPECT_EQ(ended_, "mariamaria");
}

TEST_F(LoginTest, NobodyIsToldToBeSignedOutWhoIsNot) {
  end_status_ = Error(StatusCode::kUnavailable, "REVOCATION_FAILED", "cannot be written");
  const std::string cookie = Cookie();
  const http::Headers headers = {{"Cookie", cookie}, {"X-CSRF-Token", Csrf(cookie)}};
  EXPECT_EQ(Send(Method::kPost, "/logout", headers).status, 503);
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookie}}).status, 200);
}

TEST_F(LoginTest, ASessionEndsThoughItsTokenCannotBeRevoked) {
  end_status_ = Error(StatusCode::kFailedPrecondition, "TOKEN_WITHOUT_ID", "it has no jti");
  const std::string cookie = Cookie();
  EXPECT_EQ(Send(Method::kPost, "/logout", {{"Cookie", cookie}, {"X-CSRF-Token", Csrf(cookie)}}).status, 200);
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookie}}).status, 401);
  // Without a session there is nothing that could end.
  const auto bearer = Send(Method::kPost, "/logout", {{"Authorization", std::string("Bearer ") + kToken}});
  EXPECT_EQ(ReasonOf(bearer), "TOKEN_WITHOUT_ID");
}

TEST_F(LoginTest, ASessionOutlivesAMomentInWhichNobodyCanJudgeIt) {
  const std::string cookie = Cookie();
  check_status_ = Error(StatusCode::kUnavailable, "REVOCATIONS_STALE", "not heard for too long");
  const auto answer = Send(Method::kGet, "/api/v1/me", {{"Cookie", cookie}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_FALSE(answer.headers.Has("Set-Cookie"));
  check_status_ = {};
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookie}}).status, 200);
}

TEST_F(LoginTest, EndedSessionsTakeBoundedSpace) {
  std::vector<std::string> cookies;
  for (int i = 0; i < 3; ++i) {
    cookies.push_back(Cookie());
    sessions_.End(*sessions_.Read(MakeRequest(Method::kGet, "/", "", {{"Cookie", cookies.back()}})));
    clock_.Advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookies[1]}}).status, 401);
  EXPECT_EQ(Send(Method::kGet, "/api/v1/me", {{"Cookie", cookies[2]}}).status, 401);
}

TEST_F(LoginTest, LoginLeadsToTheProviderWithEveryProtection) {
  const auto answer = Send(Method::kGet, "/login?return_to=/datasets%3Fpage=2");
  ASSERT_EQ(answer.status, 302);
  const std::string location(answer.headers.Get("Location").value());
  ASSERT_TRUE(location.starts_with("https://login.example/auth?")) << location;
  const auto query = http::Query::Parse(location.substr(location.find('?') + 1)).value();
  EXPECT_EQ(query.Get("response_type"), "code");
  EXPECT_EQ(query.Get("client_id"), "portal");
  EXPECT_EQ(query.Get("redirect_uri"), "https://fi.example:8443/callback");
  EXPECT_EQ(query.Get("scope"), "openid");
  EXPECT_EQ(query.Get("resource"), "urn:genofed:site:fi");
  EXPECT_EQ(query.Get("code_challenge_method"), "S256");
  for (const char* secret : {"state", "nonce", "code_challenge"}) EXPECT_EQ(query.Get(secret).value().size(), 43U);
  const std::string set(answer.headers.Get("Set-Cookie").value());
  EXPECT_TRUE(set.starts_with("__Host-genofed-login="));
  EXPECT_NE(set.find("; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"), std::string::npos);
  const auto again = Send(Method::kGet, "/login");
  EXPECT_EQ(std::string(again.headers.Get("Location").value()).find(std::string(query.Get("state").value())),
            std::string::npos);
}

TEST_F(LoginTest, OnlyPathsOfThisSiteAreReturnedTo) {
  for (const char* path : {"/", "/a/b?c=d&e=%2F%2Fevil.example#f", "/-/x.html"}) EXPECT_TRUE(IsLocalPath(path)) << path;
  for (const std::string& path :
       {std::string(), std::string("https://evil.example/"), std::string("//evil.example"), std::string("/\\evil.example"),
        std::string("\\\\evil.example"), std::string("evil.example"), std::string("javascript:alert(1)"),
        std::string("/a\nSet-Cookie: x"), std::string("/a\tb"), std::string("/a b"), std::string("/a\\b"),
        std::string("/\"x"), std::string("/<x"), std::string("/\xc3\xa4"), std::string("/a\0b", 4),
        "/" + std::string(512, 'a')}) {
    EXPECT_FALSE(IsLocalPath(path)) << path;
  }
  const auto refused = Send(Method::kGet, "/login?return_to=%2F%2Fevil.example");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(ReasonOf(refused), "RETURN_TO_INVALID");
  EXPECT_FALSE(refused.headers.Has("Location"));
}

TEST_F(LoginTest, TheCallbackBelongsToTheLoginOfThisBrowser) {
  const auto begun = Send(Method::kGet, "/login");
  const std::string set(begun.headers.Get("Set-Cookie").value()), cookie = set.substr(0, set.find(';'));
  const std::string location(begun.headers.Get("Location").value());
  const std::string state(*http::Query::Parse(location.substr(location.find('?') + 1))->Get("state"));
  const auto reason = [&](const std::string& query, const std::string& with) {
    const auto answer = Send(Method::kGet, "/callback?" + query, {{"Cookie", with}});
    EXPECT_EQ(answer.headers.Get("Set-Cookie"), ClearCookie(kLoginCookie));
    return ReasonOf(answer);
  };
  EXPECT_EQ(reason("code=c&state=" + state, ""), "LOGIN_UNKNOWN");
  EXPECT_EQ(reason("code=c&state=x" + state, cookie), "LOGIN_UNKNOWN");
  EXPECT_EQ(reason("code=c", cookie), "LOGIN_UNKNOWN");
  EXPECT_EQ(reason("code=c&state=" + state + "&state=" + state, cookie), "LOGIN_UNKNOWN");
  EXPECT_EQ(reason("state=" + state, cookie), "LOGIN_UNKNOWN");
  EXPECT_EQ(reason("code=c&state=" + state + "&iss=https://other.example", cookie), "LOGIN_UNKNOWN");
  EXPECT_EQ(reason("code=c&state=" + state, cookie + "x"), "LOGIN_UNKNOWN");
  EXPECT_EQ(reason("error=access_denied&state=" + state, cookie), "LOGIN_REFUSED");
  clock_.Advance(std::chrono::minutes(10));
  EXPECT_EQ(reason("error=access_denied&state=" + state, cookie), "LOGIN_UNKNOWN");
}

TEST(Origin, IsThatOfTheUrl) {
  EXPECT_EQ(OriginOf("https://FI.example:8443/x?y"), "https://fi.example:8443");
  EXPECT_EQ(OriginOf("https://fi.example:443"), "https://fi.example");
  EXPECT_EQ(OriginOf("https://fi.example/"), "https://fi.example");
}

}  // namespace
}  // namespace genofed::gateway
