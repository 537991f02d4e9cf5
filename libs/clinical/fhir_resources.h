// SPDX-License-Identifier: Apache-2.0
// Internal to libs/clinical: the FHIR resources that are read, each as the present record of `out`.
#pragma once

#include <string>

#include "libs/clinical/fhir_elements.h"

namespace genofed::clinical {

void TakePatient(const JsonNode& patient, const std::string& full_url, Collector& out);
void TakeCondition(const JsonNode& condition, Collector& out);
void TakeObservation(const JsonNode& observation, Collector& out);
void TakeSpecimen(const JsonNode& specimen, Collector& out);
void TakeConsent(const JsonNode& consent, Collector& out);

}  // namespace genofed::clinical
