// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/spe/app/tasks.h"

namespace grpc {
class Service;
}

namespace genofed::spe {

// genofed.spe.v1.TaskService and AirlockService. Borrow both arguments.
std::unique_ptr<grpc::Service> MakeGrpcTaskService(rpc::Dispatcher& rpc, Tasks& tasks);
std::unique_ptr<grpc::Service> MakeGrpcAirlockService(rpc::Dispatcher& rpc, Tasks& tasks);

}  // namespace genofed::spe
