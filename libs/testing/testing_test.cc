// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <memory>

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::testing {
namespace {

using ::testing::Not;

TEST(FakeClock, StandsStillUntilMoved) {
  FakeClock clock;
  EXPECT_EQ(FormatRfc3339(clock.Now()), "2026-01-01T00:00:00Z");
  clock.Advance(std::chrono::seconds(90));
  EXPECT_EQ(FormatRfc3339(clock.Now()), "2026-01-01T00:01:30Z");
  clock.Set(FromUnixSeconds(0));
  EXPECT_EQ(UnixSeconds(clock.Now()), 0);
}

TEST(SeededRandom, RepeatsForTheSameSeedOnly) {
  SeededRandom a(7), b(7), c(8);
  const std::string first = a.Bytes(32);
  EXPECT_EQ(first, b.Bytes(32));
  EXPECT_NE(first, c.Bytes(32));
  EXPECT_NE(first, a.Bytes(32));
}

TEST(TemporaryDirectory, IsDeletedWithItsContent) {
  auto directory = std::make_unique<TemporaryDirectory>();
  const std::filesystem::path path = directory->path();
  std::ofstream(path / "file") << "x";
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
  EXPECT_TRUE(std::filesystem::exists(*directory / "file"));
  directory.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Matchers, TellStatusesAndResultsApart) {
  const Status error = Error(StatusCode::kNotFound, "GONE", "no");
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(Result<int>(3), IsOk());
  EXPECT_THAT(error, Not(IsOk()));
  EXPECT_THAT(Result<int>(error), HasReason("GONE"));
  EXPECT_THAT(error, Not(HasReason("OTHER")));
  EXPECT_THAT(absl::OkStatus(), Not(HasReason("GONE")));
  EXPECT_THAT(error, HasCode(StatusCode::kNotFound));
}

}  // namespace
}  // namespace genofed::testing
