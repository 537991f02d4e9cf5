// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/dispatcher.h"
#include "services/discovery/app/frequency_desk.h"

namespace grpc {
class Service;
}

namespace genofed::discovery {

std::unique_ptr<grpc::Service> MakeFrequencyService(rpc::Dispatcher& rpc, FrequencyDesk& desk);

}  // namespace genofed::discovery
