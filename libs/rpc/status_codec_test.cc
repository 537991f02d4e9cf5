// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/status_codec.h"

#include <gtest/gtest.h>

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

TEST(StatusCodec, GarbageInDetailsIsHarmless) {
  Status status = FromGrpc({grpc::StatusCode::INTERNAL, "m", "\xff\xfe garbage"});
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_EQ(Reason(FromGrpc({grpc::StatusCode::UNAVAILABLE, "connection refused"})),
            "PEER_UNAVAILABLE");
  EXPECT_TRUE(FromGrpc(ToGrpc(absl::OkStatus())).ok());
}

}  // namespace
}  // namespace genofed::rpc
