// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>
#include <cstring>

#include "libs/genomics/genotype_scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace genofed::genomics {
namespace {

// BCF: 0/0 is 02 02, and bit 0 of each byte is the phase, which does not matter.
bool IsPairHomRef(const std::uint8_t* gt) { return (gt[0] & 0xfe) == 2 && (gt[1] & 0xfe) == 2; }

std::size_t PairsOneByOne(const std::uint8_t* gt, std::size_t begin, std::size_t n,
                          std::uint32_t* out, std::size_t count) {
  for (std::size_t i = begin; i < n; ++i) {
    out[count] = static_cast<std::uint32_t>(i);
    count += IsPairHomRef(gt + 2 * i) ? 0U : 1U;
  }
  return count;
}

std::size_t PairsPortable(const std::uint8_t* gt, std::size_t n, std::uint32_t* out) {
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    std::uint64_t word;
    std::memcpy(&word, gt + 2 * i, sizeof word);
    if ((word & 0xfefefefefefefefeULL) != 0x0202020202020202ULL)
      count = PairsOneByOne(gt, i, i + 4, out, count);
  }
  return PairsOneByOne(gt, i, n, out, count);
}

bool IsLane(const char* lane) { return lane[3] == '\t' && (lane[1] == '|' || lane[1] == '/'); }

std::size_t LanesOneByOne(const char* text, std::size_t begin, std::size_t n, std::uint32_t* out,
                          std::size_t count) {
  for (std::size_t i = begin; i < n; ++i) {
    const char* lane = text + 4 * i;
    if (!IsLane(lane)) return kIrregular;
    out[count] = static_cast<std::uint32_t>(i);
    count += lane[0] == '0' && lane[2] == '0' ? 0U : 1U;
  }
  return count;
}

std::size_t LanesPortable(const char* text, std::size_t n, std::uint32_t* out) {
  std::size_t count = 0;
  std::size_t i = 0;
  for (; count != kIrregular && i + 2 <= n; i += 2) {
    if (std::memcmp(text + 4 * i, "0|0\t0|0\t", 8) != 0 &&
        std::memcmp(text + 4 * i, "0/0\t0/0\t", 8) != 0) {
      count = LanesOneByOne(text, i, i + 2, out, count);
    }
  }
  return count == kIrregular ? kIrregular : LanesOneByOne(text, i, n, out, count);
}

#if defined(__x86_64__)

// Sets of lanes as bits: the numbers of those that are set.
template <typename Mask>
std::size_t Emit(Mask mask, std::size_t base, std::uint32_t* out, std::size_t count) {
  for (; mask != 0; mask = static_cast<Mask>(mask & (mask - 1)))
    out[count++] =
        static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(std::countr_zero(mask));
  return count;
}

__attribute__((target("avx2"))) std::size_t PairsAvx2(const std::uint8_t* gt, std::size_t n,
                                                      std::uint32_t* out) {
  const __m256i no_phase = _mm256_set1_epi8(static_cast<char>(0xfe));
  const __m256i hom_ref = _mm256_set1_epi8(2);
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const auto* at = reinterpret_cast<const __m256i*>(gt + 2 * i);
    __m256i a = _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_loadu_si256(at), no_phase), hom_ref);
    __m256i b = _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_loadu_si256(at + 1), no_phase), hom_ref);
    // Saturation keeps 0 and -1; the permutation undoes the packing's interleaving by 128 bits.
    __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8);
    auto same = static_cast<std::uint32_t>(_mm256_movemask_epi8(both));
    if (same != ~0U) count = Emit(static_cast<std::uint32_t>(~same), i, out, count);
  }
  return PairsOneByOne(gt, i, n, out, count);
}

