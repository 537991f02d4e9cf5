// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/key_set.h"

#include <nlohmann/json.hpp>

#include "libs/crypto/strict_json.h"

namespace genofed::auth {
namespace {

constexpr std::size_t kMaxBytes = 1U << 20;
constexpr std::size_t kMaxKeys = 100;

Status Invalid(std::string_view path, std::string_view what) {
  return InvalidField(path, "JWKS_INVALID", "{}", what);
}

}  // namespace

Result<KeySet> KeySet::FromJson(std::string_view text) {
  GF_ASSIGN(const auto root, crypto::ParseStrictJson(text, {.max_bytes = kMaxBytes}));
  const auto keys = root.is_object() ? root.find("keys") : root.end();
  if (!root.is_object() || keys == root.end() || !keys->is_array() || keys->size() > kMaxKeys) {
    return Invalid("keys", fmt::format("must be a list of at most {} keys", kMaxKeys));
  }
  KeySet set;
  for (std::size_t i = 0; i < keys->size(); ++i) {
    const std::string path = fmt::format("keys[{}]", i);
    auto key = crypto::PublicKey::FromJwk((*keys)[i].dump());
    if (Reason(key.status()) == "JWK_UNSUPPORTED") {  // RFC 7517 section 5: ignore what is not understood
      set.ignored_.push_back(fmt::format("{}: {}", path, Message(key.status())));
      continue;
    }
    if (!key.ok()) return Invalid(path, Message(key.status()));
    if (!set.keys_.emplace(key->kid(), *key).second) {
      return Invalid(path + ".kid", "is used by another key of the set");
    }
  }
  return set;
}

const crypto::PublicKey* KeySet::Find(std::string_view kid) const {
  const auto found = keys_.find(kid);
  return found == keys_.end() ? nullptr : &found->second;
}

std::vector<std::string> KeySet::kids() const {
  std::vector<std::string> kids;
  for (const auto& [kid, key] : keys_) kids.push_back(kid);
  return kids;
}

}  // namespace genofed::auth
