// SPDX-License-Identifier: Apache-2.0
//
// A small federation, tokens it must accept, and attacks on it: used by the attack suite and by the mutation test.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "libs/auth/clearinghouse.h"
#include "libs/crypto/key.h"

struct evp_pkey_st;

namespace genofed::auth {

// A key of either algorithm, which signs whatever it is given.
class ForgeKey {
 public:
  static ForgeKey Elliptic(std::string kid);
  static ForgeKey Rsa(std::string kid, int bits = 2048);

  std::string Sign(std::string_view data) const;
  nlohmann::json Jwk() const;
  const std::string& kid() const { return kid_; }
  const char* algorithm() const { return rsa_ ? "RS256" : "ES256"; }

 private:
  std::string kid_;
  bool rsa_ = false;
  std::shared_ptr<crypto::SigningKey> elliptic_;
  std::shared_ptr<evp_pkey_st> pkey_;  // of RSA
};

// "header.payload.signature" from texts as they are.
std::string Compact(std::string_view header, std::string_view payload, const ForgeKey& key);

// Issuers as in ../shared/specs/trust: two national committees of which one has a key of each algorithm and the other a
// key with the same kid, a login service that is broker and linker, a hub, a central committee and two universities.
struct World {
  World();
  nlohmann::json TrustFile() const;
  TrustStore Trust() const;
  ClearinghouseRequest Request() const;

  ForgeKey fi = ForgeKey::Elliptic("dac-1"), fi_rsa = ForgeKey::Rsa("dac-rsa"), se = ForgeKey::Elliptic("dac-1"),
           aai = ForgeKey::Elliptic("aai-1"), hub = ForgeKey::Elliptic("hub-1"), central = ForgeKey::Elliptic("cdac-1"),
           uni = ForgeKey::Elliptic("uni-1"), uni2 = ForgeKey::Elliptic("uni2-1"),
           stranger = ForgeKey::Elliptic("dac-1"), fi_encryption = ForgeKey::Elliptic("dac-enc");
};

// A token in parts, to be bent before it is signed.
struct Draft {
  nlohmann::json header;
  nlohmann::json claims;
  const ForgeKey* key = nullptr;
  std::string Sign() const { return Compact(header.dump(), claims.dump(), *key); }
};
Draft GoodVisa(const World& world, const ForgeKey& key);
Draft GoodApproval(const World& world, const ForgeKey& key);
Draft GoodPassport(const World& world, const std::vector<std::string>& visas);
Draft GoodAccessToken(const World& world);
Draft Affiliation(const World& world);  // faculty@uni.example, by so

struct TokenCase {
  std::string name;
  TokenKind kind;
  std::string token;
  std::string reason;  // empty: accepted
};
// Every class of the checks, for keys of both algorithms where the algorithm matters.
std::vector<TokenCase> GoodTokens(const World& world);
std::vector<TokenCase> Attacks(const World& world);

}  // namespace genofed::auth
