// SPDX-License-Identifier: Apache-2.0
//
// var/federation.json: every address of a running federation and a token per persona. Its schema is
// docs/federation.schema.json. Mode 0600: it holds tokens.
#pragma once

#include <map>
#include <string>

#include "libs/core/clock.h"
#include "services/cli/federation/plan.h"

namespace genofed::federation {

// `tokens` by persona name.
std::string FederationJson(const Plan& plan, const std::map<std::string, std::string>& tokens, Time written);

}  // namespace genofed::federation
