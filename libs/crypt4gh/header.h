// SPDX-License-Identifier: Apache-2.0
//
// The header of a Crypt4GH file (GA4GH Crypt4GH v1, samtools/hts-specs crypt4gh.tex section 2.2):
// for each reader a packet with the key of the body, and perhaps an edit list. A header is small
// and kept apart from the body; giving somebody access means writing a new header, the body is
// never touched.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/random.h"
#include "libs/core/status.h"
#include "libs/crypt4gh/edit_list.h"
#include "libs/crypt4gh/key.h"

namespace genofed::crypt4gh {

inline constexpr std::size_t kMaxHeaderBytes = 1U << 20;
inline constexpr std::size_t kMaxHeaderPackets = 1000;

// What a reader finds in a header.
struct HeaderContent {
  std::vector<DataKey> data_keys;  // at least one, all different
  std::optional<EditList> edit_list;
};

// Makes the same header again for the same content, recipients, object and grant, byte by byte, so
// that an interrupted download can go on where it stopped. The writer's key and the nonces are
// derived by HMAC-SHA256 from `secret` and all of these, data keys and edit list included: two
// different packets never share a key and nonce. `secret` is the site's own and kept like a secret
// key. Strings are borrowed.
struct RepeatableWriter {
  const Secret32& secret;
  std::string_view object_id;
  std::string_view grant_id;
};

// A header with one packet per recipient and data key (and one per recipient for an edit list),
// under an ephemeral writer key that is forgotten. Errors: CRYPT4GH_HEADER_INVALID when there is no
// data key or no recipient, or a limit above is passed.
Result<std::string> BuildHeader(const HeaderContent& content, std::span<const PublicKey> recipients,
                                Random& random);
// The same under a writer's own key: he, too, can read what he wrote.
Result<std::string> BuildHeader(const HeaderContent& content, std::span<const PublicKey> recipients,
                                const SecretKey& writer, Random& random);
Result<std::string> BuildHeader(const HeaderContent& content, std::span<const PublicKey> recipients,
                                const RepeatableWriter& writer);

// Reads what is meant for `key`; packets for others are skipped. `header` must be exactly one
// header. Errors: CRYPT4GH_HEADER_INVALID (malformed, over a limit, two edit lists),
// CRYPT4GH_UNSUPPORTED (Unimplemented: other version, data method or packet type; a packet that
// this library does not know could change what the others mean), CRYPT4GH_NOT_A_RECIPIENT
// (PermissionDenied).
Result<HeaderContent> OpenHeader(std::string_view header, const SecretKey& key);

// The same content for another reader, and for nobody else: how access is granted. The body is sent
// as it is. The edit list goes along; `added` edits what it left (Compose), so it counts over the
// file as readers of `header` see it.
Result<std::string> Reencrypt(std::string_view header, const SecretKey& key,
                              const PublicKey& recipient, Random& random,
                              const EditList& added = {});
Result<std::string> Reencrypt(std::string_view header, const SecretKey& key,
                              const PublicKey& recipient, const RepeatableWriter& writer,
                              const EditList& added = {});

// A header and the parts of the body to send behind it, for ranges of the file as readers of
// `header` see it (see PlanRange, whose errors it shares). `plain_size`: Manifest::plain_size.
struct RangeHeader {
  std::string header;
  RangePlan plan;
};
Result<RangeHeader> ReencryptRange(std::string_view header, const SecretKey& key,
                                   const PublicKey& recipient, const RepeatableWriter& writer,
                                   std::uint64_t plain_size, std::span<const ByteRange> ranges);

// The length in bytes of the header with which `data` (the start of a file) begins. Errors:
// CRYPT4GH_HEADER_INVALID, CRYPT4GH_UNSUPPORTED, CRYPT4GH_HEADER_INCOMPLETE (OutOfRange: more bytes
// needed).
Result<std::size_t> HeaderSize(std::string_view data);

// What is written in a header, packet by packet, for people who look into files.
struct PacketSummary {
  enum class Kind { kNotReadable, kDataKey, kEditList, kUnknown };
  std::size_t bytes = 0;
  std::uint32_t method = 0;  // 0: X25519 with ChaCha20-Poly1305, the only one there is
  Kind kind = Kind::kNotReadable;
};
// Without a key every packet is kNotReadable. Errors: CRYPT4GH_HEADER_INVALID,
// CRYPT4GH_UNSUPPORTED (version). What OpenHeader refuses about packets is summarised.
Result<std::vector<PacketSummary>> SummariseHeader(std::string_view header, const SecretKey* key);

}  // namespace genofed::crypt4gh
