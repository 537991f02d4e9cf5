// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/inclusion.h"

#include <fmt/core.h>

namespace genofed::onboarding {
namespace {

struct Judgement {
  bool met = false;
  std::string evidence;
};

Judgement Judge(const InclusionRule& rule, const InclusionFacts& facts) {
  switch (rule.fact) {
    case InclusionFact::kFormat:
      return {!facts.has_error, facts.has_error ? "files have errors" : "all files were judged, no error"};
    case InclusionFact::kConsent:
      if (facts.frequencies_only) return {true, "allele frequencies alone, without individuals"};
      return {facts.people > 0 && facts.people_without_permission == 0,
              fmt::format("{} people, {} without any permission", facts.people, facts.people_without_permission)};
    case InclusionFact::kQuality:
      return {!facts.quality_failed, facts.quality_failed ? "a threshold is not met: see the report" : "all thresholds met"};
    case InclusionFact::kQuarantine: {
      const double share = facts.records == 0 ? 0
                                              : static_cast<double>(facts.records_set_aside) /
                                                    static_cast<double>(facts.records);
      return {share <= rule.limit, fmt::format("{} of {} records set aside, at most {:.1f} % are accepted",
                                               facts.records_set_aside, facts.records, rule.limit * 100)};
    }
    case InclusionFact::kDeclared: break;
  }
  return {};
}

}  // namespace

std::vector<InclusionCriterion> CheckInclusion(const InclusionPolicy& policy, const InclusionFacts& facts,
                                               const std::map<std::string, std::string>& evidence) {
  std::vector<InclusionCriterion> criteria;
  for (const InclusionRule& rule : policy.rules) {
    InclusionCriterion criterion{rule.id, rule.title, rule.required, rule.fact != InclusionFact::kDeclared, false, ""};
    if (criterion.automatic) {
      Judgement judgement = Judge(rule, facts);
      criterion.met = judgement.met;
      criterion.evidence = std::move(judgement.evidence);
    } else if (auto named = evidence.find(rule.id); named != evidence.end() && !named->second.empty()) {
      criterion.met = true;
      criterion.evidence = named->second;
    }
    criteria.push_back(std::move(criterion));
  }
  return criteria;
}

}  // namespace genofed::onboarding
