// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/site_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/disclosure/policy.h"
#include "libs/ledger/note.h"
#include "services/cli/federation/pki.h"
#include "services/cli/federation/secrets.h"
#include "services/cli/federation/soft_token.h"

namespace genofed::federation {
namespace {

using Json = nlohmann::ordered_json;
namespace pb = config::v1;

constexpr int kKeyRefreshSeconds = 10;

Status MakeDirectory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return Error(StatusCode::kInternal, "DIRECTORY_FAILED", "cannot make {}: {}", path.string(),
               error.message());
}

std::string Loopback(int port) { return fmt::format("127.0.0.1:{}", port); }

std::string PerService(const std::filesystem::path& dir, std::string_view suffix) {
  return (dir / fmt::format("{{service}}{}", suffix)).string();
}

Json Issuer(std::string iss, std::string jku, Json roles, const std::string& jwk) {
  Json issuer = {{"iss", std::move(iss)}, {"jku", std::move(jku)}, {"roles", std::move(roles)}};
  issuer["jwks"]["keys"] = Json::array({Json::parse(jwk)});
  return issuer;
}

// Keys that only nodes hold: the national key, and those of the ledger, the datasets, the
// pseudonyms and the intake.
Result<std::string> PrepareNodeSecrets(const SitePlan& site, Random& random) {
  GF_TRY(HexSecret(site.secrets() / "dataset.key", random));
  GF_TRY(HexSecret(site.secrets() / "pseudonym.key", random));
  GF_TRY(HexSecret(site.secrets() / "intake.key", random));
  GF_TRY(HexSecret(site.secrets() / "disclosure.key", random));
  GF_TRY(Es256Key(site.secrets() / "report.pem"));
  return site.soft_token ? MakeSoftToken(site, random) : Es256Key(site.national_key_file());
}

// A key that signs notes as <site>.<domain>/<name>; returns its verifier key.
Result<std::string> NoteKey(const SitePlan& site, std::string_view name,
                            ledger::SignatureType type) {
  GF_ASSIGN(auto key, Ed25519Key(site.secrets() / fmt::format("{}.pem", name)));
  GF_ASSIGN(const auto verifier,
            ledger::NoteVerifier::Create(fmt::format("{}.{}/{}", site.site, kDomain, name), type,
                                         std::move(key)));
  return verifier.ToString();
}

// The OpenID provider's certificate is the hub's to give.
Status IssueAll(const Plan& plan, const SitePlan& site, const SiteAuthority& authority) {
  for (const std::string& service : site.services) {
    GF_TRY(authority.Issue(service, site.tls() / (service + ".pem"),
                           site.tls() / (service + ".key"), plan.certificate_lifetime));
  }
  if (!site.is_hub()) return absl::OkStatus();
  return authority.Issue("idp", plan.idp_dir() / "cert.pem", plan.idp_dir() / "key.pem",
                         plan.certificate_lifetime);
}

// Identifiers of a country's datasets, bare or as a visa names them.
std::string DatasetsOf(const SitePlan& node) {
  return fmt::format(R"(^(https://data\.1mg\.example/datasets/)?(GOE|GDI)-{}-[A-Z]+-[0-9]+$)",
                     node.country());
}

std::string JkuOf(const SitePlan& site) { return site.rest_url() + "/jwks.json"; }

std::filesystem::path PolicyFile(const SitePlan& site) { return site.dir / "privacy-policy.json"; }

void FillNetwork(const Plan& plan, const SitePlan& site, pb::Network* network) {
  for (const auto& [service, port] : site.grpc)
    (*network->mutable_grpc())[service] = Loopback(port);
  for (const auto& [process, port] : site.admin)
    (*network->mutable_admin())[process] = Loopback(port);
  network->set_certificate_file(PerService(site.tls(), ".pem"));
  network->set_private_key_file(PerService(site.tls(), ".key"));
  network->set_bundle_file(plan.bundle_file().string());
  network->set_reflection(true);
  for (const SitePlan& other : plan.sites) {
    if (site.is_hub() && !other.is_hub()) {
      (*network->mutable_nodes())[other.site] = Loopback(other.grpc.at("discovery"));
    }
    if (site.is_hub() || !other.is_hub()) continue;
    for (const auto& [service, port] : other.grpc)
      (*network->mutable_hub())[service] = Loopback(port);
  }
}

void FillTrust(const Plan& plan, const SitePlan& site, pb::Trust* trust) {
  trust->set_trust_file((site.dir / "trust.json").string());
  trust->set_audience("urn:genofed:site:" + site.site);
  trust->set_ca_file(plan.bundle_file().string());
  for (const Persona& persona : plan.personas) {
    if (persona.site != site.site || persona.roles.empty()) continue;
    pb::RoleBinding* binding = trust->add_role_bindings();
    binding->set_issuer(plan.issuer());
    binding->set_subject(persona.subject);
    for (const std::string& role : persona.roles) binding->add_roles(role);
  }
}

void FillNode(const SitePlan& site, const SiteExtras& extras, pb::SiteConfig* config) {
  if (site.soft_token) {
    config->mutable_access()->set_national_key_uri(SoftTokenUri(site));
    config->mutable_access()->mutable_national_key_pin()->set_file(SoftTokenPinFile(site).string());
  } else {
    config->mutable_access()->set_national_key_file(site.national_key_file().string());
  }
  config->mutable_access()->set_national_issuer(NationalIssuer(site.site));
  config->mutable_access()->set_national_jku(JkuOf(site));
  config->mutable_spe()->set_images_dir(extras.images_dir.string());
  for (const std::string& digest : extras.allowed_workflows)
    config->mutable_spe()->add_allowed_workflows(digest);
  pb::ConsentConfig* consent = config->mutable_consent();
  consent->mutable_dataset_key()->set_file((site.secrets() / "dataset.key").string());
  consent->mutable_pseudonym_key()->set_file((site.secrets() / "pseudonym.key").string());
  config->mutable_discovery()->mutable_disclosure_key()->set_file(
      (site.secrets() / "disclosure.key").string());
  config->mutable_discovery()->set_disclosure_policy_file(PolicyFile(site).string());
  config->mutable_onboarding()->set_report_key_file((site.secrets() / "report.pem").string());
  config->mutable_onboarding()->set_intake_key_file((site.secrets() / "intake.key").string());
}

// The product's, but for the table of frequencies, which countries turn on by themselves: here it
// is on, with a promise that lets something be seen of few synthetic people.
std::string DevelopmentPolicy() {
  disclosure::Policy policy;
  policy.name = "genofed default, with a frequency table for development";
  policy.table = true;
  policy.table_auc = 0.99;
  return disclosure::WritePolicy(policy);
}

// Every site witnesses every other; one of them may be away.
void FillLedger(const Plan& plan, const SitePlan& site, const PinnedKeys& keys,
                pb::ConsentConfig* consent) {
  consent->set_ledger_key_file((site.secrets() / "ledger.pem").string());
  consent->set_witness_key_file((site.secrets() / "witness.pem").string());
  for (const SitePlan& other : plan.sites) {
    if (other.site == site.site) continue;
    pb::LedgerPeer* peer = consent->add_ledger_peers();
    peer->set_url(other.rest_url());
    peer->set_ledger_key(keys.ledger.at(other.site));
    peer->set_witness_key(keys.witness.at(other.site));
    peer->set_ca_file(plan.bundle_file().string());
  }
  consent->set_needed_witnesses(std::max(1, consent->ledger_peers_size() - 1));
}

pb::SiteConfig MakeConfig(const Plan& plan, const SitePlan& site, const PinnedKeys& keys,
                          const SiteExtras& extras) {
  pb::SiteConfig config;
  config.mutable_site()->set_role(site.is_hub() ? pb::Site::ROLE_HUB : pb::Site::ROLE_NODE);
  config.mutable_site()->set_name(site.site);
  config.mutable_site()->set_title(site.title());
  config.mutable_site()->set_domain(std::string(kDomain));
  config.mutable_site()->set_data_dir((site.dir / "data").string());
  FillNetwork(plan, site, config.mutable_network());
  pb::Postgres* postgres = config.mutable_postgres();
  postgres->set_host(extras.postgres_host);
  postgres->set_port(extras.postgres_port);
  postgres->set_database(extras.postgres_database);
  postgres->mutable_password()->set_file((site.secrets() / "postgres-{service}").string());
  FillTrust(plan, site, config.mutable_trust());
  pb::GatewayConfig* gateway = config.mutable_gateway();
  gateway->set_listen(Loopback(site.rest));
  gateway->set_public_url(site.rest_url());
  gateway->set_certificate_file((site.tls() / "gateway.pem").string());
  gateway->set_private_key_file((site.tls() / "gateway.key").string());
  pb::OidcConfig* oidc = gateway->mutable_oidc();
  oidc->set_issuer(plan.issuer());
  oidc->set_client_id("genofed-portal");
  oidc->set_cli_client_id("genofed-cli");
  oidc->set_ca_file(plan.bundle_file().string());
  gateway->mutable_session_key()->set_file((site.secrets() / "session.key").string());
  FillLedger(plan, site, keys, config.mutable_consent());
  config.mutable_access()->set_published_keys_file((site.dir / "published-keys.json").string());
  if (site.is_hub()) {
    config.mutable_access()->set_passport_key_file((site.secrets() / "passport.pem").string());
    config.mutable_access()->set_passport_issuer(PassportIssuerName());
  } else {
    FillNode(site, extras, &config);
  }
  return config;
}

}  // namespace

