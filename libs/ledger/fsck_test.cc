// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/fsck.h"

#include <rapidcheck.h>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

// 256 * 256 + 300 entries would have every kind of tile, but 600 have all rules: two full tiles at
// level 0, a partial one, and a partial one above.
constexpr std::uint64_t kSize = 600;

class FsckTest : public ::testing::Test {
 protected:
  FsckTest() {
    TileWriter writer(log_.Sink());
    for (std::uint64_t i = 0; i < kSize; ++i) {
      EXPECT_TRUE(writer.Append("entry-" + std::to_string(i)).ok());
      if (i == 99) {
        EXPECT_TRUE(writer.Flush().ok());  // partial tiles of an older checkpoint
      }
    }
    EXPECT_TRUE(writer.Flush().ok());
    root_ = writer.Root();
  }

  FsckReport Check(MemoryTiles& log, bool with_root = true) {
    auto report = Fsck(log, kSize, with_root ? std::optional(root_) : std::nullopt, log.Names());
    EXPECT_TRUE(report.ok()) << Describe(report.status());
    return *std::move(report);
  }
  FsckReport CheckWith(const std::string& path, std::size_t at, bool with_root = true) {
    MemoryTiles log = log_;
    log.files[path] = Flip(log.files.at(path), at);
    return Check(log, with_root);
  }

  MemoryTiles log_;
  Hash root_;
};

TEST_F(FsckTest, FindsNothingInAGoodLog) {
  const FsckReport report = Check(log_);
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.root, root_);
  EXPECT_EQ(report.files, log_.files.size());
  EXPECT_TRUE(report.notes.empty());
  EXPECT_EQ(SizeFromFiles(log_.Names()), kSize);
}

TEST_F(FsckTest, NamesTheEntryThatWasChanged) {
  // Entry 3 of the second bundle: 3 * (2 + 9) bytes before it, then its length.
  const FsckReport report = CheckWith("tile/entries/001", 3 * 11 + 2);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path, "tile/entries/001");
  EXPECT_EQ(report.findings[0].about, "entry 259");
  EXPECT_EQ(report.root, root_) << "the tile still knows";
}

TEST_F(FsckTest, NamesTheHashThatWasChanged) {
  FsckReport report = CheckWith("tile/0/001", 32 * 5);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path, "tile/0/001");
  EXPECT_EQ(report.findings[0].about, "hash 5");
  report = CheckWith("tile/1/000.p/2", 32);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path, "tile/1/000.p/2");
  EXPECT_EQ(report.findings[0].about, "hash 1");
}

TEST_F(FsckTest, TheCheckpointDecidesOverTheLastTile) {
  FsckReport report = CheckWith("tile/0/002.p/88", 0);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path, "tile/0/002.p/88");
  report = CheckWith("tile/entries/002.p/88", 2);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path, "tile/entries/002.p/88");
  EXPECT_EQ(report.findings[0].about, "entry 512");
  // Without one it names both.
  EXPECT_EQ(CheckWith("tile/entries/002.p/88", 2, false).findings.size(), 2U);
}

TEST_F(FsckTest, SeesAnotherLogUnderTheSameCheckpoint) {
  MemoryTiles other;
  TileWriter writer(other.Sink());
  for (std::uint64_t i = 0; i < kSize; ++i)
    ASSERT_TRUE(writer.Append(i == 7 ? "other" : "entry-" + std::to_string(i)).ok());
  ASSERT_TRUE(writer.Flush().ok());
  const FsckReport report = Check(other);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path, "checkpoint");
  EXPECT_NE(report.root, root_);
}

TEST_F(FsckTest, NamesWhatIsMissingAndGoesOn) {
  for (const auto& [path, bytes] : log_.files) {
    if (path.find(".p/100") != std::string::npos) continue;  // not needed any more
    MemoryTiles log = log_;
    log.files.erase(path);
    const FsckReport report = Check(log);
    ASSERT_EQ(report.findings.size(), 1U) << path;
    EXPECT_EQ(report.findings[0].path, path);
    EXPECT_EQ(report.findings[0].what, "is missing");
    EXPECT_EQ(report.root, root_);
  }
  MemoryTiles log = log_;
  log.files.erase("tile/0/001");
  log.files.erase("tile/entries/001");
  EXPECT_FALSE(Check(log).root.has_value());
  log.files["tile/0/003"] = "what is this";
  EXPECT_EQ(Check(log_).notes.size(), 0U);
}

TEST_F(FsckTest, AnyChangedByteIsNoticed) {
  EXPECT_TRUE(rc::check([this](std::size_t which, std::size_t at, bool with_root) {
    const auto names = log_.Names();
    const std::string& path = names[which % names.size()];
    const FsckReport report = CheckWith(path, at % log_.files.at(path).size(), with_root);
    RC_ASSERT(
        std::ranges::any_of(report.findings, [&](const FsckFinding& f) { return f.path == path; }));
  }));
}

TEST_F(FsckTest, GoldenLogIsGood) {
  GF_NEED_VECTORS();
  DirectoryTiles golden(Vectors() + "/tessera-golden-log/log");
  const auto checkpoint =
      OpenCheckpoint(golden.Read("checkpoint").value(), NoteVerifier::Parse(kGoldenKey).value())
          .value();
  const auto report = Fsck(golden, checkpoint.size, checkpoint.root, golden.List().value()).value();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.files, 30U);
  EXPECT_EQ(report.root, checkpoint.root);
}

TEST(Fsck, AnEmptyLogIsOne) {
  MemoryTiles log;
  const auto report = Fsck(log, 0, EmptyRoot()).value();
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.root, EmptyRoot());
}

TEST(Fsck, ArbitraryFilesNeverCrash) {
  EXPECT_TRUE(rc::check([](std::map<std::string, std::string> files, std::uint16_t size) {
    MemoryTiles log;
    log.files = std::move(files);
    log.files["tile/0/000"] = std::string(8192, 'x');
    (void)Fsck(log, size, std::nullopt, log.Names());
    (void)SizeFromFiles(log.Names());
  }));
}

}  // namespace
}  // namespace genofed::ledger
