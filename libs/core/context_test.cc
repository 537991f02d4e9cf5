// SPDX-License-Identifier: Apache-2.0
#include "libs/core/context.h"

#include <gtest/gtest.h>

#include "libs/core/clock.h"

namespace genofed {
namespace {

TEST(Context, ADeadlineOnlyEverComesNearer) {
  Context near = Context::Background().WithTimeout(std::chrono::milliseconds(50));
  EXPECT_EQ(near.WithTimeout(std::chrono::hours(1)).deadline(), near.deadline());
  EXPECT_EQ(near.Detach().has_deadline(), false);
}

TEST(Context, KeepsAValidTraceAndReplacesAnInvalidOne) {
  // The example of W3C Trace Context, section 3.2.
  Context ctx = Context::Background().WithTraceparent(
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(ctx.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_NE(Context::Background().WithTraceparent("00-zz-00-01").trace_id(), "zz");
  EXPECT_EQ(Context::Background().WithTraceparent("nonsense").trace_id().size(), 32u);
}

TEST(Context, AliveNamesWhyWorkIsNoLongerWanted) {
  std::stop_source source;
  Context ctx = Context::Background().WithStop(source.get_token());
  EXPECT_TRUE(ctx.Alive().ok());
  source.request_stop();
  EXPECT_EQ(ctx.Alive().code(), StatusCode::kCancelled);
  EXPECT_EQ(Context::Background().WithTimeout(std::chrono::milliseconds(-1)).Alive().code(),
            StatusCode::kDeadlineExceeded);
}

TEST(Time, Rfc3339RoundTripsAndRefusesNonsense) {
  // RFC 3339 section 5.8: these two are the same instant.
  EXPECT_EQ(ParseRfc3339("1996-12-19T16:39:57-08:00").value(),
            ParseRfc3339("1996-12-20T00:39:57Z").value());
  EXPECT_EQ(FormatRfc3339(FromUnixSeconds(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatRfc3339(ParseRfc3339("1985-04-12T23:20:50.52Z").value()),
            "1985-04-12T23:20:50.520000Z");
  for (const char* bad :
       {"", "2026-02-30T00:00:00Z", "2026-11-22", "2026-11-22T08:05:40", "2026-11-22T08:05:40Zx",
        "2026-11-22T24:00:00Z", "2026-11-22T08:05:40.Z", "2026-11-22T08:05:40+0100"}) {
    EXPECT_FALSE(ParseRfc3339(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace genofed
