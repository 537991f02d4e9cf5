// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/segment_opener.h"

namespace genofed::crypt4gh::internal {

SegmentOpener::SegmentOpener(std::span<const DataKey> keys) {
  for (const DataKey& key : keys) keys_.emplace_back(key);
}

Status SegmentOpener::Open(std::string_view segment, std::uint64_t number, std::string& plain) {
  if (segment.size() >= kNonceBytes + kMacBytes) {
    plain.resize(segment.size() - kNonceBytes - kMacBytes);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      std::size_t candidate = (current_ + i) % keys_.size();
      if (keys_[candidate].Open(segment.substr(0, kNonceBytes), segment.substr(kNonceBytes),
                                plain.data())) {
        current_ = candidate;
        return absl::OkStatus();
      }
    }
  }
  plain.clear();
  return Error(StatusCode::kDataLoss, "CRYPT4GH_SEGMENT_INVALID",
               "segment {} of the body (counted from 0) is damaged or cut short", number);
}

}  // namespace genofed::crypt4gh::internal
