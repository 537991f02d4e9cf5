// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "services/onboarding/app/ports.h"
#include "services/onboarding/app/quarantine.h"
#include "services/onboarding/domain/link.h"

namespace genofed::onboarding {

// Different disease codes of one system, by the best counterpart that they have in MONDO, ORPHA or ICD-10-CM. One
// that is not exact is kept with its predicate, and nobody is found by it.
struct MappedCodes {
  std::string system;
  std::int64_t exact = 0;
  std::int64_t broad = 0;  // broad, narrow or related
  std::int64_t unmapped = 0;
};

// Everybody with phenotypes and genotypes, and what they permit.
struct People {
  std::vector<LinkedSubject> subjects;
  std::vector<SubjectConsent> consents;  // of each subject
  std::int32_t subjects_without_sample = 0;
  std::int32_t samples_without_subject = 0;
  // Rows, resources and phenopackets that were used, and those of which the whole or a value was set aside.
  std::int64_t records = 0;
  std::int64_t records_quarantined = 0;
  std::vector<MappedCodes> mappings;  // by system
};

// A file of the submission, readable.
struct PeopleFile {
  FileKind kind = FileKind::kClinical;
  std::string name;
  std::filesystem::path path;
};

// Puts together the people of all clinical files and judges their consents at `now`, people being of age with `adult_age` years: all files are one submission, and
// the tables of OMOP one export. Wrong input becomes findings: those of libs/intake (detect.h), libs/clinical
// (harmonise.h and the readers) and LinkPeople; MAPPING_INVALID, SEVERAL_MAPPINGS, CONSENT_INVALID, CONSENTS_TOO_LARGE,
// JSON_INVALID, NO_SUBJECTS; the note CONSENT_WITHOUT_SUBJECT. Two people with one sample are an error here
// (SAMPLE_CLAIMED_TWICE): genotypes are never linked in doubt.
// What is set aside goes to the quarantine (may be null).
// Without `variants` people are taken as they are described, and have no sample: follow-up data.
// The status is an error only when a file cannot be read at all, or `ctx` has ended.
Result<People> ReadPeople(const Context& ctx, std::span<const PeopleFile> files,
                          const std::optional<std::vector<VariantsFile>>& variants,
                          const clinical::Terminology& terminology, Time now, int adult_age,
                          Quarantine* quarantine, Findings& findings);

}  // namespace genofed::onboarding
