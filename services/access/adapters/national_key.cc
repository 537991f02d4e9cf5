// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/national_key.h"

#include "libs/config/load.h"
#include "libs/crypto/pkcs11_signer.h"
#include "libs/obs/log.h"

namespace genofed::access {
namespace {

Status InSetting(std::string_view setting, const Status& status) {
  return MakeError(status.code(), Reason(status), fmt::format("{}: {}", setting, Message(status)));
}

}  // namespace

Result<std::unique_ptr<crypto::Signer>> OpenNationalKey(const config::v1::AccessConfig& config) {
  const bool in_file = !config.national_key_file().empty();
  const bool in_token = !config.national_key_uri().empty();
  if (in_file && in_token) {
    return InvalidField("access.national_key_uri", "CONFIG_CONFLICT",
                        "only one of national_key_file and national_key_uri may be set");
  }
  if (!in_file && !in_token) {
    return InvalidField("access.national_key_file", "CONFIG_MISSING",
                        "must be set, or national_key_uri");
  }
  if (in_file) {
    GF_ASSIGN(std::unique_ptr<crypto::Signer> signer,
              crypto::FileSigner::Open(config.national_key_file()));
    return signer;
  }
  GF_ASSIGN(std::string pin,
            config::ReadSecret(config.national_key_pin(), "access.national_key_pin", "access"));
  auto signer = crypto::Pkcs11Signer::Open({config.national_key_uri(), std::move(pin)});
  if (!signer.ok()) return InSetting("access.national_key_uri", signer.status());
  for (const std::string& warning : (*signer)->warnings()) {
    GF_LOG(Context::Background(), warn, "national_key.weak", {"warning", warning});
  }
  return std::unique_ptr<crypto::Signer>(*std::move(signer));
}

}  // namespace genofed::access
