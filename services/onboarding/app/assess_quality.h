// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/finding.h"
#include "libs/qc/evaluate.h"
#include "services/onboarding/app/cohort_rows.h"
#include "services/onboarding/domain/link.h"

namespace genofed::onboarding {

// Genotypes of the people of an earlier segment at a few thousand sites, to see who comes again.
struct EarlierPeople {
  std::string name;  // "v1"
  std::filesystem::path fingerprints;
};

struct QualityJudgement {
  qc::QualityResult result;
  std::vector<Finding> findings;
  bool failed = false;  // something is behind a threshold that the policy makes an error
};

// Samples are known by their place among all samples of `files`. An earlier segment whose
// fingerprints are not there is not compared with, and a note says so. Errors of the policy are
// warnings here: the coordinator decides about them (InclusionFact::kQuality).
QualityJudgement AssessQuality(const qc::Policy& policy, const qc::Accumulator& counts,
                               const CohortRows& rows, const std::vector<VariantsFile>& files,
                               const std::vector<EarlierPeople>& earlier);

}  // namespace genofed::onboarding
