// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "libs/crypto/key.h"
#include "libs/qc/report.h"
#include "services/onboarding/app/read_people.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

// Puts together what was found: every person and record that is not in the version is in a funnel, with the code that
// says why. `quality` is absent where no genotypes were read.
qc::ConformityReport MakeConformityReport(const Submission& submission, const std::vector<UploadedFile>& inputs,
                                          const std::vector<MappedCodes>& mappings,
                                          std::optional<qc::QualityResult> quality);

// The report in its two forms, and a detached JWS (RFC 7515 appendix F) over the canonical JSON: ES256, with the public
// key in the header ("jwk") and its RFC 7638 thumbprint as "kid", which the ledger names.
Report SignReport(const qc::ConformityReport& report, const crypto::SigningKey& key);

}  // namespace genofed::onboarding
