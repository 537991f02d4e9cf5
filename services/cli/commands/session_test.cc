// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/session.h"

#include <gtest/gtest.h>

#include "libs/testing/matchers.h"

namespace genofed::cli {
namespace {

using testing::HasReason;
using testing::IsOk;

TEST(AllPages, AreOneList) {
  std::vector<std::string> asked;
  const auto get = [&](const std::string& path) -> Result<Json> {
    asked.push_back(path);
    if (asked.size() == 1) return Json{{"rows", {3, 2}}, {"next_page_token", "a b"}};
    if (asked.size() == 2) return Json{{"next_page_token", "c"}};
    return Json{{"rows", {1}}};
  };
  const auto all = AllPages(get, "/list?page_size=2", "rows");
  ASSERT_THAT(all, IsOk());
  EXPECT_EQ(*all, (Json{{"rows", {3, 2, 1}}}));
  EXPECT_EQ(asked,
            (std::vector<std::string>{"/list?page_size=2", "/list?page_size=2&page_token=a%20b",
                                      "/list?page_size=2&page_token=c"}));
}

TEST(AllPages, AreAllOrAnError) {
  int asked = 0;
  const auto broken = [&](const std::string&) -> Result<Json> {
    if (++asked == 2) return Error(StatusCode::kUnavailable, "AWAY", "away");
    return Json{{"rows", {1}}, {"next_page_token", "1"}};
  };
  EXPECT_THAT(AllPages(broken, "/list", "rows"), HasReason("AWAY"));
  const auto loop = [](const std::string&) -> Result<Json> {
    return Json{{"rows", {1}}, {"next_page_token", "1"}};
  };
  EXPECT_THAT(AllPages(loop, "/list", "rows"), HasReason("PAGING_LOOP"));
}

}  // namespace
}  // namespace genofed::cli
