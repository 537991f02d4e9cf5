// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <span>
#include <tuple>

#include "libs/genomics/leb128.h"
#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kAlign = 8;
constexpr std::size_t kBitsetAlign = 64;
constexpr std::size_t kBitsetsInChunk = 128;

template <typename T>
std::string_view Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

constexpr std::size_t kBaseKinds = 5;

// Of A, C, G, T; all else is N.
constexpr std::array<std::uint8_t, 256> kBaseNumber = [] {
  std::array<std::uint8_t, 256> numbers = {};
  numbers.fill(4);
  for (std::uint8_t i = 0; i < 4; ++i) numbers[static_cast<unsigned char>("ACGT"[i])] = i;
  return numbers;
}();

std::size_t BaseNumber(char base) { return kBaseNumber[static_cast<unsigned char>(base)]; }

// 64-bit words of a bitset, padded to 64 bytes.
std::size_t Stride(std::uint32_t n_rows) {
  return (static_cast<std::size_t>(n_rows) + 511) / 512 * 8;
}

// The runs of one row without overlaps: two called alleles hold where they meet one.
std::vector<CoverageRun> Resolve(std::span<const CoverageRun> runs) {
  std::vector<CoverageRun> out;
  std::uint32_t at = 0;
  auto cover = [&](std::uint32_t end, bool haploid) {
    if (end <= at) return;
    if (!out.empty() && out.back().end == at && out.back().haploid == haploid) {
      out.back().end = end;
    } else {
      out.push_back({runs.front().row, at, end, haploid});
    }
    at = end;
  };
  std::uint32_t diploid_end = 0;
  std::uint32_t haploid_end = 0;
  for (std::size_t i = 0; i <= runs.size(); ++i) {
    const std::uint32_t next = i < runs.size() ? runs[i].begin : UINT32_MAX;
    cover(std::min(next, diploid_end), false);
    cover(std::min(next, haploid_end), true);
    if (i == runs.size()) break;
    at = next;
    std::uint32_t& end = runs[i].haploid ? haploid_end : diploid_end;
    end = std::max(end, runs[i].end);
  }
  return out;
}

}  // namespace

void CoverageWriter::Add(const CoverageRun& run) {
  if (last_.size() <= run.row) last_.resize(run.row + 1);
  if (std::uint32_t last = last_[run.row]; last != 0) {
    CoverageRun& before = runs_[last - 1];
    if (run.begin <= before.end && run.haploid == before.haploid) {
      before.end = std::max(before.end, run.end);
      return;
    }
  }
  runs_.push_back(run);
  last_[run.row] = static_cast<std::uint32_t>(runs_.size());
}

std::string CoverageWriter::Encode(std::uint32_t n_rows) {
  if (runs_.empty()) return {};
  std::stable_sort(runs_.begin(), runs_.end(),
                   [](const auto& a, const auto& b) { return a.row < b.row; });
  std::vector<std::uint32_t> offsets(std::size_t{n_rows} + 1);
  std::string numbers;
  std::span<const CoverageRun> rest = runs_;
  for (std::uint32_t row = 0; row < n_rows; ++row) {
    offsets[row] = static_cast<std::uint32_t>(numbers.size());
    std::uint32_t end = 0;
    std::size_t n = 0;
    while (n < rest.size() && rest[n].row == row) ++n;
    for (const CoverageRun& run : Resolve(rest.first(n))) {
      PutLeb128(numbers, run.begin - end);
      PutLeb128(numbers, std::uint64_t{run.end - run.begin} << 1 | (run.haploid ? 1 : 0));
      end = run.end;
    }
    rest = rest.subspan(n);
  }
  offsets[n_rows] = static_cast<std::uint32_t>(numbers.size());
  return std::string(Bytes(offsets)) + numbers;
}

TileWriter::TileWriter(std::uint32_t tile, std::uint32_t n_people, std::uint32_t batch_size)
    : tile_(tile) {
  for (std::uint32_t begin = 0; begin < n_people; begin += batch_size) {
    Batch& batch = batches_.emplace_back();
    batch.row_begin = begin;
    batch.n_rows = std::min(batch_size, n_people - begin);
  }
}

