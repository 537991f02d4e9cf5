// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/tiles.h"

#include <algorithm>
#include <charconv>

#include "libs/core/file.h"
#include "libs/core/strings.h"

namespace genofed::ledger {
namespace {

constexpr std::size_t kHashBytes = 32;

Status InvalidPath(std::string_view path) {
  return Error(StatusCode::kInvalidArgument, "TILE_PATH_INVALID",
               "'{}' is not the path of a tile or an entry bundle", path.substr(0, 100));
}

bool ParseDigits(std::string_view text, std::uint64_t* value) {
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
    return false;
  return std::from_chars(text.data(), text.data() + text.size(), *value).ec == std::errc();
}

}  // namespace

std::string TileId::Path() const {
  std::string path = is_entries() ? "tile/entries/" : fmt::format("tile/{}/", level);
  std::string number = fmt::format("{:03}", index);
  number.insert(0, (3 - number.size() % 3) % 3, '0');
  for (std::size_t at = 0; at + 3 < number.size(); at += 3)
    path += fmt::format("x{}/", number.substr(at, 3));
  path += number.substr(number.size() - 3);
  return full() ? path : fmt::format("{}.p/{}", path, width);
}

Result<TileId> TileId::Parse(std::string_view path) {
  TileId id;
  std::string_view rest = path;
  if (!rest.starts_with("tile/")) return InvalidPath(path);
  rest.remove_prefix(5);
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return InvalidPath(path);
  std::uint64_t number = 0;
  if (rest.substr(0, slash) == "entries") {
    id.level = kEntries;
  } else {
    if (!ParseDigits(rest.substr(0, slash), &number) || number >= kEntries)
      return InvalidPath(path);
    id.level = static_cast<unsigned>(number);
  }
  rest.remove_prefix(slash + 1);
  if (const std::size_t partial = rest.find(".p/"); partial != std::string_view::npos) {
    if (!ParseDigits(rest.substr(partial + 3), &number) || number == 0 || number >= kTileWidth)
      return InvalidPath(path);
    id.width = static_cast<unsigned>(number);
    rest = rest.substr(0, partial);
  }
  std::string digits;
  for (char c : rest) {
    if (c != 'x' && c != '/') digits += c;
  }
  if (!ParseDigits(digits, &id.index) || id.Path() != path) return InvalidPath(path);
  return id;
}

unsigned TileWidthAt(unsigned level, std::uint64_t index, std::uint64_t size) {
  if (level == TileId::kEntries) level = 0;
  if (level >= kTileLevels) return 0;
  const std::uint64_t hashes = size >> (kTileHeight * level);
  const std::uint64_t first_free = hashes / kTileWidth;
  if (index < first_free) return kTileWidth;
  return index == first_free ? static_cast<unsigned>(hashes % kTileWidth) : 0;
}

TileId BundleOf(std::uint64_t entry_index, std::uint64_t size) {
  const std::uint64_t index = entry_index / kTileWidth;
  return {TileId::kEntries, index, TileWidthAt(TileId::kEntries, index, size)};
}

std::string FormatTile(std::span<const Hash> hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * kHashBytes);
  for (const Hash& hash : hashes) bytes += hash.view();
  return bytes;
}

Result<std::vector<Hash>> ParseTile(std::string_view bytes, unsigned width) {
  if (bytes.size() != width * kHashBytes) {
    return Error(StatusCode::kInvalidArgument, "TILE_INVALID", "{} bytes, not {} for {} hashes",
                 bytes.size(), width * kHashBytes, width);
  }
  std::vector<Hash> hashes(width);
  for (std::size_t i = 0; i < width; ++i)
    bytes.copy(hashes[i].bytes.data(), kHashBytes, i * kHashBytes);
  return hashes;
}

Status AppendToBundle(std::string& bundle, std::string_view entry) {
  if (entry.size() > kMaxTileEntryBytes) {
    return Error(StatusCode::kInvalidArgument, "ENTRY_TOO_LONG", "an entry has at most {} bytes",
                 kMaxTileEntryBytes);
  }
  bundle += static_cast<char>(entry.size() >> 8);
  bundle += static_cast<char>(entry.size() & 0xff);
  bundle += entry;
  return absl::OkStatus();
}

Result<std::vector<std::string_view>> ParseBundle(std::string_view bytes, unsigned width) {
  std::vector<std::string_view> entries;
  entries.reserve(width);
  std::string_view rest = bytes;
  while (rest.size() >= 2 && entries.size() < width) {
    const std::size_t size = static_cast<std::size_t>(static_cast<std::uint8_t>(rest[0])) << 8 |
                             static_cast<std::uint8_t>(rest[1]);
    if (size > rest.size() - 2) break;
    entries.push_back(rest.substr(2, size));
    rest.remove_prefix(2 + size);
  }
  if (entries.size() != width || !rest.empty()) {
    return Error(StatusCode::kInvalidArgument, "BUNDLE_INVALID",
                 "not {} entries, each after its length in two bytes", width);
  }
  return entries;
}

Result<std::string> DirectoryTiles::Read(const std::string& path) {
  const std::filesystem::path file = directory_ / path;
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) {
    return Error(StatusCode::kNotFound, "FILE_MISSING", "there is no {}", file.string());
  }
  return ReadFile(file, kMaxBundleBytes);
}

