// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: what INFO and FORMAT values must look like, compiled from the header
// and from what the specification reserves.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libs/genomics/vcf_header.h"

namespace genofed::genomics {

enum class VcfType : std::uint8_t { kInteger, kFloat, kFlag, kCharacter, kString };

// How many values a key has (section 1.4.2 of VCF 4.3, Number).
enum class VcfCount : std::uint8_t { kAny, kFixed, kAlts, kAlleles, kGenotypes, kPloidy };

// What the meaning of a reserved key rules out.
enum class VcfRange : std::uint8_t { kAny, kNotNegative, kFraction, kCigar };

struct VcfKey {
  std::string id;
  VcfType type = VcfType::kString;
  VcfCount count = VcfCount::kAny;
  std::uint32_t fixed = 0;  // of kFixed
  VcfRange range = VcfRange::kAny;
  bool named = false;           // declared or reserved: the id may be shown
  std::uint64_t last_line = 0;  // where it was last seen in INFO, to find it twice in one record
};

// Hash and comparison that let a map of strings be asked by views.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
template <typename Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

// Not thread-safe.
class VcfSchema {
 public:
  // Reports reserved keys that the header declares otherwise.
  VcfSchema(const VcfHeader& header, const VcfIssueSink& sink);

  // The key of that name; a new one is remembered without type when it is neither declared nor
  // reserved, and `*fresh` is set. Null when there are more of those than kMaxUndeclared, or it is
  // longer than kMaxIdLength.
  VcfKey* Info(std::string_view id, bool* fresh) { return Find(infos_, id, fresh); }
  VcfKey* Format(std::string_view id, bool* fresh) { return Find(formats_, id, fresh); }
  // Whether the header declares the FORMAT key or the specification reserves it.
  bool NamesFormat(std::string_view id) const;

  static constexpr std::size_t kMaxUndeclared = 10'000;
  static constexpr std::size_t kMaxIdLength = 256;

 private:
  struct Keys {
    TextMap<VcfKey*> by_id;
    std::size_t undeclared = 0;
  };
  VcfKey* Find(Keys& keys, std::string_view id, bool* fresh);
  void Declare(Keys& keys, const VcfDefinition& definition, bool info, const VcfHeader& header,
               const VcfIssueSink& sink);
  VcfKey* Put(Keys& keys, std::string_view id);

  std::deque<VcfKey> storage_;  // stable addresses
  Keys infos_;
  Keys formats_;
};

}  // namespace genofed::genomics
