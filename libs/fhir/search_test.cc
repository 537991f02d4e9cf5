// SPDX-License-Identifier: Apache-2.0
//
// Search against a server that says what no decent server says, too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/fhir/testing_server.h"
#include "libs/fhir/transport.h"
#include "libs/fhir/url.h"
#include "libs/testing/matchers.h"

namespace genofed::fhir {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using test::Caller;
using test::Fhir;
using test::Field;
using test::FirstLine;
using test::Page;
using test::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string Self(const std::string& request) { return "http://" + Field(request, "Host"); }

TEST(Url, IsSplitIntoOriginAndTarget) {
  EXPECT_EQ(*ParseUrl("HTTPS://Fhir.Example:443/r4?a=b#c"),
            (Url{"https://fhir.example", "/r4?a=b"}));
  EXPECT_EQ(*ParseUrl("http://127.0.0.1:80"), (Url{"http://127.0.0.1", "/"}));
  EXPECT_EQ(*ParseUrl("https://fhir.example:8443?x"), (Url{"https://fhir.example:8443", "/?x"}));
  for (const char* bad : {"", "fhir.example", "ftp://fhir.example/", "https:///x",
                          "https://user@fhir.example/", "https://fhir.example/a b",
                          "https://fhir.example/a\r\nb", "https://fhir.example/r4/../admin"}) {
    EXPECT_THAT(ParseUrl(bad), HasReason("BAD_URL")) << bad;
  }
}

// Examples in the manner of RFC 3986 section 5.4, as far as they are taken.
TEST(Url, OfLinksIsResolvedAgainstTheBase) {
  const Url base{"https://fhir.example", "/r4"};
  EXPECT_EQ(*Resolve(base, "https://fhir.example/r4/Patient?p=2"),
            (Url{"https://fhir.example", "/r4/Patient?p=2"}));
  EXPECT_EQ(*Resolve(base, "?_getpages=7"), (Url{"https://fhir.example", "/r4?_getpages=7"}));
  EXPECT_EQ(*Resolve(base, "/r4/Patient?p=2"), (Url{"https://fhir.example", "/r4/Patient?p=2"}));
  EXPECT_EQ(*Resolve(base, "Patient?url=http://a/b"),
            (Url{"https://fhir.example", "/r4/Patient?url=http://a/b"}));
  EXPECT_EQ(*Resolve(base, "//evil.example/x"), (Url{"https://evil.example", "/x"}));
  EXPECT_THAT(Resolve(base, "../admin"), HasReason("BAD_URL"));
  EXPECT_THAT(Resolve(base, ""), HasReason("BAD_URL"));
}

TEST(HttpDate, IsTheExampleOfRfc9110) {
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), FromUnixSeconds(784'111'777));
  EXPECT_EQ(ParseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), std::nullopt);
  EXPECT_EQ(ParseHttpDate("now"), std::nullopt);
}

TEST(Search, FollowsPagesToTheEnd) {
  ScriptedServer server(
      {[](const std::string& r) {
         return test::FhirAnswer(200, Page({"a", "b"}, Self(r) + "/fhir/Patient?page=2"),
                                 "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
       },
       [](const std::string&) { return test::FhirAnswer(200, Page({}, "?page=3")); },
       Fhir(200, Page({"c"}))});
  Caller caller(server);
  const auto result = caller.Search("_lastUpdated=ge2026-01-01");
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(caller.ids, ElementsAre("a", "b", "c"));
  EXPECT_EQ(result->pages, 3);
  EXPECT_EQ(result->resources, 3);
  EXPECT_EQ(result->server_time, FromUnixSeconds(784'111'777));
  const auto requests = server.requests();
  EXPECT_EQ(FirstLine(requests[0]), "GET /fhir/Patient?_lastUpdated=ge2026-01-01 HTTP/1.1");
  EXPECT_EQ(FirstLine(requests[1]), "GET /fhir/Patient?page=2 HTTP/1.1");
  EXPECT_EQ(FirstLine(requests[2]), "GET /fhir?page=3 HTTP/1.1");
  EXPECT_EQ(Field(requests[0], "Accept"), "application/fhir+json");
}

TEST(Search, TakesMatchesOnly) {
  const std::string page = R"({"resourceType":"Bundle","type":"searchset","entry":[
    {"resource":{"resourceType":"OperationOutcome"},"search":{"mode":"outcome"}},
    {"resource":{"resourceType":"Practitioner","id":"p"},"search":{"mode":"include"}},
    {"resource":{"resourceType":"Observation","id":"o"},"search":{"mode":"match"}},
    {"resource":{"resourceType":"Patient","id":"../../etc"},"search":{"mode":"match"}},
    {"resource":{"resourceType":"Patient"}}, {"fullUrl":"urn:x"}, 7,
    {"resource":{"resourceType":"Patient","id":"yes"}}]})";
  ScriptedServer server({Fhir(200, page)});
  Caller caller(server);
  const auto result = caller.Search();
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(caller.ids, ElementsAre("yes"));
  EXPECT_EQ(result->unusable, 5);
}

