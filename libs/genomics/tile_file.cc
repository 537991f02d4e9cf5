// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/tile_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstddef>

#include "libs/genomics/digest.h"
#include "libs/genomics/leb128.h"

namespace genofed::genomics {

static_assert(std::endian::native == std::endian::little, "the files are little-endian");

namespace {

constexpr std::uint64_t AlignUp(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// 64-bit words of a bitset in the file, with its padding to 64 bytes.
std::uint64_t BitsetStride(std::uint32_t n_rows) { return AlignUp(n_rows, 512) / 64; }

Status CorruptTile(std::string_view what) {
  return Error(StatusCode::kDataLoss, "INDEX_CORRUPT", "index file: {}", what);
}

}  // namespace

TileSections::TileSections(const TileHeader& header) {
  pos = sizeof(TileHeader);
  allele = AlignUp(pos + 4 * std::uint64_t{header.n_sites}, 8);
  site_sets = AlignUp(allele + 4 * std::uint64_t{header.n_sites}, 8);
  sets = AlignUp(site_sets + 4 * std::uint64_t{header.n_sites}, 8);
  pool = sets + 8 * std::uint64_t{header.n_sets};
  lists = AlignUp(pool + header.pool_size, 8);
  bitsets = AlignUp(lists + 2 * header.n_list_rows, 64);
  coverage = bitsets + 8 * BitsetStride(header.n_rows) * header.n_bitsets;
  end = coverage + header.coverage_size;
}

Result<std::vector<CoverageRun>> DecodeCoverage(std::string_view bytes, std::uint32_t n_rows) {
  std::vector<CoverageRun> runs;
  if (bytes.empty()) return runs;
  std::uint64_t table = 4 * (std::uint64_t{n_rows} + 1);
  if (bytes.size() < table) return CorruptTile("coverage");
  auto offset = [&](std::uint32_t row) {
    std::uint32_t value;
    std::memcpy(&value, bytes.data() + 4 * std::uint64_t{row}, sizeof value);
    return value;
  };
  std::string_view numbers = bytes.substr(table);
  for (std::uint32_t row = 0; row < n_rows; ++row) {
    if (offset(row) > offset(row + 1) || offset(row + 1) > numbers.size())
      return CorruptTile("coverage");
    std::string_view rest = numbers.substr(offset(row), offset(row + 1) - offset(row));
    std::uint64_t end = 0;
    while (!rest.empty()) {
      std::uint64_t distance = 0;
      std::uint64_t length = 0;
      if (!TakeLeb128(rest, &distance) || !TakeLeb128(rest, &length) ||
          end + distance + (length >> 1) > kTileBases)
        return CorruptTile("coverage");
      auto begin = static_cast<std::uint32_t>(end + distance);
      end += distance + (length >> 1);
      runs.push_back({row, begin, static_cast<std::uint32_t>(end), (length & 1) != 0});
    }
  }
  return runs;
}

Result<std::unique_ptr<MappedFile>> MappedFile::Open(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CorruptTile("a file of the manifest is missing");
  struct stat info = {};
  std::size_t size =
      ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? static_cast<std::size_t>(info.st_size) : 0;
  void* data = size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (data == MAP_FAILED) return CorruptTile("a file is empty, or not readable");
  return std::unique_ptr<MappedFile>(
      new MappedFile({static_cast<const std::uint8_t*>(data), size}));
}

MappedFile::~MappedFile() { ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size()); }

TileReader::TileReader(std::span<const std::uint8_t> bytes)
    : data_(bytes.data()), size_(bytes.size()), sections_(TileHeader()) {}

Result<std::unique_ptr<TileReader>> TileReader::Open(std::span<const std::uint8_t> bytes,
                                                     std::string_view sha256) {
  if (bytes.size() < sizeof(TileHeader)) return CorruptTile("too short");
  std::unique_ptr<TileReader> tile(new TileReader(bytes));
  GF_TRY(tile->Verify(sha256));
  return tile;
}

Status TileReader::Verify(std::string_view sha256) {
  if (Sha256Hex({reinterpret_cast<const char*>(data_), size_}) != sha256)
    return CorruptTile("wrong SHA-256");
  std::memcpy(&header_, data_, sizeof header_);
  if (header_.magic != TileHeader().magic) return CorruptTile("not an index file");
  if (header_.format_version != kTileFormatVersion) return CorruptTile("an unknown format version");
  // Each of them below the file's size, so that their sum cannot overflow.
  if (header_.tile_size != size_ || header_.pool_size > size_ || header_.n_list_rows > size_ ||
      header_.coverage_size > size_ || header_.n_rows > kMaxPosition ||
      (header_.n_bitsets > 0 && size_ / header_.n_bitsets < BitsetStride(header_.n_rows) * 8)) {
    return CorruptTile("wrong size");
  }
  sections_ = TileSections(header_);
  if (sections_.end != size_) return CorruptTile("sections behind the end of the file");
  GF_TRY(VerifySites());
  return Coverage().status();
}

Status TileReader::VerifySites() const {
  if (header_.n_sets > 0 && !At<PackedSet>(sections_.sets, header_.n_sets - 1).last())
    return CorruptTile("the sets");
  for (std::uint32_t site = 0; site < n_sites(); ++site) {
    if (At<std::uint32_t>(sections_.allele, site) > header_.pool_size)
      return CorruptTile("an allele");
    std::string_view entry = PoolEntry(site);
    if (entry.size() < 4 || entry.size() - 4 < PoolLength(entry, 0) + PoolLength(entry, 1))
      return CorruptTile("an allele");
    if (pos(site) / kTileBases != header_.tile || (site > 0 && pos(site) < pos(site - 1)))
      return CorruptTile("a position");
    auto set = At<std::uint32_t>(sections_.site_sets, site);
    if (set != kNoSets && set >= header_.n_sets) return CorruptTile("the sets");
  }
  for (std::uint32_t set = 0; set < header_.n_sets; ++set) {
    if (!SetValid(set)) return CorruptTile("a row set");
  }
  return absl::OkStatus();
}

TileReader::Rows TileReader::RowsOf(std::uint32_t set) const {
  auto packed = At<PackedSet>(sections_.sets, set);
  Rows rows;
  rows.kind = static_cast<RowSetKind>(packed.kind());
  rows.count = packed.count();
  if (IsRowList(rows.count, header_.n_rows)) {
    rows.list = {reinterpret_cast<const std::uint16_t*>(data_ + sections_.lists) + packed.place(),
                 rows.count};
  } else {
    rows.bits = {reinterpret_cast<const std::uint64_t*>(data_ + sections_.bitsets) +
                     packed.place() * BitsetStride(header_.n_rows),
                 (static_cast<std::size_t>(header_.n_rows) + 63) / 64};
  }
  return rows;
}

bool TileReader::SetValid(std::uint32_t set) const {
  auto packed = At<PackedSet>(sections_.sets, set);
  if (packed.kind() >= kRowSetKinds || packed.count() == 0 || packed.count() > header_.n_rows)
    return false;
  if (IsRowList(packed.count(), header_.n_rows)) {
    if (std::uint64_t{packed.place()} + packed.count() > header_.n_list_rows) return false;
    auto list = RowsOf(set).list;
    bool ascending =
        std::adjacent_find(list.begin(), list.end(), std::greater_equal<>()) == list.end();
    return ascending && list.back() < header_.n_rows;
  }
  if (packed.place() >= header_.n_bitsets) return false;
  auto words = RowsOf(set).bits;
  std::uint64_t members = 0;
  for (std::uint64_t word : words) members += static_cast<std::uint64_t>(std::popcount(word));
  bool tail_clear = header_.n_rows % 64 == 0 || words.back() >> (header_.n_rows % 64) == 0;
  return members == packed.count() && tail_clear;
}

std::string_view TileReader::PoolEntry(std::uint32_t site) const {
  auto offset = At<std::uint32_t>(sections_.allele, site);
  return {reinterpret_cast<const char*>(data_ + sections_.pool) + offset,
          static_cast<std::size_t>(header_.pool_size - offset)};
}

Result<std::vector<CoverageRun>> TileReader::Coverage() const {
  return DecodeCoverage({reinterpret_cast<const char*>(data_ + sections_.coverage),
                         static_cast<std::size_t>(header_.coverage_size)},
                        header_.n_rows);
}

std::uint32_t TileReader::LowerBound(std::uint32_t wanted) const {
  std::uint32_t low = 0;
  std::uint32_t high = n_sites();
  while (low < high) {
    std::uint32_t middle = low + (high - low) / 2;
    if (pos(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace genofed::genomics
