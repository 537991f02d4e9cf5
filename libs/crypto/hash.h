// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104). Digests are 32 raw bytes; HexEncode shows them
// to people. Everything here is thread safe, apart from one Sha256Stream used by several threads.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace genofed::crypto {

inline constexpr std::size_t kSha256Bytes = 32;

std::string Sha256(std::string_view data);
// Of the parts one after another, without copying them or allocating.
std::array<char, kSha256Bytes> Sha256Parts(std::initializer_list<std::string_view> parts);

// SHA-256 of data that arrives in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;

  void Update(std::string_view data);
  // The digest of everything since construction or the last Finish; the stream starts anew.
  std::string Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string HmacSha256(std::string_view key, std::string_view data);
std::array<char, kSha256Bytes> HmacSha256Bytes(std::string_view key, std::string_view data);

// Compares secrets in a time that depends on their lengths only.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

}  // namespace genofed::crypto
