// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/kernels.h"

#include <array>
#include <bit>

#include "libs/cohort/tile_layout.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace genofed::cohort {
namespace {

constexpr std::size_t kBlockWords = 64;  // of `intersect`: stays in the first-level cache
// How far ahead bitsets are asked for: the processor does so itself, but not beyond a 4 KB page.
constexpr std::size_t kAheadWords = 1024;
// Into the second-level cache: what is looked up beside it fills the first one meanwhile, and would
// drive it out again before it is used (a third of the time for pages beside a bitset).
[[gnu::always_inline]] inline void Ahead(const void* at) { __builtin_prefetch(at, 0, 2); }

constexpr std::size_t SetWords(std::uint32_t n_rows) { return (std::size_t{n_rows} + 63) / 64; }
inline std::uint64_t Bit(const std::uint64_t* set, std::uint32_t row) {
  return set[row / 64] >> (row % 64) & 1;
}

// Written once; the target of the function that they are inlined into decides about instructions.
[[gnu::always_inline]] inline std::uint64_t CountAndLoop(const std::uint64_t* a,
                                                         const std::uint64_t* b, std::size_t begin,
                                                         std::size_t words) {
  std::uint64_t count = 0;
  for (std::size_t i = begin; i < words; ++i)
    count += static_cast<std::uint64_t>(std::popcount(a[i] & b[i]));
  return count;
}

[[gnu::always_inline]] inline void MarkAndLoop(const std::uint64_t* a, const std::uint64_t* b,
                                               std::uint64_t* out, std::size_t words) {
  for (std::size_t i = 0; i < words; ++i) out[i] |= a[i] & b[i];
}

template <typename Count>
[[gnu::always_inline]] inline std::uint64_t IntersectLoop(std::span<const std::uint64_t* const> in,
                                                          const std::uint64_t* without,
                                                          std::uint64_t* out, std::size_t words,
                                                          Count count_block) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < words; at += kBlockWords) {
    const std::size_t n = words - at < kBlockWords ? words - at : kBlockWords;
    std::uint64_t* block = out + at;
    for (std::size_t i = 0; i < n; ++i) block[i] = in[0][at + i];
    for (const std::uint64_t* more : in.subspan(1)) {
      for (std::size_t i = 0; i < n; ++i) block[i] &= more[at + i];
    }
    if (without != nullptr) {
      for (std::size_t i = 0; i < n; ++i) block[i] &= ~without[at + i];
    }
    count += count_block(block, n);
  }
  return count;
}

[[gnu::always_inline]] inline std::uint64_t CountRowsLoop(const std::uint32_t* rows, std::size_t n,
                                                          const std::uint64_t* set) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < n; ++i) count += Bit(set, rows[i]);
  return count;
}

template <typename RowOf>
[[gnu::always_inline]] inline void TestLoop(std::size_t begin, std::size_t n,
                                            const std::uint64_t* set, std::uint64_t* bits,
                                            RowOf row_of) {
  for (std::size_t at = begin; at < n; at += 64) {
    const std::size_t here = n - at < 64 ? n - at : 64;
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < here; ++i) word |= Bit(set, row_of(at + i)) << i;
    bits[at / 64] = word;
  }
}
[[gnu::always_inline]] inline void TestRowsLoop(const std::uint32_t* rows, std::size_t begin,
                                                std::size_t n, const std::uint64_t* set,
                                                std::uint64_t* bits) {
  TestLoop(begin, n, set, bits, [rows](std::size_t i) { return rows[i]; });
}
[[gnu::always_inline]] inline void TestRunsLoop(const Run* runs, std::size_t begin, std::size_t n,
                                                const std::uint64_t* set, std::uint64_t* bits) {
  TestLoop(begin, n, set, bits, [runs](std::size_t i) { return runs[i].row(); });
}

