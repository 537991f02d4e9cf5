// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: the typed values of BCF (VCF 4.3, section 6.3.3).
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace genofed::genomics {

enum class BcfType : std::uint8_t {
  kMissing = 0,
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kFloat = 5,
  kText = 7
};

// Values of one type, borrowed from the record's bytes.
struct BcfVector {
  BcfType type = BcfType::kMissing;
  std::uint32_t size = 0;
  const char* data = nullptr;

  // One value of a vector of integers; none when it is missing, ends the vector early, or the type
  // is another.
  std::optional<std::int64_t> Integer(std::uint32_t i) const;
};

// Walks over bytes and never past them.
class BcfCursor {
 public:
  explicit BcfCursor(std::string_view bytes) : bytes_(bytes) {}

  bool done() const { return bytes_.empty(); }
  template <typename Number>
  bool Take(Number* out) {
    if (bytes_.size() < sizeof *out) return false;
    std::memcpy(out, bytes_.data(), sizeof *out);
    bytes_.remove_prefix(sizeof *out);
    return true;
  }
  bool TakeVector(BcfVector* out);
  // `rows` vectors of one type and size, one behind the other.
  bool TakeMatrix(std::size_t rows, BcfVector* first, std::size_t* stride);

 private:
  bool TakeType(BcfVector* out);
  std::string_view bytes_;
};

void AppendBcfInteger(std::int64_t value, std::string& out);
// `bits` are those of a 32-bit float; the missing value is written as ".".
void AppendBcfFloat(std::uint32_t bits, std::string& out);
// Comma-separated values, or text. False when a value cannot be part of a VCF line.
bool AppendBcfVector(const BcfVector& value, std::string& out);
// A genotype: (allele + 1) << 1 | phased for each allele.
bool AppendBcfGenotype(const BcfVector& value, std::string& out);

}  // namespace genofed::genomics
