// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/entry_group.h"

#include <bit>
#include <cstring>

#include "libs/crypto/hash.h"

namespace genofed::consent {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kDigestAt = kGroupHeaderBytes - crypto::kSha256Bytes;
constexpr std::size_t kEntryHeaderBytes = 17;

template <typename Number>
void Put(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

template <typename Number>
Number Get(std::string_view bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

Status Broken(const char* what) { return Error(StatusCode::kDataLoss, "GROUP_BROKEN", "{}", what); }

}  // namespace

void EncodeGroup(std::int64_t first, bool with_rows, std::span<const NewEntry* const> entries, std::string& out) {
  const std::size_t begin = out.size();
  std::size_t payload = 0, digested = kDigestAt;
  for (const NewEntry* entry : entries) {
    const std::size_t names = kEntryHeaderBytes + entry->caller.size() + entry->idempotency_key.size();
    payload += names + entry->entry.size();
    digested += names + entry->leaf.bytes.size();
  }
  out.reserve(begin + kGroupHeaderBytes + payload);
  out += kGroupMagic;
  Put(out, static_cast<std::uint32_t>(payload));
  Put(out, static_cast<std::uint32_t>(entries.size()));
  Put(out, static_cast<std::uint32_t>(with_rows));
  Put(out, first);
  std::string to_digest = out.substr(begin);
  to_digest.reserve(digested);
  out.append(crypto::kSha256Bytes, '\0');
  for (const NewEntry* entry : entries) {
    const std::size_t at = out.size();
    Put(out, static_cast<std::uint32_t>(entry->entry.size()));
    Put(out, static_cast<std::uint16_t>(entry->caller.size()));
    Put(out, static_cast<std::uint16_t>(entry->idempotency_key.size()));
    Put(out, static_cast<std::int64_t>(entry->appended.time_since_epoch().count()));
    Put(out, static_cast<std::uint8_t>(entry->is_access));
    out.append(entry->caller).append(entry->idempotency_key);
    to_digest.append(out, at).append(entry->leaf.view());
    out.append(entry->entry);
  }
  const auto digest = crypto::Sha256Parts({to_digest});
  std::memcpy(out.data() + begin + kDigestAt, digest.data(), digest.size());
}

Result<GroupHeader> ParseGroupHeader(std::string_view bytes) {
  if (bytes.size() < kGroupHeaderBytes || !bytes.starts_with(kGroupMagic)) return Broken("no group begins here");
  GroupHeader header{Get<std::uint32_t>(bytes, 4), Get<std::uint32_t>(bytes, 8), false, Get<std::int64_t>(bytes, 16)};
  const auto with_rows = Get<std::uint32_t>(bytes, 12);
  if (with_rows > 1 || header.first < 0 || header.entries == 0 ||
      header.entries > header.payload / kEntryHeaderBytes)
    return Broken("no group has such a header");
  header.with_rows = with_rows == 1;
  return header;
}

Result<std::vector<GroupEntry>> ParseGroup(std::string_view bytes) {
  GF_ASSIGN(const GroupHeader header, ParseGroupHeader(bytes));
  const std::string_view payload = bytes.substr(kGroupHeaderBytes);
  if (payload.size() != header.payload) return Broken("a group is cut off");
  std::vector<GroupEntry> entries;
  std::string to_digest(bytes.substr(0, kDigestAt));
  entries.reserve(header.entries);
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < header.entries; ++i) {
    if (payload.size() - at < kEntryHeaderBytes) return Broken("a group ends within an entry");
    const std::size_t text = Get<std::uint32_t>(payload, at);
    const std::size_t caller = Get<std::uint16_t>(payload, at + 4);
    const std::size_t key = Get<std::uint16_t>(payload, at + 6);
    GroupEntry entry;
    entry.appended = Time(Duration(Get<std::int64_t>(payload, at + 8)));
    if (payload[at + 16] != 0 && payload[at + 16] != 1) return Broken("no entry has such a header");
    entry.is_access = payload[at + 16] == 1;
    if (payload.size() - at - kEntryHeaderBytes < caller + key + text) return Broken("a group ends within an entry");
    to_digest.append(payload.substr(at, kEntryHeaderBytes + caller + key));
    at += kEntryHeaderBytes;
    entry.caller = payload.substr(at, caller);
    entry.idempotency_key = payload.substr(at + caller, key);
    entry.entry = payload.substr(at + caller + key, text);
    at += caller + key + text;
    to_digest.append(ledger::LeafHash(entry.entry).view());
    entries.push_back(entry);
  }
  if (at != payload.size()) return Broken("something follows the entries of a group");
  const auto digest = crypto::Sha256Parts({to_digest});
  if (bytes.substr(kDigestAt, crypto::kSha256Bytes) != std::string_view(digest.data(), digest.size()))
    return Broken("a group has another digest than it was written with");
  return entries;
}

}  // namespace genofed::consent
