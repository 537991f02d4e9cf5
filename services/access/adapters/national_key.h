// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/core/status.h"
#include "libs/crypto/signer.h"

namespace genofed::config::v1 {
class AccessConfig;
}

namespace genofed::access {

// Opens the national key where the configuration says it is: in a file or in a PKCS#11 token. What
// an operator should know about the key is logged. InvalidArgument CONFIG_MISSING, CONFIG_CONFLICT
// or SECRET_MISSING names the setting; other errors are those of the signers, with the setting in
// front.
Result<std::unique_ptr<crypto::Signer>> OpenNationalKey(const config::v1::AccessConfig& config);

}  // namespace genofed::access