[[gnu::always_inline]] inline void CountSpansLoop(const std::uint64_t* bits, const BitSpan* spans,
                                                  std::size_t n, std::uint32_t* counts) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t first = spans[i].begin, last = first + spans[i].count - 1;
    const std::uint64_t from = ~0ULL << (first % 64), to = ~0ULL >> (63 - last % 64);
    const std::uint64_t* word = bits + first / 64;
    const std::uint64_t* const end = bits + last / 64;
    int count = std::popcount(*word & from & (word == end ? to : ~0ULL));
    if (word != end) {
      while (++word != end) count += std::popcount(*word);
      count += std::popcount(*end & to);
    }
    counts[i] = static_cast<std::uint32_t>(count);
  }
}

[[gnu::always_inline]] inline std::uint64_t CountPagesLoop(const std::uint8_t* pages,
                                                           std::uint32_t n_rows,
                                                           const std::uint64_t* set) {
  std::uint64_t count = 0;
  ForEachInPages(pages, PageCount(n_rows), [&](std::uint32_t row) { count += Bit(set, row); });
  return count;
}

std::uint64_t CountAnd(const std::uint64_t* a, const std::uint64_t* b, std::size_t words) {
  return CountAndLoop(a, b, 0, words);
}
void MarkAnd(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out,
             std::size_t words) {
  MarkAndLoop(a, b, out, words);
}
std::uint64_t Intersect(std::span<const std::uint64_t* const> in, const std::uint64_t* without,
                        std::uint64_t* out, std::size_t words) {
  return IntersectLoop(in, without, out, words, [](const std::uint64_t* block, std::size_t n) {
    return CountAndLoop(block, block, 0, n);
  });
}
std::uint64_t CountRows(const std::uint32_t* rows, std::size_t n, const std::uint64_t* set) {
  return CountRowsLoop(rows, n, set);
}
void TestRows(const std::uint32_t* rows, std::size_t n, const std::uint64_t* set,
              std::uint64_t* bits) {
  TestRowsLoop(rows, 0, n, set, bits);
}
void TestRuns(const Run* runs, std::size_t n, const std::uint64_t* set, std::uint64_t* bits) {
  TestRunsLoop(runs, 0, n, set, bits);
}
void CountSpans(const std::uint64_t* bits, const BitSpan* spans, std::size_t n,
                std::uint32_t* counts) {
  CountSpansLoop(bits, spans, n, counts);
}
std::uint64_t CountPages(const std::uint8_t* pages, std::uint32_t n_rows,
                         const std::uint64_t* set) {
  return CountPagesLoop(pages, n_rows, set);
}
std::pair<std::uint64_t, std::uint64_t> CountPagesAnd(const std::uint8_t* pages,
                                                      const std::uint64_t* bits,
                                                      std::uint32_t n_rows,
                                                      const std::uint64_t* set) {
  return {CountPages(pages, n_rows, set), CountAnd(bits, set, SetWords(n_rows))};
}

#if defined(__x86_64__)
#define GF_AVX2 __attribute__((target("avx2,popcnt,bmi,bmi2")))
#define GF_AVX512 \
  __attribute__(( \
      target("avx2,popcnt,bmi,bmi2,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vpopcntdq")))

