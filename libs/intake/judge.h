// SPDX-License-Identifier: Apache-2.0
//
// Judges files of any kind without storing anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/clinical/consent.h"
#include "libs/clinical/csv_mapping.h"
#include "libs/clinical/harmonise.h"
#include "libs/clinical/terminology.h"
#include "libs/core/clock.h"
#include "libs/core/finding.h"
#include "libs/core/status.h"

namespace genofed::intake {

enum class Verdict : std::uint8_t {
  kAccept,      // nothing is wrong; what was left out by rule is in the reasons
  kQuarantine,  // a record or value was set aside because it is wrong or ambiguous
  kReject,      // nothing of the file can be used
};
std::string_view VerdictName(Verdict verdict);  // "accept"

struct FileJudgement {
  std::string file;  // as it was given
  Verdict verdict = Verdict::kAccept;
  // Records: lines of a VCF, rows of a table, FHIR resources, phenopackets. `accepted` were used as they are; of
  // `quarantined` the whole or a value was set aside. What is left out by rule is in neither.
  std::int64_t accepted = 0;
  std::int64_t quarantined = 0;
  std::vector<Finding> reasons;
};

struct Options {
  std::filesystem::path reference;  // indexed FASTA to compare VCFs with; may be empty
  clinical::CsvMapping mapping = clinical::CsvMapping::BuiltIn();
  std::span<const clinical::ConsentRecord> consents;  // borrowed
  const clinical::Terminology* terminology = nullptr;  // borrowed; null: the product's own
  // The files are one submission (see HarmoniseOptions): verdicts then depend on what the other files say.
  bool together = false;
  int adult_age = clinical::kAdultAge;
  Time now;
};

struct Judgement {
  std::vector<FileJudgement> files;  // in the order given
  std::vector<clinical::HarmonisedRow> people;
};

// OMOP tables of one directory are one export, and are judged together. Wrong files are judgements, not errors; the
// error is REFERENCE_FAILED.
Result<Judgement> Judge(std::span<const std::filesystem::path> files, const Options& options);

}  // namespace genofed::intake
