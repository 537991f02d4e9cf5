// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "libs/core/context.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"
#include "services/onboarding/app/cohort_rows.h"
#include "services/onboarding/app/layout.h"

namespace genofed::onboarding {

struct BuiltIndex {
  std::string manifest_sha256;
  std::string individuals_sha256;  // of the whole file
  std::int64_t sites = 0;
};

// Builds the cohort index of the rows and the table of individuals beside it, and moves both to
// layout.Index(dataset, version) in one step. What an interrupted attempt left there is replaced: nothing reads a
// version before its manifest is published. `reference` may be null.
Result<BuiltIndex> BuildIndex(const Context& ctx, const Layout& layout, const Submission& submission,
                              genomics::Assembly assembly, const CohortRows& rows, genomics::Reference* reference);

}  // namespace genofed::onboarding
