// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/trust_lint.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "libs/auth/trust.h"
#include "libs/crypto/strict_json.h"

namespace genofed::auth {
namespace {

using Json = nlohmann::json;
using Severity = LintFinding::Severity;

constexpr std::size_t kMaxFileBytes = 4U << 20;
constexpr auto kTopMembers = {"note", "issuers", "revoked_jti", "revoked_applications", "limits", "request", "$schema"};
constexpr auto kIssuerMembers = {"iss",     "jku",           "roles",   "country",           "sources",
                                 "datasets", "sub_namespace", "refresh", "person_identifiers", "jwks", "note"};
constexpr auto kLimitMembers = {"skew_s",         "visa_max_ttl_s",     "passport_max_ttl_s", "approval_max_ttl_s",
                                "max_assertion_age_s", "max_visa_bytes", "max_approval_bytes", "max_passport_bytes",
                                "max_visas",      "max_json_depth"};
constexpr auto kKnownRoles = {"access_token", "passport", "approval", "decision", "opinion", "service",
                              "visa:AffiliationAndRole", "visa:AcceptedTermsAndPolicies", "visa:ResearcherStatus",
                              "visa:ControlledAccessGrants", "visa:LinkedIdentities"};
// Nobody's datasets: an expression that matches one of these matches too much.
constexpr auto kForeignDatasets = {"x", "https://attacker.example/", "https://data.1mg.example/datasets/",
                                   "GOE-XX-DATASET-1", "https://data.1mg.example/datasets/GDI-XX-DATASET-001"};

bool IsIn(const auto& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const char* known) { return name == known; });
}

class Linter {
 public:
  std::vector<LintFinding> Run(std::string_view text) {
    const auto store = TrustStore::FromJson(text);
    if (!store.ok()) {
      const auto fields = Fields(store.status());
      findings_.push_back({Severity::kError, fields.empty() ? "" : fields[0].field,
                           fields.empty() ? Message(store.status()) : fields[0].description});
    }
    const auto root = crypto::ParseStrictJson(text, {.max_bytes = kMaxFileBytes});
    if (root.ok() && root->is_object()) CheckNames(*root);
    if (!store.ok()) return std::move(findings_);
    for (const std::string& ignored : store->ignored()) {
      const auto colon = ignored.find(": ");
      Warn(ignored.substr(0, colon), "never counts: " + ignored.substr(colon + 2) + "; remove it, or ask for a P-256 or RSA signing key");
    }
    for (std::size_t i = 0; i < store->issuers().size(); ++i) CheckIssuer(store->issuers()[i], fmt::format("issuers[{}]", i));
    return std::move(findings_);
  }

 private:
  void Warn(std::string path, std::string message) {
    findings_.push_back({Severity::kWarning, std::move(path), std::move(message)});
  }

  void Unknown(const Json& object, const auto& names, const std::string& path) {
    if (!object.is_object()) return;
    for (const auto& [name, member] : object.items()) {
      if (!IsIn(names, name)) Warn(path + name, "is not read by anybody; a spelling mistake?");
    }
  }

  void CheckNames(const Json& root) {
    Unknown(root, kTopMembers, "");
    if (root.contains("limits")) Unknown(root["limits"], kLimitMembers, "limits.");
    if (!root.contains("issuers") || !root["issuers"].is_array()) return;
    for (std::size_t i = 0; i < root["issuers"].size(); ++i) {
      Unknown(root["issuers"][i], kIssuerMembers, fmt::format("issuers[{}].", i));
    }
  }

  void CheckIssuer(const TrustedIssuer& issuer, const std::string& path) {
    CheckRoles(issuer, path);
    CheckDatasets(issuer, path);
    if (!issuer.iss.starts_with("https://")) Warn(path + ".iss", "is not an https address; tokens must spell it exactly so");
    if (issuer.sub_namespace.empty()) {
      Warn(path + ".sub_namespace", "is missing: nobody else's names mean the same people");
    }
    for (const std::string& kid : issuer.pinned_keys().kids()) {
      const std::string thumbprint = issuer.pinned_keys().Find(kid)->thumbprint();
      const auto [other, added] = owners_.emplace(thumbprint, issuer.iss);
      if (!added && other->second != issuer.iss) {
        Warn(path + ".jwks", fmt::format("key {} is also pinned for {}: either can speak for the other", kid, other->second));
      }
    }
  }

  void CheckRoles(const TrustedIssuer& issuer, const std::string& path) {
    const bool visas = std::any_of(issuer.roles.begin(), issuer.roles.end(),
                                   [](const std::string& role) { return role.starts_with(role::kVisaPrefix); });
    for (const std::string& role : issuer.roles) {
      if (!IsIn(kKnownRoles, role) && !role.starts_with("visa:https://")) {
        Warn(path + ".roles", role + " is no known role; custom visa types are URLs (visa:https://…)");
      }
    }
    if (visas && issuer.jku.empty()) Warn(path + ".jku", "is missing: every visa needs one, so none is accepted");
    if (issuer.HasRole("visa:ControlledAccessGrants") && issuer.sources.empty()) {
      Warn(path + ".sources", "is missing: a grant must name a listed source, so none is accepted");
    }
    const bool national = issuer.HasRole(role::kApproval) || issuer.HasRole(role::kDecision);
    if (national && (issuer.HasRole(role::kAccessToken) || issuer.HasRole(role::kPassport))) {
      Warn(path + ".roles", "decides and says who people are: one stolen key would be enough for both");
    }
    if (issuer.HasRole("service") && issuer.roles.size() > 1) {
      Warn(path + ".roles", "a service needs no other role; the hub must not sign for a country");
    }
  }

  void CheckDatasets(const TrustedIssuer& issuer, const std::string& path) {
    for (const char* foreign : kForeignDatasets) {
      if (!issuer.MaySpeakFor(foreign)) continue;
      Warn(path + ".datasets", fmt::format("matches \"{}\": name the country's own datasets only", foreign));
      return;
    }
  }

  std::vector<LintFinding> findings_;
  std::map<std::string, std::string> owners_;  // thumbprint to issuer
};

}  // namespace

std::vector<LintFinding> LintTrustFile(std::string_view text) { return Linter().Run(text); }

}  // namespace genofed::auth
