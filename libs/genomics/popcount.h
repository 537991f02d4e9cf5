// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace genofed::genomics {

// Bits that are set in `n` words, and in both of two arrays of `n` words. With the processor's
// instruction where there is one: without it, which is what the compiler must assume, a million
// people take fifty microseconds.
std::uint64_t CountBits(const std::uint64_t* words, std::size_t n);
std::uint64_t CountCommonBits(const std::uint64_t* a, const std::uint64_t* b, std::size_t n);

}  // namespace genofed::genomics
