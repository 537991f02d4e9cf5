// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/bcf_values.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <limits>

namespace genofed::genomics {
namespace {

constexpr std::uint32_t kMissingFloat = 0x7F800001;
constexpr std::uint32_t kEndOfFloats = 0x7F800002;

std::size_t WidthOf(BcfType type) {
  switch (type) {
    case BcfType::kInt8:
    case BcfType::kText:
      return 1;
    case BcfType::kInt16:
      return 2;
    case BcfType::kInt32:
    case BcfType::kFloat:
      return 4;
    case BcfType::kMissing:
      break;
  }
  return 0;
}

template <typename Number>
Number Load(const char* data, std::uint32_t i) {
  Number value;
  std::memcpy(&value, data + sizeof value * i, sizeof value);
  return value;
}

enum class State { kValue, kMissing, kEnd, kReserved };

struct Item {
  State state = State::kReserved;
  std::int64_t value = 0;
};

// The lowest eight values of each width are not numbers: missing, end of vector, six reserved.
template <typename Number>
Item ItemOf(Number value) {
  constexpr Number kLowest = std::numeric_limits<Number>::min();
  if (value == kLowest) return {State::kMissing, 0};
  if (value == kLowest + 1) return {State::kEnd, 0};
  if (value < kLowest + 8) return {State::kReserved, 0};
  return {State::kValue, value};
}

Item IntegerAt(const BcfVector& vector, std::uint32_t i) {
  switch (vector.type) {
    case BcfType::kInt8:
      return ItemOf(Load<std::int8_t>(vector.data, i));
    case BcfType::kInt16:
      return ItemOf(Load<std::int16_t>(vector.data, i));
    case BcfType::kInt32:
      return ItemOf(Load<std::int32_t>(vector.data, i));
    default:
      return {};
  }
}

bool AppendText(std::string_view text, std::string& out) {
  while (text.ends_with('\0')) text.remove_suffix(1);
  // Signs that end a column or a line would forge others.
  if (text.find_first_of(std::string_view("\0\t\n\r", 4)) != std::string_view::npos) return false;
  // 0x07 is the missing character.
  out += text.empty() || text == "\x07" ? "." : text;
  return true;
}

}  // namespace

std::optional<std::int64_t> BcfVector::Integer(std::uint32_t i) const {
  if (i >= size) return std::nullopt;
  Item item = IntegerAt(*this, i);
  return item.state == State::kValue ? std::optional(item.value) : std::nullopt;
}

// The low half of the byte is the type, the high half the size; 15 stands for a size that follows.
bool BcfCursor::TakeType(BcfVector* out) {
  std::uint8_t descriptor = 0;
  if (!Take(&descriptor)) return false;
  std::uint8_t type = descriptor & 0xF;
  if (type > 3 && type != 5 && type != 7) return false;
  out->type = static_cast<BcfType>(type);
  out->size = descriptor >> 4;
  if (out->size < 15) return true;
  BcfVector size;
  std::uint8_t next = bytes_.empty() ? 0 : static_cast<std::uint8_t>(bytes_[0]);
  if (next >> 4 != 1 || !TakeVector(&size)) return false;
  auto value = size.Integer(0);
  if (!value || *value < 0) return false;
  out->size = static_cast<std::uint32_t>(*value);
  return true;
}

bool BcfCursor::TakeVector(BcfVector* out) {
  std::size_t stride = 0;
  return TakeMatrix(1, out, &stride);
}

bool BcfCursor::TakeMatrix(std::size_t rows, BcfVector* first, std::size_t* stride) {
  if (!TakeType(first)) return false;
  *stride = WidthOf(first->type) * first->size;
  if (*stride > 0 && rows > bytes_.size() / *stride) return false;
  first->data = bytes_.data();
  bytes_.remove_prefix(rows * *stride);
  return true;
}

void AppendBcfInteger(std::int64_t value, std::string& out) {
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

void AppendBcfFloat(std::uint32_t bits, std::string& out) {
  if (bits == kMissingFloat) {
    out += '.';
  } else {
    fmt::format_to(std::back_inserter(out), "{:g}", std::bit_cast<float>(bits));
  }
}

bool AppendBcfVector(const BcfVector& value, std::string& out) {
  if (value.type == BcfType::kText) return AppendText({value.data, value.size}, out);
  std::uint32_t written = 0;
  for (std::uint32_t i = 0; value.type != BcfType::kMissing && i < value.size; ++i) {
    std::uint32_t bits = value.type == BcfType::kFloat ? Load<std::uint32_t>(value.data, i) : 0;
    Item item = value.type == BcfType::kFloat ? Item{State::kValue, 0} : IntegerAt(value, i);
    if (bits == kEndOfFloats || item.state == State::kEnd) break;
    if (item.state == State::kReserved) return false;
    if (written++ > 0) out += ',';
    if (value.type == BcfType::kFloat) {
      AppendBcfFloat(bits, out);
    } else if (item.state == State::kMissing) {
      out += '.';
    } else {
      AppendBcfInteger(item.value, out);
    }
  }
  if (written == 0) out += '.';
  return true;
}

bool AppendBcfGenotype(const BcfVector& value, std::string& out) {
  std::uint32_t written = 0;
  for (std::uint32_t i = 0; value.type != BcfType::kMissing && i < value.size; ++i) {
    Item item = IntegerAt(value, i);
    if (item.state == State::kEnd) break;
    if (item.state == State::kReserved || item.value < 0) return false;
    if (written++ > 0) out += (item.value & 1) != 0 ? '|' : '/';
    std::int64_t allele = (item.value >> 1) - 1;
    if (item.state == State::kMissing || allele < 0) {
      out += '.';
    } else {
      AppendBcfInteger(allele, out);
    }
  }
  if (written == 0) out += '.';
  return true;
}

}  // namespace genofed::genomics
