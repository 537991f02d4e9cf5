// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/individuals.h"
#include "services/onboarding/app/ports.h"
#include "services/onboarding/app/read_people.h"

namespace genofed::onboarding {

// A file of variants, and where its people are among those that a submission adds.
struct VariantInput {
  std::filesystem::path path;
  std::string name;
  std::string sha256;                              // hex, of the file as it came
  std::map<std::string, std::uint32_t> rows = {};  // of its samples that are included; from 0
};

// The people that a submission adds to its dataset; index i everywhere is row first_row + i of the version.
struct CohortRows {
  std::size_t first_row = 0;         // as many people as the base has
  std::vector<VariantInput> variants;  // everybody is in one of them at least
  std::vector<std::string> pseudonyms;  // empty: the row is nobody's any more
  std::vector<genomics::Individual> individuals;
  // People of the base whom the submission describes, by their rows.
  std::map<std::size_t, genomics::Individual> known;

  std::size_t size() const { return pseudonyms.size(); }
  std::size_t people() const;  // rows that are somebody's
};

// Orders those whom the consent service included by its rows. `variants` are the files that the
// people are linked to; the version has `all_rows`, of which `base_rows` come from its base. A row
// behind these that nobody is said to have is of somebody who was forgotten since the version was
// registered: it stays blank. DataLoss CONSENT_ANSWER_INVALID unless there is one answer for each
// subject, with different rows and different pseudonyms of 32 hex digits.
Result<CohortRows> ArrangeRows(const People& people, std::span<const RegisteredSubject> answers,
                               std::vector<VariantInput> variants, std::size_t all_rows,
                               std::size_t base_rows = 0);

// The table for tasks: "pseudonym sex age_years terms" and one line for each row, tab-separated.
std::string PhenotypeTable(std::span<const std::string> pseudonyms, std::span<const genomics::Individual> individuals);

}  // namespace genofed::onboarding
