// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/individuals.h"
#include "services/onboarding/app/ports.h"
#include "services/onboarding/app/read_people.h"

namespace genofed::onboarding {

// The people of a dataset version; index i everywhere is row i.
struct CohortRows {
  std::vector<std::string> samples;  // columns of the source VCF
  std::vector<std::string> pseudonyms;
  std::vector<genomics::Individual> individuals;

  std::size_t size() const { return samples.size(); }
};

// Orders those whom the consent service included by its rows. DataLoss CONSENT_ANSWER_INVALID unless there is one
// answer for each subject, and the rows are 0..n-1 with different pseudonyms of 32 hex digits.
Result<CohortRows> ArrangeRows(const People& people, std::span<const RegisteredSubject> answers);

// The table for tasks: "pseudonym sex age_years terms" and one line for each row, tab-separated.
std::string PhenotypeTable(const CohortRows& rows);

}  // namespace genofed::onboarding
