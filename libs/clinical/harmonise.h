// SPDX-License-Identifier: Apache-2.0
//
// Puts facts of many files together into one row for each person. The same facts give the same bytes, whatever the
// format and the order they came in.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/clinical/collector.h"

namespace genofed::clinical {

// A file of variants that a person's data name, and what the person is called in it (may be empty).
struct NamedVariants {
  std::string file;
  std::string sample;

  auto operator<=>(const NamedVariants&) const = default;
};

// One person. Lists have each value once; all are sorted but hpo_absent, which keeps the order of its source.
struct HarmonisedRow {
  std::string subject;
  Origin origin;  // the first record that is about this person
  std::vector<std::string> samples;
  std::vector<NamedVariants> variants;
  Sex sex = Sex::kUnknown;
  std::string birth_date;  // "2001-04-03", "2001-04", "2001", or empty
  std::optional<std::uint32_t> age_months;  // the highest that is stated: when last seen
  std::vector<std::string> hpo_present;
  std::vector<std::string> hpo_absent;
  std::vector<std::string> mondo;
  std::vector<std::string> orpha;
  std::vector<std::string> icd10cm;
  std::vector<std::uint32_t> diseases;  // as the sources code them: indices into Collector::diseases()
  std::uint8_t permissions = 0;         // at the time of the collector
  bool has_consent = false;             // there is some record of this person's choice
  std::optional<Time> permitted_until;  // when the first of them ends; none: never
  ConsentOrigin consent_origin;
  ConsentLimits consent_limits;  // of secondary use, if that is permitted
  ConsentWishes wishes;
  std::optional<Time> born;  // where a guardian spoke, of what is possible the earliest; else none
  std::optional<Time> died_at;   // the epoch's first instant: not known when
};

struct HarmoniseOptions {
  // The files are one submission: who has the same identifier is one person, and files may contradict each other.
  // Otherwise each file, or set of files, stands for itself; a file without people of its own speaks of those of its
  // directory.
  bool together = true;
  // Samples that are known to have genotypes. Empty: not known. A subject without a sample of its own then is the
  // sample of its name, and notes say what has no counterpart.
  std::span<const std::string> vcf_samples;
  std::span<const ConsentRecord> consents;  // besides those that the sources have
  int adult_age = kAdultAge;                // years, of the country's policy
  // How many people have a consent and no data. Null: not asked.
  std::int64_t* consents_of_others = nullptr;
};

// Rows sorted by subject. A disease is in the columns of MONDO, ORPHA and ICD-10-CM by its own
// code, and by those that are exactly the same; a broad or narrow match never leads on.
//
// What cannot be true together is set aside, with a finding on every record that says it:
// SUBJECT_UNKNOWN, SUBJECT_AMBIGUOUS, SEX_CONFLICT, BIRTH_DATE_CONFLICT, FEATURE_CONTRADICTION,
// SAMPLE_CLAIMED_TWICE; and the notes SAMPLE_WITHOUT_SUBJECT, SUBJECT_WITHOUT_SAMPLE. So is a
// guardian's consent of somebody of whom nobody can say when they come of age
// (GUARDIAN_WITHOUT_BIRTH_DATE): it permits nothing. Then counts the records of each file, and adds
// the error NOTHING_USABLE to a file of which everything was set aside. Call once, when all files
// are read.
std::vector<HarmonisedRow> Harmonise(Collector& collector, const HarmoniseOptions& options = {});

// Tab-separated, '|' within cells:
// #subject_source_id sample_source_id sex birth_date hpo_present hpo_absent disease_mondo disease_orpha
// disease_icd10cm consent
std::string WriteTable(std::span<const HarmonisedRow> rows);

}  // namespace genofed::clinical
