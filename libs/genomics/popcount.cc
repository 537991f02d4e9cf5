// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/popcount.h"

#include <bit>

namespace genofed::genomics {
namespace {

std::uint64_t CountPortable(const std::uint64_t* a, const std::uint64_t* b, std::size_t n) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < n; ++i) count += static_cast<std::uint64_t>(std::popcount(a[i] & b[i]));
  return count;
}

#ifdef __x86_64__
[[gnu::target("popcnt")]] std::uint64_t CountFast(const std::uint64_t* a,
                                                        const std::uint64_t* b, std::size_t n) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < n; ++i)
    count += static_cast<std::uint64_t>(__builtin_popcountll(a[i] & b[i]));
  return count;
}
bool HasInstruction() {
  static const bool has = __builtin_cpu_supports("popcnt") != 0;
  return has;
}
#endif

}  // namespace

std::uint64_t CountBits(const std::uint64_t* words, std::size_t n) {
  return CountCommonBits(words, words, n);
}

std::uint64_t CountCommonBits(const std::uint64_t* a, const std::uint64_t* b, std::size_t n) {
#ifdef __x86_64__
  if (HasInstruction()) return CountFast(a, b, n);
#endif
  return CountPortable(a, b, n);
}

}  // namespace genofed::genomics
