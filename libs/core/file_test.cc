// SPDX-License-Identifier: Apache-2.0
#include "libs/core/file.h"

#include <gtest/gtest.h>

#include <string>

namespace genofed {
namespace {

// An error is not the end of a file.
TEST(ReadFile, WhatCannotBeReadIsNotEmpty) {
  for (const char* path : {"/proc/self", "/proc/self/mem"}) {
    const auto content = ReadFile(path);
    ASSERT_FALSE(content.ok()) << path;
    EXPECT_EQ(Reason(content.status()), "FILE_FAILED");
    EXPECT_NE(Message(content.status()).find(path), std::string::npos);
  }
  EXPECT_EQ(ReadFile("/dev/null").value(), "");
  EXPECT_EQ(ReadFile("/nowhere/file").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace genofed
