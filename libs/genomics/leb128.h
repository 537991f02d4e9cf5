// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: numbers of seven bits a byte, the lowest first (LEB128).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace genofed::genomics {

inline void PutLeb128(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

// Takes a number below 2^35 from the front; false when there is none.
inline bool TakeLeb128(std::string_view& bytes, std::uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (bytes.empty()) return false;
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    *value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace genofed::genomics
