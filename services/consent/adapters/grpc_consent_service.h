// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/my_consent.h"
#include "services/consent/app/registrar.h"

namespace grpc {
class Service;
}

namespace genofed::consent {

// genofed.consent.v1.ConsentService. Borrows all arguments.
std::unique_ptr<grpc::Service> MakeGrpcConsentService(rpc::Dispatcher& rpc, Registrar& registrar,
                                                      Cohorts& cohorts, MyConsent& mine,
                                                      Ledger& ledger);

}  // namespace genofed::consent
