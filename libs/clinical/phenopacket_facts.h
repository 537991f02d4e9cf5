// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/clinical/collector.h"

namespace genofed::clinical {

// Hands over what a phenopacket says, as the present record of `out`; `packet` is the root of that record, or lies in
// it (members of a Family) where `root` is the whole. Findings: those of ReadPhenopacket and of Collector.
void TakePhenopacket(const JsonNode& root, const JsonNode& packet, Collector& out);

}  // namespace genofed::clinical
