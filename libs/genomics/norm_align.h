// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: the one alignment kernel (Tan, Abecasis, Kang 2015, "Unified
// representation of genetic variants", algorithm 1), for any number of alleles of one place.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::genomics {

constexpr char UpperBase(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// The alleles of one place (REF first) while they are cut and moved along the reference. All of
// them get the same bases in front and lose the same number behind, so three numbers and one shared
// prefix hold the whole state: a step costs no allocation. Bases are compared in either case and
// keep their own.
class AlleleShift {
 public:
  // The base of the reference at `pos`; '\0' ends the move.
  using BaseAt = std::function<Result<char>(std::int64_t pos)>;

  // Borrows the alleles: none empty, and not all of them the same.
  AlleleShift(std::span<const std::string_view> alleles, std::int64_t pos);

  // Cuts the bases that all alleles end with. Where one of them would become empty, the base before
  // is put in front of all, but never further left than `leftmost`; with a null `base_at` only
  // cuts.
  Status MoveLeft(const BaseAt& base_at, std::int64_t leftmost);
  // Cuts the bases that all alleles begin with, but leaves one of each.
  void TrimFront();

  std::int64_t pos() const { return pos_; }
  std::string Allele(std::size_t index) const;

 private:
  char At(std::size_t allele, std::size_t index) const;
  std::size_t Length(std::size_t allele) const;
  bool AllEndAlike() const;

  std::span<const std::string_view> alleles_;
  std::int64_t pos_;
  std::size_t shortest_;
  std::string prefix_;        // what was put in front, the last one first
  std::size_t cut_back_ = 0;  // bases
  std::size_t cut_front_ = 0;
};

}  // namespace genofed::genomics
