// SPDX-License-Identifier: Apache-2.0
#include "libs/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "libs/http/problem.h"

namespace genofed::http {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Answers with the pattern that matched and the placeholders.
Result<Response> Echo(const Request& request) {
  std::string text = request.route;
  for (const auto& [name, value] : request.params) text += " " + name + "=" + value;
  return Text(200, text);
}

Route Make(Method method, std::string pattern, ApiFamily family = ApiFamily::kNative, Handler handler = Echo) {
  Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.family = family;
  route.handler = std::move(handler);
  return route;
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router_.Add(Make(Method::kGet, "/"));
    router_.Add(Make(Method::kGet, "/ga4gh/wes/v1/runs", ApiFamily::kWes));
    router_.Add(Make(Method::kPost, "/ga4gh/wes/v1/runs", ApiFamily::kWes));
    router_.Add(Make(Method::kGet, "/ga4gh/wes/v1/runs/{run_id}", ApiFamily::kWes));
    router_.Add(Make(Method::kGet, "/ga4gh/wes/v1/runs/special", ApiFamily::kWes));
    router_.Add(Make(Method::kPost, "/ga4gh/tes/v1/tasks/{id}:cancel", ApiFamily::kTes));
    router_.Add(Make(Method::kGet, "/ga4gh/tes/v1/tasks/{id}", ApiFamily::kTes));
    router_.Add(Make(Method::kGet, "/beacon/info", ApiFamily::kBeacon));
    router_.Add(Make(Method::kGet, "/files/{rest...}", ApiFamily::kHtml));
    router_.Add(Make(Method::kGet, "/api/boom", ApiFamily::kNative,
                     [](const Request&) -> Result<Response> { throw std::runtime_error("secret inside"); }));
    router_.Add(Make(Method::kGet, "/api/denied", ApiFamily::kNative, [](const Request&) -> Result<Response> {
      return Error(StatusCode::kUnauthenticated, "NO_TOKEN", "a token is needed");
    }));
    router_.Add(Make(Method::kGet, "/api/busy", ApiFamily::kNative, [](const Request&) -> Result<Response> {
      return Error(StatusCode::kResourceExhausted, "QUOTA", "later");
    }));
  }

  Response Ask(Method method, const std::string& target) {
    Request request;
    request.method = method;
    request.target = target;
    Target parsed = ParseTarget(target).value();
    request.path = parsed.path;
    request.segments = parsed.segments;
    request.query = parsed.query;
    return router_.Handle(request);
  }
  std::string Body(Method method, const std::string& target) {
    return std::get<std::string>(Ask(method, target).body);
  }

  Router router_{RouterOptions{.beacon_id = "org.example.fi"}};
};

TEST_F(RouterTest, FindsRoutes) {
  EXPECT_EQ(Body(Method::kGet, "/"), "/");
  EXPECT_EQ(Body(Method::kGet, "/ga4gh/wes/v1/runs/r-7"), "/ga4gh/wes/v1/runs/{run_id} run_id=r-7");
  EXPECT_EQ(Body(Method::kGet, "/ga4gh/wes/v1/runs/"), "/ga4gh/wes/v1/runs");
  EXPECT_EQ(Body(Method::kPost, "/ga4gh/tes/v1/tasks/t-1:cancel"), "/ga4gh/tes/v1/tasks/{id}:cancel id=t-1");
  EXPECT_EQ(Body(Method::kGet, "/ga4gh/tes/v1/tasks/t-1"), "/ga4gh/tes/v1/tasks/{id} id=t-1");
  EXPECT_EQ(Body(Method::kGet, "/files/a/b.txt"), "/files/{rest...} rest=a/b.txt");
  EXPECT_EQ(Body(Method::kGet, "/files"), "/files/{rest...} rest=");
}

TEST_F(RouterTest, TheMostSpecificRouteWins) {
  EXPECT_EQ(Body(Method::kGet, "/ga4gh/wes/v1/runs/special"), "/ga4gh/wes/v1/runs/special");
  EXPECT_EQ(Ask(Method::kPost, "/ga4gh/tes/v1/tasks/:cancel").status, 405);  // an empty id does not match the suffix
}

