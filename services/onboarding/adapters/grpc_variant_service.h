// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/onboarding/app/variant_files.h"

namespace grpc {
class Service;
}

namespace genofed::onboarding {

// genofed.onboarding.v1.VariantService. Borrows its arguments.
std::unique_ptr<grpc::Service> MakeGrpcVariantService(rpc::Dispatcher& rpc, VariantFiles& files);

}  // namespace genofed::onboarding
