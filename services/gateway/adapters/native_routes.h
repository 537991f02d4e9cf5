// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>

#include "services/gateway/adapters/transcoder.h"

namespace genofed::gateway {

// What GET /api/v1/site says and the other APIs need to know about where they run.
struct SiteFacts {
  std::string name;        // "fi"
  std::string title;       // "Finland"
  std::string country;     // "FI"; empty at the hub
  std::string domain;      // of the federation: "1mg.example"
  std::string audience;    // tokens for this site name it
  std::string public_url;  // without a trailing slash
  bool hub = false;
  bool disclosure_off = false;  // Beacon folders are answered without disclosure control

  // "example.1mg.fi.beacon": reverse domain names, as GA4GH service-info recommends.
  std::string ServiceId(std::string_view artifact) const;
  std::string Organisation() const;
};

// Every row of the native API and the ledger: docs/api/rest.md.
std::span<const RpcRow> NativeRows();
// How programs sign in, as JSON for GET /api/v1/site; empty while the provider cannot be asked.
using LoginFacts = std::function<std::string(const Context& ctx)>;
// GET /api/v1/site and /api/v1/me.
void AddSiteRoutes(Api& api, const SiteFacts& site, LoginFacts login = {});

}  // namespace genofed::gateway
