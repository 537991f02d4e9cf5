// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace genofed::synth {

// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
constexpr std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// FNV-1a, so that a country can be part of a key.
constexpr std::uint64_t KeyOf(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

// What a stream of random numbers is for. Streams with different keys are independent, so a draw
// added in one place changes nothing elsewhere.
enum class Purpose : std::uint64_t { kSite = 1, kPresence, kDrift, kGenotypes, kMissing, kPerson, kConsent };

// SplitMix64: 64 bits of state, integers only, the same on every machine. Not for secrets.
class Stream {
 public:
  Stream(Purpose purpose, std::initializer_list<std::uint64_t> key)
      : state_(Mix(static_cast<std::uint64_t>(purpose))) {
    for (const std::uint64_t part : key) state_ = Mix(state_ ^ (part + 0x9e3779b97f4a7c15U));
  }

  std::uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15U); }
  std::uint32_t Next32() { return static_cast<std::uint32_t>(Next() >> 32); }
  // Uniform in 0 .. bound-1; bound must not be 0.
  std::uint32_t Below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((std::uint64_t{Next32()} * bound) >> 32);
  }
  // True with probability `p`, to 32 bits.
  bool Chance(double p) { return Next32() < p * 4294967296.0; }
  // Mean 0, variance 1, within -6 .. 6: the sum of twelve uniforms.
  double Normal() {
    std::uint64_t sum = 0;
    for (int i = 0; i < 12; ++i) sum += Next32();
    return static_cast<double>(sum) / 4294967296.0 - 6.0;
  }
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[Below(static_cast<std::uint32_t>(i))]);
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace genofed::synth
