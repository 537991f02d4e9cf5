// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/fuzz/fuzz_support.h"
#include "libs/clinical/json_source.h"
#include "libs/clinical/phenopacket.h"

// The tolerant reader, and the strict one: what that accepts has a subject.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::clinical;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Collector collector(Terminology::Embedded(), *genofed::ParseRfc3339("2025-06-01T12:00:00Z"));
  FhirReader fhir;
  collector.BeginFile("fuzz");
  ReadJsonText(text, fhir, collector);
  CheckOutcome(collector);
  const auto packet = ParsePhenopacket(text);
  GF_CHECK(!packet.ok() || !packet->subject_id.empty());
  return 0;
}
