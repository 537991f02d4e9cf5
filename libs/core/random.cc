// SPDX-License-Identifier: Apache-2.0
#include "libs/core/random.h"

#include <openssl/rand.h>

#include "libs/core/status.h"

namespace genofed {

std::string Random::Bytes(std::size_t count) {
  std::string bytes(count, '\0');
  Fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

void SystemRandom::Fill(std::span<std::uint8_t> bytes) {
  GF_CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

std::string NewId(std::string_view prefix, const Clock& clock, Random& random) {
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::uint8_t raw[16];
  random.Fill(raw);
  auto millis = static_cast<std::uint64_t>(UnixMicros(clock.Now()) / 1000);
  for (int i = 0; i < 6; ++i) raw[i] = static_cast<std::uint8_t>(millis >> (8 * (5 - i)));
  std::string id(prefix);
  id += '-';
  unsigned buffer = 0;
  int bits = 2;  // 128 bits in 26 characters of 5: two leading zero bits
  for (std::uint8_t byte : raw) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      id += kAlphabet[(buffer >> bits) & 31U];
    }
    buffer &= (1U << bits) - 1;
  }
  return id;
}

}  // namespace genofed
