// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "libs/clinical/collector.h"
#include "libs/clinical/fhir.h"

namespace genofed::clinical {

// Reads a JSON file as the present file of `out`: FHIR R4 or R5 (a Bundle, a resource, an array of them, NDJSON),
// Phenopackets v2 (one, an array, NDJSON; Family and Cohort), by what each document says it is. Memory is bounded by the
// largest single resource or phenopacket, and the facts.
// Findings, besides those of the formats: JSON_INVALID, JSON_TOO_DEEP, JSON_TOO_LARGE, JSON_DUPLICATE_KEY,
// JSON_NOT_RECOGNISED.
void ReadJsonSource(const std::filesystem::path& path, FhirReader& fhir, Collector& out);
// The same of bytes in memory.
void ReadJsonText(std::string_view text, FhirReader& fhir, Collector& out);

}  // namespace genofed::clinical
