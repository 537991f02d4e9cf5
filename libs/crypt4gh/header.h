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
#include "libs/crypt4gh/key.h"

namespace genofed::crypt4gh {

inline constexpr std::size_t kMaxHeaderBytes = 1U << 20;
inline constexpr std::size_t kMaxHeaderPackets = 1000;

// What a reader finds in a header.
struct HeaderContent {
  std::vector<DataKey> data_keys;  // at least one, all different
  // Byte counts over the plaintext: discard, keep, discard, keep ...; after an odd count the rest
  // is kept.
  std::optional<std::vector<std::uint64_t>> edit_list;
};

// A header with one packet per recipient and data key (and one per recipient for an edit list),
// under an ephemeral writer key that is forgotten. Errors: CRYPT4GH_HEADER_INVALID when there is no
// data key or no recipient, or a limit above is passed.
Result<std::string> BuildHeader(const HeaderContent& content, std::span<const PublicKey> recipients,
                                Random& random);

// Reads what is meant for `key`; packets for others are skipped. `header` must be exactly one
// header. Errors: CRYPT4GH_HEADER_INVALID (malformed, over a limit, two edit lists),
// CRYPT4GH_UNSUPPORTED (Unimplemented: other version, data method or packet type),
// CRYPT4GH_NOT_A_RECIPIENT (PermissionDenied).
Result<HeaderContent> OpenHeader(std::string_view header, const SecretKey& key);

// The same content for another reader, and for nobody else: how access is granted. The edit list
// goes along.
Result<std::string> Reencrypt(std::string_view header, const SecretKey& key,
                              const PublicKey& recipient, Random& random);

// The length in bytes of the header with which `data` (the start of a file) begins. Errors:
// CRYPT4GH_HEADER_INVALID, CRYPT4GH_UNSUPPORTED, CRYPT4GH_HEADER_INCOMPLETE (OutOfRange: more bytes
// needed).
Result<std::size_t> HeaderSize(std::string_view data);

}  // namespace genofed::crypt4gh
