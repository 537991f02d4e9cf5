// SPDX-License-Identifier: Apache-2.0
//
// Synthetic cohorts: genotypes, phenotypes and consents of people who do not exist, with planted
// associations, so that a demonstration or a test has something true to find.
//
// The same options give the same bytes (for one htslib version, which compresses). Cohorts of
// different countries with the same seed share their sites, alleles and planted associations;
// their allele frequencies differ as after drift with F_ST = 0.01. REF bases depend on the position
// only, so that every cohort ever made agrees with one synthetic reference.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "libs/core/status.h"

namespace genofed::synth {

struct SynthOptions {
  // Two upper-case letters; prefix of every identifier: person FI-P000001, sample FI-S000001.
  std::string country = "FI";
  std::uint32_t people = 400;  // 10 to 1,000,000
  std::uint32_t sites = 4000;  // VCF records in all contigs together, at least 200
  std::uint64_t seed = 1;
  // Made when missing. Must be empty, unless `replace`.
  std::filesystem::path directory;
  // GRCh38 names, in any order: autosomes share the sites evenly, chrX gets 1 in 40, chrY 1 in 100.
  std::vector<std::string> contigs = {"chr20", "chrX", "chrY"};
  // Fractions of all people, rounded to whole persons. The rest permit AF, SLQ and SEC.
  double without_consent = 0.05;        // no Consent resource, or one that is not active
  double af_only = 0.05;                // AF
  double without_secondary_use = 0.05;  // AF and SLQ
  bool write_reference = false;         // also reference.fa, each contig up to behind its last site
  bool replace = false;                 // removes what an earlier call wrote; other files stay
};

// Writes into `options.directory`:
//   cohort.vcf.gz, cohort.vcf.gz.tbi  VCF 4.3, bgzip; FORMAT GT, INFO AC and AN
//   phenopackets/<person>.json        Phenopackets v2, one for each person
//   consents.fhir-r4.json             FHIR R4 Bundle of Consent resources
//   truth.json                        what was planted, who is excluded, whom to show in a demonstration
//   README.txt, and reference.fa when asked for
// `progress` (may be null) receives a few lines for people. Errors: InvalidArgument names the option,
// FailedPrecondition a directory that is not empty, Internal what could not be written.
Status WriteCohort(const SynthOptions& options, std::ostream* progress);

}  // namespace genofed::synth
