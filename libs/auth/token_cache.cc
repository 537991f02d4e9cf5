// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/token_cache.h"

#include "libs/crypto/hash.h"

namespace genofed::auth {

TokenCache::Key TokenCache::KeyOf(Kind kind, std::string_view token) {
  const std::string digest = crypto::Sha256(token);
  Key key;
  key[0] = static_cast<unsigned char>(kind);
  std::memcpy(key.data() + 1, digest.data(), digest.size());
  return key;
}

std::shared_ptr<const TokenCache::Entry> TokenCache::Find(const Key& key, const TrustStore& trust) const {
  std::shared_ptr<const Entry> entry;
  {
    MutexLock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    entry = found->second;
  }
  const TrustedIssuer* issuer = trust.Find(entry->iss);
  if (issuer != entry->issuer || issuer == nullptr || issuer->identity() != entry->identity) return nullptr;
  const crypto::PublicKey* signer = trust.FindKey(*issuer, entry->kid);
  return signer != nullptr && signer->thumbprint() == entry->thumbprint ? entry : nullptr;
}

void TokenCache::Put(const Key& key, Entry entry) {
  auto shared = std::make_shared<const Entry>(std::move(entry));
  MutexLock lock(mutex_);
  if (!entries_.insert_or_assign(key, std::move(shared)).second) return;
  order_.push_back(key);
  if (order_.size() > max_entries_) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

}  // namespace genofed::auth