TEST_F(RouterTest, HeadAndOptions) {
  EXPECT_EQ(Ask(Method::kHead, "/ga4gh/wes/v1/runs").status, 200);
  const Response options = Ask(Method::kOptions, "/ga4gh/wes/v1/runs");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.Get("allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(Ask(Method::kOptions, "/nowhere").status, 404);
}

TEST_F(RouterTest, WrongMethodSaysWhatIsAllowed) {
  const Response response = Ask(Method::kDelete, "/ga4gh/wes/v1/runs/r-7");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.Get("Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(json::parse(std::get<std::string>(response.body))["status_code"], 405);
}

TEST_F(RouterTest, ErrorsTakeTheShapeOfTheNearestFamily) {
  EXPECT_EQ(json::parse(Body(Method::kGet, "/ga4gh/wes/v1/nothing"))["status_code"], 404);
  EXPECT_EQ(json::parse(Body(Method::kGet, "/beacon/g_variants"))["meta"]["beaconId"], "org.example.fi");
  const Response native = Ask(Method::kGet, "/api/nothing?token=1");
  EXPECT_EQ(native.headers.Get("Content-Type"), "application/problem+json");
  EXPECT_EQ(json::parse(std::get<std::string>(native.body))["instance"], "/api/nothing");
  EXPECT_EQ(json::parse(Body(Method::kGet, "/elsewhere"))["status"], 404);
}

TEST_F(RouterTest, AnExplicitFamilyCoversPathsWithoutRoutes) {
  router_.SetFamily("/portal", ApiFamily::kHtml);
  EXPECT_THAT(Body(Method::kGet, "/portal/lost"), HasSubstr("<h1>Not Found</h1>"));
  router_.SetFamily("/", ApiFamily::kHtml);
  EXPECT_THAT(Body(Method::kGet, "/lost"), HasSubstr("<h1>"));
  EXPECT_EQ(json::parse(Body(Method::kGet, "/api/nothing"))["status"], 404);
}

TEST_F(RouterTest, AThrowingHandlerIsA500WithoutDetails) {
  const Response response = Ask(Method::kGet, "/api/boom");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(std::get<std::string>(response.body).find("secret"), std::string::npos);
}

TEST_F(RouterTest, ErrorsCarryTheHeadersHttpAsksFor) {
  EXPECT_EQ(Ask(Method::kGet, "/api/denied").headers.Get("WWW-Authenticate"), "Bearer");
  EXPECT_TRUE(Ask(Method::kGet, "/api/busy").headers.Has("Retry-After"));
  EXPECT_EQ(Ask(Method::kGet, "/api/busy").status, 429);
}

TEST_F(RouterTest, HtmlErrorsEscapeTheirMessage) {
  Request request;
  const Response page =
      router_.RenderError(ApiFamily::kHtml, Error(StatusCode::kNotFound, "X", "<script>alert(1)</script>"), request);
  EXPECT_THAT(std::get<std::string>(page.body), HasSubstr("&lt;script&gt;"));
}

TEST_F(RouterTest, ListsRoutesInOrder) {
  EXPECT_EQ(router_.routes().size(), 12U);
  EXPECT_EQ(router_.routes()[1]->pattern, "/ga4gh/wes/v1/runs");
}

using RouterDeathTest = RouterTest;

TEST_F(RouterDeathTest, ProgrammingErrorsAbort) {
  EXPECT_DEATH(router_.Add(Make(Method::kGet, "/ga4gh/wes/v1/runs")), "");
  EXPECT_DEATH(router_.Add(Make(Method::kGet, "no-slash")), "");
  EXPECT_DEATH(router_.Add(Make(Method::kGet, "/a/{rest...}/b")), "");
  EXPECT_DEATH(router_.Add(Make(Method::kGet, "/a/{open")), "");
}

TEST(Request, BearerTokenAndContentType) {
  Request request;
  EXPECT_EQ(request.BearerToken(), "");
  request.headers = {{"authorization", "bearer abc"}, {"CONTENT-TYPE", "Application/JSON; charset=utf-8"}};
  EXPECT_EQ(request.BearerToken(), "abc");
  EXPECT_EQ(request.ContentType(), "application/json");
  request.headers.Add("Authorization", "Bearer other");
  EXPECT_EQ(request.BearerToken(), "");
}

}  // namespace
}  // namespace genofed::http
