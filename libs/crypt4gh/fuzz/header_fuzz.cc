// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "libs/crypt4gh/header.h"
#include "libs/crypt4gh/primitives.h"

namespace {

using namespace genofed;
using namespace genofed::crypt4gh;

class Nines final : public Random {
 public:
  void Fill(std::span<std::uint8_t> bytes) override { std::ranges::fill(bytes, std::uint8_t{9}); }
};

const SecretKey& Key() {
  static const SecretKey key = SecretKey::FromRaw(std::string(32, 'k')).value();
  return key;
}

// What opens can be written again, and then has the same content.
void Check(std::string_view header) {
  auto content = OpenHeader(header, Key());
  auto packets = SummariseHeader(header, &Key());
  GF_CHECK(packets.ok() || !content.ok());
  if (!content.ok()) return;
  Nines random;
  auto again = BuildHeader(*content, {&Key().public_key(), 1}, random);
  if (!again.ok()) return;
  auto reopened = OpenHeader(*again, Key());
  GF_CHECK(reopened.ok() && reopened->data_keys == content->data_keys &&
           reopened->edit_list == content->edit_list);
}

// A packet that opens, with any payload.
void AppendPacket(std::string& header, std::string_view payload) {
  auto shared =
      internal::SharedKey(Key(), Key().public_key(), Key().public_key(), Key().public_key());
  std::string sealed(payload.size() + internal::kMacBytes, '\0');
  std::string nonce(internal::kNonceBytes, 'n');
  internal::Aead(*shared).Seal(nonce, payload, sealed.data());
  internal::AppendLe32(header, static_cast<std::uint32_t>(8 + 32 + 12 + sealed.size()));
  internal::AppendLe32(header, 0);
  header += Key().public_key().raw() + nonce + sealed;
}

}  // namespace

// The first byte says whether the rest is a header, or the payloads (each with its length before
// it) of packets that open: random bytes would never pass authentication.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    (void)HeaderSize(rest);
    Check(rest);
    return 0;
  }
  std::string packets;
  std::uint32_t count = 0;
  while (!rest.empty() && count < 8) {
    std::size_t length = std::min<std::size_t>(static_cast<std::uint8_t>(rest[0]), rest.size() - 1);
    AppendPacket(packets, rest.substr(1, length));
    rest.remove_prefix(1 + length);
    ++count;
  }
  std::string header = "crypt4gh";
  internal::AppendLe32(header, 1);
  internal::AppendLe32(header, count);
  Check(header + packets);
  return 0;
}
