// SPDX-License-Identifier: Apache-2.0
//
// The bytes of entry_log.h: groups of entries that were written and synced at once. Numbers are little endian:
//
//   "GFE1", bytes of the payload (u32), entries (u32), made with rows (u32, 0 or 1), index of the first entry (u64),
//   digest (32 bytes),
//   payload: for each entry its bytes (u32), those of the caller (u16) and of the idempotency key (u16), when it was
//   appended (i64, µs since 1970), whether it is an access (u8, 0 or 1); then caller, key and entry.
//
// The digest is the SHA-256 of the 24 bytes before it and of the payload with each entry's leaf hash in its place, which
// is known already when an entry is appended.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/consent/app/ports.h"

namespace genofed::consent {

inline constexpr std::size_t kGroupHeaderBytes = 56;
inline constexpr std::string_view kGroupMagic = "GFE1";

struct GroupHeader {
  std::uint32_t payload = 0;  // bytes behind the header
  std::uint32_t entries = 0;
  bool with_rows = false;
  std::int64_t first = 0;
};

// Points into the group's bytes.
struct GroupEntry {
  std::string_view caller, idempotency_key, entry;
  Time appended{};
  bool is_access = false;
};

// Appends the group to `out`. Texts are at most 65,535 bytes long, entries and all together below 2^32.
void EncodeGroup(std::int64_t first, bool with_rows, std::span<const NewEntry* const> entries, std::string& out);

// Errors of both: DataLoss GROUP_BROKEN.
Result<GroupHeader> ParseGroupHeader(std::string_view bytes);
// Of a whole group, header and payload; nothing may follow. Compares the digest.
Result<std::vector<GroupEntry>> ParseGroup(std::string_view bytes);

}  // namespace genofed::consent