__attribute__((target("avx2"))) std::size_t LanesAvx2(const char* text, std::size_t n,
                                                      std::uint32_t* out) {
  constexpr int kPhased = '0' | '|' << 8 | '0' << 16 | '\t' << 24;
  constexpr int kUnphased = '0' | '/' << 8 | '0' << 16 | '\t' << 24;
  const __m256i phased = _mm256_set1_epi32(kPhased);
  const __m256i unphased = _mm256_set1_epi32(kUnphased);
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text + 4 * i));
    __m256i same = _mm256_or_si256(_mm256_cmpeq_epi32(x, phased), _mm256_cmpeq_epi32(x, unphased));
    auto regular = static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(same)));
    if (regular == 0xff) continue;
    auto tabs = static_cast<std::uint32_t>(
        _mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('\t'))));
    auto bars = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(
        _mm256_cmpeq_epi8(x, _mm256_set1_epi8('|')), _mm256_cmpeq_epi8(x, _mm256_set1_epi8('/')))));
    if (tabs != 0x88888888U || bars != 0x22222222U) return kIrregular;
    count = Emit(static_cast<std::uint32_t>(~regular & 0xffU), i, out, count);
  }
  return LanesOneByOne(text, i, n, out, count);
}

__attribute__((target("avx512f,avx512bw"))) std::size_t PairsAvx512(const std::uint8_t* gt,
                                                                    std::size_t n,
                                                                    std::uint32_t* out) {
  const __m512i no_phase = _mm512_set1_epi8(static_cast<char>(0xfe));
  const __m512i hom_ref = _mm512_set1_epi8(2);
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    __m512i a = _mm512_and_si512(_mm512_loadu_si512(gt + 2 * i), no_phase);
    __m512i b = _mm512_and_si512(_mm512_loadu_si512(gt + 2 * i + 64), no_phase);
    std::uint64_t low = _mm512_cmpneq_epi16_mask(a, hom_ref);
    std::uint64_t high = _mm512_cmpneq_epi16_mask(b, hom_ref);
    if (std::uint64_t others = low | high << 32; others != 0) count = Emit(others, i, out, count);
  }
  return PairsOneByOne(gt, i, n, out, count);
}

__attribute__((target("avx512f,avx512bw"))) std::size_t LanesAvx512(const char* text, std::size_t n,
                                                                    std::uint32_t* out) {
  const __m512i phased = _mm512_set1_epi32('0' | '|' << 8 | '0' << 16 | '\t' << 24);
  const __m512i unphased = _mm512_set1_epi32('0' | '/' << 8 | '0' << 16 | '\t' << 24);
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m512i x = _mm512_loadu_si512(text + 4 * i);
    auto regular = static_cast<std::uint32_t>(_mm512_cmpeq_epi32_mask(x, phased) |
                                              _mm512_cmpeq_epi32_mask(x, unphased));
    if (regular == 0xffff) continue;
    std::uint64_t tabs = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('\t'));
    std::uint64_t bars = _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('|')) |
                         _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8('/'));
    if (tabs != 0x8888888888888888ULL || bars != 0x2222222222222222ULL) return kIrregular;
    count = Emit(static_cast<std::uint32_t>(~regular & 0xffffU), i, out, count);
  }
  return LanesOneByOne(text, i, n, out, count);
}

#endif

struct KernelTable {
  std::array<ScanKernels, 3> kernels;
  std::size_t count = 0;
  void Add(ScanKernels kernel) { kernels[count++] = kernel; }
};

KernelTable Detect() {
  KernelTable table;
  table.Add({"portable", PairsPortable, LanesPortable});
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) table.Add({"avx2", PairsAvx2, LanesAvx2});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
    table.Add({"avx512", PairsAvx512, LanesAvx512});
#endif
  return table;
}

}  // namespace

std::span<const ScanKernels> AvailableKernels() {
  static const KernelTable table = Detect();
  return {table.kernels.data(), table.count};
}

void FindTabs(std::string_view text, std::size_t limit, std::vector<std::uint32_t>& tabs) {
  std::size_t i = 0;
#if defined(__x86_64__)
  const __m128i tab = _mm_set1_epi8('\t');
  for (; i + 64 <= text.size() && limit > 0; i += 64) {
    std::uint64_t mask = 0;
    for (int part = 0; part < 4; ++part) {
      __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i + 16 * part));
      auto bits = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(x, tab)));
      mask |= static_cast<std::uint64_t>(bits) << (16 * part);
    }
    for (; mask != 0 && limit > 0; mask &= mask - 1, --limit)
      tabs.push_back(
          static_cast<std::uint32_t>(i + static_cast<std::size_t>(std::countr_zero(mask))));
  }
#endif
  for (; i < text.size() && limit > 0; ++i) {
    if (text[i] != '\t') continue;
    tabs.push_back(static_cast<std::uint32_t>(i));
    --limit;
  }
}

}  // namespace genofed::genomics
