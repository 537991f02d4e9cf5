// SPDX-License-Identifier: Apache-2.0
//
// Matchers for Status and Result<T>: EXPECT_THAT(store.Get(id), HasReason("GRANT_NOT_FOUND")).
#pragma once

#include <gmock/gmock.h>

#include <string>

#include "libs/core/status.h"

namespace genofed::testing {

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  const Status status = status_internal::ToStatus(arg);
  *result_listener << Describe(status);
  return status.ok();
}

MATCHER_P(HasCode, code, std::string("has code ") + std::string(CodeName(code))) {
  const Status status = status_internal::ToStatus(arg);
  *result_listener << Describe(status);
  return status.code() == code;
}

MATCHER_P(HasReason, reason, std::string("has reason ") + std::string(reason)) {
  const Status status = status_internal::ToStatus(arg);
  *result_listener << Describe(status);
  return !status.ok() && Reason(status) == reason;
}

}  // namespace genofed::testing

// Stops the test on an error; otherwise declares `lhs` with the value of a Result.
#define GF_ASSERT_OK_AND_ASSIGN(lhs, ...) \
  GF_ASSERT_OK_AND_ASSIGN_INNER(GF_CONCAT(gf_result_, __LINE__), lhs, __VA_ARGS__)
#define GF_ASSERT_OK_AND_ASSIGN_INNER(result, lhs, ...)                    \
  auto result = (__VA_ARGS__);                                             \
  ASSERT_TRUE(result.ok()) << ::genofed::Describe(result.status());        \
  lhs = std::move(result).value()
