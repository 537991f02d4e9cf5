// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/consent/app/reader_access.h"

namespace grpc {
class Service;
}

namespace genofed::consent {

// genofed.consent.v1.ReaderService. Borrows all arguments.
std::unique_ptr<grpc::Service> MakeGrpcReaderService(rpc::Dispatcher& rpc, ReaderAccess& readers,
                                                     obs::Metrics& metrics);

}  // namespace genofed::consent
