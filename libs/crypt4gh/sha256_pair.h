// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4) of two streams at once. One digest keeps a processor's SHA unit waiting for
// its own last result; two that do not depend on each other take hardly longer than one. Where the
// processor has no such unit, two digests by OpenSSL. Internal to libs/crypt4gh.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/crypto/hash.h"

namespace genofed::crypt4gh::internal {

// Not thread safe.
class Sha256Pair {
 public:
  Sha256Pair() : Sha256Pair(HasShaInstructions()) {}
  // For tests: without the instructions even where they exist.
  explicit Sha256Pair(bool use_instructions) : use_instructions_(use_instructions) {}
  static bool HasShaInstructions();

  // Appends to the first and to the second stream; quickest when both are about as long.
  void Update(std::string_view first, std::string_view second);
  struct Digests {
    std::string first, second;  // 32 raw bytes each
  };
  // Call once.
  Digests Finish();

 private:
  static constexpr std::size_t kBlock = 64;
  struct Lane {
    std::array<std::uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<char, kBlock> pending{};  // less than a block
    std::size_t pending_size = 0;
    std::uint64_t total = 0;
  };
  static std::string_view Fill(Lane& lane, std::string_view data);
  static void Keep(Lane& lane, std::string_view data);
  static std::string Finish(Lane& lane);

  bool use_instructions_;
  Lane lanes_[2];
  crypto::Sha256Stream first_, second_;
};

}  // namespace genofed::crypt4gh::internal
