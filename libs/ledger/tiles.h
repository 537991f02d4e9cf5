// SPDX-License-Identifier: Apache-2.0
//
// A log as static files (c2sp.org/tlog-tiles): its entries in bundles of 256, and its tree in tiles
// of 256 hashes. The hash at place i of the tile (level L, index N) is the root over the leaves
// [(256 N + i) 256^L, (256 N + i + 1) 256^L). The rightmost tile of a level may be partial, and
// then has its width in its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/ledger/merkle.h"

namespace genofed::ledger {

inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kTileWidth = 256;
inline constexpr unsigned kTileLevels = 8;  // as many as a 64-bit size can have
inline constexpr std::size_t kMaxTileEntryBytes = 65535;
inline constexpr std::size_t kMaxBundleBytes = kTileWidth * (2 + kMaxTileEntryBytes);

// Which file of a log.
struct TileId {
  static constexpr unsigned kEntries = 64;  // as `level`: a bundle of entries
  unsigned level = 0;                       // 0 to 63, or kEntries
  std::uint64_t index = 0;
  unsigned width = kTileWidth;  // 1 to 256

  bool is_entries() const { return level == kEntries; }
  bool full() const { return width == kTileWidth; }
  // "tile/0/x001/x234/067", "tile/1/000.p/12", "tile/entries/000".
  std::string Path() const;
  // Accepts exactly what Path makes. Errors: TILE_PATH_INVALID.
  static Result<TileId> Parse(std::string_view path);
  friend auto operator<=>(const TileId&, const TileId&) = default;
};

// How many hashes (or entries) the tile has in the tree of `size` leaves; 0: it does not exist
// there.
unsigned TileWidthAt(unsigned level, std::uint64_t index, std::uint64_t size);
// The bundle that holds an entry in the log of `size` entries; index < size.
TileId BundleOf(std::uint64_t entry_index, std::uint64_t size);

std::string FormatTile(std::span<const Hash> hashes);
// Errors: TILE_INVALID when the length is not that of `width` hashes.
Result<std::vector<Hash>> ParseTile(std::string_view bytes, unsigned width);

// Appends one entry: its length in two bytes, most significant first, and its bytes. Errors:
// ENTRY_TOO_LONG.
Status AppendToBundle(std::string& bundle, std::string_view entry);
// The entries of a bundle, as parts of `bytes`. Errors: BUNDLE_INVALID unless it is exactly
// `width`.
Result<std::vector<std::string_view>> ParseBundle(std::string_view bytes, unsigned width);

// Where the files of a log are read from. Errors: NotFound when there is no such file.
class TileSource {
 public:
  virtual ~TileSource() = default;
  // `path` is "checkpoint" or that of a TileId.
  virtual Result<std::string> Read(const std::string& path) = 0;
};

// A directory with the files of one log.
class DirectoryTiles final : public TileSource {
 public:
  explicit DirectoryTiles(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<std::string> Read(const std::string& path) override;
  // The names of all files under tile/, relative to the directory, in order.
  Result<std::vector<std::string>> List() const;

 private:
  std::filesystem::path directory_;
};

// The hash or bundle file that `id` names in a log of at least that size: the file itself, or the
// full one if the partial is gone, cut to the width. Errors: those of source, ParseTile,
// ParseBundle.
Result<std::vector<Hash>> ReadTile(TileSource& source, const TileId& id);
Result<std::vector<std::string>> ReadBundle(TileSource& source, const TileId& id);

// The tree of a log with `size` entries, read from its tiles as they are needed. Tiles are kept,
// with all hashes inside them, so that a warm proof hashes next to nothing: 16 KiB each, at most
// `max_tiles`. Nothing read is verified here: check roots and proofs against a checkpoint. Not
// thread safe; borrows the source.
class TileTree final : public NodeSource {
 public:
  TileTree(TileSource& source, std::uint64_t size, std::size_t max_tiles = 4096)
      : source_(source), size_(size), max_tiles_(max_tiles) {}
  std::uint64_t size() const { return size_; }
  Result<Hash> Node(unsigned level, std::uint64_t index) override;

 private:
  // Level k of a tile's own tree: one 256th of the tile's first hashes each, see Node.
  using Levels = std::vector<std::vector<Hash>>;
  Result<const Levels*> Load(unsigned level, std::uint64_t index);

  TileSource& source_;
  const std::uint64_t size_;
  const std::size_t max_tiles_;
  std::map<std::pair<unsigned, std::uint64_t>, Levels> tiles_;
};

// Makes the files of a log while it grows, holding one tile of each level and one bundle.
class TileWriter {
 public:
  // Takes each file once it is full, and with Flush the partial ones.
  using Sink = std::function<Status(const TileId& id, std::string_view bytes)>;
  explicit TileWriter(Sink sink) : sink_(std::move(sink)), levels_(1) {}

  // Errors: ENTRY_TOO_LONG, and those of the sink, after which the writer must not be used again.
  Status Append(std::string_view entry);
  // A leaf whose entry is not at hand; do not mix with Append within one bundle.
  Status AppendLeaf(const Hash& leaf);
  // Hands out the partial tiles and the partial bundle. More may be appended afterwards.
  Status Flush() const;

  std::uint64_t size() const { return size_; }
  Hash Root() const;

 private:
  Sink sink_;
  std::uint64_t size_ = 0;
  std::vector<std::vector<Hash>> levels_;  // the hashes of the rightmost tile of each level
  std::string bundle_;
};

}  // namespace genofed::ledger
