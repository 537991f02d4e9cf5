// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/sha256_pair.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace genofed::crypt4gh::internal {
namespace {

#if defined(__x86_64__)

alignas(16) constexpr std::uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Compresses `blocks` blocks of each of N independent messages, in step. The instructions want the
// state as ABEF and CDGH.
template <std::size_t N>
__attribute__((target("sha,sse4.1"))) void Compress(std::uint32_t* const (&states)[N],
                                                    const char* const (&data)[N],
                                                    std::size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[N], cdgh[N];
  for (std::size_t n = 0; n < N; ++n) {
    auto* words = reinterpret_cast<const __m128i*>(states[n]);
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1b);
    abef[n] = _mm_alignr_epi8(badc, hgfe, 8);
    cdgh[n] = _mm_blend_epi16(hgfe, badc, 0xf0);
  }
  for (std::size_t block = 0; block < blocks; ++block) {
    __m128i before_abef[N], before_cdgh[N], w[N][4];
    for (std::size_t n = 0; n < N; ++n) {
      before_abef[n] = abef[n];
      before_cdgh[n] = cdgh[n];
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {  // four rounds each
      const __m128i k = _mm_load_si128(reinterpret_cast<const __m128i*>(kRoundConstants) + i);
#pragma GCC unroll 2
      for (std::size_t n = 0; n < N; ++n) {
        __m128i& m = w[n][i % 4];
        if (i < 4) {
          auto* words = reinterpret_cast<const __m128i*>(data[n] + 64 * block);
          m = _mm_shuffle_epi8(_mm_loadu_si128(words + i), swap);
        } else {
          const __m128i last = w[n][(i + 3) % 4];
          const __m128i seven_back = _mm_alignr_epi8(last, w[n][(i + 2) % 4], 4);
          m = _mm_sha256msg2_epu32(
              _mm_add_epi32(_mm_sha256msg1_epu32(m, w[n][(i + 1) % 4]), seven_back), last);
        }
        const __m128i wk = _mm_add_epi32(m, k);
        cdgh[n] = _mm_sha256rnds2_epu32(cdgh[n], abef[n], wk);
        abef[n] = _mm_sha256rnds2_epu32(abef[n], cdgh[n], _mm_shuffle_epi32(wk, 0x0e));
      }
    }
    for (std::size_t n = 0; n < N; ++n) {
      abef[n] = _mm_add_epi32(abef[n], before_abef[n]);
      cdgh[n] = _mm_add_epi32(cdgh[n], before_cdgh[n]);
    }
  }
  for (std::size_t n = 0; n < N; ++n) {
    auto* words = reinterpret_cast<__m128i*>(states[n]);
    __m128i feba = _mm_shuffle_epi32(abef[n], 0x1b);
    __m128i dchg = _mm_shuffle_epi32(cdgh[n], 0xb1);
    _mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
  }
}

bool ProcessorHasSha() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

#else

// Never called.
template <std::size_t N>
void Compress(std::uint32_t* const (&)[N], const char* const (&)[N], std::size_t) {}
bool ProcessorHasSha() { return false; }

#endif

}  // namespace

bool Sha256Pair::HasShaInstructions() {
  static const bool has = ProcessorHasSha();
  return has;
}

// Completes the block that was begun before; returns what is left of `data`.
std::string_view Sha256Pair::Fill(Lane& lane, std::string_view data) {
  lane.total += data.size();
  if (lane.pending_size == 0) return data;
  std::size_t take = std::min(kBlock - lane.pending_size, data.size());
  data.copy(lane.pending.data() + lane.pending_size, take);
  lane.pending_size += take;
  if (lane.pending_size == kBlock) {
    Compress<1>({lane.state.data()}, {lane.pending.data()}, 1);
    lane.pending_size = 0;
  }
  return data.substr(take);
}

// Compresses whole blocks and keeps the rest.
void Sha256Pair::Keep(Lane& lane, std::string_view data) {
  if (data.empty()) return;
  Compress<1>({lane.state.data()}, {data.data()}, data.size() / kBlock);
  data.remove_prefix(data.size() / kBlock * kBlock);
  data.copy(lane.pending.data(), data.size());
  lane.pending_size = data.size();
}

void Sha256Pair::Update(std::string_view first, std::string_view second) {
  if (!use_instructions_) {
    first_.Update(first);
    second_.Update(second);
    return;
  }
  first = Fill(lanes_[0], first);
  second = Fill(lanes_[1], second);
  std::size_t both = std::min(first.size(), second.size()) / kBlock;
  Compress<2>({lanes_[0].state.data(), lanes_[1].state.data()}, {first.data(), second.data()},
              both);
  Keep(lanes_[0], first.substr(both * kBlock));
  Keep(lanes_[1], second.substr(both * kBlock));
}

// FIPS 180-4 section 5.1.1: a one bit, zeros, the length in bits.
std::string Sha256Pair::Finish(Lane& lane) {
  std::uint64_t bits = lane.total * 8;
  std::string padding(1, '\x80');
  padding.append((kBlock * 2 - 9 - lane.pending_size) % kBlock, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) padding += static_cast<char>((bits >> shift) & 255U);
  Keep(lane, Fill(lane, padding));
  std::string digest;
  for (std::uint32_t word : lane.state) {
    for (int shift = 24; shift >= 0; shift -= 8)
      digest += static_cast<char>((word >> shift) & 255U);
  }
  return digest;
}

Sha256Pair::Digests Sha256Pair::Finish() {
  if (!use_instructions_) return {first_.Finish(), second_.Finish()};
  return {Finish(lanes_[0]), Finish(lanes_[1])};
}

}  // namespace genofed::crypt4gh::internal
