// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace genofed::genomics {

using Sha256Digest = std::array<std::uint8_t, 32>;
Sha256Digest Sha256(std::span<const std::uint8_t> bytes);
std::string Sha256Hex(std::string_view bytes);

// The digest of bytes that come in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Add(std::string_view bytes);
  std::string FinishHex();  // once

 private:
  evp_md_ctx_st* context_;
};

}  // namespace genofed::genomics