Result<PinnedKeys> PrepareKeys(const Plan& plan, const Clock& clock, Random& random) {
  PinnedKeys keys;
  std::string bundle;
  GF_TRY(MakePrivateDirectory(plan.idp_dir()));
  for (const SitePlan& site : plan.sites) {
    GF_TRY(MakeDirectory(site.dir / "log"));
    GF_TRY(MakePrivateDirectory(site.dir / "data"));
    GF_TRY(MakePrivateDirectory(site.secrets()));
    GF_TRY(MakeDirectory(site.tls()));
    GF_ASSIGN(auto authority, SiteAuthority::Open(site.site, kDomain, site.tls() / "ca.pem",
                                                  site.secrets() / "ca.key", clock));
    bundle += authority.certificate_pem();
    GF_TRY(IssueAll(plan, site, authority));
    GF_ASSIGN(keys.ledger[site.site],
              NoteKey(site, "ledger", ledger::SignatureType::kEd25519));
    GF_ASSIGN(keys.witness[site.site],
              NoteKey(site, "witness", ledger::SignatureType::kCosignature));
    GF_TRY(HexSecret(site.secrets() / "session.key", random));
    if (site.is_hub()) {
      GF_ASSIGN(keys.passport, Es256Key(site.secrets() / "passport.pem"));
    } else {
      GF_ASSIGN(keys.national[site.site], PrepareNodeSecrets(site, random));
    }
  }
  GF_ASSIGN(keys.login, Es256Key(plan.idp_dir() / "signing-key.pem"));
  GF_TRY(HexSecret(plan.idp_dir() / "client-secret", random));
  GF_TRY(WriteFileAtomically(plan.bundle_file(), bundle));
  return keys;
}

