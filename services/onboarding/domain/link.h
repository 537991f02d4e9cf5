// SPDX-License-Identifier: Apache-2.0
//
// Which person of the phenopackets is which sample of the VCF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "libs/clinical/phenopacket.h"
#include "libs/core/finding.h"
#include "libs/genomics/individuals.h"

namespace genofed::onboarding {

// What one answer of the consent service can hold.
inline constexpr std::size_t kMaxSubjects = 200'000;

// One person who has genotypes and phenotypes.
struct LinkedSubject {
  std::string person_identifier;  // never logged, never stored
  std::string sample;             // the column of the VCF
  genomics::Individual individual;
};

// Takes phenopackets one by one. What cannot be linked becomes a finding that names line and field:
// DUPLICATE_SUBJECT, SUBJECT_ID_INVALID, UNKNOWN_SAMPLE, SEVERAL_SAMPLES, SAMPLE_CLAIMED_TWICE, TOO_MANY_SUBJECTS,
// NO_SUBJECTS (all errors) and SAMPLE_WITHOUT_SUBJECT (a note: the sample is left out).
class Linker {
 public:
  // `samples` are the VCF's, each once; none: people are taken without one. Both are borrowed.
  Linker(const std::optional<std::vector<std::string>>& samples, Findings& findings);

  // The sample is the one of biosamples[].id that the VCF has; without biosamples, the subject's own identifier.
  void Add(const clinical::Phenopacket& packet, std::int64_t line);
  // In the order of Add. Call once.
  std::vector<LinkedSubject> Finish();
  std::int32_t samples_without_subject() const { return samples_without_subject_; }

 private:
  bool TakeSubject(const clinical::Phenopacket& packet, std::int64_t line);
  const std::string* FindSample(const clinical::Phenopacket& packet, std::int64_t line);
  void Problem(std::string code, std::int64_t line, std::string field, std::string message);

  Findings& findings_;
  const bool needs_sample_;
  std::unordered_map<std::string, std::int64_t> claimed_by_;  // sample: line of its phenopacket, or 0
  std::unordered_map<std::string, std::int64_t> line_of_;     // subject: line
  std::vector<LinkedSubject> subjects_;
  std::int32_t samples_without_subject_ = 0;
};

}  // namespace genofed::onboarding
