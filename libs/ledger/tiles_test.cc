// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/tiles.h"

#include <rapidcheck.h>

#include "libs/ledger/test_support.h"

namespace genofed::ledger {
namespace {

TEST(TileId, WritesAndReadsThePathsOfTheReference) {
  GF_NEED_VECTORS();
  int checked = 0;
  for (const auto& row : Rows("tile-paths.tsv")) {
    if (row[0] == "kind") continue;
    const auto first = static_cast<std::uint64_t>(ParseInt(row[2]).value());
    const auto second = static_cast<std::uint64_t>(ParseInt(row[3]).value());
    TileId id{TileId::kEntries, first, second == 0 ? kTileWidth : static_cast<unsigned>(second)};
    if (row[0] == "tile") id.level = static_cast<unsigned>(ParseInt(row[1]).value());
    if (row[0] == "entries_for_seq") id = BundleOf(first, second);
    EXPECT_EQ(id.Path(), row[4]);
    EXPECT_EQ(TileId::Parse(row[4]).value(), id);
    ++checked;
  }
  EXPECT_EQ(checked, 16);
}

// The example of c2sp.org/tlog-tiles.
TEST(TileId, CountsTheTilesOfATree) {
  EXPECT_EQ(TileWidthAt(0, 272, 70'000), 256U);
  EXPECT_EQ(TileWidthAt(0, 273, 70'000), 112U);
  EXPECT_EQ(TileWidthAt(0, 274, 70'000), 0U);
  EXPECT_EQ(TileWidthAt(1, 0, 70'000), 256U);
  EXPECT_EQ(TileWidthAt(1, 1, 70'000), 17U);
  EXPECT_EQ(TileWidthAt(2, 0, 70'000), 1U);
  EXPECT_EQ(TileWidthAt(3, 0, 70'000), 0U);
  EXPECT_EQ(TileWidthAt(63, 0, 70'000), 0U);
  EXPECT_EQ(TileWidthAt(0, 0, 256), 256U);
  EXPECT_EQ(TileWidthAt(1, 0, 256), 1U);
  EXPECT_EQ((TileId{0, 1234067}).Path(), "tile/0/x001/x234/067");
}

TEST(TileId, RefusesOtherPaths) {
  for (const char* bad : {"",
                          "tile",
                          "tile/",
                          "tile/0",
                          "tile/0/",
                          "tile/0/00",
                          "tile/0/0000",
                          "tile/00/000",
                          "tile/64/000",
                          "tile/-1/000",
                          "tile/0/000.p/0",
                          "tile/0/000.p/256",
                          "tile/0/000.p/01",
                          "tile/0/000.p/",
                          "tile/0/x000/000",
                          "tile/0/001/000",
                          "tile/0/x001/x000",
                          "tile/0/+01",
                          "tile/0/x018/x446/x744/x073/x709/x551/616",
                          "tile/Entries/000",
                          "/tile/0/000",
                          "tile/0/000/",
                          "tile/0/../000",
                          "checkpoint"}) {
    EXPECT_EQ(Reason(TileId::Parse(bad).status()), "TILE_PATH_INVALID") << bad;
  }
  const TileId last{63, ~std::uint64_t{0}, 255};
  EXPECT_EQ(TileId::Parse(last.Path()).value(), last);
}

TEST(TileId, EveryPathReadsBack) {
  EXPECT_TRUE(rc::check([](std::uint64_t index, unsigned level, unsigned width) {
    const TileId id{level % 65, index, 1 + width % kTileWidth};
    RC_ASSERT(TileId::Parse(id.Path()).value() == id);
  }));
  EXPECT_TRUE(rc::check([](const std::string& path) {
    for (const std::string& text : {path, "tile/0/" + path, "tile/entries/" + path}) {
      const auto id = TileId::Parse(text);
      if (id.ok()) RC_ASSERT(id->Path() == text);
    }
  }));
}

TEST(Bundle, HoldsExactlyItsEntries) {
  std::string bytes;
  ASSERT_TRUE(AppendToBundle(bytes, "").ok());
  ASSERT_TRUE(AppendToBundle(bytes, "abc").ok());
  ASSERT_TRUE(AppendToBundle(bytes, std::string(65535, 'x')).ok());
  EXPECT_EQ(bytes.substr(0, 7), std::string("\0\0\0\3abc", 7));
  EXPECT_EQ(Reason(AppendToBundle(bytes, std::string(65536, 'x'))), "ENTRY_TOO_LONG");
  const auto entries = ParseBundle(bytes, 3).value();
  EXPECT_EQ(entries[0], "");
  EXPECT_EQ(entries[1], "abc");
  EXPECT_EQ(entries[2].size(), 65535U);
  EXPECT_FALSE(ParseBundle(bytes, 2).ok());
  EXPECT_FALSE(ParseBundle(bytes, 4).ok());
  EXPECT_FALSE(ParseBundle(bytes + '\0', 3).ok());
  EXPECT_FALSE(ParseBundle(bytes.substr(0, bytes.size() - 1), 3).ok());
}

TEST(TileWriter, MakesTheGoldenLog) {
  GF_NEED_VECTORS();
  const std::string log = "tessera-golden-log/log/";
  const std::string bundle = Load(log + "tile/entries/000.p/15");
  const auto entries = ParseBundle(bundle, 15).value();
  std::map<std::string, std::string> files;
  TileWriter writer([&](const TileId& id, std::string_view bytes) {
    files[id.Path()] = bytes;
    return absl::OkStatus();
  });
  for (std::size_t size = 1; size <= entries.size(); ++size) {
    ASSERT_TRUE(writer.Append(entries[size - 1]).ok());
    ASSERT_TRUE(writer.Flush().ok());
    for (const char* name : {"tile/0/000.p/", "tile/entries/000.p/"}) {
      const std::string path = name + std::to_string(size);
      EXPECT_EQ(files[path], Load(log + path)) << path;
    }
    EXPECT_EQ(writer.Root().Base64(),
              Split(Load(log + "checkpoint." + std::to_string(size)), '\n')[2]);
  }
  EXPECT_EQ(files.size(), 30U);
}

TEST(TileWriter, Has513KnownRoots) {
  GF_NEED_VECTORS();
  TileWriter writer([](const TileId&, std::string_view) { return absl::OkStatus(); });
  for (const auto& row : Rows("tree-513.tsv")) {
    if (row[0] != "root") continue;
    const auto size = static_cast<std::uint64_t>(ParseInt(row[1]).value());
    while (writer.size() < size)
      ASSERT_TRUE(writer.Append("entry-" + std::to_string(writer.size())).ok());
    EXPECT_EQ(writer.Root().Hex(), row[2]) << size;
  }
  EXPECT_EQ(writer.size(), 513U);
}

// Tiles, and proofs from them, are those of the tree in memory, also above the first level.
TEST(TileTree, ProvesAsTheTreeInMemory) {
  constexpr std::uint64_t kSize = 256 * 256 + 256 + 77;
  MemoryTiles log;
  MerkleTree memory;
  TileWriter writer(log.Sink());
  for (std::uint64_t i = 0; i < kSize; ++i) {
    const std::string entry = "entry-" + std::to_string(i);
    memory.AppendEntry(entry);
    ASSERT_TRUE(writer.Append(entry).ok());
  }
  ASSERT_TRUE(writer.Flush().ok());
  EXPECT_EQ(writer.Root(), memory.Root());
  // Few tiles at a time, so that some are read again.
  TileTree tree(log, kSize, 4);
  EXPECT_EQ(TreeRoot(tree, kSize).value(), memory.Root());
  EXPECT_TRUE(rc::check([&](std::uint64_t a, std::uint64_t b) {
    const std::uint64_t size = 1 + a % kSize;
    const std::uint64_t index = b % size;
    RC_ASSERT(TreeRoot(tree, size).value() == memory.Root(size).value());
    RC_ASSERT(ProveInclusion(tree, index, size).value() ==
              memory.InclusionProof(index, size).value());
    RC_ASSERT(ProveConsistency(tree, index, size).value() ==
              memory.ConsistencyProof(index, size).value());
  }));
  EXPECT_EQ(Reason(TreeRoot(tree, kSize + 1).status()), "TREE_RANGE");
  EXPECT_EQ(Reason(ProveInclusion(tree, kSize, kSize).status()), "TREE_RANGE");
}

TEST(TileTree, TakesTheFullTileWhenThePartialIsGone) {
  MemoryTiles log;
  MerkleTree memory;
  TileWriter writer(log.Sink());
  for (int i = 0; i < 256; ++i) {
    memory.AppendEntry(std::to_string(i));
    ASSERT_TRUE(writer.Append(std::to_string(i)).ok());
  }
  TileTree tree(log, 100);
  EXPECT_EQ(TreeRoot(tree, 100).value(), memory.Root(100).value());
  EXPECT_EQ(ReadBundle(log, BundleOf(3, 100)).value().size(), 100U);
  log.files.clear();
  TileTree lost(log, 100);
  EXPECT_EQ(TreeRoot(lost, 100).status().code(), StatusCode::kNotFound);
}

// Whoever checks roots against a checkpoint notices any change of any tile.
TEST(TileTree, AnyChangedByteOfATileChangesTheRoot) {
  MemoryTiles log;
  TileWriter writer(log.Sink());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(writer.Append(std::to_string(i)).ok());
  ASSERT_TRUE(writer.Flush().ok());
  for (const auto& [path, bytes] : log.files) {
    if (path.starts_with("tile/entries/") || path == "tile/0/000") continue;  // not on its way
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      MemoryTiles changed = log;
      changed.files[path] = Flip(bytes, at, static_cast<int>(at % 8));
      TileTree tree(changed, 300);
      EXPECT_NE(TreeRoot(tree, 300).value(), writer.Root()) << path << " " << at;
    }
  }
}

}  // namespace
}  // namespace genofed::ledger
