// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/fuzz/fuzz_support.h"
#include "libs/clinical/json_source.h"
#include "libs/clinical/consent.h"

// Bundles, resources and NDJSON; and the same bytes as consents, of which nobody gets more than they say.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::clinical;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Collector collector(Terminology::Embedded(), *genofed::ParseRfc3339("2025-06-01T12:00:00Z"));
  FhirReader fhir;
  collector.BeginFile("fuzz");
  ReadJsonText(text, fhir, collector);
  CheckOutcome(collector);
  const auto consents = ParseFhirConsents(text);
  if (consents.ok()) {
    for (const auto& [person, permissions] : EffectivePermissions(*consents, collector.now())) GF_CHECK(permissions <= 7);
  }
  return 0;
}
