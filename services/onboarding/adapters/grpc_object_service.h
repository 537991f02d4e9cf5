// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/obs/metrics.h"
#include "libs/rpc/dispatcher.h"
#include "services/onboarding/app/integrity.h"
#include "services/onboarding/app/objects.h"

namespace grpc {
class Service;
}

namespace genofed::onboarding {

// genofed.onboarding.v1.ObjectService. Borrows its arguments.
std::unique_ptr<grpc::Service> MakeGrpcObjectService(rpc::Dispatcher& rpc, Objects& objects,
                                                     Integrity& integrity, obs::Metrics& metrics);

}  // namespace genofed::onboarding
