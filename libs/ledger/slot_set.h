// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libs/core/status.h"

struct roaring_bitmap_s;

namespace genofed::ledger {

// A set of slots of a snapshot, compressed: 131 kB for half of a million, 230 bytes for all of
// them. Immutable, copied in O(1).
class SlotSet {
 public:
  SlotSet() : SlotSet(std::span<const std::uint32_t>()) {}
  explicit SlotSet(std::span<const std::uint32_t> slots);  // in any order
  // Errors: DataLoss SLOT_SET_BROKEN.
  static Result<SlotSet> Parse(std::string_view bytes);
  // In the portable format of github.com/RoaringBitmap/RoaringFormatSpec.
  std::string Serialise() const;

  bool Contains(std::uint32_t slot) const;
  bool ContainsAll(const SlotSet& others) const;
  std::uint64_t size() const;
  friend bool operator==(const SlotSet& a, const SlotSet& b) {
    return a.size() == b.size() && a.ContainsAll(b);
  }

 private:
  explicit SlotSet(roaring_bitmap_s* owned);
  std::shared_ptr<const roaring_bitmap_s> bitmap_;
};

}  // namespace genofed::ledger
