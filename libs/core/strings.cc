// SPDX-License-Identifier: Apache-2.0
#include "libs/core/strings.h"

#include <array>
#include <charconv>

namespace genofed {
namespace {

constexpr char kUrlAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kStdAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string Encode64(std::string_view bytes, const char* alphabet) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char c : bytes) {
    buffer = (buffer << 8) | static_cast<std::uint8_t>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet[(buffer >> bits) & 63U];
    }
    buffer &= (1U << bits) - 1;
  }
  if (bits > 0) text += alphabet[(buffer << (6 - bits)) & 63U];
  return text;
}

// What each byte stands for in the alphabet; 64 for those outside.
constexpr std::array<std::uint8_t, 256> ValuesOf(std::string_view alphabet) {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = 64;
  for (std::size_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}

Result<std::string> Decode64(std::string_view text, const std::array<std::uint8_t, 256>& values) {
  std::string bytes(text.size() * 3 / 4, '\0');
  std::uint32_t buffer = 0;
  std::uint32_t outside = 0;
  std::size_t bits = 0, out = 0;
  for (const char c : text) {
    const std::uint32_t v = values[static_cast<std::uint8_t>(c)];
    outside |= v;
    buffer = (buffer << 6) | (v & 63U);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[out++] = static_cast<char>(buffer >> bits);
      buffer &= (1U << bits) - 1;
    }
  }
  if ((outside & 64U) != 0) {
    return Error(StatusCode::kInvalidArgument, "BASE64_INVALID", "not base64 of the expected alphabet");
  }
  // A lone character cannot encode a byte, and left-over bits must be zero: one text per value.
  if (text.size() % 4 == 1 || buffer != 0) {
    return Error(StatusCode::kInvalidArgument, "BASE64_INVALID", "base64 is not canonical");
  }
  return bytes;
}

constexpr auto kUrlValues = ValuesOf(kUrlAlphabet);
constexpr auto kStdValues = ValuesOf(kStdAlphabet);

}  // namespace

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    std::size_t end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::string_view Trim(std::string_view text) {
  auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string ToUpper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && ToLower(text.substr(0, prefix.size())) == ToLower(prefix);
}

std::string HexEncode(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (char c : bytes) {
    auto byte = static_cast<std::uint8_t>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Result<std::string> HexDecode(std::string_view text) {
  auto nibble = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0)
    return Error(StatusCode::kInvalidArgument, "HEX_INVALID", "odd number of hex digits");
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = nibble(text[i]), low = nibble(text[i + 1]);
    if (high < 0 || low < 0)
      return Error(StatusCode::kInvalidArgument, "HEX_INVALID", "not a hex digit");
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string Base64UrlEncode(std::string_view bytes) { return Encode64(bytes, kUrlAlphabet); }
Result<std::string> Base64UrlDecode(std::string_view text) { return Decode64(text, kUrlValues); }

std::string Base64Encode(std::string_view bytes) {
  std::string text = Encode64(bytes, kStdAlphabet);
  while (text.size() % 4 != 0) text += '=';
  return text;
}

Result<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return Error(StatusCode::kInvalidArgument, "BASE64_INVALID",
                 "base64 length is not a multiple of four");
  }
  if (text.ends_with('=')) text.remove_suffix(1);
  if (text.ends_with('=')) text.remove_suffix(1);
  return Decode64(text, kStdValues);
}

Result<std::int64_t> ParseInt(std::string_view text) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return Error(StatusCode::kInvalidArgument, "INTEGER_INVALID", "'{}' is not an integer", text);
  }
  return value;
}

bool IsUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto byte = [&](std::size_t k) { return static_cast<std::uint8_t>(text[k]); };
    std::uint32_t c = byte(i);
    std::size_t length = c < 0x80         ? 1
                         : (c >> 5) == 6  ? 2
                         : (c >> 4) == 14 ? 3
                         : (c >> 3) == 30 ? 4
                                          : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t code = length == 1 ? c : c & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
      code = (code << 6) | (byte(i + k) & 0x3FU);
    }
    static constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < kLeast[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
      return false;
    i += length;
  }
  return true;
}

}  // namespace genofed
