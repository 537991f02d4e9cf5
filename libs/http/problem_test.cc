// SPDX-License-Identifier: Apache-2.0
#include "libs/http/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace genofed::http {
namespace {

using nlohmann::json;

TEST(HttpStatusOf, FollowsTheTable) {
  const std::pair<StatusCode, int> rows[] = {
      {StatusCode::kInvalidArgument, 400},   {StatusCode::kOutOfRange, 400},         {StatusCode::kUnauthenticated, 401},
      {StatusCode::kPermissionDenied, 403},  {StatusCode::kNotFound, 404},           {StatusCode::kAlreadyExists, 409},
      {StatusCode::kAborted, 409},           {StatusCode::kFailedPrecondition, 409}, {StatusCode::kResourceExhausted, 429},
      {StatusCode::kCancelled, 499},         {StatusCode::kDeadlineExceeded, 504},   {StatusCode::kUnimplemented, 501},
      {StatusCode::kUnavailable, 503},       {StatusCode::kInternal, 500},           {StatusCode::kUnknown, 500},
      {StatusCode::kDataLoss, 500}};
  for (const auto& [code, http] : rows) EXPECT_EQ(HttpStatusOf(Error(code, "X", "x")), http) << CodeName(code);
  EXPECT_EQ(HttpStatusOf(Status()), 200);
}

TEST(HttpStatusOf, HttpReasonsOverrideTheCode) {
  EXPECT_EQ(HttpStatusOf(Error(StatusCode::kOutOfRange, kRangeNotSatisfiable, "x")), 416);
  EXPECT_EQ(HttpStatusOf(Error(StatusCode::kFailedPrecondition, kPreconditionFailed, "x")), 412);
  EXPECT_EQ(HttpStatusOf(Error(StatusCode::kInvalidArgument, kBodyTooLarge, "x")), 413);
  EXPECT_EQ(HttpStatusOf(Error(StatusCode::kInternal, kBodyTooLarge, "x")), 500);
}

// Every member of RFC 9457 section 3.1 with its type, and ours.
TEST(RenderProblem, HasTheMembersOfRfc9457) {
  const Status status = WithField(InvalidField("datasets[0]", "UNKNOWN_DATASET", "no such dataset"), "purpose", "missing");
  const json problem = json::parse(RenderProblem(status, 400, "/api/applications", "4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_EQ(problem["type"], "https://genofed.example/problems/unknown-dataset");
  EXPECT_EQ(problem["title"], "Bad Request");
  EXPECT_EQ(problem["status"], 400);
  EXPECT_EQ(problem["detail"], "datasets[0]: no such dataset");
  EXPECT_EQ(problem["instance"], "/api/applications");
  EXPECT_EQ(problem["reason"], "UNKNOWN_DATASET");
  EXPECT_EQ(problem["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(problem["errors"], json::parse(R"([{"field": "datasets[0]", "detail": "no such dataset"},
                                               {"field": "purpose", "detail": "missing"}])"));
}

TEST(RenderProblem, InternalErrorsSayNothingOfTheInside) {
  for (const StatusCode code : {StatusCode::kInternal, StatusCode::kUnknown, StatusCode::kDataLoss}) {
    const Status status = WithField(Error(code, "SQL_FAILED", "password of db.internal is wrong"), "secret", "secret");
    const std::string text = RenderProblem(status, 500, "", "abc123");
    EXPECT_EQ(text.find("password"), std::string::npos);
    EXPECT_EQ(text.find("secret"), std::string::npos);
    EXPECT_EQ(text.find("SQL"), std::string::npos);
    EXPECT_NE(text.find("abc123"), std::string::npos);
    EXPECT_EQ(json::parse(text)["type"], "about:blank");
    EXPECT_FALSE(json::parse(text).contains("instance"));
  }
}

TEST(RenderProblem, ForeignErrorsAreAboutBlank) {
  const json problem = json::parse(RenderProblem(absl::NotFoundError("gone \xff"), 404, "", "t"));
  EXPECT_EQ(problem["type"], "about:blank");
  EXPECT_EQ(problem["title"], "Not Found");
}

}  // namespace
}  // namespace genofed::http
