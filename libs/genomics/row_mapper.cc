// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/row_mapper.h"

#include <algorithm>
#include <cstring>

#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {
namespace {

// From this share of the rows on, putting calls in their place and collecting them again is faster
// than sorting them.
constexpr std::size_t kScatterShare = 32;

std::uint16_t Pack(const Call& call) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(call.first) << 8 |
                                    static_cast<std::uint8_t>(call.second));
}

bool ByIndex(const Call& a, const Call& b) { return a.index < b.index; }

}  // namespace

RowMapper::RowMapper(std::size_t n_columns, std::span<const std::int32_t> column_of_row)
    : n_rows_(column_of_row.size()), row_of_column_(n_columns, -1) {
  identical_ = n_rows_ == n_columns;
  std::int32_t last = -1;
  for (std::size_t row = 0; row < n_rows_; ++row) {
    std::int32_t column = column_of_row[row];
    if (column < 0) {
      absent_.push_back({static_cast<std::uint32_t>(row), kAlleleMissing, kAlleleMissing});
      continue;
    }
    row_of_column_[static_cast<std::size_t>(column)] = static_cast<std::int32_t>(row);
    identical_ = identical_ && static_cast<std::size_t>(column) == row;
    ascending_ = ascending_ && column > last;
    last = column;
  }
  identical_ = identical_ && absent_.empty();
  by_row_.resize(n_rows_ + 4);  // read four at a time
}

std::span<const Call> RowMapper::Map(std::span<const Call> calls) {
  if (identical_) return calls;
  mapped_.clear();
  if (ascending_ || calls.size() < n_rows_ / kScatterShare) {
    for (const Call& call : calls) {
      std::int32_t row = row_of_column_[call.index];
      if (row >= 0) mapped_.push_back({static_cast<std::uint32_t>(row), call.first, call.second});
    }
    if (!ascending_) std::sort(mapped_.begin(), mapped_.end(), ByIndex);
  } else {
    for (const Call& call : calls) {
      std::int32_t row = row_of_column_[call.index];
      if (row >= 0) by_row_[static_cast<std::size_t>(row)] = Pack(call);
    }
    for (std::size_t row = 0; row < n_rows_; row += 4) {
      std::uint64_t four;
      std::memcpy(&four, by_row_.data() + row, sizeof four);
      if (four == 0) continue;  // 0/0, four times
      std::memset(by_row_.data() + row, 0, sizeof four);
      for (std::size_t i = 0; i < 4; ++i, four >>= 16) {
        if ((four & 0xffff) == 0) continue;
        mapped_.push_back({static_cast<std::uint32_t>(row + i),
                           static_cast<std::int8_t>(four >> 8 & 0xff),
                           static_cast<std::int8_t>(four & 0xff)});
      }
    }
  }
  if (!absent_.empty()) {
    auto middle = static_cast<std::ptrdiff_t>(mapped_.size());
    mapped_.insert(mapped_.end(), absent_.begin(), absent_.end());
    std::inplace_merge(mapped_.begin(), mapped_.begin() + middle, mapped_.end(), ByIndex);
  }
  return mapped_;
}

void CarriersOf(std::span<const Call> calls, std::int8_t allele, CarrierSets& sets) {
  for (auto* rows : {&sets.het, &sets.hom, &sets.hemi, &sets.single, &sets.nocall}) rows->clear();
  if (calls.size() == 1 && calls[0].called() == 2) {  // a genome of its own
    int count = calls[0].count(allele);
    auto* rows = count == 1 ? &sets.het : &sets.hom;  // chosen without a branch, as below
    if (count > 0) rows->push_back(calls[0].index);
    return;
  }
  thread_local std::vector<std::uint32_t> scratch;
  if (scratch.size() < 2 * calls.size()) scratch.resize(2 * calls.size());
  std::uint32_t* het = scratch.data();
  std::uint32_t* hom = scratch.data() + calls.size();
  for (const Call& call : calls) {
    int count = call.count(allele);
    if (call.called() == 2) {
      // Written to both and kept in one at most: of common variants nobody can predict which, and a
      // wrong guess costs more than a write.
      *het = *hom = call.index;
      het += count == 1 ? 1 : 0;
      hom += count == 2 ? 1 : 0;
    } else if (call.called() == 1) {
      (count == 1 ? sets.hemi : sets.single).push_back(call.index);
    } else {
      sets.nocall.push_back(call.index);
    }
  }
  sets.het.assign(scratch.data(), het);
  sets.hom.assign(scratch.data() + calls.size(), hom);
}

}  // namespace genofed::genomics
