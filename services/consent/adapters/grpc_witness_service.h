// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/consent/app/witness.h"

namespace grpc {
class Service;
}

namespace genofed::consent {

// genofed.consent.v1.WitnessService. Borrows all arguments.
std::unique_ptr<grpc::Service> MakeGrpcWitnessService(rpc::Dispatcher& rpc, Witness& witness);

}  // namespace genofed::consent
