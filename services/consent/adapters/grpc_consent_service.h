// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/rpc/dispatcher.h"
#include "services/consent/adapters/registries.h"
#include "services/consent/app/ask_wishes.h"
#include "services/consent/app/audit.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/my_consent.h"
#include "services/consent/app/registrar.h"

namespace grpc {
class Service;
}

namespace genofed::consent {

struct ConsentUseCases {
  Registrar& registrar;
  Cohorts& cohorts;
  MyConsent& mine;
  AskWishes& wishes;
  Ledger& ledger;
  Registries& registries;
  Audit& audit;
  const Clock& clock;
  int adult_age;        // years, of the country's policy
  std::string site;     // "fi.1mg.example"
  std::string country;  // "FI"
};

// genofed.consent.v1.ConsentService. Borrows all arguments.
std::unique_ptr<grpc::Service> MakeGrpcConsentService(rpc::Dispatcher& rpc, const ConsentUseCases& with);

}  // namespace genofed::consent
