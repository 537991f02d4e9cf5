// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of the cohort: counting, testing and marking rows. Rows are 32-bit numbers, or
// 8-bit ones within a page of 256; sets of rows are bits in little-endian 64-bit words. Which
// implementation runs is decided once, by what the processor can do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "libs/cohort/tile_layout.h"

namespace genofed::cohort {

struct BitSpan {
  std::uint32_t begin = 0;
  std::uint32_t count = 0;  // at least one
};

// No bounds are checked here: Segment::Verify looked at every row when the segment arrived.
struct Kernels {
  const char* name;
  // |a AND b| over `words` words.
  std::uint64_t (*count_and)(const std::uint64_t* a, const std::uint64_t* b, std::size_t words);
  // out |= a AND b.
  void (*mark_and)(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out,
                   std::size_t words);
  // out = AND of all of `in`, AND NOT `without` where that is not null. Returns its members.
  std::uint64_t (*intersect)(std::span<const std::uint64_t* const> in, const std::uint64_t* without,
                             std::uint64_t* out, std::size_t words);
  // How many of the rows are in `set`.
  std::uint64_t (*count_rows)(const std::uint32_t* rows, std::size_t n, const std::uint64_t* set);
  // Which of the rows are in `set`: bit i of `bits`, of which (n + 63) / 64 words are written.
  void (*test_rows)(const std::uint32_t* rows, std::size_t n, const std::uint64_t* set,
                    std::uint64_t* bits);
  // The same for the rows of runs.
  void (*test_runs)(const Run* runs, std::size_t n, const std::uint64_t* set, std::uint64_t* bits);
  // Of each of n spans, how many of its bits are set.
  void (*count_spans)(const std::uint64_t* bits, const BitSpan* spans, std::size_t n,
                      std::uint32_t* counts);
  // Of a set in pages of 256 rows (tile_layout.h), those that are in `set`, both among n_rows.
  std::uint64_t (*count_pages)(const std::uint8_t* pages, std::uint32_t n_rows,
                               const std::uint64_t* set);
  // count_pages, and count_and of `bits`, in one pass: the one waits for the processor, the other
  // for memory.
  std::pair<std::uint64_t, std::uint64_t> (*count_pages_and)(const std::uint8_t* pages,
                                                             const std::uint64_t* bits,
                                                             std::uint32_t n_rows,
                                                             const std::uint64_t* set);
};

const Kernels& BestKernels();
// All that this processor can run, the portable ones first: for tests.
std::span<const Kernels> AvailableKernels();

}  // namespace genofed::cohort
