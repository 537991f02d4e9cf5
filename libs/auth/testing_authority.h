// SPDX-License-Identifier: Apache-2.0
//
// Issuers with fresh keys for the tests of this folder.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "libs/auth/trust.h"
#include "libs/core/clock.h"
#include "libs/crypto/signer.h"

namespace genofed::auth {

inline constexpr std::int64_t kNow = 1'795'332'028;

class FixedClock final : public Clock {
 public:
  Time Now() const override { return now; }
  Time now = FromUnixSeconds(kNow);
};

struct TestIssuer {
  std::string iss;
  crypto::FileSigner signer{*crypto::SigningKey::Generate()};

  nlohmann::json Entry(nlohmann::json roles, std::string_view country = "") const {
    nlohmann::json entry = {{"iss", iss}, {"roles", std::move(roles)}, {"sub_namespace", "aai"}};
    entry["jwks"]["keys"] = {nlohmann::json::parse(signer.public_key().Jwk())};
    if (!country.empty()) {
      entry["country"] = country;
      entry["datasets"] = fmt::format("^https://data\\.example/datasets/{}-[0-9]+$", country);
    }
    return entry;
  }
  std::string Sign(std::string_view type, const nlohmann::json& claims) {
    return *signer.SignJws(type, claims.dump());
  }
};

// Finland, Spain, the hub and a login service; Finland and Spain may decide and approve.
struct TestFederation {
  TestIssuer fi{"https://dac.fi.example"};
  TestIssuer es{"https://dac.es.example"};
  TestIssuer hub{"https://hub.example"};
  TestIssuer login{"https://login.example"};
  TestIssuer other_login{"https://other-login.example"};

  nlohmann::json File() const {
    auto other = other_login.Entry({"access_token"});
    other["sub_namespace"] = "other";
    other["person_identifiers"] = false;
    return {{"issuers",
             {fi.Entry({"decision", "approval"}, "FI"), es.Entry({"decision", "approval"}, "ES"),
              hub.Entry({"service"}), login.Entry({"access_token"}), other}},
            {"revoked_jti", {"revoked-1"}},
            {"revoked_applications", {"APP-1999"}}};
  }
  TrustStore Trust() const { return *TrustStore::FromJson(File().dump()); }
};

}  // namespace genofed::auth
