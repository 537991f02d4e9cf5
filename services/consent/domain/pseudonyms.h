// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::consent {

inline constexpr std::size_t kMaxPersonIdentifier = 256;

// Whether this can be a national or hospital identifier: 1 to 256 bytes of UTF-8 without control
// characters.
bool IsPersonIdentifier(std::string_view text);

// Names for persons that only this node can connect with them. All are HMAC-SHA256 under the node's
// pseudonym key.
class Pseudonyms {
 public:
  // `key`: at least 32 secret bytes. Errors: KEY_INVALID.
  static Result<Pseudonyms> Create(std::string key);

  // The person within this service: hex of HMAC(key, "person" || person_identifier).
  std::string Blinded(std::string_view person_identifier) const;
  // The person within one dataset, the same in all of its versions: hex of the first 16 bytes of
  // HMAC(HMAC(key, "dataset" || dataset), person_identifier).
  std::string InDataset(std::string_view dataset, std::string_view person_identifier) const;
  // What is kept of somebody who was forgotten, so that they stay forgotten: hex of
  // HMAC(HMAC(key, "erased"), blinded). It tells whose it is to nobody who does not have the key
  // and the identifier.
  std::string Tombstone(std::string_view blinded) const;

 private:
  explicit Pseudonyms(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

}  // namespace genofed::consent
