// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed {

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);
std::string ToLower(std::string_view text);  // ASCII letters only, as ToUpper
std::string ToUpper(std::string_view text);
bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix);

std::string HexEncode(std::string_view bytes);
Result<std::string> HexDecode(std::string_view text);
// RFC 4648 section 5 without padding. Decoding is strict: no padding, no other characters,
// canonical last bits.
std::string Base64UrlEncode(std::string_view bytes);
Result<std::string> Base64UrlDecode(std::string_view text);
// RFC 4648 section 4 with padding, decoded as strictly.
std::string Base64Encode(std::string_view bytes);
Result<std::string> Base64Decode(std::string_view text);

// The whole of `text` as a decimal integer.
Result<std::int64_t> ParseInt(std::string_view text);
// Whether `text` is valid UTF-8 without surrogates or over-long forms.
bool IsUtf8(std::string_view text);

}  // namespace genofed
