// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/tile_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <tuple>

#include "libs/core/strings.h"
#include "libs/genomics/digest.h"

namespace genofed::genomics {

static_assert(std::endian::native == std::endian::little, "the files are little-endian");

namespace {

constexpr std::size_t kBitsetAlignment = 64;

constexpr std::uint64_t AlignUp(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

std::uint64_t BitsetWords(std::uint32_t n_rows) {
  return (static_cast<std::uint64_t>(n_rows) + 63) / 64;
}

Status CorruptTile(std::string_view what) {
  return Error(StatusCode::kDataLoss, "INDEX_CORRUPT", "index file: {}", what);
}

template <typename T>
void Put(std::string& out, std::uint64_t offset, T value) {
  std::memcpy(out.data() + offset, &value, sizeof value);
}

// Encodes the rows of one batch; `*count` becomes their number.
std::string EncodeRows(std::span<const std::uint32_t> rows, std::uint32_t begin,
                       std::uint32_t n_rows, std::uint32_t* count) {
  auto first = std::lower_bound(rows.begin(), rows.end(), begin);
  auto last = std::lower_bound(first, rows.end(), begin + n_rows);
  *count = static_cast<std::uint32_t>(last - first);
  std::string out;
  if (IsRowList(*count, n_rows)) {
    out.resize(*count * sizeof(std::uint32_t));
    for (std::uint64_t i = 0; first != last; ++first, ++i)
      Put(out, i * sizeof(std::uint32_t), *first - begin);
  } else if (*count > 0) {
    out.resize(BitsetWords(n_rows) * sizeof(std::uint64_t));
    for (; first != last; ++first) {
      std::uint32_t row = *first - begin;
      char& byte = out[row / 8];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | (1U << (row % 8)));
    }
  }
  return out;
}

}  // namespace

std::uint64_t AlleleKey(std::string_view ref, std::string_view alt) {
  std::uint64_t hash = 14695981039346656037ULL;
  auto add = [&](char c) { hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL; };
  for (char c : ref) add(c);
  add('>');
  for (char c : alt) add(c);
  return hash;
}

TileColumns::TileColumns(std::uint64_t n) {
  std::uint64_t at = sizeof(TileHeader);
  auto take = [&](std::uint64_t width) {
    std::uint64_t here = at;
    at = AlignUp(at + width * n, 8);
    return here;
  };
  pos = take(4);
  key = take(8);
  allele = take(4);
  ref_length = take(2);
  alt_length = take(2);
  for (std::uint64_t& column : count) column = take(4);
  an = take(4);
  for (std::uint64_t& column : rows) column = take(8);
  end = at;
}

void TileWriter::Add(const Variant& variant, const CarrierSets& sets) {
  Site site;
  site.pos = static_cast<std::uint32_t>(variant.pos);
  site.ref = variant.ref;
  site.alt = variant.alt;
  const std::vector<std::uint32_t>* kinds[kRowSetKinds] = {&sets.het, &sets.hom, &sets.hemi,
                                                           &sets.single, &sets.nocall};
  for (std::size_t k = 0; k < kRowSetKinds; ++k) {
    site.rows[k] = EncodeRows(*kinds[k], row_begin_, n_rows_, &site.count[k]);
  }
  sites_.push_back(std::move(site));
}

std::vector<const TileWriter::Site*> TileWriter::Sorted(std::uint64_t* duplicates) const {
  std::vector<const Site*> sorted;
  sorted.reserve(sites_.size());
  for (const Site& site : sites_) sorted.push_back(&site);
  auto key = [](const Site* site) { return std::tie(site->pos, site->ref, site->alt); };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Site* a, const Site* b) { return key(a) < key(b); });
  auto end = std::unique(sorted.begin(), sorted.end(),
                         [&](const Site* a, const Site* b) { return key(a) == key(b); });
  *duplicates += static_cast<std::uint64_t>(sorted.end() - end);
  sorted.erase(end, sorted.end());
  return sorted;
}

std::string TileWriter::Encode(std::uint64_t* duplicates) const {
  std::vector<const Site*> sites = Sorted(duplicates);
  TileHeader header;
  header.tile = tile_;
  header.row_begin = row_begin_;
  header.n_rows = n_rows_;
  header.n_sites = static_cast<std::uint32_t>(sites.size());
  TileColumns columns(sites.size());
  std::string out(columns.end, '\0');
  header.pool_offset = out.size();
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const Site& site = *sites[i];
    header.max_ref_length =
        std::max(header.max_ref_length, static_cast<std::uint32_t>(site.ref.size()));
    std::uint32_t an = 2 * n_rows_ - site.count[2] - site.count[3] - 2 * site.count[4];
    Put(out, columns.pos + 4 * i, site.pos);
    Put(out, columns.key + 8 * i, AlleleKey(site.ref, site.alt));
    Put(out, columns.allele + 4 * i, static_cast<std::uint32_t>(out.size() - header.pool_offset));
    Put(out, columns.ref_length + 2 * i, static_cast<std::uint16_t>(site.ref.size()));
    Put(out, columns.alt_length + 2 * i, static_cast<std::uint16_t>(site.alt.size()));
    Put(out, columns.an + 4 * i, an);
    for (std::size_t k = 0; k < kRowSetKinds; ++k)
      Put(out, columns.count[k] + 4 * i, site.count[k]);
    out += site.ref;
    out += site.alt;
  }
  header.pool_size = out.size() - header.pool_offset;
  for (std::size_t k = 0; k < kRowSetKinds; ++k) {
    const Site* last = nullptr;
    std::uint64_t last_offset = 0;
    for (std::size_t i = 0; i < sites.size(); ++i) {
      if (sites[i]->count[k] == 0) continue;
      // On X and Y the haploid rows of neighbouring sites are the same people.
      if (last == nullptr || last->count[k] != sites[i]->count[k] ||
          last->rows[k] != sites[i]->rows[k]) {
        out.resize(
            AlignUp(out.size(), IsRowList(sites[i]->count[k], n_rows_) ? 4 : kBitsetAlignment),
            '\0');
        last_offset = out.size();
        out += sites[i]->rows[k];
        last = sites[i];
      }
      Put(out, columns.rows[k] + 8 * i, last_offset);
    }
  }
  header.file_size = out.size();
  auto body = std::span(reinterpret_cast<const std::uint8_t*>(out.data()), out.size())
                  .subspan(sizeof header);
  header.body_sha256 = Sha256(body);
  Put(out, 0, header);
  return out;
}

