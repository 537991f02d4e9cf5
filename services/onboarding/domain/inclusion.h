// SPDX-License-Identifier: Apache-2.0
//
// The inclusion check of a national coordinator (1+MG FR01): what a country wants to see before a
// dataset version is listed. The list is a country's policy, kept as data.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::onboarding {

// What the node computes. Everything else is a document that holder or coordinator names.
enum class InclusionFact {
  kDeclared,      // a document: ethics approval, legal basis, form of consent
  kFormat,        // every file was judged, and no error was found
  kConsent,       // everybody included permits something
  kQuality,       // no sample and no cohort figure is behind a threshold that the policy makes an error
  kQuarantine,    // the share of records that were set aside is below `limit`
};

struct InclusionRule {
  std::string id;     // "ethics_approval"
  std::string title;  // for people
  InclusionFact fact = InclusionFact::kDeclared;
  bool required = true;
  double limit = 0;  // with kQuarantine: 0 to 1
};

struct InclusionPolicy {
  std::vector<InclusionRule> rules;
};

// From {"rules": [{"id", "title", "fact": "declared|format|consent|quality|quarantine", "required", "limit"}]}.
// InvalidArgument POLICY_INVALID naming the wrong field.
Result<InclusionPolicy> ParseInclusionPolicy(std::string_view json);

struct InclusionFacts {
  bool has_error = false;
  bool quality_failed = false;
  std::int64_t people = 0;
  std::int64_t people_without_permission = 0;
  bool frequencies_only = false;  // a Beacon folder without individuals: there is nobody to permit a use
  std::int64_t records = 0;
  std::int64_t records_set_aside = 0;
};

// One point of the check, as the coordinator sees it.
struct InclusionCriterion {
  std::string id;
  std::string title;
  bool required = false;
  bool automatic = false;
  bool met = false;
  std::string evidence;

  bool operator==(const InclusionCriterion&) const = default;
};

// `evidence` holds the references of documents that the holder named, by rule.
std::vector<InclusionCriterion> CheckInclusion(const InclusionPolicy& policy, const InclusionFacts& facts,
                                               const std::map<std::string, std::string>& evidence);

}  // namespace genofed::onboarding
