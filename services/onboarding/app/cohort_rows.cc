// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/cohort_rows.h"

#include <algorithm>
#include <unordered_set>

namespace genofed::onboarding {
namespace {

Status Invalid(std::string_view what) {
  return Error(StatusCode::kDataLoss, "CONSENT_ANSWER_INVALID", "the consent service's answer {}", what);
}

bool IsPseudonym(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view SexWord(genomics::Sex sex) {
  switch (sex) {
    case genomics::Sex::kFemale: return "FEMALE";
    case genomics::Sex::kMale: return "MALE";
    case genomics::Sex::kUnknown: break;
  }
  return "UNKNOWN_SEX";
}

}  // namespace

std::size_t CohortRows::people() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(pseudonyms, [](const auto& pseudonym) { return !pseudonym.empty(); }));
}

Result<CohortRows> ArrangeRows(const People& people, std::span<const RegisteredSubject> answers,
                               std::vector<VariantInput> variants, std::size_t all_rows,
                               std::size_t base_rows) {
  if (answers.size() != people.subjects.size()) return Invalid("has another number of subjects");
  if (all_rows < base_rows) return Invalid("has fewer rows than the base");
  auto is_known = [&](const auto& answer) { return answer.row >= 0 && static_cast<std::size_t>(answer.row) < base_rows; };
  const std::size_t n = all_rows - base_rows;
  CohortRows rows;
  rows.first_row = base_rows;
  rows.variants = std::move(variants);
  rows.pseudonyms.resize(n);
  rows.individuals.resize(n);
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const RegisteredSubject& answer = answers[i];
    if (!answer.included) continue;
    if (!IsPseudonym(answer.pseudonym) || !seen.insert(answer.pseudonym).second) return Invalid("has wrong pseudonyms");
    if (is_known(answer)) {
      if (!rows.known.emplace(static_cast<std::size_t>(answer.row), people.subjects[i].individual).second) {
        return Invalid("has wrong rows");
      }
      continue;
    }
    const std::size_t row = static_cast<std::size_t>(answer.row) - base_rows;
    if (answer.row < 0 || row >= n || !rows.pseudonyms[row].empty()) return Invalid("has wrong rows");
    for (const SampleRef& sample : people.subjects[i].samples) {
      rows.variants[sample.file].rows.emplace(sample.sample, static_cast<std::uint32_t>(row));
    }
    rows.pseudonyms[row] = answer.pseudonym;
    rows.individuals[row] = people.subjects[i].individual;
  }
  return rows;
}

std::string PhenotypeTable(std::span<const std::string> pseudonyms,
                           std::span<const genomics::Individual> individuals) {
  GF_CHECK(pseudonyms.size() == individuals.size());
  std::string table = "pseudonym\tsex\tage_years\tterms\n";
  for (std::size_t i = 0; i < individuals.size(); ++i) {
    const genomics::Individual& person = individuals[i];
    std::string age = person.age_months ? std::to_string(*person.age_months / 12) : "";
    table += fmt::format("{}\t{}\t{}\t", pseudonyms[i], SexWord(person.sex), age);
    for (std::size_t t = 0; t < person.terms.size(); ++t) table += (t == 0 ? "" : ";") + person.terms[t];
    table += '\n';
  }
  return table;
}

}  // namespace genofed::onboarding
