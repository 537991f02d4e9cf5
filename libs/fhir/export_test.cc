// SPDX-License-Identifier: Apache-2.0
//
// Bulk Data export. The requests and answers follow the examples of
// hl7.org/fhir/uv/bulkdata/export.html.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "libs/fhir/testing_server.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::fhir {
namespace {

using genofed::testing::HasReason;
using genofed::testing::IsOk;
using test::Caller;
using test::Field;
using test::FirstLine;
using test::json;
using test::Patient;
using test::ScriptedServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Self(const std::string& request) { return "http://" + Field(request, "Host"); }

std::string Ndjson(const std::string& body) {
  return ScriptedServer::Answer(200, body, "Content-Type: application/fhir+ndjson\r\n");
}

test::Step Accepted() {
  return [](const std::string& r) {
    return ScriptedServer::Answer(202, "", "Content-Location: " + Self(r) + "/fhir/jobs/1\r\n");
  };
}

// A manifest whose files are `paths` of the server.
test::Step Manifest(const std::vector<std::string>& paths, const json& more = json::object()) {
  return [=](const std::string& r) {
    json manifest = {{"transactionTime", "2026-01-02T03:04:05Z"},
                     {"request", "x"},
                     {"requiresAccessToken", true},
                     {"output", json::array()},
                     {"error", json::array()}};
    for (const std::string& path : paths)
      manifest["output"].push_back({{"type", "Patient"}, {"url", Self(r) + path}});
    manifest.update(more);
    return ScriptedServer::Answer(200, manifest.dump(), "Content-Type: application/json\r\n");
  };
}

test::Step Answer(const std::string& answer) { return ScriptedServer::Always(answer); }
test::Step Deleted() { return Answer(ScriptedServer::Answer(202)); }

TEST(Export, StartsWaitsReadsAndDeletes) {
  ScriptedServer server(
      {Accepted(),
       Answer(ScriptedServer::Answer(202, "", "X-Progress: 10%\r\nRetry-After: 120\r\n")),
       Answer(ScriptedServer::Answer(202, "", "X-Progress: 90%\r\n")),
       Answer(ScriptedServer::Answer(429, "", "Retry-After: 9\r\n")),
       Manifest({"/files/1", "/files/2"},
                {{"request", "http://x/$export?_typeFilter=Condition%3F"}}),
       Answer(Ndjson(Patient("a") + "\n\n" + Patient("b") + "\n")),
       Answer(Ndjson(Patient("c"))),  // a last line without a line break is whole
       Deleted()});
  Caller caller(server);
  const auto result = caller.Export({.group = "7",
                                     .types = {"Patient", "Condition"},
                                     .since = FromUnixSeconds(1'767'225'600),
                                     .type_filters = {"Condition?category=a"}});
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(caller.ids, ElementsAre("a", "b", "c"));
  EXPECT_EQ(FormatRfc3339(result->transaction_time), "2026-01-02T03:04:05Z");
  EXPECT_EQ(result->files, 2);
  EXPECT_EQ(result->resources, 3);
  EXPECT_THAT(caller.pauses, ElementsAre(120'000, 2'000, 9'000));
  const auto requests = server.requests();
  EXPECT_EQ(FirstLine(requests[0]),
            "GET /fhir/Group/7/$export?_type=Patient%2CCondition"
            "&_since=2026-01-01T00%3A00%3A00Z&_typeFilter=Condition%3Fcategory%3Da HTTP/1.1");
  EXPECT_EQ(Field(requests[0], "Prefer"), "respond-async");
  EXPECT_EQ(Field(requests[0], "Accept"), "application/fhir+json");
  EXPECT_EQ(FirstLine(requests[1]), "GET /fhir/jobs/1 HTTP/1.1");
  EXPECT_EQ(Field(requests[5], "Accept"), "application/fhir+ndjson");
  EXPECT_EQ(FirstLine(requests.back()), "DELETE /fhir/jobs/1 HTTP/1.1");
}

TEST(Export, OfEverybodyIsAtSystemLevel) {
  ScriptedServer server({Accepted(), Manifest({}), Deleted()});
  Caller caller(server);
  ASSERT_THAT(caller.Export(), IsOk());
  EXPECT_THAT(FirstLine(server.requests()[0]), StartsWith("GET /fhir/$export?"));
}

TEST(Export, CountsWhatTheServerReports) {
  const std::string outcome =
      R"({"resourceType":"OperationOutcome","issue":[{"severity":"error"},{"severity":"warning"}]})";
  ScriptedServer server(
      {Accepted(),
       [](const std::string& r) {
         const json more = {
             {"error", {{{"type", "OperationOutcome"}, {"url", Self(r) + "/files/e"}}}},
             {"deleted", {{{"type", "Bundle"}, {"url", Self(r) + "/files/d"}}}}};
         return Manifest({"/files/1"}, more)(r);
       },
       Answer(Ndjson(Patient("a") + "\n" + R"({"resourceType":"Device","id":"d"})" + "\n")),
       Answer(Ndjson(outcome + "\n")), Deleted()});
  Caller caller(server);
  const auto result = caller.Export();
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->errors, 2);
  EXPECT_EQ(result->deletions, 1);
  EXPECT_EQ(result->unusable, 1);
}

struct Hostile {
  const char* name;
  const char* reason;
  std::vector<test::Step> steps;
};

TEST(Export, IsNotTakenInByAServer) {
  Limits limits;
  limits.max_resource_bytes = 2'000;
  limits.max_export_bytes = 10'000;
  limits.max_page_bytes = 20'000;
  limits.max_resources = 3;
  limits.timeout = std::chrono::milliseconds(300);
  const auto file = [](const std::string& answer) {
    return std::vector<test::Step>{Accepted(), Manifest({"/files/1"}), Answer(answer), Deleted()};
  };
  const auto manifest = [](const json& more) {
    return std::vector<test::Step>{Accepted(), Manifest({}, more), Deleted()};
  };
  std::vector<test::Step> never{Accepted()};
  never.resize(3000, Answer(ScriptedServer::Answer(202, "", "Retry-After: 300\r\n")));
  const auto broken = Answer(Ndjson(Patient("a") + "\n" + Patient("b") + "\n").substr(0, 140));
  const std::string long_line =
      R"({"resourceType":"Patient","id":"a","x":")" + std::string(3'000, 'x') + "\"}\n";
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += R"({"resourceType":"Device","id":"d","x":"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"})"
            "\n";
  const std::vector<Hostile> table = {
      {"no such operation", "EXPORT_UNSUPPORTED", {test::Fhir(404, "")}},
      {"an answer at once",
       "EXPORT_UNSUPPORTED",
       {test::Fhir(200, R"({"resourceType":"Bundle"})")}},
      {"no place to ask", "EXPORT_UNSUPPORTED", {Answer(ScriptedServer::Answer(202))}},
      {"a place elsewhere",
       "LINK_FOREIGN",
       {Answer(ScriptedServer::Answer(202, "", "Content-Location: https://evil.example/j\r\n"))}},
      {"refused", "FHIR_UNAUTHORISED", {test::Fhir(403, "")}},
      {"failed", "FHIR_SERVER_ERROR", {Accepted(), test::Fhir(500, ""), Deleted()}},
      {"never ready", "EXPORT_TIMEOUT", never},
      {"no manifest", "MANIFEST_INVALID", {Accepted(), test::Fhir(200, "[]"), Deleted()}},
      {"no time", "MANIFEST_INVALID", manifest({{"transactionTime", "yesterday"}})},
      {"no list of files", "MANIFEST_INVALID", manifest({{"output", "x"}})},
      {"a file elsewhere", "LINK_FOREIGN",
       manifest({{"output", {{{"type", "Patient"}, {"url", "https://evil.example/f"}}}}})},
      {"a file of the machine", "BAD_URL",
       manifest({{"output", {{{"type", "Patient"}, {"url", "file:///etc/passwd"}}}}})},
      {"a web page", "FILE_INVALID",
       file(ScriptedServer::Answer(200, "<html>", "Content-Type: text/html\r\n"))},
      {"a line that is no JSON", "FILE_INVALID", file(Ndjson("nonsense\n" + Patient("a") + "\n"))},
      {"a line that is an array", "FILE_INVALID", file(Ndjson("[]\n" + Patient("a") + "\n"))},
      {"a file cut within a line", "FILE_TRUNCATED",
       file(Ndjson(Patient("a") + "\n" + Patient("b").substr(0, 20)))},
      {"a file cut between lines",
       "FILE_TRUNCATED",
       {Accepted(),
        [](const std::string& r) {
          return Manifest(
              {}, {{"output", {{{"type", "Patient"}, {"count", 2}, {"url", Self(r) + "/f"}}}}})(r);
        },
        Answer(Ndjson(Patient("a") + "\n")), Deleted()}},
      {"a file that breaks off",
       "HTTP_UNAVAILABLE",
       {Accepted(), Manifest({"/files/1"}), broken, broken, broken, broken, broken, Deleted()}},
      {"a file that is not there yet", "FILE_INVALID", file(ScriptedServer::Answer(202))},
      {"a huge resource", "FILE_INVALID", file(Ndjson(long_line))},
      {"a huge resource without end", "FILE_INVALID", file(Ndjson(std::string(3'000, '{')))},
      {"a huge file", "EXPORT_TOO_LARGE", file(Ndjson(many))},
      {"more than it may give", "TOO_MANY_RESOURCES",
       file(Ndjson(Patient("a") + "\n" + Patient("b") + "\n" + Patient("c") + "\n" + Patient("d") +
                   "\n"))},
      {"files gone", "FHIR_NOT_FOUND", file(ScriptedServer::Answer(410))},
  };
  for (const Hostile& hostile : table) {
    ScriptedServer server(hostile.steps);
    Caller caller(server, limits);
    EXPECT_THAT(caller.Export(), HasReason(hostile.reason)) << hostile.name;
    if (hostile.steps.size() < 2) continue;
    EXPECT_THAT(FirstLine(server.requests().back()), StartsWith("DELETE /fhir/jobs/1"))
        << hostile.name;
  }
}

// As FHIR Works on AWS 6.6.2, which leaves the parameter unread and out of `request`.
TEST(Export, IsNotReadWhenItIsNotFiltered) {
  ScriptedServer server(
      {Accepted(), Manifest({"/f"}, {{"request", "http://x/$export?_type=Patient"}}), Deleted()});
  Caller caller(server);
  EXPECT_THAT(caller.Export({.group = "",
                             .types = {"Patient"},
                             .since = {},
                             .type_filters = {"Patient?active=true"}}),
              HasReason("FILTER_IGNORED"));
  EXPECT_EQ(server.requests().size(), 3U);
  EXPECT_THAT(FirstLine(server.requests().back()), StartsWith("DELETE /fhir/jobs/1"));
}

// An address that is itself the proof, as those of object stores, is refused with a second one.
TEST(Export, SendsATokenForFilesUnlessTheServerWantsNone) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory / "token") << "secret\n";
  const std::vector<std::pair<json, std::string>> table = {
      {json::object(), "Bearer secret"},
      {json{{"requiresAccessToken", true}}, "Bearer secret"},
      {json{{"requiresAccessToken", false}}, ""}};
  for (const auto& [more, expected] : table) {
    ScriptedServer server(
        {Accepted(), Manifest({"/f"}, more), Answer(Ndjson(Patient("a") + "\n")), Deleted()});
    auto token = MakeFileToken(directory / "token");
    testing::FakeClock clock;
    Client client({.base_url = server.url() + "/fhir"}, *token, clock);
    ASSERT_THAT(
        client.Export(Context::Background(), {.group = "", .types = {"Patient"}, .since = {}},
                      [](const json&) { return absl::OkStatus(); }),
        IsOk());
    EXPECT_EQ(Field(server.requests()[2], "Authorization"), expected) << more;
    EXPECT_EQ(Field(server.requests()[3], "Authorization"), "Bearer secret");
  }
}

TEST(Export, SendsNoTokenToWhereFilesLie) {
  testing::TemporaryDirectory directory;
  std::ofstream(directory / "token") << "secret\n";
  ScriptedServer files({Answer(Ndjson(Patient("a") + "\n"))});
  const std::string url = files.url();
  ScriptedServer server(
      {Accepted(),
       [url](const std::string& r) {
         return Manifest({},
                         {{"output", {{{"type", "Patient"}, {"url", url + "/f?signature=1"}}}}})(r);
       },
       Deleted()});
  auto token = MakeFileToken(directory / "token");
  testing::FakeClock clock;
  Client client({.base_url = server.url() + "/fhir", .file_origins = {url}}, *token, clock);
  ASSERT_THAT(client.Export(Context::Background(), {.group = "", .types = {"Patient"}, .since = {}},
                            [](const json&) { return absl::OkStatus(); }),
              IsOk());
  EXPECT_EQ(Field(server.requests()[0], "Authorization"), "Bearer secret");
  EXPECT_EQ(Field(files.requests()[0], "Authorization"), "");
  EXPECT_EQ(FirstLine(files.requests()[0]), "GET /f?signature=1 HTTP/1.1");
}

}  // namespace
}  // namespace genofed::fhir
