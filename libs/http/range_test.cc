// SPDX-License-Identifier: Apache-2.0
#include "libs/http/range.h"

#include <gtest/gtest.h>

namespace genofed::http {
namespace {

// The examples of RFC 9110 section 14.1.2 for a representation of 10000 bytes.
TEST(ParseRange, ExamplesOfRfc9110) {
  const auto check = [](const char* header, ByteRange expected) {
    const RangeDecision decision = ParseRange(header, 10000);
    EXPECT_EQ(decision.outcome, RangeOutcome::kPartial) << header;
    EXPECT_EQ(decision.range, expected) << header;
  };
  check("bytes=0-499", {0, 499});
  check("bytes=500-999", {500, 999});
  check("bytes=-500", {9500, 9999});
  check("bytes=9500-", {9500, 9999});
  check("bytes=9500-20000", {9500, 9999});
  check("bytes=-20000", {0, 9999});
  check("Bytes=0-0", {0, 0});
}

TEST(ParseRange, Unsatisfiable) {
  for (const char* header : {"bytes=10000-", "bytes=10000-10001", "bytes=-0", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(ParseRange(header, 10000).outcome, RangeOutcome::kUnsatisfiable) << header;
  }
  EXPECT_EQ(ParseRange("bytes=-5", 0).outcome, RangeOutcome::kUnsatisfiable);
}

TEST(ParseRange, WhatMayBeIgnoredIs) {
  for (const char* header : {"", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1",
                             "bytes=+1-2", "bytes=1--2", "bytes= 1 - 2"}) {
    EXPECT_EQ(ParseRange(header, 10000).outcome, RangeOutcome::kWhole) << header;
  }
}

TEST(DecideRange, IfRangeNeedsTheSameStrongValidator) {
  Request request;
  request.headers = {{"Range", "bytes=0-1"}, {"If-Range", "\"v1\""}};
  EXPECT_EQ(DecideRange(request, "\"v1\"", 10).outcome, RangeOutcome::kPartial);
  EXPECT_EQ(DecideRange(request, "\"v2\"", 10).outcome, RangeOutcome::kWhole);
  EXPECT_EQ(DecideRange(request, "", 10).outcome, RangeOutcome::kWhole);
  request.headers.Set("If-Range", "W/\"v1\"");
  EXPECT_EQ(DecideRange(request, "W/\"v1\"", 10).outcome, RangeOutcome::kWhole);
  request.headers = {{"Range", "bytes=0-1"}};
  request.method = Method::kPost;
  EXPECT_EQ(DecideRange(request, "", 10).outcome, RangeOutcome::kWhole);
}

TEST(NotModified, ComparesWeakly) {
  Request request;
  request.headers = {{"If-None-Match", "\"a\", W/\"b\""}};
  EXPECT_TRUE(NotModified(request, "\"b\""));
  EXPECT_FALSE(NotModified(request, "\"c\""));
  EXPECT_FALSE(NotModified(request, ""));
  request.headers = {{"If-None-Match", "*"}};
  EXPECT_TRUE(NotModified(request, "\"c\""));
}

}  // namespace
}  // namespace genofed::http
