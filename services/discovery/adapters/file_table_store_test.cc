// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_table_store.h"

#include <gtest/gtest.h>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;

std::string DigestOf(std::string_view text) { return HexEncode(crypto::Sha256(text)); }

TEST(FileTableStore, KeepsContentByItsDigestAndNames) {
  testing::TemporaryDirectory directory;
  FileTableStore store(directory / "frequencies");
  EXPECT_TRUE(store.Names()->empty());
  EXPECT_THAT(store.Read(DigestOf("a")), HasReason("TABLE_UNKNOWN"));
  EXPECT_THAT(store.Write(DigestOf("a"), "b"), HasReason("TABLE_INVALID"));
  ASSERT_TRUE(store.Write(DigestOf("a"), "a").ok());
  EXPECT_EQ(*store.Read(DigestOf("a")), "a");
  ASSERT_TRUE(store.Name("network-GRCh38", {DigestOf("a"), DigestOf("b")}).ok());
  FileTableStore again(directory / "frequencies");
  EXPECT_EQ(*again.Named("network-GRCh38"), (std::vector{DigestOf("a"), DigestOf("b")}));
  EXPECT_EQ(again.Names()->size(), 1U);
  EXPECT_TRUE(again.Named("other")->empty());
}

TEST(FileTableStore, DigestsAndNamesOfOthersLeadNowhere) {
  testing::TemporaryDirectory directory;
  ASSERT_TRUE(WriteFileAtomically(directory / "secret", "x").ok());
  FileTableStore store(directory / "frequencies");
  ASSERT_TRUE(store.Write(DigestOf("a"), "a").ok());  // the directories are there
  EXPECT_FALSE(store.Holds("../secret"));
  EXPECT_THAT(store.Read("../secret"), HasReason("TABLE_UNKNOWN"));
  EXPECT_THAT(store.Name("../secret", {}), HasReason("FIELD_INVALID"));
}

TEST(FileTableStore, WhatIsDamagedIsGone) {
  testing::TemporaryDirectory directory;
  FileTableStore store(directory / "frequencies");
  const std::string digest = DigestOf("a");
  ASSERT_TRUE(store.Write(digest, "a").ok());
  ASSERT_TRUE(
      WriteFileAtomically(directory / "frequencies" / "content" / digest.substr(0, 2) / digest, "b")
          .ok());
  EXPECT_THAT(store.Read(digest), HasReason("TABLE_CORRUPT"));
  EXPECT_FALSE(store.Holds(digest));
  ASSERT_TRUE(store.Write(digest, "a").ok());
  EXPECT_EQ(*store.Read(digest), "a");
}

TEST(FileTableStore, OldContentThatNothingNamesIsDropped) {
  testing::TemporaryDirectory directory;
  FileTableStore store(directory / "frequencies");
  for (const char* text : {"wanted", "old", "young"})
    ASSERT_TRUE(store.Write(DigestOf(text), text).ok());
  auto age = [&](const std::string& text) {
    const std::string digest = DigestOf(text);
    std::filesystem::last_write_time(
        directory / "frequencies" / "content" / digest.substr(0, 2) / digest,
        std::filesystem::file_time_type::clock::now() - std::chrono::hours(2));
  };
  age("wanted");
  age("old");
  ASSERT_TRUE(store.Write(DigestOf("again"), "again").ok());
  age("again");
  ASSERT_TRUE(store.Write(DigestOf("again"), "again").ok());
  ASSERT_TRUE(store.Keep({DigestOf("wanted")}).ok());
  EXPECT_TRUE(store.Holds(DigestOf("wanted")));
  EXPECT_TRUE(store.Holds(DigestOf("young")));
  EXPECT_TRUE(store.Holds(DigestOf("again"))) << "as young as what was written just now";
  EXPECT_FALSE(store.Holds(DigestOf("old")));
}

}  // namespace
}  // namespace genofed::discovery
