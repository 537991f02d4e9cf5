// SPDX-License-Identifier: Apache-2.0
//
// Which person of the clinical data is which column of which file of variants.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/clinical/harmonise.h"
#include "libs/core/finding.h"
#include "libs/genomics/individuals.h"

namespace genofed::onboarding {

// What one answer of the consent service can hold.
inline constexpr std::size_t kMaxSubjects = 200'000;

// What a VCF or BCF of the submission has.
struct VariantsFile {
  std::string name;
  std::vector<std::string> samples;  // each once
  std::vector<std::string> contigs;  // with records
};

// A column of a file.
struct SampleRef {
  std::size_t file = 0;  // of those that were linked
  std::string sample;

  bool operator==(const SampleRef&) const = default;
};

// One person who has genotypes and phenotypes.
struct LinkedSubject {
  std::string person_identifier;   // never logged, never stored
  std::vector<SampleRef> samples;  // in the order of files, each file at most once; none in follow-up data
  genomics::Individual individual;
};

struct LinkedPeople {
  std::vector<LinkedSubject> subjects;  // in the order of rows
  std::int32_t subjects_without_sample = 0;
  std::int32_t samples_without_subject = 0;
};

// What a person is found by: sex, age when last seen, and terms: the features that are present, the diseases as the
// source codes them, and their exact counterparts in MONDO, ORPHA and ICD-10-CM.
genomics::Individual ToIndividual(const clinical::HarmonisedRow& row, const clinical::Collector& sources);

// A person's columns are those that the data name: by the file and, if it has several samples, the name in it; else by the
// names of the person's samples, in every file that has them and that nobody else's data name. A person without any is
// left out. (That somebody without a sample of their own has the one of their name, is harmonise.h's.)
//
// Without `files` people are taken without a sample: follow-up data.
//
// Findings with file, line and field, all errors: UNKNOWN_SAMPLE (the data name samples, and no file has one),
// SEVERAL_SAMPLES, SAMPLE_CLAIMED_TWICE, DUPLICATE_SAMPLE (one person on the same chromosome in two files, both named),
// TOO_MANY_SUBJECTS; and the notes SUBJECT_WITHOUT_SAMPLE and SAMPLE_WITHOUT_SUBJECT. Those about people are added to
// their file of `sources`.
LinkedPeople LinkPeople(std::span<const clinical::HarmonisedRow> rows,
                        const std::optional<std::vector<VariantsFile>>& files, clinical::Collector& sources,
                        Findings& findings);

}  // namespace genofed::onboarding
