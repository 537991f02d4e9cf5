// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/consent/app/dataset_keys.h"

namespace grpc {
class Service;
}

namespace genofed::consent {

// genofed.consent.v1.KeyService. Borrows all arguments.
std::unique_ptr<grpc::Service> MakeGrpcKeyService(rpc::Dispatcher& rpc, DatasetKeys& keys,
                                                  obs::Metrics& metrics);

}  // namespace genofed::consent
