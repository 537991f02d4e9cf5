// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/output_sealer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <map>

#include "services/spe/adapters/test_image.h"

namespace genofed::spe {
namespace {

namespace fs = std::filesystem;

TEST(OutputSealer, TellsKindsApartWithoutFollowingLinks) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: it remounts";
  const TestDir dir;
  const fs::path out = dir.path();
  std::ofstream(out / "plain") << "text";
  fs::create_symlink("/etc/passwd", out / "symbolic");
  fs::create_directory(out / "directory");
  ASSERT_EQ(mkfifo((out / "pipe").c_str(), 0600), 0);
  std::ofstream(out / "hard-a") << "x";
  fs::create_hard_link(out / "hard-a", out / "hard-b");
  std::ofstream(out / "large") << std::string(5000, 'x');
  std::ofstream(out / "holes").put('x');
  fs::resize_file(out / "holes", 1 << 20);

  const auto entries = SealOutputs(out, 32, 4096);
  ASSERT_TRUE(entries.ok()) << Describe(entries.status());
  std::map<std::string, OutputEntry> by_name;
  for (const OutputEntry& entry : *entries) by_name[entry.name] = entry;
  ASSERT_EQ(by_name.size(), 8U);
  EXPECT_EQ(by_name["plain"].kind, OutputEntry::Kind::kFile);
  EXPECT_EQ(by_name["plain"].content, "text");
  EXPECT_FALSE(by_name["plain"].sparse);
  EXPECT_EQ(by_name["symbolic"].kind, OutputEntry::Kind::kLink);
  EXPECT_EQ(by_name["symbolic"].content, "");
  EXPECT_EQ(by_name["directory"].kind, OutputEntry::Kind::kOther);
  EXPECT_EQ(by_name["pipe"].kind, OutputEntry::Kind::kOther);
  EXPECT_EQ(by_name["hard-a"].links, 2U);
  EXPECT_EQ(by_name["large"].size, 5000U);
  EXPECT_EQ(by_name["large"].content, "");
  EXPECT_TRUE(by_name["holes"].sparse);

  EXPECT_EQ(SealOutputs(out, 3, 4096)->size(), 4U);  // one more than allowed
}

}  // namespace
}  // namespace genofed::spe