struct Hostile {
  const char* name;
  const char* reason;
  std::function<std::string(const std::string& request)> answer;  // to every request
};

TEST(Search, IsNotTakenInByAServer) {
  Limits limits;
  limits.max_pages = 5;
  limits.max_resources = 9;
  limits.max_page_bytes = 20'000;
  limits.timeout = std::chrono::milliseconds(300);
  int count = 0;
  const std::vector<Hostile> table = {
      {"pages without end", "TOO_MANY_PAGES",
       [&](const std::string&) {
         return test::FhirAnswer(200, Page({}, fmt::format("?page={}", ++count)));
       }},
      {"pages in a circle", "PAGING_LOOP",
       [](const std::string&) { return test::FhirAnswer(200, Page({"a"}, "?page=1")); }},
      {"more than it may give", "TOO_MANY_RESOURCES",
       [&](const std::string&) {
         return test::FhirAnswer(200, Page({"a", "b", "c", "d"}, fmt::format("?page={}", ++count)));
       }},
      {"next page elsewhere", "LINK_FOREIGN",
       [](const std::string&) {
         return test::FhirAnswer(200, Page({"a"}, "https://evil.example/fhir/Patient?page=2"));
       }},
      {"next page at another port", "LINK_FOREIGN",
       [](const std::string&) {
         return test::FhirAnswer(200, Page({"a"}, "http://127.0.0.1:1/fhir/Patient?page=2"));
       }},
      {"next page without scheme", "LINK_FOREIGN",
       [](const std::string&) { return test::FhirAnswer(200, Page({"a"}, "//evil.example/")); }},
      {"next page above the base", "BAD_URL",
       [](const std::string&) { return test::FhirAnswer(200, Page({"a"}, "../../admin")); }},
      {"a header in the next page", "BAD_URL",
       [](const std::string&) { return test::FhirAnswer(200, Page({"a"}, "?a=b\r\nX-Evil: 1")); }},
      {"a web page", "FHIR_INVALID",
       [](const std::string&) {
         return ScriptedServer::Answer(200, Page({"a"}), "Content-Type: text/html\r\n");
       }},
      {"no content type", "FHIR_INVALID",
       [](const std::string&) { return ScriptedServer::Answer(200, Page({"a"})); }},
      {"no JSON", "FHIR_INVALID",
       [](const std::string&) { return test::FhirAnswer(200, "<Bundle/>"); }},
      {"half a document", "FHIR_INVALID",
       [](const std::string&) { return test::FhirAnswer(200, Page({"a"}).substr(0, 60)); }},
      {"deep nesting", "FHIR_INVALID",
       [](const std::string&) {
         return test::FhirAnswer(200, R"({"a":)" + std::string(5000, '['));
       }},
      {"names twice", "FHIR_INVALID",
       [](const std::string&) {
         return test::FhirAnswer(
             200, R"({"resourceType":"Bundle","resourceType":"Bundle","type":"searchset"})");
       }},
      {"another resource", "PAGE_INVALID",
       [](const std::string&) { return test::FhirAnswer(200, test::Patient("a")); }},
      {"another bundle", "PAGE_INVALID",
       [](const std::string&) {
         return test::FhirAnswer(200, R"({"resourceType":"Bundle","type":"collection"})");
       }},
      {"entries that are none", "PAGE_INVALID",
       [](const std::string&) {
         return test::FhirAnswer(200, R"({"resourceType":"Bundle","type":"searchset","entry":{}})");
       }},
      {"a huge page", "RESPONSE_TOO_LARGE",
       [](const std::string&) { return test::FhirAnswer(200, std::string(50'000, ' ')); }},
      {"a page that breaks off", "HTTP_UNAVAILABLE",
       [](const std::string&) { return test::FhirAnswer(200, Page({"a"})).substr(0, 200); }},
      {"a redirect", "FHIR_REFUSED",
       [](const std::string&) {
         return ScriptedServer::Answer(302, "", "Location: https://evil.example/\r\n");
       }},
      {"no such resource", "FHIR_NOT_FOUND",
       [](const std::string&) { return test::FhirAnswer(404, ""); }},
      {"no HTTP", "HTTP_UNAVAILABLE",
       [](const std::string&) { return std::string("SSH-2.0-OpenSSH\r\n"); }},
  };
  for (const Hostile& hostile : table) {
    ScriptedServer server(std::vector<test::Step>(12, hostile.answer));
    Caller caller(server, limits);
    EXPECT_THAT(caller.Search(), HasReason(hostile.reason)) << hostile.name;
    EXPECT_LE(server.requests().size(), 5U) << hostile.name;
  }
}

TEST(Search, WaitsAsLongAsABusyServerAsks) {
  ScriptedServer server({Fhir(429, "", "Retry-After: 7\r\n"), Fhir(503, ""),
                         Fhir(503, "", "Retry-After: 999999\r\n"),
                         Fhir(502, "", "Retry-After: soon\r\n"), Fhir(200, Page({"a"}))});
  Caller caller(server);
  EXPECT_THAT(caller.Search(), IsOk());
  // Its own pauses are 1, 2, 4, 8 s; the longest that is granted is 300 s.
  EXPECT_THAT(caller.pauses, ElementsAre(7'000, 2'000, 300'000, 8'000));
}

TEST(Search, WaitsUntilADate) {
  testing::FakeClock clock;  // 2026-01-01T00:00:00Z, a Thursday
  ScriptedServer server(
      {Fhir(429, "", "Retry-After: Thu, 01 Jan 2026 00:00:42 GMT\r\n"), Fhir(200, Page({}))});
  Caller caller(server);
  EXPECT_THAT(caller.Search(), IsOk());
  EXPECT_THAT(caller.pauses, ElementsAre(42'000));
}

TEST(Search, GivesUpAndSaysWhatTheOutcomeSays) {
  const std::string outcome = R"({"resourceType":"OperationOutcome","issue":[
    {"severity":"error","code":"throttled","diagnostics":"patient 010190-123A"},{"severity":"Not A Code","code":7}]})";
  ScriptedServer server(std::vector<test::Step>(5, Fhir(429, outcome)));
  Caller caller(server);
  const auto result = caller.Search();
  EXPECT_THAT(result, HasReason("FHIR_BUSY"));
  EXPECT_THAT(Message(result.status()), HasSubstr("429 (error/throttled, ?/?)"));
  EXPECT_THAT(Message(result.status()), Not(HasSubstr("010190")));
  EXPECT_EQ(server.requests().size(), 5U);
  EXPECT_THAT(caller.pauses, ElementsAre(1'000, 2'000, 4'000, 8'000));
}

TEST(Search, DoesNotRepeatWhatWasRefused) {
  ScriptedServer server({Fhir(
      400,
      R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-supported"}]})")});
  Caller caller(server);
  const auto result = caller.Search();
  EXPECT_THAT(result, HasReason("FHIR_REFUSED"));
  EXPECT_THAT(Message(result.status()), HasSubstr("error/not-supported"));
  EXPECT_THAT(caller.pauses, IsEmpty());
}

TEST(Search, StopsWhenItIsNotWantedAnyMore) {
  std::stop_source stop;
  ScriptedServer server({[&](const std::string&) {
    stop.request_stop();
    return test::FhirAnswer(503, "");
  }});
  Caller caller(server);
  const auto result = caller.client.Search(Context::Background().WithStop(stop.get_token()),
                                           "Patient", "_count=1", caller.Sink());
  EXPECT_EQ(result.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Search, EndsWithTheErrorOfTheSink) {
  ScriptedServer server({Fhir(200, Page({"a", "b"}))});
  Caller caller(server);
  int taken = 0;
  const auto result =
      caller.client.Search(Context::Background(), "Patient", "x", [&](const nlohmann::json&) {
        ++taken;
        return Error(StatusCode::kResourceExhausted, "STORAGE_FULL", "no room");
      });
  EXPECT_THAT(result, HasReason("STORAGE_FULL"));
  EXPECT_EQ(taken, 1);
}

TEST(Read, GivesADocument) {
  ScriptedServer server({Fhir(200, R"({"resourceType":"Group","id":"7"})")});
  Caller caller(server);
  const auto group = caller.client.Read(Context::Background(), "Group/7");
  ASSERT_THAT(group, IsOk());
  EXPECT_EQ((*group)["id"], "7");
  EXPECT_EQ(FirstLine(server.requests()[0]), "GET /fhir/Group/7 HTTP/1.1");
}

TEST(Id, IsThatOfFhir) {
  EXPECT_TRUE(IsId("Az09-."));
  EXPECT_TRUE(IsId(std::string(64, 'a')));
  for (const std::string& bad : {std::string(), std::string(65, 'a'), std::string("a/b"),
                                 std::string("a b"), std::string("ä")}) {
    EXPECT_FALSE(IsId(bad)) << bad;
  }
}

}  // namespace
}  // namespace genofed::fhir
