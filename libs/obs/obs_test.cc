// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/obs/log.h"
#include "libs/obs/metrics.h"

namespace genofed::obs {
namespace {

TEST(Log, WritesOneJsonObjectWithTraceAndFields) {
  ConfigureLog("fi", "consent");
  Context ctx = Context::Background();
  testing::internal::CaptureStderr();
  GF_LOG(ctx, info, "grant.withdrawn", {"grant", "g-1"}, {"count", 3}, {"last", true});
  GF_LOG(ctx, debug, "not.shown");
  std::string text = testing::internal::GetCapturedStderr();
  auto line = nlohmann::json::parse(text);
  EXPECT_EQ(line["event"], "grant.withdrawn");
  EXPECT_EQ(line["site"], "fi");
  EXPECT_EQ(line["trace_id"], ctx.trace_id());
  EXPECT_EQ(line["count"], 3);
  EXPECT_EQ(line["last"], true);
}

TEST(Log, ALineCannotBeForgedByAValue) {
  testing::internal::CaptureStderr();
  GF_LOG(Context::Background(), info, "x", {"value", "a\n{\"event\":\"forged\"}"});
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Metrics, ExposesPrometheusText) {
  Metrics metrics;
  metrics.Add("genofed_rpc_total", {{"code", "OK"}});
  metrics.Add("genofed_rpc_total", {{"code", "OK"}});
  EXPECT_NE(metrics.Expose().find("genofed_rpc_total{code=\"OK\"} 2"), std::string::npos);
}

}  // namespace
}  // namespace genofed::obs
