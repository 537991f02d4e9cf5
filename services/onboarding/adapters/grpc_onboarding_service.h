// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/obs/metrics.h"
#include "libs/rpc/dispatcher.h"
#include "services/onboarding/adapters/connectors.h"
#include "services/onboarding/app/objects.h"
#include "services/onboarding/app/submissions.h"

namespace grpc {
class Service;
}

namespace genofed::onboarding {

// genofed.onboarding.v1.OnboardingService. Borrows its arguments. `intake_key`: a Crypt4GH public key file; empty: none.
std::unique_ptr<grpc::Service> MakeGrpcOnboardingService(rpc::Dispatcher& rpc, Submissions& submissions,
                                                         Objects& objects, Connectors& connectors,
                                                         std::string intake_key, obs::Metrics& metrics);

}  // namespace genofed::onboarding