Result<std::unique_ptr<TileReader>> TileReader::Open(const std::filesystem::path& path,
                                                     std::string_view sha256) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CorruptTile("a file of the manifest is missing");
  struct stat info = {};
  std::size_t size =
      ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? static_cast<std::size_t>(info.st_size) : 0;
  void* data =
      size < sizeof(TileHeader) ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  ::close(fd);
  if (data == MAP_FAILED) return CorruptTile("too short, or not readable");
  std::unique_ptr<TileReader> tile(new TileReader(static_cast<const std::uint8_t*>(data), size));
  GF_TRY(tile->Verify(sha256));
  return tile;
}

TileReader::~TileReader() { ::munmap(const_cast<std::uint8_t*>(data_), size_); }

Status TileReader::Verify(std::string_view sha256) {
  if (Sha256Hex({reinterpret_cast<const char*>(data_), size_}) != sha256)
    return CorruptTile("wrong SHA-256");
  std::memcpy(&header_, data_, sizeof header_);
  if (header_.magic != TileHeader().magic) return CorruptTile("not an index file");
  if (header_.format_version != kTileFormatVersion) return CorruptTile("an unknown format version");
  if (header_.file_size != size_) return CorruptTile("wrong size");
  columns_ = TileColumns(header_.n_sites);
  if (columns_.end > size_ || header_.pool_offset != columns_.end ||
      header_.pool_size > size_ - columns_.end) {
    return CorruptTile("columns behind the end of the file");
  }
  return VerifySites();
}

Status TileReader::VerifySites() const {
  for (std::uint32_t site = 0; site < n_sites(); ++site) {
    std::uint64_t length = std::uint64_t{At<std::uint16_t>(columns_.ref_length, site)} +
                           At<std::uint16_t>(columns_.alt_length, site);
    if (At<std::uint32_t>(columns_.allele, site) + length > header_.pool_size)
      return CorruptTile("an allele");
    if (pos(site) / kTileBases != header_.tile || (site > 0 && pos(site) < pos(site - 1))) {
      return CorruptTile("a position");
    }
    for (std::size_t k = 0; k < kRowSetKinds; ++k) {
      if (!RowsValid(static_cast<RowSetKind>(k), site)) return CorruptTile("a row set");
    }
  }
  return absl::OkStatus();
}

bool TileReader::RowsValid(RowSetKind kind, std::uint32_t site) const {
  std::uint32_t n = count(kind, site);
  if (n == 0) return true;
  bool is_list = IsRowList(n, header_.n_rows);
  std::uint64_t offset = RowsOffset(kind, site);
  std::uint64_t bytes = is_list ? std::uint64_t{n} * 4 : BitsetWords(header_.n_rows) * 8;
  if (n > header_.n_rows || offset < columns_.end || offset > size_ || bytes > size_ - offset)
    return false;
  if (offset % (is_list ? 4 : kBitsetAlignment) != 0) return false;
  if (is_list) {
    auto rows = list(kind, site);
    bool ascending =
        std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) == rows.end();
    return ascending && rows.back() < header_.n_rows;
  }
  auto words = bits(kind, site);
  std::uint64_t members = 0;
  for (std::uint64_t word : words) members += static_cast<std::uint64_t>(std::popcount(word));
  bool tail_clear = header_.n_rows % 64 == 0 || words.back() >> (header_.n_rows % 64) == 0;
  return members == n && tail_clear;
}

std::string_view TileReader::ref(std::uint32_t site) const {
  const char* pool = reinterpret_cast<const char*>(data_ + header_.pool_offset);
  return {pool + At<std::uint32_t>(columns_.allele, site),
          At<std::uint16_t>(columns_.ref_length, site)};
}

std::string_view TileReader::alt(std::uint32_t site) const {
  std::string_view before = ref(site);
  return {before.data() + before.size(), At<std::uint16_t>(columns_.alt_length, site)};
}

std::span<const std::uint32_t> TileReader::list(RowSetKind kind, std::uint32_t site) const {
  std::uint32_t n = count(kind, site);
  if (n == 0 || !IsRowList(n, header_.n_rows)) return {};
  return {reinterpret_cast<const std::uint32_t*>(data_ + RowsOffset(kind, site)), n};
}

std::span<const std::uint64_t> TileReader::bits(RowSetKind kind, std::uint32_t site) const {
  std::uint32_t n = count(kind, site);
  if (n == 0 || IsRowList(n, header_.n_rows)) return {};
  return {reinterpret_cast<const std::uint64_t*>(data_ + RowsOffset(kind, site)),
          BitsetWords(header_.n_rows)};
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
