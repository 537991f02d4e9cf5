// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace genofed::genomics {

using Sha256Digest = std::array<std::uint8_t, 32>;
Sha256Digest Sha256(std::span<const std::uint8_t> bytes);
std::string Sha256Hex(std::string_view bytes);

}  // namespace genofed::genomics
