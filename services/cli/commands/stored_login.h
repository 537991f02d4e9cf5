// SPDX-License-Identifier: Apache-2.0
//
// What `genofed login` keeps: one access token per site address, in ${XDG_CONFIG_HOME:-~/.config}/genofed, mode 0600.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/crypto/key.h"

namespace genofed::cli {

struct StoredLogin {
  std::string access_token;  // never printed
  Time expires;
  // Of a token that is bound to a key; null for a bearer token. Shared: keys are immutable.
  std::shared_ptr<const crypto::SigningKey> key;
};

// The login for a site's address ("https://fi.example"); nothing when there is none. An error names the file that cannot be
// read, or that others may read (LOGIN_EXPOSED).
Result<std::optional<StoredLogin>> LoadLogin(const std::string& url);
Status SaveLogin(const std::string& url, const StoredLogin& login);
// Whether there was one.
Result<bool> DeleteLogin(const std::string& url);

}  // namespace genofed::cli
