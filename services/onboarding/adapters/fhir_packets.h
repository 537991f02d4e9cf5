// SPDX-License-Identifier: Apache-2.0
//
// While a submission takes phenopackets only: turns FHIR into them.
#pragma once

#include <vector>

#include "services/onboarding/app/intake.h"

namespace genofed::onboarding {

// The files with clinical data in FHIR replaced by phenopackets, and their consents by ones that name people likewise.
// Consents are judged at `now`. Others are returned as they are.
Result<std::vector<IntakeFile>> WithPhenopackets(const Context& ctx, std::vector<IntakeFile> files, Time now);

}  // namespace genofed::onboarding
