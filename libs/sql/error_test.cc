// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/error.h"

#include <gtest/gtest.h>

namespace genofed::sql {
namespace {

TEST(FromSqlState, FollowsAppendixAOfThePostgresManual) {
  const struct {
    const char* sqlstate;
    StatusCode code;
    const char* reason;
  } kCases[] = {
      {"23505", StatusCode::kAlreadyExists, "SQL_UNIQUE_VIOLATION"},
      {"23503", StatusCode::kFailedPrecondition, "SQL_FOREIGN_KEY_VIOLATION"},
      {"23514", StatusCode::kFailedPrecondition, "SQL_CHECK_VIOLATION"},
      {"23502", StatusCode::kFailedPrecondition, "SQL_NOT_NULL_VIOLATION"},
      {"40001", StatusCode::kAborted, "SQL_CONFLICT"},
      {"40P01", StatusCode::kAborted, "SQL_CONFLICT"},
      {"57014", StatusCode::kDeadlineExceeded, "SQL_TIMEOUT"},
      {"57P01", StatusCode::kUnavailable, "SQL_UNAVAILABLE"},
      {"08006", StatusCode::kUnavailable, "SQL_UNAVAILABLE"},
      {"53300", StatusCode::kUnavailable, "SQL_UNAVAILABLE"},
      {"53100", StatusCode::kResourceExhausted, "SQL_RESOURCES"},
      {"22P02", StatusCode::kInvalidArgument, "SQL_BAD_VALUE"},
      {"42P01", StatusCode::kInternal, "SQL_ERROR"},
      {"", StatusCode::kInternal, "SQL_ERROR"},
  };
  for (const auto& c : kCases) {
    const Status status = FromSqlState(c.sqlstate, "ERROR:  something");
    EXPECT_EQ(status.code(), c.code) << c.sqlstate;
    EXPECT_EQ(Reason(status), c.reason) << c.sqlstate;
  }
}

TEST(FromSqlState, KeepsNamesAndDropsValues) {
  const Status unique = FromSqlState("23505",
                                     "ERROR:  duplicate key value violates unique constraint \"grant_pkey\"\n"
                                     "DETAIL:  Key (person)=(secret) already exists.");
  EXPECT_NE(Message(unique).find("grant_pkey"), std::string::npos);
  for (const char* state : {"23505", "22P02", "P0001", "XX000"}) {
    const Status status = FromSqlState(state, "ERROR:  bad \"secret\"\nDETAIL: constraint \"secret value\"");
    EXPECT_EQ(Message(status).find("secret"), std::string::npos) << state;
  }
  EXPECT_EQ(Message(FromSqlState("23514", "ERROR: constraint \"a secret\"")).find("secret"), std::string::npos);
}

}  // namespace
}  // namespace genofed::sql
