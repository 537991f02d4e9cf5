// SPDX-License-Identifier: Apache-2.0
//
// The national key of a development node in a SoftHSM token, as a country has it in an HSM: made
// inside the token, never in a file of its own. Everything lies under the site's secrets directory.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/random.h"
#include "libs/core/status.h"
#include "services/cli/federation/plan.h"

namespace genofed::federation {

// Whether SoftHSM's module and pkcs11-tool, which makes keys in it, are installed.
bool SoftTokensInstalled();

// Whether the site has such a key already.
bool HasSoftToken(const SitePlan& site);

// Says for each node of the plan whether its national key is in a token: those of `countries`, if
// SoftHSM is installed. A site that has a key keeps it, wherever that is. `say` takes a line for
// each country that is not as wished.
void ChooseNationalKeys(const std::vector<std::string>& countries,
                        const std::function<void(std::string_view)>& say, Plan* plan);

// Makes token, PIN and key, unless they are there; returns the public JWK as Es256Key does. A token
// that an earlier call left unfinished is made anew. Reasons: those of RunCommand, KEY_INVALID.
Result<std::string> MakeSoftToken(const SitePlan& site, Random& random);

// What the site's configuration says of it.
std::string SoftTokenUri(const SitePlan& site);
std::filesystem::path SoftTokenPinFile(const SitePlan& site);
// "SOFTHSM2_CONF=...", for the process that signs: SoftHSM finds its tokens by it.
std::string SoftTokenEnvironment(const SitePlan& site);

}  // namespace genofed::federation
