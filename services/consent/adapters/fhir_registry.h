// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/consent/registry_record.h"
#include "libs/fhir/client.h"
#include "services/consent/app/registry.h"

namespace genofed::consent {

struct FhirRegistryOptions {
  fhir::ServerOptions server;
  std::string filter;  // search parameters added to each search, encoded; may be empty
  RegistryMapping mapping;
};

// Consents of a FHIR R4 or R5 server, found with `_lastUpdated`. Where a Consent has only a reference to its Patient,
// the Patient is read for the identifier and the dates of life. Clock is borrowed. Not thread-safe.
std::unique_ptr<RegistrySource> MakeFhirRegistry(FhirRegistryOptions options, std::unique_ptr<fhir::TokenSource> token,
                                                 const Clock& clock, fhir::Wait wait = fhir::RealWait());

}  // namespace genofed::consent
