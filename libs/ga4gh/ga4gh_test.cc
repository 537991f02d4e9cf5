// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/ga4gh/errors.h"
#include "libs/ga4gh/service_info.h"
#include "libs/ga4gh/state.h"

namespace genofed::ga4gh {
namespace {

using nlohmann::json;

TEST(ServiceInfo, HasTheRequiredMembersAndOmitsEmptyOnes) {
  ServiceInfo info;
  info.id = "example.1mg.fi.wes";
  info.name = "Finnish node";
  info.type = {.artifact = "wes", .version = "1.1.0"};
  info.organization_name = "Genome Finland";
  info.organization_url = "https://fi.1mg.example";
  info.environment = "test";
  info.version = "0.1.0";
  EXPECT_EQ(json::parse(ToJsonText(info)), json::parse(R"({
    "id": "example.1mg.fi.wes", "name": "Finnish node", "version": "0.1.0", "environment": "test",
    "type": {"group": "org.ga4gh", "artifact": "wes", "version": "1.1.0"},
    "organization": {"name": "Genome Finland", "url": "https://fi.1mg.example"}})"));
}

TEST(Errors, WesTesAndDrsShareOneShape) {
  EXPECT_EQ(json::parse(RenderError(404, "no run 7")), json::parse(R"({"msg": "no run 7", "status_code": 404})"));
}

TEST(Errors, InvalidUtf8IsReplaced) {
  EXPECT_EQ(json::parse(RenderError(400, "bad \xff"))["msg"], "bad \xef\xbf\xbd");
}

// The table of htsget.md, "Error Response JSON fields".
TEST(Errors, HtsgetHasTypesOfItsOwn) {
  EXPECT_EQ(json::parse(RenderHtsgetError(404, "X", "no such object")),
            json::parse(R"({"htsget": {"error": "NotFound", "message": "no such object"}})"));
  const std::tuple<int, const char*, const char*> cases[] = {
      {400, "UNSUPPORTED_FORMAT", "UnsupportedFormat"}, {400, "INVALID_RANGE", "InvalidRange"},
      {400, "X", "InvalidInput"},                       {401, "X", "InvalidAuthentication"},
      {403, "X", "PermissionDenied"},                   {413, "X", "PayloadTooLarge"},
      {500, "X", "InternalServerError"}};
  for (const auto& [status, reason, error] : cases) {
    EXPECT_EQ(json::parse(RenderHtsgetError(status, reason, ""))["htsget"]["error"], error) << status;
  }
}

// Members as beaconErrorResponse.json, beaconResponseMeta.json and beaconReceivedRequestSummary.json require them.
TEST(Errors, BeaconEnvelopeHasEveryRequiredMember) {
  const json body = json::parse(RenderBeaconError(400, "start is missing", "org.example.beacon", "v2.0.0"));
  EXPECT_EQ(body["error"], json::parse(R"({"errorCode": 400, "errorMessage": "start is missing"})"));
  for (const char* name :
       {"beaconId", "apiVersion", "returnedSchemas", "returnedGranularity", "receivedRequestSummary"}) {
    EXPECT_TRUE(body["meta"].contains(name)) << name;
  }
  for (const char* name : {"apiVersion", "requestedSchemas", "pagination", "requestedGranularity"}) {
    EXPECT_TRUE(body["meta"]["receivedRequestSummary"].contains(name)) << name;
  }
}

TEST(State, NamesRoundTrip) {
  for (int i = 0; i <= static_cast<int>(State::kPreempted); ++i) {
    const auto state = static_cast<State>(i);
    const auto parsed = ParseState(StateName(state));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, state);
  }
  EXPECT_EQ(StateName(State::kExecutorError), "EXECUTOR_ERROR");
  EXPECT_FALSE(ParseState("Running").ok());
}

TEST(State, OnlyEndedRunsAreFinal) {
  EXPECT_TRUE(IsFinal(State::kCanceled));
  EXPECT_TRUE(IsFinal(State::kComplete));
  EXPECT_FALSE(IsFinal(State::kCanceling));
  EXPECT_FALSE(IsFinal(State::kUnknown));
}

}  // namespace
}  // namespace genofed::ga4gh
