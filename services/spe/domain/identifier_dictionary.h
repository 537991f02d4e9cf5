// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace genofed::spe {

// Finds identifiers of people in text. Pseudonyms (hexadecimal) are found even when embedded,
// shortened to 16 digits anywhere within, or in another letter case; other identifiers when they
// stand as a word of their own.
class IdentifierDictionary {
 public:
  IdentifierDictionary() = default;
  explicit IdentifierDictionary(const std::vector<std::string>& identifiers);

  bool FoundIn(std::string_view text) const;
  bool empty() const { return words_.empty(); }

 private:
  static constexpr std::size_t kWindow =
      16;  // hexadecimal digits: 64 bits, which nothing else hits by chance

  std::unordered_set<std::string> words_;  // in lower case
  std::unordered_set<std::uint64_t>
      windows_;  // every run of kWindow digits of a hexadecimal identifier
};

}  // namespace genofed::spe