GF_AVX2 std::uint64_t CountAndAvx2(const std::uint64_t* a, const std::uint64_t* b,
                                   std::size_t words) {
  // Four sums keep the popcount instruction busy.
  std::uint64_t sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= words; i += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane)
      sums[lane] += static_cast<std::uint64_t>(__builtin_popcountll(a[i + lane] & b[i + lane]));
  }
  return sums[0] + sums[1] + sums[2] + sums[3] + CountAndLoop(a, b, i, words);
}
GF_AVX2 void MarkAndAvx2(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out,
                         std::size_t words) {
  std::size_t i = 0;
  for (; i + 4 <= words; i += 4) {
    const __m256i both =
        _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i)),
                         _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + i)));
    auto* to = reinterpret_cast<__m256i*>(out + i);
    _mm256_storeu_si256(to, _mm256_or_si256(_mm256_loadu_si256(to), both));
  }
  MarkAndLoop(a + i, b + i, out + i, words - i);
}
GF_AVX2 std::uint64_t IntersectAvx2(std::span<const std::uint64_t* const> in,
                                    const std::uint64_t* without, std::uint64_t* out,
                                    std::size_t words) {
  return IntersectLoop(in, without, out, words, [](const std::uint64_t* block, std::size_t n) {
    return CountAndAvx2(block, block, n);
  });
}
// Gathers 32-bit words: eight rows at a time.
GF_AVX2 std::uint64_t CountRowsAvx2(const std::uint32_t* rows, std::size_t n,
                                    const std::uint64_t* set) {
  const auto* words = reinterpret_cast<const int*>(set);
  __m256i sum = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m256i row = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows + i));
    const __m256i word = _mm256_i32gather_epi32(words, _mm256_srli_epi32(row, 5), 4);
    const __m256i bit = _mm256_srlv_epi32(word, _mm256_and_si256(row, _mm256_set1_epi32(31)));
    sum = _mm256_add_epi32(sum, _mm256_and_si256(bit, _mm256_set1_epi32(1)));
  }
  alignas(32) std::uint32_t sums[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums), sum);
  std::uint64_t count = CountRowsLoop(rows + i, n - i, set);
  for (std::uint32_t lane : sums) count += lane;
  return count;
}
GF_AVX2 void TestRowsAvx2(const std::uint32_t* rows, std::size_t n, const std::uint64_t* set,
                          std::uint64_t* bits) {
  TestRowsLoop(rows, 0, n, set, bits);
}
GF_AVX2 void TestRunsAvx2(const Run* runs, std::size_t n, const std::uint64_t* set,
                          std::uint64_t* bits) {
  TestRunsLoop(runs, 0, n, set, bits);
}
GF_AVX2 void CountSpansAvx2(const std::uint64_t* bits, const BitSpan* spans, std::size_t n,
                            std::uint32_t* counts) {
  CountSpansLoop(bits, spans, n, counts);
}
GF_AVX2 std::uint64_t CountPagesAvx2(const std::uint8_t* pages, std::uint32_t n_rows,
                                     const std::uint64_t* set) {
  return CountPagesLoop(pages, n_rows, set);
}
GF_AVX2 std::pair<std::uint64_t, std::uint64_t> CountPagesAndAvx2(const std::uint8_t* pages,
                                                                  const std::uint64_t* bits,
                                                                  std::uint32_t n_rows,
                                                                  const std::uint64_t* set) {
  return {CountPagesAvx2(pages, n_rows, set), CountAndAvx2(bits, set, SetWords(n_rows))};
}

