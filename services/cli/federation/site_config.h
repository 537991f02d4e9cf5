// SPDX-License-Identifier: Apache-2.0
//
// Writes what the services of a site start from: keys, certificates, trust file and site.json.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/random.h"
#include "libs/core/status.h"
#include "services/cli/federation/plan.h"

namespace genofed::federation {

// Public halves of the keys that trust files pin, each a JWK in JSON.
struct PinnedKeys {
  std::string login;                            // of the OpenID provider
  std::map<std::string, std::string> national;  // by country, lower case
  std::string passport;                         // of the hub
  // By site: C2SP verifier keys of its ledger and of the site as a witness.
  std::map<std::string, std::string> ledger;
  std::map<std::string, std::string> witness;
};

// Makes the directories, the CA, certificates and secrets of every site and of the OpenID provider, unless they are
// there, and the bundle of all CAs.
Result<PinnedKeys> PrepareKeys(const Plan& plan, const Clock& clock, Random& random);

// Issues again what has less than a third of its life left: every service's certificate and the OpenID provider's.
Status RenewCertificates(const Plan& plan, const Clock& clock);

// "https://dac.fi.1mg.example": the name under which a country signs decisions and approvals.
std::string NationalIssuer(std::string_view country);

// "https://passports.1mg.example": the name under which the hub signs passports.
std::string PassportIssuerName();

// The trust file: the login service (role access_token); at the hub every country's key, at a node only its own
// (decisions, approvals and visas, for that country's datasets), and the hub as broker of passports. Keys of countries
// and hub are fetched from the sites' own addresses besides.
std::string TrustJson(const Plan& plan, const SitePlan& site, const PinnedKeys& keys);

struct SiteExtras {
  std::string postgres_host;  // directory of the Unix socket
  int postgres_port = 0;
  std::string postgres_database;
  std::filesystem::path images_dir;            // nodes only
  std::vector<std::string> allowed_workflows;  // SHA-256 in hex
};

// Writes trust.json and site.json (JSON form of genofed.config.v1.SiteConfig).
Status WriteSiteConfig(const Plan& plan, const SitePlan& site, const PinnedKeys& keys, const SiteExtras& extras);

// SHA-256 (hex) of every <name>.workflow.json in the directory, in order of name; empty when there is no directory.
Result<std::vector<std::string>> WorkflowDigests(const std::filesystem::path& images_dir);

}  // namespace genofed::federation
