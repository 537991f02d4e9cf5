// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "libs/fhir/client.h"
#include "services/onboarding/app/connector.h"

namespace genofed::onboarding {

struct FhirServerOptions {
  fhir::ServerOptions server;
  // Id of a Group whose members alone are asked for; empty: everybody the client may see.
  std::string group;
  // Read everything by Bulk Data export instead of search, and have exports say what changed.
  bool bulk_export = false;
  // By resource type, added to each search of it and, as _typeFilter, to exports: {"Observation",
  // "category=exam"}.
  std::map<std::string, std::string> filters;
};

// The id in a reference to a Patient of the server at `base_url`: "Patient/7",
// "Patient/7/_history/2", "https://fhir.example/r4/Patient/7". Empty for all else, and for patients
// of other servers: they are other people, whatever their ids.
std::string PatientOf(std::string_view reference, std::string_view base_url);

// Patient, Condition, Observation and Consent of a FHIR R4 or R5 server. Clock is borrowed.
std::unique_ptr<ClinicalServer> MakeFhirClinicalServer(FhirServerOptions options,
                                                       std::unique_ptr<fhir::TokenSource> token,
                                                       const Clock& clock,
                                                       fhir::Wait wait = fhir::RealWait());

}  // namespace genofed::onboarding
