// SPDX-License-Identifier: Apache-2.0
//
// A report as a real one would look, for tests and for looking at the page.
#pragma once

#include <string>
#include <vector>

#include "libs/qc/report.h"
#include "libs/qc/testing_cohort.h"

namespace genofed::qc {

// 118 people with two families, one sample twice, one with a wrong sex, one of low call rate and
// one with other people's DNA in it.
inline std::vector<SimulatedPerson> SamplePeople() {
  std::vector<SimulatedPerson> people = Founders(112);
  for (SimulatedPerson& person : people) {
    person.missing = 0.001 + 0.00004 * static_cast<double>((&person - people.data()) * 37 % 101);
  }
  people.push_back({.sex = Sex::kFemale, .mother = 0, .father = 1});
  people.push_back({.sex = Sex::kMale, .mother = 0, .father = 1});
  people.push_back({.sex = Sex::kFemale, .mother = 112, .father = 3});
  people.push_back({.sex = Sex::kFemale, .copy_of = 20});
  people.push_back({.sex = Sex::kMale, .missing = 0.08});
  people.push_back({.sex = Sex::kFemale, .contamination = 0.12});
  return people;
}

// The sites of invented cohorts are not linked, so that few of them are enough.
inline Policy UnlinkedPolicy() {
  Policy policy;
  policy.judge_het_hom_snvs = 1000;
  return policy;
}

inline ConformityReport SampleReport() {
  const std::vector<SimulatedPerson> people = SamplePeople();
  const auto rows = static_cast<std::uint32_t>(people.size());
  const Accumulator counts = Count(rows, Simulation(people, 20).Sites(500, 1000, 120, true));
  std::vector<SampleIdentity> declared = Declared(people);
  declared[40].declared = Sex::kMale;  // a woman
  declared[41].declared = Sex::kUnknown;
  const Policy policy = UnlinkedPolicy();
  Findings findings;
  findings.Add({Severity::kWarning, "BAD_GENOTYPE", "variants", 18'233, "FORMAT/GT",
                "the separator of two alleles is / or | (sample column 12)"});
  findings.Add({Severity::kWarning, "BAD_GENOTYPE", "variants", 20'017, "FORMAT/GT",
                "the separator of two alleles is / or | (sample column 12)"});
  for (int line : {181, 202, 345, 346, 347}) {
    findings.Add({Severity::kWarning, "ALLELE_INDEX", "variants", line, "FORMAT/GT",
                  "a genotype names an allele that the record lacks"});
  }
  findings.Add({Severity::kNote, "ALLELE_TOO_LONG", "variants", 9'012, "ALT", "", 14});
  findings.Add({Severity::kNote, "NO_CONSENT", "consents", 0, "",
                "people who permit no use were left out", 3});
  findings.Add({Severity::kNote, "SAMPLE_WITHOUT_SUBJECT", "variants", 0, "",
                "samples that no phenopacket names", 1});
  findings.Add({Severity::kNote, "LOCAL_RULE_17", "phenopackets", 4, "diseases[0].onset",
                "the country's own rule, unknown to the catalogue"});
  const Fingerprints fingerprints = counts.panel().Genotypes();
  // An earlier batch with people 5 to 14 of this one, of whom one came back.
  std::vector<SimulatedPerson> before = Founders(30);
  Fingerprints earlier =
      Count(30, Simulation(before, 21).Sites(500, 0, 0, false)).panel().Genotypes();
  ConformityReport report;
  report.quality = Evaluate(
      policy, counts, declared, CompareWithin(fingerprints, CompareOptionsOf(policy)),
      {{"v3", CompareWith(fingerprints, earlier, CompareOptionsOf(policy))}}, "variants", findings);
  const std::vector<Finding> taken = findings.Take();
  report.dataset_id = "GOE-FI-DATASET-7";
  report.dataset_title = "Rare disease cohort of the university hospital";
  report.dataset_version = "4";
  report.created_at = "2026-11-28T17:42:00Z";
  report.tool = "genofed 0.4.0";
  report.assembly = "GRCh38";
  report.verdict = VerdictOf(taken);
  report.inputs = {{"variants", "cohort.vcf.gz", 1'834'002'113,
                    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
                   {"phenopackets", "phenopackets.ndjson", 402'118,
                    "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"},
                   {"consents", "consents.fhir-r4.json", 96'031,
                    "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13"}};
  const std::uint64_t sites = report.quality->cohort.sites;
  report.funnels = {{"people",
                     {{"received", rows + 4, {}},
                      {"linked", rows + 3, {{"SAMPLE_WITHOUT_SUBJECT", 1}}},
                      {"consented", rows, {{"NO_CONSENT", 3}}},
                      {"included", rows, {}}}},
                    {"records",
                     {{"read", sites + 21, {}},
                      {"well-formed", sites + 14, {{"ALLELE_INDEX", 5}, {"BAD_GENOTYPE", 2}}},
                      {"indexed", sites, {{"ALLELE_TOO_LONG", 14}}}}}};
  report.reasons = ReasonsOf(taken);
  report.code_mappings = {{"HPO", 812, 0, 3}, {"ORPHA", 91, 0, 0}, {"ICD-10", 38, 71, 12}};
  return report;
}

}  // namespace genofed::qc