GF_AVX512 std::uint64_t CountAndAvx512(const std::uint64_t* a, const std::uint64_t* b,
                                       std::size_t words) {
  __m512i even = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 16 <= words; i += 16) {
    __builtin_prefetch(a + i + kAheadWords);
    __builtin_prefetch(a + i + kAheadWords + 8);
    even = _mm512_add_epi64(even, _mm512_popcnt_epi64(_mm512_and_si512(_mm512_loadu_si512(a + i),
                                                                       _mm512_loadu_si512(b + i))));
    odd = _mm512_add_epi64(odd, _mm512_popcnt_epi64(_mm512_and_si512(
                                    _mm512_loadu_si512(a + i + 8), _mm512_loadu_si512(b + i + 8))));
  }
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(_mm512_add_epi64(even, odd))) +
         CountAndLoop(a, b, i, words);
}
GF_AVX512 void MarkAndAvx512(const std::uint64_t* a, const std::uint64_t* b, std::uint64_t* out,
                             std::size_t words) {
  std::size_t i = 0;
  for (; i + 8 <= words; i += 8) {
    const __m512i both = _mm512_and_si512(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
    _mm512_storeu_si512(out + i, _mm512_or_si512(_mm512_loadu_si512(out + i), both));
  }
  MarkAndLoop(a + i, b + i, out + i, words - i);
}
GF_AVX512 std::uint64_t IntersectAvx512(std::span<const std::uint64_t* const> in,
                                        const std::uint64_t* without, std::uint64_t* out,
                                        std::size_t words) {
  __m512i sum = _mm512_setzero_si512();
  const std::uint64_t* const first = in[0];
  const auto others = in.subspan(1);
  std::size_t i = 0;
  // Four vectors of each set at a time: a loop over the sets for each would take longer than they do.
  for (; i + 32 <= words; i += 32) {
    __m512i a = _mm512_loadu_si512(first + i), b = _mm512_loadu_si512(first + i + 8),
            c = _mm512_loadu_si512(first + i + 16), d = _mm512_loadu_si512(first + i + 24);
    for (const std::uint64_t* more : others) {
      a = _mm512_and_si512(a, _mm512_loadu_si512(more + i));
      b = _mm512_and_si512(b, _mm512_loadu_si512(more + i + 8));
      c = _mm512_and_si512(c, _mm512_loadu_si512(more + i + 16));
      d = _mm512_and_si512(d, _mm512_loadu_si512(more + i + 24));
    }
    if (without != nullptr) {
      a = _mm512_andnot_si512(_mm512_loadu_si512(without + i), a);
      b = _mm512_andnot_si512(_mm512_loadu_si512(without + i + 8), b);
      c = _mm512_andnot_si512(_mm512_loadu_si512(without + i + 16), c);
      d = _mm512_andnot_si512(_mm512_loadu_si512(without + i + 24), d);
    }
    _mm512_storeu_si512(out + i, a);
    _mm512_storeu_si512(out + i + 8, b);
    _mm512_storeu_si512(out + i + 16, c);
    _mm512_storeu_si512(out + i + 24, d);
    sum = _mm512_add_epi64(
        sum, _mm512_add_epi64(_mm512_add_epi64(_mm512_popcnt_epi64(a), _mm512_popcnt_epi64(b)),
                              _mm512_add_epi64(_mm512_popcnt_epi64(c), _mm512_popcnt_epi64(d))));
  }
  for (; i < words; ++i) {
    std::uint64_t value = first[i];
    for (const std::uint64_t* more : others) value &= more[i];
    if (without != nullptr) value &= ~without[i];
    out[i] = value;
    sum = _mm512_add_epi64(
        sum, _mm512_zextsi128_si512(_mm_cvtsi64_si128(__builtin_popcountll(value))));
  }
  return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sum));
}
// Of sixteen rows, those in the set.
GF_AVX512 inline __mmask16 TestRows(__m512i row, const std::uint64_t* set, __mmask16 lanes) {
  const __m512i word =
      _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), lanes, _mm512_srli_epi32(row, 5), set, 4);
  const __m512i bit =
      _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(row, _mm512_set1_epi32(31)));
  return _mm512_test_epi32_mask(word, bit);
}
GF_AVX512 std::uint64_t CountRowsAvx512(const std::uint32_t* rows, std::size_t n,
                                        const std::uint64_t* set) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < n; i += 16) {
    const auto lanes = static_cast<__mmask16>(n - i < 16 ? (1U << (n - i)) - 1 : 0xffffU);
    const __m512i row = _mm512_maskz_loadu_epi32(lanes, rows + i);
    count += static_cast<std::uint64_t>(__builtin_popcount(TestRows(row, set, lanes)));
  }
  return count;
}
GF_AVX512 void TestRowsAvx512(const std::uint32_t* rows, std::size_t n, const std::uint64_t* set,
                              std::uint64_t* bits) {
  std::size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    std::uint64_t word = 0;
    for (std::size_t part = 0; part < 64; part += 16) {
      Ahead(rows + i + part + 2 * kAheadWords);
      word |= std::uint64_t{TestRows(_mm512_loadu_si512(rows + i + part), set, 0xffff)} << part;
    }
    bits[i / 64] = word;
  }
  TestRowsLoop(rows, i, n, set, bits);
}
GF_AVX512 void TestRunsAvx512(const Run* runs, std::size_t n, const std::uint64_t* set,
                              std::uint64_t* bits) {
  std::size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    std::uint64_t word = 0;
    for (std::size_t part = 0; part < 64; part += 16) {
      Ahead(runs + i + part + kAheadWords);
      Ahead(runs + i + part + kAheadWords + 8);
      const __m256i first = _mm512_cvtepi64_epi32(_mm512_loadu_si512(runs + i + part));
      const __m256i last = _mm512_cvtepi64_epi32(_mm512_loadu_si512(runs + i + part + 8));
      const __m512i row =
          _mm512_and_si512(_mm512_inserti64x4(_mm512_castsi256_si512(first), last, 1),
                           _mm512_set1_epi32(Run::kRowMask));
      word |= std::uint64_t{TestRows(row, set, 0xffff)} << part;
    }
    bits[i / 64] = word;
  }
  TestRunsLoop(runs, i, n, set, bits);
}
// Of up to 64 members, those in the set. `before[i]`: lanes of the first i + 1 of four pages, whose
// parts of the set are a table of 128 bytes in two registers.
GF_AVX512 inline std::uint64_t TestMembers(const std::uint8_t* low, const __mmask64 (&before)[4],
                                           __m512i first_pages, __m512i last_pages) {
  const __m512i bit_of = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201ULL));
  const __m512i page_bytes = _mm512_set1_epi8(kPageRows / 8);
  const __m512i member = _mm512_maskz_loadu_epi8(before[3], low);
  __m512i byte_at = _mm512_maskz_mov_epi8(~before[0], page_bytes);  // where its page begins
  byte_at = _mm512_mask_add_epi8(byte_at, ~before[1], byte_at, page_bytes);
  byte_at = _mm512_mask_add_epi8(byte_at, ~before[2], byte_at, page_bytes);
  byte_at = _mm512_or_si512(byte_at,
                            _mm512_and_si512(_mm512_srli_epi16(member, 3), _mm512_set1_epi8(31)));
  const __m512i byte = _mm512_permutex2var_epi8(first_pages, byte_at, last_pages);
  const __m512i bit = _mm512_shuffle_epi8(bit_of, _mm512_and_si512(member, _mm512_set1_epi8(7)));
  return static_cast<std::uint64_t>(
      __builtin_popcountll(_mm512_mask_test_epi8_mask(before[3], byte, bit)));
}
// Most pages have few members, so those of four are looked up together, 64 at once. `bits` is null
// unless kWithBits.
template <bool kWithBits>
GF_AVX512 inline std::pair<std::uint64_t, std::uint64_t> CountFourPages(const std::uint8_t* pages,
                                                                        const std::uint64_t* bits,
                                                                        std::uint32_t n_rows,
                                                                        const std::uint64_t* set) {
  constexpr std::size_t kPageWords = kPageRows / 64;
  constexpr std::size_t kAheadMembers = 2048;  // as kAheadWords
  const std::uint32_t n_pages = PageCount(n_rows);
  const std::uint32_t whole = n_rows / kPageRows;  // the last page of the set may be shorter
  const std::uint8_t* low = pages + n_pages;
  __m512i even = _mm512_setzero_si512(), odd = _mm512_setzero_si512();  // of `bits`
  std::uint64_t count = 0;
  std::uint32_t page = 0;
  for (; page + 4 <= whole; page += 4) {
    const std::uint64_t* words = set + page * kPageWords;
    const __m512i first = _mm512_loadu_si512(words), last = _mm512_loadu_si512(words + 8);
    Ahead(low + kAheadMembers);
    if constexpr (kWithBits) {
      const std::uint64_t* others = bits + page * kPageWords;
      Ahead(others + kAheadWords);
      Ahead(others + kAheadWords + 8);
      even = _mm512_add_epi64(
          even, _mm512_popcnt_epi64(_mm512_and_si512(_mm512_loadu_si512(others), first)));
      odd = _mm512_add_epi64(
          odd, _mm512_popcnt_epi64(_mm512_and_si512(_mm512_loadu_si512(others + 8), last)));
    }
    const std::uint32_t one = pages[page], two = one + pages[page + 1],
                        three = two + pages[page + 2], four = three + pages[page + 3];
    if (four <= 64) {
      count += TestMembers(low,
                           {_bzhi_u64(~0ULL, one), _bzhi_u64(~0ULL, two), _bzhi_u64(~0ULL, three),
                            _bzhi_u64(~0ULL, four)},
                           first, last);
    } else {
      const auto before = [](std::uint32_t end, std::uint32_t at) GF_AVX512 {
        const std::uint32_t n = end <= at ? 0 : end - at;
        return _bzhi_u64(~0ULL, n < 64 ? n : 64);
      };
      for (std::uint32_t at = 0; at < four; at += 64)
        count += TestMembers(
            low + at, {before(one, at), before(two, at), before(three, at), before(four, at)},
            first, last);
    }
    low += four;
  }
  std::uint64_t both = 0;
  if constexpr (kWithBits) {
    both = static_cast<std::uint64_t>(_mm512_reduce_add_epi64(_mm512_add_epi64(even, odd))) +
           CountAndLoop(bits, set, page * kPageWords, SetWords(n_rows));
  }
  for (; page < n_pages; ++page) {
    for (const std::uint8_t* end = low + pages[page]; low != end; ++low)
      count += Bit(set, page * kPageRows + *low);
  }
  return {count, both};
}
GF_AVX512 std::uint64_t CountPagesAvx512(const std::uint8_t* pages, std::uint32_t n_rows,
                                         const std::uint64_t* set) {
  return CountFourPages<false>(pages, nullptr, n_rows, set).first;
}
GF_AVX512 std::pair<std::uint64_t, std::uint64_t> CountPagesAndAvx512(const std::uint8_t* pages,
                                                                      const std::uint64_t* bits,
                                                                      std::uint32_t n_rows,
                                                                      const std::uint64_t* set) {
  return CountFourPages<true>(pages, bits, n_rows, set);
}
#endif

