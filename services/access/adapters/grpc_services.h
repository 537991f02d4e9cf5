// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/access/app/applications.h"
#include "services/access/app/decisions.h"

namespace grpc {
class Service;
}

namespace genofed::access {

// Borrow their arguments.
std::unique_ptr<grpc::Service> MakeGrpcApplicationService(rpc::Dispatcher& rpc,
                                                          Applications& applications);
std::unique_ptr<grpc::Service> MakeGrpcDecisionService(rpc::Dispatcher& rpc, Decisions& decisions);

}  // namespace genofed::access
