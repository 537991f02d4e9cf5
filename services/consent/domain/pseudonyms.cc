// SPDX-License-Identifier: Apache-2.0
#include "services/consent/domain/pseudonyms.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::consent {
namespace {
constexpr std::size_t kPseudonymBytes = 16;
}

bool IsPersonIdentifier(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPersonIdentifier && IsUtf8(text) &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<Pseudonyms> Pseudonyms::Create(std::string key) {
  if (key.size() < crypto::kSha256Bytes) {
    return Error(StatusCode::kInvalidArgument, "KEY_INVALID",
                 "consent.pseudonym_key needs at least 32 bytes");
  }
  return Pseudonyms(std::move(key));
}

std::string Pseudonyms::Blinded(std::string_view person_identifier) const {
  return HexEncode(crypto::HmacSha256(key_, "person" + std::string(person_identifier)));
}

std::string Pseudonyms::InDataset(std::string_view dataset,
                                  std::string_view person_identifier) const {
  std::string dataset_key = crypto::HmacSha256(key_, "dataset" + std::string(dataset));
  return HexEncode(crypto::HmacSha256(dataset_key, person_identifier).substr(0, kPseudonymBytes));
}

std::string Pseudonyms::Tombstone(std::string_view blinded) const {
  return HexEncode(crypto::HmacSha256(crypto::HmacSha256(key_, "erased"), blinded));
}

}  // namespace genofed::consent
