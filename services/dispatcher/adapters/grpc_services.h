// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/rpc/dispatcher.h"
#include "services/dispatcher/app/node_ports.h"
#include "services/dispatcher/app/part_desk.h"
#include "services/dispatcher/app/runs.h"

namespace grpc {
class Service;
}

namespace genofed::dispatcher {

// genofed.dispatcher.v1.RunService at the hub. Borrows both arguments.
std::unique_ptr<grpc::Service> MakeGrpcRunService(rpc::Dispatcher& rpc, Runs& runs);
// genofed.dispatcher.v1.RunService at the node `site`: its parts, for holders and operators.
// Borrows rpc and store.
std::unique_ptr<grpc::Service> MakeGrpcNodeRunService(rpc::Dispatcher& rpc, PartStore& store,
                                                      std::string site);
// genofed.dispatcher.v1.WorkService, at the hub. Borrows both arguments.
std::unique_ptr<grpc::Service> MakeGrpcWorkService(rpc::Dispatcher& rpc, PartDesk& desk);

}  // namespace genofed::dispatcher
