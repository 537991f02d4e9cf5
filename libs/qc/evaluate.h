// SPDX-License-Identifier: Apache-2.0
//
// From counts to a judgement: figures of each sample and of the cohort, and what the policy says
// about them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/core/finding.h"
#include "libs/qc/accumulator.h"
#include "libs/qc/kinship.h"
#include "libs/qc/policy.h"

namespace genofed::qc {

enum class Sex : std::uint8_t { kUnknown, kFemale, kMale };
std::string_view SexName(Sex sex);  // "UNKNOWN", "FEMALE", "MALE", as in Phenopackets

// What the caller knows about one row of the accumulator.
struct SampleIdentity {
  std::uint32_t position = 0;  // 1-based place among the samples of the file
  Sex declared = Sex::kUnknown;
  bool nobody = false;  // the row is nobody's any more: no figure is about it
};

enum class SexCheck : std::uint8_t { kNotChecked, kMatch, kMismatch, kUndetermined, kNotDeclared };
std::string_view SexCheckName(SexCheck check);  // "not_checked", "match", …

// Figures without enough data behind them are absent.
struct SampleQc {
  std::uint32_t position = 0;
  std::uint64_t snvs = 0;    // alternative alleles carried, once for each site
  std::uint64_t indels = 0;  // those that are not SNVs
  std::uint64_t singletons = 0;
  std::uint64_t missing = 0;  // diploid, X and other sites without a full call (Y is apart)
  std::optional<double> call_rate;
  std::optional<double> titv;
  std::optional<double> het_hom;  // of diploid SNVs
  std::optional<double> x_het;    // heterozygous share of the SNVs carried on X outside the PARs
  std::optional<double> y_call_rate;
  Sex declared = Sex::kUnknown;
  Sex inferred = Sex::kUnknown;
  SexCheck sex_check = SexCheck::kNotChecked;
  // CHARR (Lu et al. 2023, "CHARR efficiently estimates contamination from DNA sequencing data", Am
  // J Hum Genet 110:2068), with the allele frequencies of this cohort: their authors want outside
  // frequencies below 10,000 people, so it is a hint.
  std::optional<double> charr;
  std::optional<double> unbalanced_hets;  // share of hets with 30 % or less, 70 % or more of reads
  std::vector<std::string> flags;         // codes of findings about it

  bool operator==(const SampleQc&) const = default;
};

struct CohortQc {
  std::uint64_t people = 0;
  std::uint64_t sites = 0;
  std::uint64_t snv_sites = 0;
  std::uint64_t indel_sites = 0;
  std::uint64_t x_sites = 0;
  std::uint64_t y_sites = 0;
  std::optional<double> call_rate;
  std::optional<double> titv;           // of sites that somebody carries
  std::vector<std::uint64_t> spectrum;  // by SpectrumLabel
  std::uint64_t hwe_tested = 0;
  std::uint64_t hwe_too_many_hets = 0;
  std::uint64_t hwe_too_few_hets = 0;
  bool y_informative = false;  // Y tells some people from others

  bool operator==(const CohortQc&) const = default;
};

// A comparison with the people of an earlier batch, named by the caller ("v3").
struct EarlierBatch {
  std::string name;
  Comparison comparison;
  bool operator==(const EarlierBatch&) const = default;
};

struct QualityResult {
  Policy policy;  // by which it was judged
  CohortQc cohort;
  std::vector<SampleQc> samples;  // in the order of rows, without those of nobody
  Comparison within;
  std::vector<EarlierBatch> earlier;

  bool operator==(const QualityResult&) const = default;
};

CompareOptions CompareOptionsOf(const Policy& policy);

// `samples[i]` is row i of the accumulator; the comparisons are about its rows, too, and in the
// result about `QualityResult::samples`. Findings name samples by position, never by name; they
// are about `file`, the role of the VCF in the submission.
QualityResult Evaluate(const Policy& policy, const Accumulator& counts,
                       std::span<const SampleIdentity> samples, Comparison within,
                       std::vector<EarlierBatch> earlier, std::string_view file,
                       Findings& findings);

}  // namespace genofed::qc
