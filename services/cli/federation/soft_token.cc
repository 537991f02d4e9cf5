// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/soft_token.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/key.h"
#include "services/cli/federation/process.h"
#include "services/cli/federation/secrets.h"

namespace genofed::federation {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
constexpr std::size_t kMaxKeyBytes = 4096;
constexpr std::size_t kPinBytes = 16;
constexpr std::chrono::seconds kTimeout(60);

fs::path Directory(const SitePlan& site) { return site.secrets() / "token"; }
fs::path ConfFile(const SitePlan& site) { return Directory(site) / "softhsm2.conf"; }
// Written last: while it is missing, the token is not finished.
fs::path PublicKeyFile(const SitePlan& site) { return Directory(site) / "national.pub.der"; }
std::string Label(const SitePlan& site) { return "genofed-" + site.site; }

Result<std::string> ReadPublicJwk(const fs::path& der_file) {
  GF_ASSIGN(const std::string der, ReadFile(der_file, kMaxKeyBytes));
  GF_ASSIGN(const auto key,
            crypto::PublicKey::FromPem("-----BEGIN PUBLIC KEY-----\n" + Base64Encode(der) +
                                       "\n-----END PUBLIC KEY-----\n"));
  return key.Jwk();
}

}  // namespace

bool SoftTokensInstalled() {
  std::error_code error;
  return fs::exists(kModule, error) && FindInPath("pkcs11-tool").has_value();
}

bool HasSoftToken(const SitePlan& site) {
  std::error_code error;
  return fs::exists(PublicKeyFile(site), error);
}

void ChooseNationalKeys(const std::vector<std::string>& countries,
                        const std::function<void(std::string_view)>& say, Plan* plan) {
  for (SitePlan& site : plan->sites) {
    if (site.is_hub()) continue;
    const bool wished = std::find(countries.begin(), countries.end(), site.site) != countries.end();
    std::error_code error;
    const bool has_file = fs::exists(site.national_key_file(), error);
    site.soft_token = HasSoftToken(site) || (wished && !has_file && SoftTokensInstalled());
    if (!wished || site.soft_token) continue;
    say(fmt::format("national key of {} in a file: {}", CountryName(site.site),
                    has_file ? "it has one there from an earlier start"
                             : "SoftHSM is not installed (packages softhsm2 and opensc)"));
  }
}

Result<std::string> MakeSoftToken(const SitePlan& site, Random& random) {
  if (HasSoftToken(site)) return ReadPublicJwk(PublicKeyFile(site));
  const auto tool = FindInPath("pkcs11-tool");
  if (!tool)
    return Error(StatusCode::kFailedPrecondition, "NO_PKCS11_TOOL",
                 "pkcs11-tool (package opensc) is not installed");
  std::error_code error;
  fs::remove_all(Directory(site), error);
  GF_TRY(MakePrivateDirectory(Directory(site) / "tokens"));
  GF_TRY(MakePrivateDirectory(Directory(site)));
  GF_ASSIGN(const std::string pin, HexSecret(SoftTokenPinFile(site), random, kPinBytes));
  GF_ASSIGN(const std::string officer, HexSecret(Directory(site) / "so-pin", random, kPinBytes));
  GF_TRY(WriteFileAtomically(
      ConfFile(site),
      fmt::format("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
                  (Directory(site) / "tokens").string()),
      0600));
  // PINs go by the environment: other users can read argument lists.
  const auto run = [&](std::vector<std::string> arguments) {
    Command command;
    command.argv = {tool->string(), "--module", kModule};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.environment = {SoftTokenEnvironment(site), "TOKEN_PIN=" + pin,
                           "TOKEN_SO_PIN=" + officer};
    return RunCommand(std::move(command), kTimeout);
  };
  GF_TRY(run({"--init-token", "--slot-index", "0", "--label", Label(site), "--so-pin",
              "env:TOKEN_SO_PIN"}));
  GF_TRY(run({"--token-label", Label(site), "--init-pin", "--login", "--login-type", "so",
              "--so-pin", "env:TOKEN_SO_PIN", "--new-pin", "env:TOKEN_PIN"}));
  GF_TRY(run({"--token-label", Label(site), "--login", "--pin", "env:TOKEN_PIN", "--keypairgen",
              "--key-type", "EC:prime256v1", "--label", "national", "--id", "01", "--usage-sign"}));
  const fs::path exported = Directory(site) / "national.pub.tmp";
  GF_TRY(run({"--token-label", Label(site), "--read-object", "--type", "pubkey", "--label",
              "national", "--output-file", exported.string()}));
  GF_ASSIGN(const std::string jwk, ReadPublicJwk(exported));
  fs::rename(exported, PublicKeyFile(site), error);
  if (error) {
    return Error(StatusCode::kInternal, "WRITE_FAILED", "cannot write {}: {}",
                 PublicKeyFile(site).string(), error.message());
  }
  return jwk;
}

std::string SoftTokenUri(const SitePlan& site) {
  return fmt::format("pkcs11:token={};object=national?module-path={}", Label(site), kModule);
}
fs::path SoftTokenPinFile(const SitePlan& site) { return Directory(site) / "pin"; }
std::string SoftTokenEnvironment(const SitePlan& site) {
  return "SOFTHSM2_CONF=" + ConfFile(site).string();
}

}  // namespace genofed::federation
