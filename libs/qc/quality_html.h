// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "libs/qc/evaluate.h"
#include "libs/qc/plot.h"

namespace genofed::qc {

// The part of the HTML report about samples and cohort: plots, and all of their numbers as tables.
// `names` by row, or empty.
std::string QualitySection(const QualityResult& quality, std::span<const std::string> names);

}  // namespace genofed::qc