std::uint32_t TileWriter::PoolEntry(std::string_view ref, std::string_view alt) {
  std::uint32_t* known = nullptr;
  if (ref.size() == 1 && alt.size() == 1) {
    known = &snv_[BaseNumber(ref[0]) * kBaseKinds + BaseNumber(alt[0])];
    if (*known != 0) return *known - 1;
  }
  auto offset = static_cast<std::uint32_t>(pool_.size());
  const std::uint16_t lengths[] = {static_cast<std::uint16_t>(ref.size()),
                                   static_cast<std::uint16_t>(alt.size())};
  pool_.append(reinterpret_cast<const char*>(lengths), sizeof lengths).append(ref).append(alt);
  GF_CHECK(pool_.size() <= UINT32_MAX);
  if (known != nullptr) *known = offset + 1;
  return offset;
}

void TileWriter::Add(std::uint32_t pos, std::string_view ref, std::string_view alt,
                     const CarrierSets& carriers) {
  pos_.push_back(pos);
  allele_.push_back(PoolEntry(ref, alt));
  max_ref_length_ = std::max(max_ref_length_, static_cast<std::uint32_t>(ref.size()));
  const std::vector<std::uint32_t>* kinds[kRowSetKinds] = {
      &carriers.het, &carriers.hom, &carriers.hemi, &carriers.single, &carriers.nocall};
  for (Batch& batch : batches_) {
    std::array<PackedSet, kRowSetKinds> sets;
    std::size_t n = 0;
    for (std::size_t kind = 0; kind < kRowSetKinds; ++kind) {
      std::span<const std::uint32_t> rows = *kinds[kind];
      if (rows.empty()) continue;
      if (batches_.size() > 1) {
        auto first = std::lower_bound(rows.begin(), rows.end(), batch.row_begin);
        auto last = std::lower_bound(first, rows.end(), batch.row_begin + batch.n_rows);
        rows = {first, last};
        if (rows.empty()) continue;
      }
      PackedSet& last = batch.last[kind];
      // On X and Y the haploid rows of neighbouring sites are the same people.
      if (last.count() != rows.size() || !SameRows(batch, last, rows))
        last = PutRows(batch, kind, rows);
      sets[n++] = last;
    }
    AddSets(batch, std::span(sets).first(n));
  }
}

void TileWriter::AddSets(Batch& batch, std::span<const PackedSet> sets) {
  if (sets.empty()) {
    batch.site_sets.push_back(kNoSets);
    return;
  }
  auto number = static_cast<std::uint32_t>(batch.sets.size());
  if (sets.size() == 1) {
    std::uint32_t& alone = batch.alone[sets[0].kind()];
    if (alone != kNoSets && batch.sets[alone] == sets[0].AsLast()) {
      batch.site_sets.push_back(alone);
      return;
    }
    alone = number;
  }
  batch.site_sets.push_back(number);
  batch.sets.insert(batch.sets.end(), sets.begin(), sets.end());
  batch.sets.back() = batch.sets.back().AsLast();
}

bool TileWriter::SameRows(const Batch& batch, PackedSet set, std::span<const std::uint32_t> rows) {
  if (IsRowList(set.count(), batch.n_rows)) {
    const std::uint16_t* list = batch.lists.data() + set.place();
    return std::equal(rows.begin(), rows.end(), list, [&](std::uint32_t row, std::uint16_t member) {
      return row - batch.row_begin == member;
    });
  }
  const std::uint64_t* words = Bitset(batch, set.place());
  return std::all_of(rows.begin(), rows.end(), [&](std::uint32_t row) {
    std::uint32_t bit = row - batch.row_begin;
    return (words[bit / 64] >> (bit % 64) & 1) != 0;
  });
}

const std::uint64_t* TileWriter::Bitset(const Batch& batch, std::uint32_t place) {
  return batch.bitsets[place / kBitsetsInChunk].data() +
         place % kBitsetsInChunk * Stride(batch.n_rows);
}

std::uint64_t* TileWriter::AddBitset(Batch& batch) {
  std::size_t stride = Stride(batch.n_rows);
  if (batch.n_bitsets++ % kBitsetsInChunk == 0)
    batch.bitsets.emplace_back().reserve(kBitsetsInChunk * stride);
  std::vector<std::uint64_t>& chunk = batch.bitsets.back();
  chunk.resize(chunk.size() + stride);
  return chunk.data() + chunk.size() - stride;
}

