// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/obs/metrics.h"
#include "libs/rpc/dispatcher.h"
#include "services/onboarding/adapters/connectors.h"
#include "services/onboarding/app/submissions.h"

namespace grpc {
class Service;
}

namespace genofed::onboarding {

// genofed.onboarding.v1.OnboardingService. Borrows its arguments.
std::unique_ptr<grpc::Service> MakeGrpcOnboardingService(rpc::Dispatcher& rpc, Submissions& submissions,
                                                         Connectors& connectors, obs::Metrics& metrics);

}  // namespace genofed::onboarding
