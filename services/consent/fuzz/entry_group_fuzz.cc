// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "services/consent/adapters/entry_group.h"

// What is accepted as a group is exactly what would be written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed;
  using namespace genofed::consent;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto group = ParseGroup(bytes);
  if (!group.ok()) return 0;
  const GroupHeader header = *ParseGroupHeader(bytes);
  std::vector<NewEntry> entries;
  std::vector<const NewEntry*> pointers;
  entries.reserve(group->size());
  for (const GroupEntry& one : *group) {
    entries.push_back({std::string(one.entry), ledger::LeafHash(one.entry), std::string(one.caller), std::string(one.idempotency_key), one.appended,
                       one.is_access});
    pointers.push_back(&entries.back());
  }
  std::string again;
  EncodeGroup(header.first, header.with_rows, pointers, again);
  GF_CHECK(again == bytes);
  return 0;
}
