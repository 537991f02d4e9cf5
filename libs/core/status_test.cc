// SPDX-License-Identifier: Apache-2.0
#include "libs/core/status.h"

#include <gtest/gtest.h>

namespace genofed {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidField("n", "ODD", "{} is odd", n);
  return n / 2;
}

Result<int> Quarter(int n) {
  GF_ASSIGN(int half, Half(n));
  GF_TRY(Half(half));
  return half / 2;
}

TEST(Status, CarriesReasonMessageAndFields) {
  Status status = WithField(Half(3).status(), "other", "also wrong");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Reason(status), "ODD");
  EXPECT_EQ(Message(status), "n: 3 is odd");
  ASSERT_EQ(Fields(status).size(), 2u);
  EXPECT_EQ(Fields(status)[0].field, "n");
  EXPECT_EQ(Fields(status)[1].description, "also wrong");
}

TEST(Status, MacrosPropagateTheFirstError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  EXPECT_EQ(Reason(Quarter(6).status()), "ODD");
}

TEST(Status, ErrorsMadeElsewhereHaveAReasonToo) {
  EXPECT_EQ(Reason(absl::InternalError("x")), "UNSPECIFIED");
  EXPECT_EQ(Reason(absl::OkStatus()), "");
}

}  // namespace
}  // namespace genofed
