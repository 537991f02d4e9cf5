// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/fsck.h"

#include <algorithm>

namespace genofed::ledger {
namespace {

// What one file has to say: nothing when it is missing or malformed.
template <typename T>
using Witnessed = std::optional<std::vector<T>>;

class Checker {
 public:
  Checker(TileSource& source, std::uint64_t size, const std::optional<Hash>& expected)
      : source_(source), expected_(expected) {
    report_.size = size;
  }

  Result<FsckReport> Run(const std::vector<std::string>& files) {
    const std::uint64_t last = report_.size / kTileWidth;
    for (std::uint64_t i = 0; i < last; ++i) {
      GF_TRY(CheckLeaves(i, kTileWidth));
      if (lost_) return std::move(report_);
    }
    if (report_.size % kTileWidth != 0)
      GF_TRY(CheckLeaves(last, static_cast<unsigned>(report_.size % kTileWidth)));
    if (lost_) return std::move(report_);
    GF_TRY(tree_.Flush());
    report_.root = tree_.Root();
    if (expected_ && *expected_ != *report_.root) {
      report_.findings.push_back(
          {"checkpoint", "", "its root is not the one that the entries lead to"});
    }
    for (const std::string& file : files) GF_TRY(CheckOlder(file));
    return std::move(report_);
  }

 private:
  void Find(const TileId& id, std::string about, std::string what) {
    report_.findings.push_back({id.Path(), std::move(about), std::move(what)});
  }

  // A file that is missing or malformed is a finding, anything else that fails an error.
  template <typename T>
  Result<Witnessed<T>> Take(const TileId& id, Result<std::vector<T>> content) {
    ++report_.files;
    if (content.ok()) return Witnessed<T>(*std::move(content));
    const StatusCode code = content.status().code();
    if (code != StatusCode::kNotFound && code != StatusCode::kInvalidArgument)
      return content.status();
    Find(id, "", code == StatusCode::kNotFound ? "is missing" : Message(content.status()));
    return Witnessed<T>();
  }

  // One bundle and the tile with the hashes of its entries. Where they differ, the tile above knows
  // which is right, or for the last ones the checkpoint.
  Status CheckLeaves(std::uint64_t index, unsigned width) {
    const TileId tile_id{0, index, width};
    const TileId bundle_id{TileId::kEntries, index, width};
    GF_ASSIGN(const auto tile, Take(tile_id, ReadTile(source_, tile_id)));
    GF_ASSIGN(const auto bundle, Take(bundle_id, ReadBundle(source_, bundle_id)));
    if (!tile && !bundle) {
      lost_ = true;
      return absl::OkStatus();
    }
    if (!bundle) return AppendLeaves(tree_, *tile);
    std::vector<Hash> leaves;
    for (const std::string& entry : *bundle) leaves.push_back(LeafHash(entry));
    if (!tile || leaves == *tile) return AppendLeaves(tree_, leaves);

    GF_ASSIGN(const bool tile_holds, Fits(index, *tile));
    GF_ASSIGN(const bool bundle_holds, Fits(index, leaves));
    for (unsigned i = 0; i < width; ++i) {
      if (leaves[i] == (*tile)[i]) continue;
      const std::uint64_t entry = index * kTileWidth + i;
      if (!bundle_holds)
        Find(bundle_id, fmt::format("entry {}", entry), "does not have its hash in the tree");
      if (!tile_holds)
        Find(tile_id, fmt::format("hash {}", i), fmt::format("is not that of entry {}", entry));
    }
    return AppendLeaves(tree_, tile_holds ? *tile : leaves);
  }

  // Whether the leaves have the root that is in the tile above or, for the last, in the checkpoint.
  Result<bool> Fits(std::uint64_t index, const std::vector<Hash>& leaves) {
    if (leaves.size() < kTileWidth) {
      if (!expected_) return false;
      TileWriter tree = tree_;
      quiet_ = true;
      const Status appended = AppendLeaves(tree, leaves);
      quiet_ = false;
      GF_TRY(appended);
      return tree.Root() == *expected_;
    }
    const std::uint64_t above = index / kTileWidth;
    auto tile = ReadTile(source_, {1, above, TileWidthAt(1, above, report_.size)});
    if (!tile.ok()) return false;  // found when it is its turn
    return (*tile)[index % kTileWidth] == RootOfNodes(leaves);
  }

  static Status AppendLeaves(TileWriter& tree, const std::vector<Hash>& leaves) {
    for (const Hash& leaf : leaves) GF_TRY(tree.AppendLeaf(leaf));
    return absl::OkStatus();
  }

  // Receives every tile as it should be.
  Status Compare(const TileId& id, std::string_view derived) {
    if (id.level == 0 || quiet_) return absl::OkStatus();
    GF_ASSIGN(const auto stored, Take(id, ReadTile(source_, id)));
    if (!stored) return absl::OkStatus();
    GF_ASSIGN(const auto right, ParseTile(derived, id.width));
    for (unsigned i = 0; i < id.width; ++i) {
      if ((*stored)[i] != right[i])
        Find(id, fmt::format("hash {}", i), "is not the root of the tile below");
    }
    return absl::OkStatus();
  }

  // A partial tile of an earlier size must be the beginning of what is there now.
  Status CheckOlder(const std::string& file) {
    const auto id = TileId::Parse(file);
    const unsigned now = id.ok() ? TileWidthAt(id->level, id->index, report_.size) : 0;
    if (!id.ok() || id->width > now) {
      report_.notes.push_back(file);
      return absl::OkStatus();
    }
    if (id->width == now) return absl::OkStatus();  // checked already
    const TileId current{id->level, id->index, now};
    const auto newer = source_.Read(current.Path());
    if (!newer.ok()) return absl::OkStatus();  // found already
    GF_ASSIGN(const std::string bytes, source_.Read(file));
    ++report_.files;
    const Status form = id->is_entries() ? ParseBundle(bytes, id->width).status()
                                         : ParseTile(bytes, id->width).status();
    if (!form.ok()) {
      Find(*id, "", Message(form));
    } else if (!newer->starts_with(bytes)) {
      Find(*id, "", fmt::format("is not the beginning of {}", current.Path()));
    }
    return absl::OkStatus();
  }

  TileSource& source_;
  const std::optional<Hash> expected_;
  FsckReport report_;
  bool lost_ = false;
  bool quiet_ = false;
  TileWriter tree_{[this](const TileId& id, std::string_view bytes) { return Compare(id, bytes); }};
};

}  // namespace

Result<FsckReport> Fsck(TileSource& source, std::uint64_t size, const std::optional<Hash>& expected,
                        const std::vector<std::string>& files) {
  return Checker(source, size, expected).Run(files);
}

std::uint64_t SizeFromFiles(const std::vector<std::string>& files) {
  std::uint64_t size = 0;
  for (const std::string& file : files) {
    const auto id = TileId::Parse(file);
    if (!id.ok() || (id->level != 0 && !id->is_entries())) continue;
    if (id->index < (std::uint64_t{1} << 56))
      size = std::max(size, id->index * kTileWidth + id->width);
  }
  return size;
}

}  // namespace genofed::ledger
