// SPDX-License-Identifier: Apache-2.0
//
// The phenotype table beside a cohort index: row i describes the same person as row i of the index.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/bitmap.h"

namespace genofed::genomics {

enum class Sex { kUnknown, kFemale, kMale };

// NCIT:C16576 (female), NCIT:C20197 (male), NCIT:C17998 (unknown): the terms of Beacon v2.
std::string_view SexTerm(Sex sex);
// From a term or a Phenopackets word (FEMALE, MALE); anything else is unknown.
Sex ParseSex(std::string_view text);

struct Individual {
  Sex sex = Sex::kUnknown;
  std::optional<std::uint32_t> age_months;
  // HP:, MONDO:, ORPHA:, OMIM: terms that were observed, excluded ones left out. Sorted, each once.
  std::vector<std::string> terms;

  bool operator==(const Individual&) const = default;
};

inline constexpr const char* kIndividualsFile = "individuals.jsonl";

// JSON lines: a first line {"format","format_version","rows","sha256"} with the digest of all
// others, then one object for each row. Same rows, same bytes. Terms are sorted and made unique on
// writing.
Status WriteIndividuals(const std::filesystem::path& path, std::span<const Individual> rows);
// DataLoss INDIVIDUALS_CORRUPT when the digest or any line is wrong.
Result<std::vector<Individual>> ReadIndividuals(const std::filesystem::path& path);

Bitmap RowsOfSex(std::span<const Individual> rows, Sex sex);
// Rows with a known age in [min_months, max_months].
Bitmap RowsOfAge(std::span<const Individual> rows, std::uint32_t min_months,
                 std::uint32_t max_months);

// Who has which term. Kept as sorted row lists: most of an ontology's terms are rare. Immutable
// when built.
class TermBitmaps {
 public:
  // `closure` gives, for a term, the further terms it implies (its ancestors); without it terms
  // stand for themselves.
  using Closure = std::function<std::vector<std::string>(const std::string& term)>;
  static TermBitmaps Build(std::span<const Individual> rows, const Closure& closure = nullptr);

  // All zero for a term that nobody has.
  Bitmap Get(std::string_view term) const;
  std::span<const std::uint32_t> Rows(std::string_view term) const;
  std::vector<std::string> Terms() const;

 private:
  std::size_t n_rows_ = 0;
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> rows_;
};

}  // namespace genofed::genomics
