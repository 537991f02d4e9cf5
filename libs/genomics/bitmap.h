// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/popcount.h"

namespace genofed::genomics {

// A set of rows 0..size-1, one bit each in little-endian 64-bit words; bits behind the size are
// always zero.
class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(std::size_t size, bool value = false)
      : size_(size), words_((size + 63) / 64, value ? ~0ULL : 0) {
    ClearTail();
  }
  // Rows at or behind `size` are a broken invariant.
  static Bitmap FromRows(std::size_t size, std::span<const std::uint32_t> rows) {
    Bitmap out(size);
    for (std::uint32_t row : rows) out.Set(row);
    return out;
  }

  std::size_t size() const { return size_; }
  std::span<const std::uint64_t> words() const { return words_; }
  std::span<std::uint64_t> mutable_words() { return words_; }  // the tail must stay zero

  void Set(std::size_t row) {
    GF_CHECK(row < size_);
    words_[row / 64] |= 1ULL << (row % 64);
  }
  void Clear(std::size_t row) {
    GF_CHECK(row < size_);
    words_[row / 64] &= ~(1ULL << (row % 64));
  }
  // False behind the size.
  bool Test(std::size_t row) const {
    return row < size_ && (words_[row / 64] >> (row % 64) & 1) != 0;
  }

  std::uint64_t Count() const { return CountBits(words_.data(), words_.size()); }
  // |this AND other| without a copy. Both have the same size, here and below.
  std::uint64_t CountAnd(const Bitmap& other) const {
    GF_CHECK(size_ == other.size_);
    return CountCommonBits(words_.data(), other.words_.data(), words_.size());
  }
  Bitmap& And(const Bitmap& other) {
    GF_CHECK(size_ == other.size_);
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  Bitmap& AndNot(const Bitmap& other) {
    GF_CHECK(size_ == other.size_);
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
    return *this;
  }
  Bitmap& Or(const Bitmap& other) {
    GF_CHECK(size_ == other.size_);
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }

  // Rows [begin, begin + size) of this one; behind the end they are not set.
  Bitmap Slice(std::size_t begin, std::size_t size) const {
    Bitmap out(size);
    const std::size_t word = begin / 64, shift = begin % 64;
    for (std::size_t i = 0; i < out.words_.size(); ++i) {
      out.words_[i] = Word(word + i) >> shift;
      if (shift != 0) out.words_[i] |= Word(word + i + 1) << (64 - shift);
    }
    out.ClearTail();
    return out;
  }
  // Row i of `other` counts as row begin + i of this one; all must lie below the size.
  Bitmap& OrAt(std::size_t begin, const Bitmap& other) {
    GF_CHECK(begin <= size_ && other.size_ <= size_ - begin);
    const std::size_t word = begin / 64, shift = begin % 64;
    for (std::size_t i = 0; i < other.words_.size(); ++i) {
      words_[word + i] |= other.words_[i] << shift;
      if (shift != 0 && word + i + 1 < words_.size())
        words_[word + i + 1] |= other.words_[i] >> (64 - shift);
    }
    return *this;
  }

  template <typename Visit>  // visit(std::uint32_t row), ascending
  void ForEach(Visit visit) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        visit(
            static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
      }
    }
  }
  std::vector<std::uint32_t> ToRows() const {
    std::vector<std::uint32_t> rows;
    ForEach([&](std::uint32_t row) { rows.push_back(row); });
    return rows;
  }
  bool operator==(const Bitmap&) const = default;

 private:
  std::uint64_t Word(std::size_t i) const { return i < words_.size() ? words_[i] : 0; }
  void ClearTail() {
    if (size_ % 64 != 0) words_.back() &= (1ULL << (size_ % 64)) - 1;
  }

  std::size_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace genofed::genomics
