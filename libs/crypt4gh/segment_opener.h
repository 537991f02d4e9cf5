// SPDX-License-Identifier: Apache-2.0
//
// Opens segments of a body under the data keys of its header. Internal to libs/crypt4gh.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/crypt4gh/primitives.h"

namespace genofed::crypt4gh::internal {

// Not thread safe.
class SegmentOpener {
 public:
  explicit SegmentOpener(std::span<const DataKey> keys);

  // Makes `plain` the plaintext of a segment (nonce, ciphertext, MAC). `number` is for the message.
  // Error: CRYPT4GH_SEGMENT_INVALID (DataLoss); then `plain` holds nothing of it.
  Status Open(std::string_view segment, std::uint64_t number, std::string& plain);

 private:
  std::vector<Aead> keys_;
  std::size_t current_ = 0;  // the key that opened the segment before is tried first
};

}  // namespace genofed::crypt4gh::internal