struct Table {
  std::array<Kernels, 3> kernels;
  std::size_t count = 0;
  void Add(const Kernels& kernel) { kernels[count++] = kernel; }
};

Table Detect() {
  Table table;
  table.Add({"portable", CountAnd, MarkAnd, Intersect, CountRows, TestRows, TestRuns, CountSpans,
             CountPages, CountPagesAnd});
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
                    __builtin_cpu_supports("bmi2");
  if (avx2) {
    table.Add({"avx2", CountAndAvx2, MarkAndAvx2, IntersectAvx2, CountRowsAvx2, TestRowsAvx2,
               TestRunsAvx2, CountSpansAvx2, CountPagesAvx2, CountPagesAndAvx2});
  }
  if (avx2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vpopcntdq")) {
    table.Add({"avx512", CountAndAvx512, MarkAndAvx512, IntersectAvx512, CountRowsAvx512,
               TestRowsAvx512, TestRunsAvx512, CountSpansAvx2, CountPagesAvx512,
               CountPagesAndAvx512});
  }
#endif
  return table;
}

}  // namespace

std::span<const Kernels> AvailableKernels() {
  static const Table table = Detect();
  return {table.kernels.data(), table.count};
}

const Kernels& BestKernels() {
  static const Kernels& best = AvailableKernels().back();
  return best;
}

}  // namespace genofed::cohort
