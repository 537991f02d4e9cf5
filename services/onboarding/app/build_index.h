// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libs/core/context.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"
#include "services/onboarding/app/cohort_rows.h"
#include "services/onboarding/app/layout.h"

namespace genofed::onboarding {

struct BuiltIndex {
  std::string manifest_sha256;     // of the new segment; empty when nobody was added
  std::string individuals_sha256;  // of the whole file
  std::int64_t sites = 0;
};

// Everything about a version that lies beside its segment.
struct VersionTables {
  std::span<const genomics::Individual> individuals;  // of all rows
  std::string_view diff;                              // to the base version (snapshot_files.h); may be empty
};

// Builds the cohort index of the people who were added, with the tables of the whole version beside it, and moves all
// to layout.Index(dataset, version) in one step. What an interrupted attempt left there is replaced: nothing reads a
// version before its manifest is published. `reference` may be null.
Result<BuiltIndex> BuildIndex(const Context& ctx, const Layout& layout, const Submission& submission,
                              genomics::Assembly assembly, const CohortRows& rows, const VersionTables& tables,
                              genomics::Reference* reference);

}  // namespace genofed::onboarding
