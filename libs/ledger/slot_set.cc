// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/slot_set.h"

#include <roaring/roaring.h>

namespace genofed::ledger {

SlotSet::SlotSet(roaring_bitmap_s* owned)
    : bitmap_(owned, [](const roaring_bitmap_s* bitmap) { roaring_bitmap_free(bitmap); }) {
  GF_CHECK(owned != nullptr);
}

SlotSet::SlotSet(std::span<const std::uint32_t> slots)
    : SlotSet([&] {
        roaring_bitmap_t* bitmap = roaring_bitmap_of_ptr(slots.size(), slots.data());
        if (bitmap != nullptr) roaring_bitmap_run_optimize(bitmap);
        return bitmap;
      }()) {}

Result<SlotSet> SlotSet::Parse(std::string_view bytes) {
  roaring_bitmap_t* bitmap = roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size());
  if (bitmap == nullptr)
    return Error(StatusCode::kDataLoss, "SLOT_SET_BROKEN", "a set of slots cannot be read");
  return SlotSet(bitmap);
}

std::string SlotSet::Serialise() const {
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap_.get()), '\0');
  roaring_bitmap_portable_serialize(bitmap_.get(), bytes.data());
  return bytes;
}

bool SlotSet::Contains(std::uint32_t slot) const {
  return roaring_bitmap_contains(bitmap_.get(), slot);
}

bool SlotSet::ContainsAll(const SlotSet& others) const {
  return roaring_bitmap_is_subset(others.bitmap_.get(), bitmap_.get());
}

std::uint64_t SlotSet::size() const { return roaring_bitmap_get_cardinality(bitmap_.get()); }

}  // namespace genofed::ledger
