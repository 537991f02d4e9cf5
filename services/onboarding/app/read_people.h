// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "services/onboarding/app/ports.h"
#include "services/onboarding/domain/link.h"

namespace genofed::onboarding {

// Everybody with phenotypes and genotypes, and what they permit.
struct People {
  std::vector<LinkedSubject> subjects;
  std::vector<std::uint8_t> permissions;  // of each subject; bits of libs/clinical/consent.h
  std::int32_t samples_without_subject = 0;
};

// Reads the phenopackets (one JSON document a line; empty lines are skipped) and the bundle of consents, which are
// judged at `now`. Wrong input becomes findings, besides those of Linker: JSON_INVALID, PHENOPACKET_INVALID and
// LINE_TOO_LONG with the line, CONSENT_INVALID and CONSENTS_TOO_LARGE, and the note CONSENT_WITHOUT_SUBJECT.
// Without `samples` people are taken as they are described, and have none: follow-up data.
// The status is an error only when a file cannot be read at all, or `ctx` has ended.
Result<People> ReadPeople(const Context& ctx, const std::filesystem::path& phenopackets,
                          const std::filesystem::path& consents,
                          const std::optional<std::vector<std::string>>& samples, Time now,
                          Findings& findings);

}  // namespace genofed::onboarding
