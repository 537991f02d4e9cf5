// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/status_codec.h"

#include <gtest/gtest.h>

#include "libs/core/retry_after.h"

namespace genofed::rpc {
namespace {

TEST(StatusCodec, CarriesReasonAndFieldsBothWays) {
  Status sent = InvalidField("datasets[0]", "DATASET_UNKNOWN", "no such dataset");
  Status received = FromGrpc(ToGrpc(sent));
  EXPECT_EQ(received.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Reason(received), "DATASET_UNKNOWN");
  EXPECT_EQ(Message(received), Message(sent));
  ASSERT_EQ(Fields(received).size(), 1u);
  EXPECT_EQ(Fields(received)[0].field, "datasets[0]");
}

TEST(StatusCodec, CarriesWhenToTryAgain) {
  const Status sent = WithRetryAfter(Error(StatusCode::kResourceExhausted, "BUDGET_SPENT", "later"),
                                     std::chrono::seconds(90));
  EXPECT_EQ(RetryAfter(FromGrpc(ToGrpc(sent))), std::chrono::seconds(90));
  EXPECT_EQ(RetryAfter(FromGrpc(ToGrpc(Error(StatusCode::kInternal, "X", "x")))), std::nullopt);
  EXPECT_TRUE(WithRetryAfter(absl::OkStatus(), std::chrono::seconds(1)).ok());
}

TEST(StatusCodec, FindsTheReasonInTheTextWhereThereAreNoDetails) {
  const Status sent =
      Error(StatusCode::kPermissionDenied, "CALLER_NOT_ALLOWED", "this may not call");
  const grpc::Status wire = ToGrpcWithoutDetails(sent);
  EXPECT_EQ(wire.error_message(), "this may not call (CALLER_NOT_ALLOWED)");
  EXPECT_TRUE(wire.error_details().empty());
  EXPECT_EQ(Describe(FromGrpc(wire)), Describe(sent));
  EXPECT_EQ(Reason(FromGrpc({grpc::StatusCode::UNAVAILABLE, "wait (REVOCATIONS_STALE)"})),
            "REVOCATIONS_STALE");
  for (const char* text :
       {"", "()", "x ()", "no (reason)", "(A B)", "x (AB)", "X_Y)", "x (X_Y) z"}) {
    const Status received = FromGrpc({grpc::StatusCode::INTERNAL, text});
    EXPECT_EQ(Reason(received), "UNSPECIFIED") << text;
    EXPECT_EQ(Message(received), text);
  }
  EXPECT_TRUE(ToGrpcWithoutDetails(absl::OkStatus()).ok());
}

TEST(StatusCodec, GarbageInDetailsIsHarmless) {
  Status status = FromGrpc({grpc::StatusCode::INTERNAL, "m", "\xff\xfe garbage"});
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_EQ(Reason(FromGrpc({grpc::StatusCode::UNAVAILABLE, "connection refused"})),
            "PEER_UNAVAILABLE");
  EXPECT_TRUE(FromGrpc(ToGrpc(absl::OkStatus())).ok());
}

}  // namespace
}  // namespace genofed::rpc