PackedSet TileWriter::PutRows(Batch& batch, std::size_t kind, std::span<const std::uint32_t> rows) {
  auto count = static_cast<std::uint32_t>(rows.size());
  std::uint64_t place = 0;
  if (IsRowList(count, batch.n_rows)) {
    place = batch.lists.size();
    for (std::uint32_t row : rows)
      batch.lists.push_back(static_cast<std::uint16_t>(row - batch.row_begin));
  } else {
    place = batch.n_bitsets;
    std::uint64_t* words = AddBitset(batch);
    for (std::uint32_t row : rows) {
      std::uint32_t bit = row - batch.row_begin;
      words[bit / 64] |= 1ULL << (bit % 64);
    }
  }
  GF_CHECK(place <= UINT32_MAX);
  return PackedSet::Of(kind, count, place);
}

void TileWriter::AddCoverage(std::uint32_t row, std::uint32_t begin, std::uint32_t end,
                             bool haploid) {
  Batch& batch = batches_[row / batches_.front().n_rows];
  batch.coverage.Add({row - batch.row_begin, begin, end, haploid});
}

std::string_view TileWriter::Ref(std::uint32_t site) const {
  return RefOf(std::string_view(pool_).substr(allele_[site]));
}

std::string_view TileWriter::Alt(std::uint32_t site) const {
  return AltOf(std::string_view(pool_).substr(allele_[site]));
}

std::uint64_t TileWriter::Sort() {
  order_.resize(pos_.size());
  std::iota(order_.begin(), order_.end(), 0U);
  auto less = [&](std::uint32_t a, std::uint32_t b) {
    if (pos_[a] != pos_[b]) return pos_[a] < pos_[b];
    return std::tuple(Ref(a), Alt(a)) < std::tuple(Ref(b), Alt(b));
  };
  // Files are sorted: mostly there is nothing to do, and of one genome not even to compare.
  in_order_ = std::adjacent_find(pos_.begin(), pos_.end(), std::greater_equal<>()) == pos_.end();
  if (in_order_) return 0;
  in_order_ = std::is_sorted(order_.begin(), order_.end(), less);
  if (!in_order_) std::stable_sort(order_.begin(), order_.end(), less);
  auto end = std::unique(order_.begin(), order_.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return !less(a, b); });
  auto duplicates = static_cast<std::uint64_t>(order_.end() - end);
  order_.erase(end, order_.end());
  in_order_ = in_order_ && duplicates == 0;
  return duplicates;
}

std::span<const std::string_view> TileWriter::Encode(std::uint32_t number) {
  Batch& batch = batches_[number];
  coverage_ = batch.coverage.Encode(batch.n_rows);
  const auto* pos = &pos_;
  const auto* allele = &allele_;
  const auto* site_sets = &batch.site_sets;
  if (!in_order_) {
    out_pos_.clear();
    out_allele_.clear();
    out_sets_.clear();
    for (std::uint32_t site : order_) {
      out_pos_.push_back(pos_[site]);
      out_allele_.push_back(allele_[site]);
      out_sets_.push_back(batch.site_sets[site]);
    }
    pos = &out_pos_;
    allele = &out_allele_;
    site_sets = &out_sets_;
  }
  TileHeader header;
  header.tile = tile_;
  header.row_begin = batch.row_begin;
  header.n_rows = batch.n_rows;
  header.n_sites = n_sites();
  header.max_ref_length = max_ref_length_;
  header.n_sets = static_cast<std::uint32_t>(batch.sets.size());
  header.n_bitsets = batch.n_bitsets;
  header.pool_size = pool_.size();
  header.n_list_rows = batch.lists.size();
  header.coverage_size = coverage_.size();
  header.tile_size = TileSections(header).end;
  header_.assign(reinterpret_cast<const char*>(&header), sizeof header);
  static constexpr char kZeros[kBitsetAlign] = {};
  std::uint64_t size = 0;
  out_.clear();
  auto put = [&](std::string_view bytes, std::uint64_t align) {
    if (std::uint64_t rest = size % align; rest != 0) {
      out_.emplace_back(kZeros, align - rest);
      size += align - rest;
    }
    out_.push_back(bytes);
    size += bytes.size();
  };
  put(header_, kAlign);
  put(Bytes(*pos), kAlign);
  put(Bytes(*allele), kAlign);
  put(Bytes(*site_sets), kAlign);
  put(Bytes(batch.sets), kAlign);
  put(pool_, kAlign);
  put(Bytes(batch.lists), kAlign);
  put({}, kBitsetAlign);
  for (const auto& chunk : batch.bitsets) put(Bytes(chunk), kBitsetAlign);
  put(coverage_, kAlign);
  GF_CHECK(size == header.tile_size);
  return out_;
}

}  // namespace genofed::genomics