Status RenewCertificates(const Plan& plan, const Clock& clock) {
  for (const SitePlan& site : plan.sites) {
    GF_ASSIGN(auto authority, SiteAuthority::Reopen(site.site, kDomain, site.tls() / "ca.pem",
                                                    site.secrets() / "ca.key", clock));
    GF_TRY(IssueAll(plan, site, authority));
  }
  return absl::OkStatus();
}

std::string NationalIssuer(std::string_view country) {
  return fmt::format("https://dac.{}.{}", country, kDomain);
}

std::string PassportIssuerName() { return fmt::format("https://passports.{}", kDomain); }

std::string TrustJson(const Plan& plan, const SitePlan& site, const PinnedKeys& keys) {
  Json issuers = Json::array();
  issuers.push_back(Issuer(plan.issuer(), plan.issuer() + "/jwks", {"access_token"}, keys.login));
  // Everybody here means the same people by the same names: those of the login service.
  issuers.back()["sub_namespace"] = plan.issuer();
  for (const SitePlan& node : plan.sites) {
    if (node.is_hub() || (!site.is_hub() && node.site != site.site)) continue;
    std::string iss = NationalIssuer(node.site);
    Json issuer = Issuer(iss, JkuOf(node), {"decision", "approval", "visa:ControlledAccessGrants"},
                         keys.national.at(node.site));
    issuer["country"] = node.country();
    issuer["datasets"] = DatasetsOf(node);
    issuer["sources"] = Json::array({iss + "/dac"});
    issuer["sub_namespace"] = plan.issuer();
    issuer["refresh"] = {{"interval_s", kKeyRefreshSeconds}};
    issuers.push_back(std::move(issuer));
  }
  for (const SitePlan& hub : plan.sites) {
    if (!hub.is_hub() || site.is_hub()) continue;
    Json broker = Issuer(PassportIssuerName(), JkuOf(hub), {"passport"}, keys.passport);
    broker["sub_namespace"] = plan.issuer();
    broker["refresh"] = {{"interval_s", kKeyRefreshSeconds}};
    issuers.push_back(std::move(broker));
  }
  return Json{{"issuers", std::move(issuers)}}.dump(2) + "\n";
}

Status WriteSiteConfig(const Plan& plan, const SitePlan& site, const PinnedKeys& keys,
                       const SiteExtras& extras) {
  GF_TRY(WriteFileAtomically(site.dir / "trust.json", TrustJson(plan, site, keys)));
  if (!site.is_hub()) GF_TRY(WriteFileAtomically(PolicyFile(site), DevelopmentPolicy()));
  return WriteFileAtomically(site.config_file(), config::ToJson(MakeConfig(plan, site, keys, extras)));
}

Result<std::vector<std::string>> WorkflowDigests(const std::filesystem::path& images_dir) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator it(images_dir, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().string().ends_with(".workflow.json")) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> digests;
  for (const auto& file : files) {
    GF_ASSIGN(auto content, ReadFile(file, 1U << 20));
    digests.push_back(HexEncode(crypto::Sha256(content)));
  }
  return digests;
}

}  // namespace genofed::federation
