// SPDX-License-Identifier: Apache-2.0
//
// Scopes of SMART for clients without a user
// (hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html): "system/Patient.rs" of version 2,
// "system/Patient.read" of version 1, "system/*.rs".
#pragma once

#include <string>
#include <string_view>

namespace genofed::fhir {

// Which of the scopes in `needed` ("system/Patient.rs system/Consent.rs") those in `granted` do not
// cover, separated by spaces; empty: none. Search parameters of a scope ("?category=exam") count as
// the type: the server may show less of it. What speaks no scope of SMART is not judged.
std::string MissingScopes(std::string_view needed, std::string_view granted);

}  // namespace genofed::fhir
