// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/auth/account_token.h"
#include "libs/auth/testing_authority.h"

// Claims under a signature that is right. What is accepted names an account, and this node alone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::auth;
  static TestFederation federation;
  static const FixedClock clock;
  static const TrustStore trust = [] {
    nlohmann::json file = federation.File();
    file["issuers"][2]["roles"] = nlohmann::json::array({"passport"});
    return *TrustStore::FromJson(file.dump());
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  GF_CHECK(!VerifyAccountToken(trust, clock, text, "urn:genofed:site:fi").ok());
  const auto token = federation.hub.signer.SignJws("1mg-account+jwt", text);
  if (!token.ok()) return 0;
  const auto verified = VerifyAccountToken(trust, clock, *token, "urn:genofed:site:fi");
  if (!verified.ok()) return 0;
  const std::string& account = (*verified)->account;
  GF_CHECK(account.size() == 64 &&
           account.find_first_not_of("0123456789abcdef") == std::string::npos);
  GF_CHECK((*verified)->audience == "urn:genofed:site:fi");
  return 0;
}