Result<std::vector<std::string>> DirectoryTiles::List() const {
  std::vector<std::string> names;
  std::error_code failed;
  std::filesystem::recursive_directory_iterator at(directory_ / "tile", failed);
  for (; !failed && at != std::filesystem::recursive_directory_iterator(); at.increment(failed)) {
    if (!at->is_directory(failed))
      names.push_back(at->path().lexically_relative(directory_).generic_string());
  }
  if (failed && failed != std::errc::no_such_file_or_directory) {
    return Error(StatusCode::kUnavailable, "DIRECTORY_UNREADABLE", "{}: {}", directory_.string(),
                 failed.message());
  }
  std::ranges::sort(names);
  return names;
}

namespace {

// The bytes of the file, and the width they have.
Result<std::pair<std::string, unsigned>> ReadFull(TileSource& source, const TileId& id) {
  auto bytes = source.Read(id.Path());
  if (bytes.ok() || id.full() || bytes.status().code() != StatusCode::kNotFound) {
    if (!bytes.ok()) return bytes.status();
    return std::pair(*std::move(bytes), id.width);
  }
  // A log may delete a partial tile once there is the full one.
  auto full = source.Read(TileId{id.level, id.index}.Path());
  if (!full.ok())
    return full.status().code() == StatusCode::kNotFound ? bytes.status() : full.status();
  return std::pair(*std::move(full), kTileWidth);
}

}  // namespace

Result<std::vector<Hash>> ReadTile(TileSource& source, const TileId& id) {
  GF_ASSIGN(const auto read, ReadFull(source, id));
  GF_ASSIGN(auto hashes, ParseTile(read.first, read.second));
  hashes.resize(id.width);
  return hashes;
}

Result<std::vector<std::string>> ReadBundle(TileSource& source, const TileId& id) {
  GF_ASSIGN(const auto read, ReadFull(source, id));
  GF_ASSIGN(const auto entries, ParseBundle(read.first, read.second));
  return std::vector<std::string>(entries.begin(), entries.begin() + id.width);
}

Result<const TileTree::Levels*> TileTree::Load(unsigned level, std::uint64_t index) {
  const auto found = tiles_.find({level, index});
  if (found != tiles_.end()) return &found->second;
  Levels levels(1);
  GF_ASSIGN(levels[0], ReadTile(source_, {level, index, TileWidthAt(level, index, size_)}));
  while (levels.back().size() > 1) {
    const std::vector<Hash>& below = levels.back();
    std::vector<Hash> above;
    above.reserve(below.size() / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2)
      above.push_back(NodeHash(below[i], below[i + 1]));
    levels.push_back(std::move(above));
  }
  if (tiles_.size() >= max_tiles_) tiles_.clear();
  return &(tiles_[{level, index}] = std::move(levels));
}

Result<Hash> TileTree::Node(unsigned level, std::uint64_t index) {
  if (level >= 64 || index >= size_ >> level) {
    return Error(StatusCode::kOutOfRange, "TREE_RANGE", "the log has no such index or size");
  }
  const unsigned inner = level % kTileHeight;  // of the tile's own tree
  const unsigned per_tile = kTileWidth >> inner;
  GF_ASSIGN(const Levels* tile, Load(level / kTileHeight, index / per_tile));
  return (*tile)[inner][index % per_tile];
}

Status TileWriter::Append(std::string_view entry) {
  GF_TRY(AppendToBundle(bundle_, entry));
  if ((size_ + 1) % kTileWidth == 0) {
    GF_TRY(sink_({TileId::kEntries, size_ / kTileWidth}, bundle_));
    bundle_.clear();
  }
  return AppendLeaf(LeafHash(entry));
}

Status TileWriter::AppendLeaf(const Hash& leaf) {
  Hash hash = leaf;
  const std::uint64_t index = size_++;
  for (unsigned level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back();
    std::vector<Hash>& tile = levels_[level];
    tile.push_back(hash);
    if (tile.size() < kTileWidth) return absl::OkStatus();
    GF_TRY(sink_({level, index >> (kTileHeight * (level + 1))}, FormatTile(tile)));
    hash = RootOfNodes(tile);
    tile.clear();
  }
}

Status TileWriter::Flush() const {
  for (unsigned level = 0; level < levels_.size(); ++level) {
    if (levels_[level].empty()) continue;
    GF_TRY(sink_(
        {level, size_ >> (kTileHeight * (level + 1)), static_cast<unsigned>(levels_[level].size())},
        FormatTile(levels_[level])));
  }
  if (bundle_.empty()) return absl::OkStatus();
  return sink_(BundleOf(size_, size_), bundle_);
}

Hash TileWriter::Root() const {
  if (size_ == 0) return EmptyRoot();
  std::vector<Hash> nodes;
  for (const std::vector<Hash>& tile : levels_) {
    // What is below counts as one more, incomplete node at the right.
    std::vector<Hash> row = tile;
    row.insert(row.end(), nodes.begin(), nodes.end());
    if (!row.empty()) nodes = {RootOfNodes(row)};
  }
  return nodes[0];
}

}  // namespace genofed::ledger
