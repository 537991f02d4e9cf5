// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/variant_routes.h"

#include <gtest/gtest.h>

#include <optional>

#include "genofed/onboarding/v1/variants.pb.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

TEST(VariantRoutes, WhoeverGoesAwayLeavesNoFileBehind) {
  std::stop_source gone;
  std::optional<Status> discarding;
  http::Router router;
  Api api(router, TestTokens());
  AddVariantRoutes(api,
                   [&](const Context& ctx, std::string_view, std::string_view method,
                       const google::protobuf::Message&, google::protobuf::Message*) -> Status {
                     if (method.ends_with("/DescribeVariantFile")) gone.request_stop();
                     if (method.ends_with("/DiscardVariantFile")) discarding = ctx.Alive();
                     return ctx.Alive();
                   });
  auto request = MakeRequest(http::Method::kPost, "/api/v1/variants/describe",
                             "##fileformat=VCFv4.2", {{"Authorization", "Bearer good"}});
  request.ctx = request.ctx.WithStop(gone.get_token());
  const auto answer = router.Handle(request);
  EXPECT_EQ(answer.status, 499);
  ASSERT_TRUE(discarding.has_value());
  EXPECT_TRUE(discarding->ok());
}

}  // namespace
}  // namespace genofed::gateway
