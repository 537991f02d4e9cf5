// SPDX-License-Identifier: Apache-2.0
//
// Which quality a node asks for, as data: the coordination point edits a JSON file, nobody
// rebuilds.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/finding.h"
#include "libs/core/status.h"

namespace genofed::qc {

// What happens when a rule is broken. The library reports; what a pipeline refuses because of
// kError, or leaves out because of kWarning, is its own affair.
enum class Action { kOff, kNote, kWarning, kError };
std::string_view ActionName(Action action);  // "off", "note", "warning", "error"
Severity SeverityOf(Action action);          // not for kOff

struct Rule {
  Action action = Action::kWarning;
  std::optional<double> min = std::nullopt;
  std::optional<double> max = std::nullopt;

  bool Allows(double value) const {
    return action == Action::kOff || (!(min && value < *min) && !(max && value > *max));
  }
  bool operator==(const Rule&) const = default;
};

// The defaults suit germline whole genomes and exomes of a few people to a few thousand.
struct Policy {
  std::string name = "genofed default";

  // Of each sample.
  Rule call_rate = {.min = 0.97};
  Rule titv = {.min = 1.8, .max = 3.6};  // genomes about 2.0-2.1, exomes about 2.8-3.3
  Rule het_hom = {.min = 0.8, .max = 3.0};
  // Distance from the cohort's median in (scaled) median absolute deviations, for Ti/Tv, het/hom
  // and the number of SNVs.
  Rule outlier = {.action = Action::kNote, .max = 6};
  Rule contamination = {.max = 0.05};  // CHARR
  Rule sex_mismatch = {};
  Rule sex_undetermined = {.action = Action::kNote};

  // Between samples.
  Rule duplicate = {};
  Rule earlier_duplicate = {};
  Rule related = {.action = Action::kNote};

  // Of the cohort.
  Rule cohort_sites = {.action = Action::kError, .min = 1};
  Rule cohort_call_rate = {.min = 0.95};
  Rule cohort_titv = {.min = 1.8, .max = 3.6};
  Rule cohort_hwe = {.action = Action::kNote, .max = 0.01};  // share of sites with exact P < 1e-6

  // A sample of the X chromosome's heterozygous share at most / at least this is male / female.
  double male_max_x_het = 0.15;
  double female_min_x_het = 0.30;
  // Y, where it tells the people of a cohort apart: called in at most / at least this share of
  // sites.
  double female_max_y_call_rate = 0.30;
  double male_min_y_call_rate = 0.70;

  // Fewer than this say nothing; the rule is then not applied, and the report says so.
  double judge_sites = 1000;  // allele sites, for call rates
  double judge_snvs = 1000;   // SNVs carried, for Ti/Tv
  // The same for het/hom, which varies much where few haplotypes are seen: from 0.7 to 4.1 among
  // healthy people in three megabases of chromosome 20, with some 3,000 SNVs each.
  double judge_het_hom_snvs = 10'000;
  double judge_x_variants = 50;  // SNVs carried on X, for the sex
  double judge_y_sites = 50;     // sites on Y
  double judge_people = 20;      // people, for outliers and for Hardy-Weinberg
  double judge_homs = 200;       // homozygous calls with depths, for contamination
  double judge_compared_sites = 100;
  double judge_megabases = 200;  // different megabases with a compared site, for relatives

  bool operator==(const Policy&) const = default;
};

// {"format":"genofed-quality-policy","format_version":1,"name":…,"rules":{"call_rate":{"action":
// "warning","min":0.97},…},"sex":{…},"judge_from":{…}}. What is absent keeps its default, except
// that a rule which is given is given whole. Errors are InvalidArgument with the path of the
// member: POLICY_INVALID, and those of ParseStrictJson.
Result<Policy> ParsePolicy(std::string_view json);
// All members, in a fixed order: same policy, same bytes.
std::string WritePolicy(const Policy& policy);
// Of WritePolicy, in hexadecimal digits.
std::string PolicySha256(const Policy& policy);

}  // namespace genofed::qc
