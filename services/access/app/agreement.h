// SPDX-License-Identifier: Apache-2.0
//
// The data use agreement: what a signing official agrees to, and whether that is what a country
// decided. The official signs at the hub, with no key of their own: that they did is the hub's
// word, what they signed is not.
#pragma once

#include <string>

#include "services/access/domain/grant.h"

namespace genofed::access {

// Names the application, its digest and each country's signed decision (SHA-256, hex), in the order
// of countries.
std::string AgreementText(const Application& application, const User& official);

// Whether `seen`, as the hub states it, carries an agreement to this country's approval of the
// application.
bool IsAgreedTo(const Application& seen, const Grant& grant);

}  // namespace genofed::access
